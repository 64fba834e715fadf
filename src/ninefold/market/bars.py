"""Turn trades into bars.

In:  chunks, in the order in which they became known.
Out: finished bars, oldest first, added to the chunk that holds the tick which finished them. A bar is finished by the
     venue's clock plus a grace,
     not by the next trade; an empty interval gives a flat bar with no volume; an interval in which we may have missed
     trades gives an unknown bar.
     A trade that comes later restates its bar (revision + 1) and every finished bar that depends on it. The open bar
     is never passed off as finished.
Bars of one second are made from trades, wider ones from the next narrower ones, in integers: nothing depends on where
chunks are cut.
"""

from __future__ import annotations

from itertools import pairwise

import msgspec
import numpy as np

from ninefold.market.arrays import BAR_FLAT, BAR_OK, BAR_UNKNOWN, BUY, rows
from ninefold.market.chunk import Chunk
from ninefold.market.records import Connection, Gap, Listed, Started, Tick
from ninefold.market.time import SECOND_NS, TICK_NS, TIMEFRAMES, bar_open

GRACE_NS = 300_000_000  # trades are given this long to arrive; later ones restate
WIDTHS = tuple(sorted(TIMEFRAMES.values()))
HOLD_NS = 5 * SECOND_NS  # a bar in doubt waits this long for what was missed to be fetched, before it is called unknown
KEPT = {SECOND_NS: 900}  # finished bars kept to be restated
KEPT_WIDER = 200
FOREVER_NS = 2**62
OPENING_NS = -1  # covered from the next tick on
UNLISTED = ""  # the venue of an instrument of which no listing was seen: whatever happens to a connection concerns it


class Part(msgspec.Struct, array_like=True, gc=False):
    """A bar in the making. first, last: (exchange_ns, trade id) of the trades that gave open and close."""

    open: int = 0
    high: int = 0
    low: int = 0
    close: int = 0
    volume: int = 0
    buy_volume: int = 0
    trades: int = 0
    state: int = BAR_OK
    revision: int = 0
    first: tuple[int, int] = (0, 0)
    last: tuple[int, int] = (0, 0)


class Series(msgspec.Struct):
    """One instrument. bars: width to open_ns to bar, finished and (one second only) unfinished ones; covered_ns: no
    trade before it is
    promised to be here; missed: [from_ns, to_ns, last trade id] not yet healed; first_id: the lowest trade id so far.
    """

    bars: dict[int, dict[int, Part]]
    first_ns: int
    finished_ns: int
    covered_ns: int
    missed: list[list[int]] = []
    late: set[int] = set()  # seconds that changed after they were finished
    quote: tuple[int, int, int, int] = (0, 0, 0, 0)
    first_id: int = 0


class _State(msgspec.Struct):
    series: dict[int, Series]
    now_ns: int
    venues: dict[int, str]  # of the instruments
    covered_ns: dict[str, int]  # by venue, from when on its connection gives all trades; UNLISTED: of any
    quotes: dict[int, tuple[int, int, int, int]]
    doubt: bool = False  # something may have been missed since the last tick
    hold_until_ns: int = 0


