"""The public market data of one exchange through ccxt: its streams where ccxt has them, else its REST again and again.

In:  what calls of ccxt give. Out: inputs, put through the door as ccxt gave them, as JSON; it parses nothing.
Of a page that is asked for again and again only what the page before did not hold is put, and the trades of the newest
millisecond before, by which the adapter sees that the two belong together.
A lost connection, an error and a long silence end a round; the next one begins after a growing pause. All are told.
"""

from __future__ import annotations

import asyncio
import difflib
import json
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from functools import partial
from typing import Any

from ninefold.config import Venue
from ninefold.journal import inputs
from ninefold.journal.inputs import Answer, ConnectionChange, encode
from ninefold.market.time import SECOND_NS
from ninefold.services.ccxt_exchange import NO_ANSWER, WRONG, Failed, asked, exchange_of
from ninefold.services.intake import Intake
from ninefold.venues.adapter import Question
from ninefold.venues.ccxt import MOST_OF_PAGE, purpose, symbol_of
from ninefold.venues.ccxt_names import CANDLES, QUOTES, STREAMS
from ninefold.venues.ccxt_wire import (
    FETCH_BOOK,
    FETCH_CANDLES,
    FETCH_TIME,
    FETCH_TRADES,
    MARKETS,
    WATCH_CANDLES,
    WATCH_TRADES,
)
from ninefold.venues.collector import Collector
from ninefold.venues.refused import Refused

CLOCK_S = 10.0
POLL_S = 1.0  # between two pages or quotes of a symbol; ccxt keeps the exchange's own limit besides
LEVELS = 5  # asked for of a book, the fewest that exchanges give
SILENT_S = 120.0  # ccxt's pings notice a dead line in seconds; this is for a stream that was dropped on an open one
LOOK_S = 1.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
KEPT_BY_CCXT = 1000  # of a symbol's newest trades, until they are taken
MARKET = "market"

dump = partial(json.dumps, default=str, separators=(",", ":"))


