"""`/sim/v1`: the truth for tests, and faults on demand. Not part of Binance's protocol.

In:  plain HTTP on the REST port. Out: state, every stored trade, the whole book; a switch for faults, and the log of
     what they withheld; deposits; what the account's key may do.
"""

import asyncio
from typing import Any

import msgspec
from aiohttp import web

from ninefold.simulator import errors, events
from ninefold.simulator.auth import Keys
from ninefold.simulator.connection import Connection
from ninefold.simulator.exchange import Exchange, Market
from ninefold.simulator.faults import FaultRequest
from ninefold.simulator.generated import GeneratedMarket
from ninefold.simulator.hub import Withheld
from ninefold.simulator.limits import Limits
from ninefold.simulator.params import Params
from ninefold.simulator.public import Public, rows_json, trade_json
from ninefold.simulator.rest import json_response
from ninefold.simulator.texts import NotDecimal, e8_of, text_of

MOST_TRADES = 100_000
WHOLE_BOOK = 1_000_000
SKIPPED_IDS = 1_000


class Deposit(msgspec.Struct, forbid_unknown_fields=True):
    """asset: one the account knows; amount: decimal text."""

    asset: str
    amount: str


class KeyRights(msgspec.Struct, forbid_unknown_fields=True):
    """What the exchange says of the account's key."""

    may_withdraw: bool


class Playing:
    """What only a tape knows: its shift of time, and whether it has ended. A generated market has neither."""

    def __init__(self) -> None:
        self.shift_ns = 0
        self.done = False