class BarMaker:
    """The pure core of `bars`. too_late counts trades that came after their bar was no longer kept."""

    name = "bars"

    def __init__(self) -> None:
        self.too_late = 0
        self._state = _State({}, 0, {}, {}, {})

    def step(self, chunk: Chunk) -> Chunk:
        """Fold one chunk; finished and restated bars are added to it."""
        for record in chunk.records:
            if isinstance(record, Listed):
                self._state.venues[record.instrument.id] = record.instrument.venue
        self._fold_quotes(chunk.rows("quotes"))
        self._fold_trades(chunk.rows("trades"))
        for record in chunk.records:
            if isinstance(record, Tick):
                made = self._tick(record)
                if made:
                    chunk.add("bars", rows("bars", made))
            elif isinstance(record, Gap) and record.stream == "trades":
                self._gap(record)
            elif isinstance(record, Started):
                self._lost(list(self._state.series))
            elif isinstance(record, Connection) and record.name == "market" and record.state == "open":
                self._opened(record.venue)
            elif isinstance(record, Connection) and record.name == "market" and record.state == "lost":
                self._lost(self._of_venue(record.venue))
        return chunk

    def save(self) -> bytes:
        return msgspec.msgpack.encode(self._state)

    def load(self, state: bytes) -> None:
        self._state = msgspec.msgpack.decode(state, type=_State)

    def _fold_quotes(self, quotes: np.ndarray) -> None:
        if len(quotes):
            instruments, last = np.unique(quotes["instrument"][::-1], return_index=True)
            newest = quotes[len(quotes) - 1 - last]
            values = newest[["bid", "bid_size", "ask", "ask_size"]].tolist()
            self._state.quotes.update(zip(instruments.tolist(), values, strict=True))

    def _fold_trades(self, trades: np.ndarray) -> None:
        columns = trades[["instrument", "exchange_ns", "id_lo", "price", "size", "taker_side"]].tolist()
        for instrument, exchange_ns, trade_id, price, size, side in columns:
            second = bar_open(exchange_ns, SECOND_NS)
            series = self._state.series.get(instrument)
            if series is None:
                covered_ns = self._state.covered_ns.get(self._venue(instrument), FOREVER_NS)
                series = Series({width: {} for width in WIDTHS}, second, second, covered_ns, first_id=trade_id)
                self._state.series[instrument] = series
            elif trade_id < series.first_id:
                series.first_id = trade_id
            seconds = series.bars[SECOND_NS]
            part = seconds.get(second)
            if second < series.finished_ns:
                if part is None:
                    self.too_late += 1
                    continue
                series.late.add(second)
            if part is None or not part.trades:
                revision = part.revision if part else 0
                key = (exchange_ns, trade_id)
                bought = size if side == BUY else 0
                seconds[second] = Part(price, price, price, price, size, bought, 1, BAR_OK, revision, key, key)
            else:
                _fold(part, exchange_ns, trade_id, price, size, side)

    def _gap(self, gap: Gap) -> None:
        series = self._state.series.get(gap.instrument)
        if series is None:
            return
        if gap.healed:
            self._heal(series, gap)
            return
        self._state.doubt = True
        for interval in series.missed:
            if interval[1] == FOREVER_NS:
                interval[1:] = [gap.to_ns, gap.to_id]
        series.missed.append([gap.from_ns, gap.to_ns, gap.to_id])
        series.late.update(_seconds(series, gap.from_ns, gap.to_ns))

    def _heal(self, series: Series, gap: Gap) -> None:
        """All trades up to to_id are here; a range without ids only proves that the connection's pause cost none."""
        left = []
        for start, end, last_id in series.missed:
            if end == FOREVER_NS or gap.from_id <= gap.to_id >= last_id:
                series.late.update(_seconds(series, start, min(end, self._state.now_ns)))
            else:
                left.append([start, end, last_id])
        series.missed = left
        if series.first_id > 0 and gap.from_id <= series.first_id <= gap.to_id:
            self._prove_beginning(series)

    def _prove_beginning(self, series: Series) -> None:
        """The very first trade was fetched, and none is missing before it. The venue's trade before that one may have been in
        the same second; those behind it are known, although no connection may have been there then.
        """
        known_ns = series.first_ns + SECOND_NS
        if series.covered_ns == OPENING_NS or series.covered_ns > known_ns:
            series.late.update(_seconds(series, known_ns, max(series.covered_ns, known_ns)))
            series.covered_ns = known_ns

    def _venue(self, instrument: int) -> str:
        return self._state.venues.get(instrument, UNLISTED)

    def _of_venue(self, venue: str) -> list[int]:
        return [instrument for instrument in self._state.series if self._venue(instrument) in (venue, UNLISTED)]

    def _opened(self, venue: str) -> None:
        """An instrument that is new on this connection may have traded before it; one that was there is in doubt from
        `_lost` on.
        """
        for of in (venue, UNLISTED):
            self._state.covered_ns[of] = OPENING_NS
        for instrument in self._of_venue(venue):
            series = self._state.series[instrument]
            if series.covered_ns == FOREVER_NS:
                series.covered_ns = OPENING_NS

    def _lost(self, instruments: list[int]) -> None:
        """From now on trades may be missed, until the adapter proves that none was (a healed gap)."""
        self._state.doubt = True
        for series in map(self._state.series.__getitem__, instruments):
            if not any(end == FOREVER_NS for _, end, _ in series.missed):
                series.missed.append([self._state.now_ns, FOREVER_NS, 0])

    def _tick(self, tick: Tick) -> list[tuple]:  # type: ignore[type-arg]
        state = self._state
        state.now_ns = tick.exchange_ns
        opening = [venue for venue, covered_ns in state.covered_ns.items() if covered_ns == OPENING_NS]
        for venue in opening:
            state.covered_ns[venue] = tick.exchange_ns + TICK_NS
        if state.doubt:
            state.hold_until_ns, state.doubt = tick.exchange_ns + HOLD_NS, False
        held = tick.exchange_ns < state.hold_until_ns
        until_ns = bar_open(tick.exchange_ns - GRACE_NS, SECOND_NS)
        made: list[tuple] = []  # type: ignore[type-arg]
        for instrument in sorted(state.series):
            series = state.series[instrument]
            if series.covered_ns == OPENING_NS:
                series.covered_ns = state.covered_ns.get(self._venue(instrument), FOREVER_NS)
            quote = state.quotes.get(instrument, (0, 0, 0, 0))
            done = self._restate(series) if series.late else []
            while series.finished_ns < until_ns and not (held and series.missed):
                done.extend(self._finish_second(series))
            for width, open_ns in done:
                made.append(_row(instrument, width, open_ns, series.bars[width][open_ns], quote, tick))
            if done:
                _forget(series)
        made.sort(key=lambda row: (row[3], row[1], row[0], row[2]))
        return made

    def _finish_second(self, series: Series) -> list[tuple[int, int]]:
        """Finish the next second and every wider bar that ends with it."""
        second = series.finished_ns
        end = series.finished_ns = second + SECOND_NS
        self._settle_second(series, second)
        done = [(SECOND_NS, second)]
        for narrow, width in pairwise(WIDTHS):
            if end % width:
                continue
            self._settle_wider(series, narrow, width, end - width)
            done.append((width, end - width))
        return done

    def _restate(self, series: Series) -> list[tuple[int, int]]:
        """Settle again what changed after it was finished."""
        changed: dict[tuple[int, int], None] = {}
        seconds = series.bars[SECOND_NS]
        for second in sorted(series.late):
            while second < series.finished_ns and second in seconds:
                if self._settle_second(series, second):
                    changed[SECOND_NS, second] = None
                second += SECOND_NS
                if second not in seconds or seconds[second].trades or (SECOND_NS, second) in changed:
                    break  # a flat bar carries the close before it on; a traded one does not
        series.late = set()
        for narrow, width in pairwise(WIDTHS):
            for open_ns in sorted({bar_open(start, width) for (of, start) in changed if of == narrow}):
                if open_ns in series.bars[width] and self._settle_wider(series, narrow, width, open_ns):
                    changed[width, open_ns] = None
        for width, open_ns in changed:
            series.bars[width][open_ns].revision += 1
        return list(changed)

    def _settle_second(self, series: Series, second: int) -> bool:
        """Give a finished second its state and, if it was quiet, the price before it; True if that changed it."""
        seconds = series.bars[SECOND_NS]
        part = seconds.get(second)
        before = None if part is None else (part.close, part.state)
        if part is None:
            part = seconds[second] = Part()
        late = second in series.late
        missed = any(start < second + SECOND_NS and end >= second for start, end, _ in series.missed)
        if missed or series.covered_ns > second:
            part.state = BAR_UNKNOWN
        else:
            part.state = BAR_OK if part.trades else BAR_FLAT
        if not part.trades:
            earlier = seconds.get(second - SECOND_NS)
            price = earlier.close if earlier is not None else part.close
            part.open = part.high = part.low = part.close = price
        return (late and bool(part.trades)) or before != (part.close, part.state)

    def _settle_wider(self, series: Series, narrow: int, width: int, open_ns: int) -> bool:
        children = [
            part for at in range(open_ns, open_ns + width, narrow) if (part := series.bars[narrow].get(at)) is not None
        ]
        old = series.bars[width].get(open_ns)
        part = _joined(children)
        if series.covered_ns > open_ns:
            part.state = BAR_UNKNOWN
        if old is not None:
            part.revision = old.revision
        series.bars[width][open_ns] = part
        return old is None or old != part


