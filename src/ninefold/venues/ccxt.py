"""Any exchange that ccxt knows and that has no adapter of its own: trades, or the exchange's candles; best prices. No books.

In:  what calls of ccxt gave, journalled as JSON (ccxt_wire.py says how); a replay needs no ccxt.
Out: see market_adapter.py. Symbols are unified ones; the venue is called ccxt.EXCHANGE, so that what came through ccxt can
     be told from what an adapter of its own will capture one day.
Ids may skip, so a hole between two trades cannot be seen. After a lost connection, and from page to page where trades are
asked for by REST, nothing is missing if two pages share a trade. Where trades have no ids, a pause stays in doubt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar, NamedTuple
from urllib.parse import quote, unquote

import msgspec

from ninefold.journal.inputs import Answer, ConnectionChange
from ninefold.journal.recordings import Recorded
from ninefold.market.arrays import BAR_FLAT, BAR_OK, UNTOLD
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.time import SECOND_NS, TIMEFRAME_OF, UNKNOWN_NS, bar_open, width_of
from ninefold.venues import ccxt_wire as wire
from ninefold.venues.adapter import BadFrame, Line, Question
from ninefold.venues.ccxt_candles import Candles, Values
from ninefold.venues.ccxt_names import CANDLES, QUOTES, STREAMS, VENUE
from ninefold.venues.entry import Proof, VenueEntry
from ninefold.venues.market_adapter import Heard, MarketAdapter, Numbers, key_of
from ninefold.venues.told import MILLISECOND_NS, NO_ID, Deal, Told, number, units

MOST_OF_PAGE = 1000  # the newest; fewer than are remembered (trade_overlap.KEPT)
TOO_MANY = 429


class _Bars(NamedTuple):
    """Candles of a symbol in its units: (open_ns, values)."""

    symbol: str
    width_ns: int
    candles: list[tuple[int, Values]]


class _State(msgspec.Struct):
    resumed: dict[str, int]
    candles: Candles
    times: dict[str, dict[str, int]]
    timed: bool


class _Page(NamedTuple):
    """The latest trades of a symbol, oldest first: (id, time)."""

    symbol: str
    trades: list[tuple[str, int]]


def _lines(symbols: list[str], streams: tuple[str, ...] = STREAMS) -> tuple[Line, ...]:
    """None of ours: ccxt opens its own."""
    return (Line("", tuple(symbols), streams),)


def purpose(url: str) -> str:
    """What an answer is of, from its url."""
    return "markets" if url.startswith(wire.MARKETS) else "trades"


def _read_clock(body: bytes) -> float:
    """The venue's time, in seconds, as fetchTime tells it. raises: msgspec.DecodeError."""
    return msgspec.json.decode(body, type=int) / 1000


def _venue_symbol(symbol: str) -> str:
    """Symbols are ccxt's everywhere."""
    return symbol


def symbol_of(url: str) -> str:
    """Of which symbol a page was asked for.

    >>> symbol_of("fetchTrades?symbol=BTC%2FEUR")
    'BTC/EUR'
    """
    return unquote(url.partition("?symbol=")[2])


