"""One life of the hot process that trades by a script: real journal, stream log, ledger, core, gateway and requests.

In:  a data dir; the simulated exchange's addresses; when the script begins. Out: the process ends when the script is over and
     every order is settled, or says what is not.
What is not real: the market (one quote, told again and again, and trades far above it at the end), the wishes (in and out of one position)
and the person who asks for a bracket: its stop lies at the exchange, and is cancelled before its take-profit sells. Patience and
pauses are short, so that a case takes some seconds; the rules are those of the product.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
import uvloop

from ninefold.config import Account, Config, Risk, Strategies, Venue
from ninefold.journal import inputs
from ninefold.journal.inputs import Command
from ninefold.market.arrays import rows
from ninefold.market.chunk import Chunk
from ninefold.market.records import Tick
from ninefold.services import asking, door, hot, trading
from ninefold.services.build import stage_of
from ninefold.services.collect import MarketFeed
from ninefold.services.hot import Hot
from ninefold.services.identity import identity_of
from ninefold.services.market_line import MarketLine
from ninefold.venues import binance_client, binance_gateway, binance_requests

SYMBOL, PAIR, STRATEGY = "BTCUSDT", "BTC/USDT", "trend_sma_1s"
PHASE_NS, PHASES = 300_000_000, 6  # in, out, in, out ...
LONGEST_S = 20.0
DONE, NOT_SETTLED = 0, 3
RECV_WINDOW_MS = 400
CAPITAL = "500"
# What a person asks for in the second phase; trades reach its take-profit in the fifth.
BRACKET = {"pair": PAIR, "side": 1, "size": "0.002", "stop": "30000", "take_profit": "70000"}
ASKED_IN, TAKEN_IN = 1, 4


class Exchange(NamedTuple):
    rest: str
    stream: str
    ws_api: str
    keys_file: str


def live(data_dir: Path, exchange: Exchange, begin_ns: int, without: Callable[[], None] | None = None) -> None:
    """In a process of its own: trade, and never come back. without: takes one rule of recovery out of the program."""
    be_quick()
    door.feed_of = lambda *of: Quotes(*of[:6])
    hot.CHAIN = ("decide", "execute")
    hot.stage_of = lambda name, *rest, **how: (
        Script(begin_ns, data_dir) if name == "decide" else stage_of(name, *rest, **how)
    )
    Quotes.rise_ns = begin_ns + TAKEN_IN * PHASE_NS
    if without is not None:
        without()
    status = uvloop.run(trade(config_of(data_dir, exchange), begin_ns + PHASES * PHASE_NS))
    sys.stdout.flush()
    os._exit(status)


def prepare(data_dir: Path) -> None:
    """In the process whose forks will live: what each start would work out anew, the digest of the program, is kept for them."""
    identity_of(config_of(data_dir, Exchange("", "", "", "")), data_dir)


def be_quick() -> None:
    binance_client.TIMEOUT_S = 1.0
    for module in (binance_client, binance_gateway):
        module.FIRST_WAIT_S, module.LONGEST_WAIT_S = 0.05, 0.2
    binance_gateway.HEARTBEAT_S = 0.4
    binance_gateway.OVERDUE_S = trading.OVERDUE_S = 0.5
    binance_gateway.RECV_WINDOW_MS = binance_requests.RECV_WINDOW_MS = RECV_WINDOW_MS


def config_of(data_dir: Path, exchange: Exchange) -> Config:
    return Config(
        data_dir=str(data_dir),
        mode="demo",
        venue=Venue(
            pairs=(PAIR,),
            streams=("trade", "bookTicker"),
            rest_url=exchange.rest,
            stream_url=exchange.stream,
            ws_api_url=exchange.ws_api,
        ),
        account=Account(orders="exchange", keys_file=exchange.keys_file, capital=CAPITAL, stops="venue"),
        risk=Risk(orders_per_minute=1_000),
        strategies=Strategies(names=(STRATEGY,)),
    )


async def trade(config: Config, end_ns: int) -> int:
    stop = asyncio.Event()
    running = Hot(config, time.time_ns)
    watching = asyncio.ensure_future(settled(running, end_ns, stop))
    await running.run(stop)
    return await watching


async def settled(running: Hot, end_ns: int, stop: asyncio.Event) -> int:
    """Stop when the script is over, nothing is under way and our books are the venue's."""
    core = running.execute.core
    deadline = time.monotonic() + LONGEST_S
    while time.monotonic() < deadline:
        await asyncio.sleep(0.02)
        over = time.time_ns() > end_ns and core.account.free and not core.awaited
        settled = not core.unsettled() and not core.desk.held and not core.account.differences()
        if over and settled and flat(running):
            stop.set()
            return DONE
    last = [f"{one.order.status}: {one.order.reason}" for one in core.orders.values()][-2:]
    print(
        f"unsettled {core.unsettled()}, held {core.desk.held}, awaited {core.awaited}, differences {core.account.differences()}, {last}",
        flush=True,
    )
    stop.set()
    return NOT_SETTLED