class CcxtFeed:
    """One exchange, followed until cancelled; to whoever looks it is a MarketFeed. make: the object of ccxt."""

    def __init__(
        self,
        venue: Venue,
        intake: Intake,
        clock: Callable[[], int],
        collector: Collector,
        numbers: Iterator[int],
        make: Callable[[Venue], Any] = exchange_of,
    ) -> None:
        """raises: BadConfig without ccxt, and for an exchange that it does not know."""
        self._venue, self._intake, self._clock, self._collector = venue, intake, clock, collector
        self._exchange = make(venue)
        self._exchange.on_connected = partial(self._on_connected, getattr(self._exchange, "on_connected", None))
        self._numbers = numbers
        self._number = 0
        self._heard_ns = 0
        self._pages: dict[tuple[str, ...], tuple[set[str], int]] = {}  # the last one's rows, and its newest time
        self._asking: dict[str, asyncio.Task[None]] = {}
        self.reconnects = 0
        self.connected = False
        self._lines: set[str] = set()  # addresses of those that opened in this round
        self._following = False  # between two rounds a line may still open that nobody could stop; it is of no round

    async def run(self) -> None:
        """Learn the markets, then stay connected until cancelled. raises: Refused for a pair that is not traded there."""
        try:
            await self._learn_markets()
            await self._stay_connected()
        finally:
            asking = list(self._asking.values())
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
            await self._exchange.close()

    def flush(self) -> None:
        """Hand on what is waiting, then ask what the adapter wants to know."""
        self._intake.flush()
        questions, _ = self._collector.take_outgoing(self._venue.name)
        for question in questions:
            if question.path not in self._asking:
                self._asking[question.path] = asyncio.create_task(self._answer(question))

    # rounds

    async def _stay_connected(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            self._number = next(self._numbers)
            reason = await self._round()
            if self.connected:
                pause_s = FIRST_PAUSE_S
            state, self.connected = "lost" if self.connected else "failed", False
            self._tell(state, reason)
            self.reconnects += 1
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _round(self) -> str:
        """Follow all symbols until one ends; why it did."""
        self._heard_ns, self._following = self._clock(), True
        self._lines.clear()
        tasks = [asyncio.ensure_future(follow) for follow in self._all()]
        try:
            while True:
                done, _ = await asyncio.wait(tasks, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
                if done:
                    done.pop().result()
                if self._clock() - self._heard_ns > SILENT_S * SECOND_NS:
                    return f"silent for {SILENT_S:.0f} s"
        except Failed as failed:
            return str(failed)
        finally:
            self._following = False
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if hasattr(self._exchange, "close_ws_clients"):
                await self._exchange.close_ws_clients()

    def _all(self) -> Iterator[Coroutine[Any, Any, None]]:
        streamed = self._exchange.has.get(WATCH_TRADES) and not any(CANDLES in one for one in self._venue.streams)
        if not streamed and self._exchange.has.get(FETCH_TIME):
            yield self._clocked()
        for symbol in self._venue.pairs:
            for stream in self._venue.streams or STREAMS:
                yield self._followed(symbol, stream)

    def _followed(self, symbol: str, stream: str) -> Coroutine[Any, Any, None]:
        if stream == QUOTES:
            return self._quotes(symbol)
        return self._candles(symbol, stream.removeprefix(CANDLES)) if CANDLES in stream else self._trades(symbol)

    async def _clocked(self) -> None:
        """Trades of a stream tell the time; pages of them tell it late, and candles not at all."""
        while True:
            now_ms = await asked(self._exchange.fetch_time())
            self._put_told(FETCH_TIME, [dump(now_ms)], "")
            await asyncio.sleep(CLOCK_S)

    async def _trades(self, symbol: str) -> None:
        streamed = False
        while not self._exchange.has.get(WATCH_TRADES):
            self._put_page(FETCH_TRADES, await asked(self._page(symbol)), symbol)
            await asyncio.sleep(POLL_S)
        while True:
            told = await asked(self._exchange.watch_trades(symbol))
            if streamed and len(told) >= KEPT_BY_CCXT:
                raise Failed(NO_ANSWER, OverflowError(f"more than {KEPT_BY_CCXT} trades of {symbol} at once"))
            streamed = True
            self._put_told(WATCH_TRADES, list(map(dump, told)), symbol)

    async def _quotes(self, symbol: str) -> None:
        """Asked for again and again: every exchange tells its book so, and a stream of changes has to be proven first. That
        they come says nothing of the line of the trades: neither that it is open, nor that it is not silent."""
        while True:
            book = await asked(self._exchange.fetch_order_book(symbol, LEVELS))
            best = {"timestamp": book.get("timestamp"), "bids": book["bids"][:1], "asks": book["asks"][:1]}
            self._put_frame(FETCH_BOOK, [dump(best)], symbol)
            await asyncio.sleep(POLL_S)

    async def _candles(self, symbol: str, timeframe: str) -> None:
        """The past ones first: a stream begins with the one that is open."""
        exchange = self._exchange
        while True:
            page = await asked(exchange.fetch_ohlcv(symbol, timeframe))
            self._put_page(FETCH_CANDLES, page, symbol, timeframe)
            if exchange.has.get(WATCH_CANDLES):
                break
            await asyncio.sleep(POLL_S)
        while True:
            told = await asked(exchange.watch_ohlcv(symbol, timeframe))
            self._put_told(WATCH_CANDLES, list(map(dump, told)), symbol, timeframe)

    async def _page(self, symbol: str) -> list[dict[str, Any]]:
        """The latest trades, as many as the exchange gives at once."""
        most = self._exchange.feature_value(symbol, FETCH_TRADES, "limit")
        limit = min(int(most), MOST_OF_PAGE) if most else None
        found: list[dict[str, Any]] = await self._exchange.fetch_trades(symbol, limit=limit)
        return found

    # questions

    async def _learn_markets(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            answer = await self._ask(MARKETS, self._markets())
            self._put(inputs.ANSWER, 0, encode(answer))
            if answer.status == 200:
                return
            if answer.status == WRONG:
                said = answer.body[:300].decode("utf-8", "replace")
                raise Refused(f"{self._venue.name} does not tell its markets: {said}")
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _markets(self) -> dict[str, Any]:
        """The rules of the wanted pairs; exchanges list thousands. raises: Refused for one that it does not have."""
        known = await self._exchange.load_markets()
        for pair in self._venue.pairs:
            if pair not in known:
                near = difflib.get_close_matches(pair, known, n=3)
                hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else "."
                raise Refused(f"{self._venue.name} has no {pair!r}{hint} Check the venue's pairs in the config")
        return {"precisionMode": self._exchange.precisionMode, "markets": [known[pair] for pair in self._venue.pairs]}

    async def _answer(self, question: Question) -> None:
        try:
            wait_ns = question.not_before_ns - self._clock()
            await asyncio.sleep(max(0, wait_ns) / SECOND_NS)
            answer = await self._ask(question.path, self._page(symbol_of(question.path)))
        finally:
            del self._asking[question.path]
        self._put(inputs.ANSWER, 0, encode(answer))

    async def _ask(self, url: str, call: Awaitable[Any]) -> Answer:
        try:
            status, body = 200, dump(await asked(call))
        except Failed as failed:
            status, body = failed.status, str(failed)
        return Answer(self._venue.name, purpose(url), url, status, body.encode())

    # through the door

    def _on_connected(self, before: Callable[..., Any] | None, client: Any, message: Any = None) -> None:
        """ccxt has opened a websocket."""
        if before is not None:
            before(client, message)
        if not self._following:
            return
        if self.connected and client.url in self._lines:
            self._broke_unseen()
        self._lines.add(client.url)
        self._opened()

    def _broke_unseen(self) -> None:
        """A line that breaks while no call waits for its next message fails no call: ccxt opens another one at the next."""
        self.connected = False
        self._tell("lost", "the line broke while nobody waited for its next message")
        self._number = next(self._numbers)
        self.reconnects += 1

    def _opened(self) -> None:
        if not self.connected:
            self.connected = True
            self._tell("open", "")

    def _put_page(self, call: str, page: list[Any], symbol: str, timeframe: str = "") -> None:
        """What the page before did not hold, and the newest of what it did."""
        known, newest = self._pages.get((call, symbol, timeframe), (set(), 0))
        rows = [(row[0] if isinstance(row, list) else row.get("timestamp") or 0, dump(row)) for row in page]
        again = 0 if timeframe else newest
        kept = [text for at, text in rows if text not in known or (again and at >= again)]
        self._pages[call, symbol, timeframe] = {text for _, text in rows}, max((at for at, _ in rows), default=newest)
        self._put_told(call, kept, symbol, timeframe)

    def _put_told(self, call: str, rows: list[str], symbol: str, timeframe: str = "") -> None:
        self._opened()  # a line that was open before this round did not open in it
        self._heard_ns = self._clock()
        self._put_frame(call, rows, symbol, timeframe)

    def _put_frame(self, call: str, rows: list[str], symbol: str, timeframe: str = "") -> None:
        head = dump({"call": call, "symbol": symbol, "timeframe": timeframe})
        self._put(inputs.FRAME, self._number, f'{head[:-1]},"told":[{",".join(rows)}]}}'.encode())

    def _tell(self, state: str, reason: str) -> None:
        change = ConnectionChange(self._venue.name, MARKET, state, reason)
        self._put(inputs.CONNECTION, self._number, encode(change))

    def _put(self, kind: int, connection: int, payload: bytes) -> None:
        self._intake.put(kind, connection, self._clock(), payload)
        self.flush()
