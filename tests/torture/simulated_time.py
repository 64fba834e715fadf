"""The gateway and the simulated exchange in one process and in simulated time: a day passes in minutes.

In:  an event loop whose clock goes on to the next timer whenever nothing is left to do.
Out: the exchange's own doors (signatures, limits, faults, matching, SQLite), and the product's gateway on them. Only the
     sockets between them are not there: a request is handed to the door's handler, and an event to the line.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from ninefold.simulator import exchange, faults
from ninefold.simulator.auth import load_keys
from ninefold.simulator.exchange import Exchange
from ninefold.simulator.faults import FaultRequest, Faults
from ninefold.simulator.generated import GeneratedMarket
from ninefold.simulator.hub import Hub
from ninefold.simulator.instruments import GENERATED
from ninefold.simulator.limits import Limits
from ninefold.simulator.order_faults import Halving, Telling
from ninefold.simulator.orders import Orders
from ninefold.simulator.private import Private
from ninefold.simulator.public import Public
from ninefold.simulator.rest import Rest
from ninefold.simulator.store import Store
from ninefold.venues.binance_client import TIMEOUT_S, BinanceClient
from ninefold.venues.binance_gateway import BinanceGateway, Placed
from ninefold.venues.binance_requests import Request, sign

SYMBOL = "BTCUSDT"
BEGIN_NS = 1_796_000_000_000_000_000
HEARTBEAT_FAILS_S = 30.0


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Its clock stands while there is something to do, and then is at the next timer."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def time(self) -> float:
        return self.now_s

    def now_ns(self) -> int:
        return BEGIN_NS + round(self.now_s * 1e9)

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self.now_s = max(self.now_s, self._scheduled[0]._when)  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


def let_time_be(loop: SimulatedLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exchange and its faults look at the loop's clock."""
    monkeypatch.setattr(faults, "time", SimpleNamespace(monotonic=loop.time))
    monkeypatch.setattr(exchange, "time", SimpleNamespace(time_ns=loop.now_ns))


class Asked:
    """A request as the doors see it."""

    def __init__(self, request: Request, query: str, key: str) -> None:
        self.method, self.path = request.method, request.path
        self.headers = {"X-MBX-APIKEY": key}
        self.transport = self
        self.aborted = False
        in_body = request.method == "POST"
        self.rel_url = SimpleNamespace(raw_query_string="" if in_body else query)
        self._body = query if in_body else ""

    async def text(self) -> str:
        return self._body

    def abort(self) -> None:
        self.aborted = True


class EventLine:
    """The line of the account's events, from the exchange to whoever hears."""

    def __init__(self, exchange: Exchange, lines: dict[Any, None], hear: Callable[[bytes], None]) -> None:
        self._exchange, self._lines, self._hear = exchange, lines, hear
        self.ended = asyncio.Event()
        self._tell = Telling(exchange.hub.faults, self._event).tell
        exchange.user_listeners[self._tell] = None
        lines[self] = None

    def drop(self) -> None:
        self._exchange.user_listeners.pop(self._tell, None)
        self._lines.pop(self, None)
        self.ended.set()

    def die(self) -> None:
        """Nothing is heard any more; a heartbeat finds that out half a minute later."""
        self._exchange.user_listeners.pop(self._tell, None)
        asyncio.get_running_loop().call_later(HEARTBEAT_FAILS_S, self.drop)

    def _event(self, event: dict[str, Any]) -> None:
        payload = msgspec.json.encode({"subscriptionId": 0, "event": event})
        asyncio.get_running_loop().call_later(0.005, self._hear, payload)