def _fold(part: Part, exchange_ns: int, trade_id: int, price: int, size: int, side: int) -> None:
    key = (exchange_ns, trade_id)
    if key < part.first:
        part.first, part.open = key, price
    if key >= part.last:
        part.last, part.close = key, price
    part.high = max(part.high, price)
    part.low = min(part.low, price)
    part.volume += size
    part.buy_volume += size if side == BUY else 0
    part.trades += 1


def _joined(children: list[Part]) -> Part:
    """One bar from the narrower ones it consists of, oldest first. Quiet ones only matter if all are."""
    shown = [child for child in children if child.trades] or children
    state = BAR_OK if shown[0].trades else BAR_FLAT
    if any(child.state == BAR_UNKNOWN for child in children):
        state = BAR_UNKNOWN
    return Part(
        open=shown[0].open,
        high=max(child.high for child in shown),
        low=min(child.low for child in shown),
        close=shown[-1].close,
        volume=sum(child.volume for child in shown),
        buy_volume=sum(child.buy_volume for child in shown),
        trades=sum(child.trades for child in shown),
        state=state,
    )


def _seconds(series: Series, start_ns: int, end_ns: int) -> list[int]:
    """Finished seconds that touch [start, end]."""
    first = max(bar_open(start_ns, SECOND_NS), series.first_ns)
    last = min(end_ns, series.finished_ns - 1)
    return [second for second in range(first, last + 1, SECOND_NS) if second in series.bars[SECOND_NS]]


def _forget(series: Series) -> None:
    """Whole groups at a time: what restates a wider bar needs all the narrower ones it consists of."""
    for width, wider in zip(WIDTHS, (*WIDTHS[1:], WIDTHS[-1]), strict=True):
        bars = series.bars[width]
        oldest = bar_open(series.finished_ns - KEPT.get(width, KEPT_WIDER) * width, wider)
        for open_ns in list(bars):
            if open_ns >= oldest:
                break
            del bars[open_ns]
    series.missed = [one for one in series.missed if one[1] >= series.finished_ns - KEPT_WIDER * WIDTHS[1]]


def _row(instrument: int, width: int, open_ns: int, part: Part, quote: tuple[int, int, int, int], tick: Tick) -> tuple:  # type: ignore[type-arg]
    known = part.state != BAR_UNKNOWN
    prices = (
        (part.open, part.high, part.low, part.close, part.volume, part.buy_volume, part.trades) if known else (0,) * 7
    )
    return (
        instrument,
        width,
        open_ns,
        open_ns + width,
        *prices,
        *quote,
        part.state,
        part.revision,
        tick.known_ns,
        tick.seq,
    )