class Control:
    """The `/sim/v1` routes. lines: those of the account's events."""

    def __init__(
        self,
        exchange: Exchange,
        market: Market,
        public: Public,
        playing: Playing,
        lines: dict[Connection, None],
        limits: Limits,
        keys: Keys,
    ) -> None:
        self.keys = keys
        self.limits = limits
        self.lines = lines
        self._waiting: list[asyncio.TimerHandle] = []
        self.exchange = exchange
        self.market = market
        self.public = public
        self.playing = playing

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/sim/v1/state", self.state),
            web.get("/sim/v1/trades", self.trades),
            web.get("/sim/v1/book", self.book),
            web.get("/sim/v1/faults", self.withheld),
            web.post("/sim/v1/faults", self.faults),
            web.delete("/sim/v1/faults", self.clear),
            web.post("/sim/v1/deposit", self.deposit),
            web.post("/sim/v1/key", self.key),
        ]

    async def state(self, request: web.Request) -> web.Response:
        exchange = self.exchange
        symbols = {
            name: {
                "last_trade_id": listing.last_trade_id,
                "trades": listing.trades,
                "first_trade_id": listing.first_trade_id,
                "last_update_id": self.market.depth(name, 0)[0],
            }
            for name, listing in exchange.listings.items()
        }
        balances = {
            asset: {"free": text_of(balance.free_e8), "locked": text_of(balance.locked_e8)}
            for asset, balance in exchange.account.balances.items()
        }
        answer: dict[str, Any] = {
            "symbols": symbols,
            "account": {"balances": balances},
            "orders": exchange.orders_total,
            "fills": exchange.fills_total,
            "frames_sent": exchange.hub.frames_sent,
            "tape_done": self.playing.done,
            "shift_ns": str(self.playing.shift_ns),
        }
        return json_response(answer)

    async def trades(self, request: web.Request) -> web.Response:
        """Stored trades from an id on, at most 100,000."""
        params = Params(dict(request.query))
        try:
            listing = self.exchange.listings[params.symbol(self.exchange.listings)]
            start, limit = params.number("fromId") or 0, params.limit(1000, MOST_TRADES)
        except errors.ApiError as error:
            return json_response({"error": error.msg}, 400)
        rows = await self.public.read(lambda: self.public.history.trades_from(listing.symbol_id, start, limit))
        return json_response([trade_json(listing.instrument, row) for row in rows])

    async def book(self, request: web.Request) -> web.Response:
        """The whole book. face: one that has to tell all of it first; told_ns is then the stamp of its newest message."""
        try:
            symbol = Params(dict(request.query)).symbol(self.exchange.listings)
        except errors.ApiError as error:
            return json_response({"error": error.msg}, 400)
        of_face = [face for face in self.exchange.faces if face.name == request.query.get("face")]
        told_ns = [face.settle(symbol) for face in of_face]
        self.exchange.flush()
        last_id, bids, asks = self.market.depth(symbol, WHOLE_BOOK)
        instrument = self.exchange.listings[symbol].instrument
        sides = {"bids": rows_json(instrument, bids), "asks": rows_json(instrument, asks)}
        return json_response({"lastUpdateId": last_id, **sides, "told_ns": str(max(told_ns, default=0))})

    async def faults(self, request: web.Request) -> web.Response:
        """Order a fault."""
        switch = self.exchange.hub.faults
        try:
            wanted = msgspec.json.decode(await request.read(), type=FaultRequest)
            switch.check(wanted)
        except (msgspec.DecodeError, ValueError) as error:
            return json_response({"error": str(error)}, 400)
        if wanted.kind == "reset" and not isinstance(self.market, GeneratedMarket):
            return json_response({"error": "faults: a tape has its numbers; only a generated market resets them."}, 400)
        if wanted.after > 0:
            switch.waiting += 1
            self._waiting.append(asyncio.get_running_loop().call_later(wanted.after, self._begin_waiting, wanted))
        else:
            self._begin(wanted)
        return json_response({})

    async def clear(self, request: web.Request) -> web.Response:
        """Switch all faults off, also those that wait; what was asked and ordered so far counts against no limit."""
        self.limits.forget()
        for timer in self._waiting:
            timer.cancel()
        self._waiting.clear()
        switch = self.exchange.hub.faults
        switch.waiting = 0
        switch.clear()
        return json_response({})

    async def withheld(self, request: web.Request) -> web.Response:
        """Which faults are on, and the log of what they withheld from its `from`-th entry on."""
        hub = self.exchange.hub
        try:
            first = Params(dict(request.query)).number("from") or 0
        except errors.ApiError as error:
            return json_response({"error": error.msg}, 400)
        answer = {
            "running": hub.faults.running(),
            "struck": hub.faults.struck,
            "withheld": hub.withheld[first:],
            "harmed": list(hub.harmed),
        }
        return json_response(answer)

    def _begin_waiting(self, wanted: FaultRequest) -> None:
        self.exchange.hub.faults.waiting -= 1
        self._begin(wanted)

    def _begin(self, wanted: FaultRequest) -> None:
        hub = self.exchange.hub
        hub.faults.begin(wanted)
        if wanted.kind in ("disconnect", "maintenance"):
            hub.disconnect_all(wanted.only)
        if wanted.kind in ("half_open", "maintenance"):
            for line in list(self.lines):
                line.die() if wanted.kind == "half_open" else line.drop()
        if wanted.kind == "reset" and isinstance(self.market, GeneratedMarket):
            for pit in self.market.pits.values():
                for depth in (pit.fast, pit.slow):
                    skipped = depth.last_id + 1, depth.last_id + SKIPPED_IDS
                    hub.withheld.append(Withheld(0, depth.name, "reset", *skipped))
                    depth.last_id += SKIPPED_IDS
                pit.book.update_id += SKIPPED_IDS

    async def deposit(self, request: web.Request) -> web.Response:
        """Credit the account from outside, which the user data stream tells as balanceUpdate."""
        exchange = self.exchange
        try:
            wanted = msgspec.json.decode(await request.read(), type=Deposit)
            amount_e8 = e8_of(wanted.amount)
        except (msgspec.DecodeError, NotDecimal) as error:
            return json_response({"error": str(error)}, 400)
        if wanted.asset not in exchange.account.balances:
            return json_response({"error": f"deposit: the account has no asset {wanted.asset!r}."}, 400)
        exchange.account.of(wanted.asset).free_e8 += amount_e8
        exchange.account.changed[wanted.asset] = None
        exchange.announce(events.balance_update(wanted.asset, amount_e8, exchange.now_ms()))
        exchange.flush()
        return json_response({})

    async def key(self, request: web.Request) -> web.Response:
        """Say of the account's key that it may withdraw, or that it may not."""
        try:
            self.keys.may_withdraw = msgspec.json.decode(await request.read(), type=KeyRights).may_withdraw
        except msgspec.DecodeError as error:
            return json_response({"error": str(error)}, 400)
        return json_response({})