class Venue:
    """The exchange with one account. lines: of its events."""

    def __init__(self, folder: Path, loop: SimulatedLoop, seed: int, symbols: tuple[str, ...] = (SYMBOL,)) -> None:
        self.chance = random.Random(seed)
        self.faults = Faults(seed)
        self.lines: dict[Any, None] = {}
        self.exchange = Exchange(
            Store(folder / "exchange.sqlite"), Hub(self.faults), [GENERATED[one] for one in symbols]
        )
        self.market = GeneratedMarket(self.exchange, seed, 100.0)
        self.market.open()
        halving, limits = Halving(self.market), Limits()
        keys = load_keys(folder / "keys.json")
        private, self._public = (
            Private(self.exchange, Orders(self.exchange, halving), keys),
            Public(self.exchange, self.market),
        )
        doors = Rest(self.exchange, self._public, private, keys, limits, self.lines, halving)
        self._arriving: set[asyncio.Future[Any]] = set()
        self._doors: dict[tuple[str, str], Any] = {(one.method, one.path): one.handler for one in doors.routes()}

    async def ask(self, request: Request, key: str, secret: str) -> tuple[int, str, str | None]:
        """Status, body and Retry-After; 0 if no answer came. Who asked may be dead by the time it arrives."""
        asked = Asked(request, sign(request, secret), key)
        arriving = asyncio.ensure_future(self._arrive(asked))
        self._arriving.add(arriving)
        arriving.add_done_callback(self._arriving.discard)
        try:
            answer = await asyncio.wait_for(asyncio.shield(arriving), TIMEOUT_S)
        except TimeoutError:
            return 0, "no answer: TimeoutError", None
        await asyncio.sleep(self.chance.uniform(0.001, 0.05))
        if asked.aborted:
            return 0, "no answer: ServerDisconnectedError", None
        body = answer.body if isinstance(answer.body, bytes) else b""
        return answer.status, body.decode(), answer.headers.get("Retry-After")

    async def _arrive(self, asked: Asked) -> Any:
        await asyncio.sleep(self.chance.uniform(0.001, 0.05))
        return await self._doors[(asked.method, asked.path)](asked)

    def order(self, fault: FaultRequest) -> None:
        self.faults.check(fault)
        self.faults.begin(fault)
        for line in list(self.lines) if fault.kind in ("maintenance", "half_open") else []:
            line.drop() if fault.kind == "maintenance" else line.die()

    def balances(self) -> dict[str, int]:
        return {asset: held.free_e8 + held.locked_e8 for asset, held in self.exchange.account.balances.items()}

    def close(self) -> None:
        for one in self._arriving:
            one.cancel()
        self._public.close()
        self.exchange.store.close()


class Client(BinanceClient):
    """Asks the doors, where the product's client has a socket."""

    def __init__(self, venue: Venue, key: str, secret: str, clock: Callable[[], int]) -> None:
        super().__init__("", key, secret, clock)
        self._venue = venue

    async def start(self) -> None:
        await self.read_clock()

    async def close(self) -> None:
        return

    async def call(self, request: Request) -> tuple[int, str]:
        status, body, retry_after = await self._venue.ask(request, self._key, self._secret)
        self.heed(status, retry_after)
        return status, body

    async def read_clock(self) -> None:
        await asyncio.sleep(0.01)
        if not self._venue.faults.maintenance():
            self.offset_ms = self._venue.exchange.judging_ms() - self.now_ms()


class Gateway(BinanceGateway):
    """The product's gateway on those doors."""

    def __init__(
        self,
        venue: Venue,
        keys: tuple[str, str],
        submit: Callable[[str, bytes], None],
        unsettled: Callable[[], list[Placed]],
        clock: Callable[[], int],
    ) -> None:
        super().__init__("", "", *keys, submit, unsettled, clock)
        self._client = Client(venue, *keys, clock)
        self._venue = venue

    async def _listen(self, missed: bool) -> None:
        if self._venue.faults.maintenance():
            raise OSError("the venue is closed")
        line = EventLine(self._venue.exchange, self._venue.lines, lambda payload: self._heard(payload, False) and None)
        self._heard(b'{"id":"user","status":200}', missed)
        try:
            await line.ended.wait()
        finally:
            line.drop()