class ThroughCcxt(MarketAdapter):
    """venue: 'ccxt.bitvavo'."""

    default_streams = STREAMS
    weights: ClassVar[dict[str, int]] = {"markets": 1, "trades": 1}
    page_purpose = "trades"

    def __init__(
        self,
        wanted: frozenset[str] | None = None,
        streams: tuple[str, ...] | None = None,
        registry: Registry | None = None,
        *,
        venue: str = VENUE,
    ) -> None:
        self.venue = venue
        self._resumed: dict[str, int] = {}  # the last trade before the connection, of symbols without ids
        self._candles = Candles()
        self._times: dict[str, dict[str, int]] = {}  # of the latest trades of streams, by their ids
        self._timed = False  # the exchange tells its time when asked
        super().__init__(wanted, streams, registry)

    def start_questions(self) -> list[Question]:
        """The edge begins with the markets."""
        return []

    def read(self, payload: bytes) -> Heard:
        frame = wire.read_frame(payload)
        if frame.call == wire.WATCH_TRADES:
            deals = wire.read_trades(frame.symbol, frame.told, page=False)
            deals = [deal for deal in deals if deal.id != NO_ID or deal.time_ns > self._resumed.get(deal.symbol, -1)]
            return Heard(deals, "trades", max((deal.time_ns for deal in deals), default=UNKNOWN_NS), deals)
        if frame.call == wire.FETCH_TRADES:
            return self._page_in(frame)
        if frame.call in (wire.WATCH_CANDLES, wire.FETCH_CANDLES):
            return Heard(note=self._bars_in(frame))
        if frame.call == wire.FETCH_BOOK:
            best = wire.read_best(frame.symbol, frame.told)
            return Heard([] if best is None else [best], QUOTES)
        if frame.call == wire.FETCH_TIME:
            return Heard(time_ns=wire.read_time(frame.told), note=frame.call)
        raise BadFrame(f"call {frame.call[:40]!r} is none of {', '.join(wire.CALLS)}")

    def _page_in(self, frame: wire.Frame) -> Heard:
        """What of a page is new. That tells the time too where nothing else does, but for the first page: it is of the past."""
        deals = self._page_of(frame.symbol, frame.told)
        page = _Page(frame.symbol, [(key_of(deal), deal.time_ns) for deal in deals])
        lately = self._overlap.series.get(frame.symbol)
        if lately is None:
            return Heard(deals, "trades", note=page)
        new = [deal for deal in deals if not lately.knows(key_of(deal))]
        newest_ns = UNKNOWN_NS if self._timed else max((deal.time_ns for deal in new), default=UNKNOWN_NS)
        return Heard(new, "trades", newest_ns, page)

    def _bars_in(self, frame: wire.Frame) -> _Bars:
        """raises: BadFrame, NotExact, ValueError for a timeframe that we do not have."""
        width_ns, of = width_of(frame.timeframe), self._rules_of(frame.symbol)
        bars = _Bars(frame.symbol, width_ns, [])
        for candle in wire.read_candles(frame.told)[-MOST_OF_PAGE:]:
            open_ns = candle.timestamp * MILLISECOND_NS
            if open_ns != bar_open(open_ns, width_ns):
                raise BadFrame(f"a candle of {frame.timeframe} opens at {candle.timestamp}, which no bar does")
            first, high, low, last = (units(number(one), of.price_decimals) for one in candle[1:5])
            volume = units(number(candle.volume), of.size_decimals)
            bars.candles.append((open_ns, (first, high, low, last, volume)))
        return bars

    def noted(self, note: object, seq: int, receive_ns: int) -> None:
        if isinstance(note, _Page):
            self._note_page(note, receive_ns)
        elif isinstance(note, _Bars):
            self._note_bars(note, seq, receive_ns)
        elif isinstance(note, list):
            self._note_times(note)
        else:
            self._timed = True

    def _note_bars(self, note: _Bars, seq: int, receive_ns: int) -> None:
        stream = f"{note.symbol}@{CANDLES}{TIMEFRAME_OF[note.width_ns]}"
        self.seen[stream] = receive_ns
        of = self._instrument(note.symbol, seq, receive_ns)
        for open_ns, values, revision in self._candles.fold(stream, note.candles):
            state = BAR_OK if values[4] else BAR_FLAT
            span = (of.id, note.width_ns, open_ns, open_ns + note.width_ns)
            row = (*span, *values, UNTOLD, UNTOLD, 0, 0, 0, 0, state, revision, receive_ns, seq)
            self.gathered.bars.append(row)

    def _note_times(self, deals: list[Deal]) -> None:
        for deal in deals:
            if deal.id != NO_ID:
                times = self._times.setdefault(deal.symbol, {})
                times[key_of(deal)] = deal.time_ns
                if len(times) > MOST_OF_PAGE:
                    del times[next(iter(times))]

    def _note_page(self, note: _Page, receive_ns: int) -> None:
        """A page that shares no trade with those before it leaves a pause in which some may have been missed."""
        self.seen[f"{note.symbol}@trades"] = receive_ns
        lately = self._overlap.series.get(note.symbol)
        if lately is None or not note.trades:
            return
        if not lately.before and not any(lately.knows(key) for key, _ in note.trades):
            lately.before, lately.lost_ns = lately.newer | lately.older, lately.last_ns
        self._overlap.settle(note.symbol, note.trades, None, receive_ns)

    def read_answer(self, answer: Answer) -> Sequence[Told]:
        if answer.purpose == "markets":
            found = wire.read_markets(self.venue, answer.body)
            return [one for one in found if self.is_wanted(one.venue_symbol)]
        return self._page_of(symbol_of(answer.url), answer.body)

    def _take(self, one: Told, numbers: Numbers, seq: int, receive_ns: int, *, live: bool = True) -> None:
        """The edge journals the markets of the wanted pairs alone: all are listed at once, so a replay gives the same ids."""
        super()._take(one, numbers, seq, receive_ns, live=live)
        if isinstance(one, Instrument) and one.venue_symbol not in self._instruments:
            self._list(one.venue_symbol, seq, receive_ns)

    def _page_of(self, symbol: str, body: msgspec.Raw | bytes) -> list[Deal]:
        """raises: BadFrame, also for trades of another symbol."""
        deals = wire.read_trades(symbol, body, page=True)[-MOST_OF_PAGE:]
        if any(deal.symbol != symbol for deal in deals):
            raise BadFrame(f"a page of {symbol!r} holds trades of other symbols")
        return deals

    def page(self, answer: Answer, told: Sequence[Told], receive_ns: int) -> tuple[str, int | None]:
        return symbol_of(answer.url), None

    def _new_of(self, answer: Answer, told: Sequence[Told], receive_ns: int) -> Sequence[int]:
        """A page heals nothing if its ids are of another kind than those of the stream."""
        if answer.purpose == self.page_purpose and not self._is_comparable(symbol_of(answer.url), told):
            self._overlap.settle(symbol_of(answer.url), [], None, receive_ns)
            return []
        return super()._new_of(answer, told, receive_ns)

    def _is_comparable(self, symbol: str, told: Sequence[Told]) -> bool:
        """Some exchanges number by REST what they have joined: equal ids must be of about one time, and there must be some."""
        if symbol not in self._times:  # it is followed by pages alone
            return True
        known = self._times[symbol]
        apart = [
            abs(one.time_ns - known[key_of(one)]) for one in told if isinstance(one, Deal) and key_of(one) in known
        ]
        return bool(apart) and max(apart) < SECOND_NS

    def answer(self, answer: Answer, seq: int, receive_ns: int) -> None:
        """A page that cannot be had leaves the pause in doubt for good. For the markets the edge itself asks again."""
        refused = 400 <= answer.status < 500 and answer.status != TOO_MANY
        if refused and answer.purpose == self.page_purpose:
            self._overlap.settle(symbol_of(answer.url), [], None, receive_ns)
            self._tell(seq, receive_ns)
        elif answer.status == 200 or answer.purpose == self.page_purpose:
            super().answer(answer, seq, receive_ns)

    def connection(self, change: ConnectionChange, number: int, seq: int, receive_ns: int) -> None:
        """Trades without ids have nothing by which a pause could be healed."""
        super().connection(change, number, seq, receive_ns)
        if not change.is_market or change.state != "open":
            return
        self._resumed = {symbol: at for symbol, at in self._last_ns.items() if symbol not in self._overlap.series}
        for symbol, last_ns in sorted(self._resumed.items()):
            times = (last_ns, max(last_ns, receive_ns))
            self._gap(self._instruments[symbol], "trades", (0, 0), times, seq, receive_ns, healed=False)

    def ask_trades(self, symbol: str, from_id: int | None) -> None:
        self.questions.append(Question("trades", f"{wire.FETCH_TRADES}?symbol={quote(symbol, safe='')}"))

    def ask_book(self, symbol: str, not_before_ns: int) -> None:
        """There are no books."""

    def unlisted(self, symbol: str) -> Instrument:
        return wire.instrument(self.venue, symbol)

    def mark(self) -> bytes:
        return msgspec.msgpack.encode(_State(self._resumed, self._candles, self._times, self._timed))

    def unmark(self, own: bytes) -> None:
        saved = msgspec.msgpack.decode(own, type=_State)
        self._resumed, self._candles = saved.resumed, saved.candles
        self._times, self._timed = saved.times, saved.timed


ENTRY = VenueEntry(
    adapter=ThroughCcxt,
    streams=STREAMS,
    lines=_lines,
    venue_symbol=_venue_symbol,
    rest_url="",
    stream_url="",
    ws_api_url="",
    weight_per_minute=0,
    clock=("", _read_clock),
    recorded=((), Recorded(VENUE, purpose)),
    proof=Proof(
        trades="cannot tell while connected: ids may skip; a lost connection is healed if the latest trades reach back",
        books="none are captured: trades, or the exchange's candles, and best prices, of every exchange that ccxt knows: ccxt.EXCHANGE",
        documented="2026-12-01",
        sessions=(),
        unproven="every exchange but those that speak as the simulated one; ccxt reads their protocols",
    ),
)


def entry_of(name: str) -> VenueEntry:
    """The entry of one exchange, "ccxt.bitvavo"."""
    return replace(ENTRY, adapter=partial(ThroughCcxt, venue=name), recorded=((), Recorded(name, purpose)))