def flat(running: Hot) -> bool:
    """Whether the script's last wish, to hold nothing that could be sold, is fulfilled."""
    held = running.execute.core.account.positions
    return all(amount < 10_000 for amount in held.values())


class Script:
    """Stands for `decide`: wants all of the capital in, and then out, by the venue's clock, so that it needs no memory. It is also
    the person who asks for a bracket: a request of the same name is one request."""

    name = "decide"

    def __init__(self, begin_ns: int, data_dir: Path) -> None:
        self._begin_ns = begin_ns
        self._data_dir = data_dir
        self._asked = False

    def step(self, chunk: Chunk) -> Chunk:
        for tick in [record for record in chunk.records if isinstance(record, Tick)]:
            phase = (tick.exchange_ns - self._begin_ns) // PHASE_NS
            if ASKED_IN <= phase < TAKEN_IN and not self._asked:
                self._asked = True
                body = msgspec.json.encode({"ask_id": str(self._begin_ns), **BRACKET}).decode()
                asking.put(self._data_dir, Command(name="order", by="ada", body=body), "bracket", tick.known_ns)
            if phase >= 0:
                target = 1.0 if phase % 2 == 0 and phase < PHASES else 0.0
                row = (1, STRATEGY.encode(), 10**9, tick.exchange_ns, target, tick.known_ns, tick.seq)
                chunk.add("targets", rows("targets", [row]))
        return chunk


class Quotes(MarketFeed):
    """Stands for the market: the venue is asked for its rules, and one quote is told again and again. rise_ns: from when on a trade
    is told that takes a profit."""

    rise_ns = 0

    def flush(self, line: MarketLine) -> None:
        """Hand on what is waiting; what the adapter would ask of a market that is none is not asked."""
        self._intake.flush()
        self._collector.take_outgoing(line.line)

    async def stay_connected(self) -> None:
        [line] = self.lines.values()
        number = next(self._numbers)
        line.tell(number, "open", "")
        trade_id = self._clock() // 10**6
        self._deal(number, trade_id, "60000")
        while True:
            if self._clock() > self.rise_ns:
                trade_id += 1
                self._deal(number, trade_id, "70000")
            best = {"u": self._clock() // 10**6, "s": SYMBOL, "b": "60000", "B": "9", "a": "60001", "A": "9"}
            self._hear(number, "bookTicker", best)
            await asyncio.sleep(0.25)

    def _deal(self, number: int, trade_id: int, price: str) -> None:
        at_ms = self._clock() // 10**6
        deal = {"e": "trade", "E": at_ms, "s": SYMBOL, "t": trade_id, "p": price, "q": "1", "T": at_ms, "m": False}
        self._hear(number, "trade", deal)

    def _hear(self, number: int, stream: str, data: dict[str, object]) -> None:
        frame = msgspec.json.encode({"stream": f"{SYMBOL.lower()}@{stream}", "data": data})
        self._intake.put(inputs.FRAME, number, self._clock(), frame)
        self.flush(*self.lines.values())
