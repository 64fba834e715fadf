"""The three servers: REST with `/sim/v1`, market streams, WebSocket API.

In:  bound sockets and what they speak for. Out: `Doors`, open until `close`.
"""

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web
from picows import WSUpgradeRequest, WSUpgradeResponse, WSUpgradeResponseWithListener, ws_create_server

from ninefold.simulator import wsapi
from ninefold.simulator.auth import load_keys
from ninefold.simulator.connection import Connection
from ninefold.simulator.control import Control, Playing
from ninefold.simulator.exchange import Exchange, Market
from ninefold.simulator.faces import Desk, ServedFace
from ninefold.simulator.limits import Limits
from ninefold.simulator.order_faults import Halving
from ninefold.simulator.orders import Orders
from ninefold.simulator.player import Player
from ninefold.simulator.private import Private
from ninefold.simulator.public import Public
from ninefold.simulator.rest import Rest
from ninefold.simulator.streams import MarketConnection, route


class Doors:
    """player: is told of the first subscription when a tape is played. faces: other venues, on the same two servers."""

    def __init__(
        self,
        exchange: Exchange,
        market: Market,
        playing: Playing,
        player: Player | None,
        faces: Sequence[ServedFace],
    ) -> None:
        self.exchange = exchange
        self.market = market
        self.playing = playing
        self.player = player
        self.faces = faces
        self.public = Public(exchange, market)
        self.runner: web.AppRunner | None = None
        self.websockets: list[asyncio.Server] = []

    async def open(self, keys_file: Path, sockets: list[socket.socket]) -> None:
        """Serve REST, streams and WebSocket API, in this order of sockets."""
        keys, limits = load_keys(keys_file), Limits()
        halving = Halving(self.market)
        orders = Orders(self.exchange, halving)
        private = Private(self.exchange, orders, keys)
        api = wsapi.WsApi(self.exchange, private, keys, limits)

        def api_client(request: WSUpgradeRequest) -> Connection | WSUpgradeResponseWithListener | None:
            if self.exchange.hub.faults.maintenance():
                return _refused()
            return wsapi.ApiConnection(api) if request.path.decode().partition("?")[0] == wsapi.PATH else None

        self.websockets = [
            await ws_create_server(self._market_client, sock=sockets[1]),
            await ws_create_server(api_client, sock=sockets[2]),
        ]
        app = web.Application()
        app.add_routes(Rest(self.exchange, self.public, private, keys, limits, api.connections, halving).routes())
        control = Control(self.exchange, self.market, self.public, self.playing, api.connections, limits, keys)
        app.add_routes(control.routes())
        for face in self.faces:
            app.add_routes(face.routes(self.public, Desk(orders, keys, api.connections, halving)))
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self.runner.setup()
        await web.SockSite(self.runner, sockets[0]).start()

    async def close(self) -> None:
        for server in self.websockets:
            server.close()
        self.exchange.hub.disconnect_all()
        if self.runner is not None:
            await self.runner.cleanup()
        self.public.close()

    def _market_client(self, request: WSUpgradeRequest) -> Connection | WSUpgradeResponseWithListener | None:
        path = request.path.decode()
        face = next((one for one in self.faces if path.startswith(f"/{one.name}")), None)
        if self.exchange.hub.faults.refusing(face.name if face else MarketConnection.face):
            return _refused()
        if face is not None:
            return face.client(path.removeprefix(f"/{face.name}").partition("?")[0])
        wanted = route(path)
        if wanted is None:
            return None
        on_subscribed = self.player.subscribed if self.player else lambda: None
        return MarketConnection(self.exchange.hub, *wanted, on_subscribed)


def _refused() -> WSUpgradeResponseWithListener:
    return WSUpgradeResponseWithListener(WSUpgradeResponse.create_error_response(503), None)
