"""Turn trades into bars.

In:  chunks, in the order in which they became known.
Out: finished bars, oldest first, added to the chunk that holds the tick which finished them, and the mean price of each as it was first
     known, which is told as `vwap`. A bar is finished by the
     venue's clock plus a grace, not by the next trade; an empty interval gives a flat bar with no volume; an interval in
     which we may have missed trades gives an unknown bar. A trade that comes later restates its bar (revision + 1) and
     every finished bar that depends on it. The open bar is never passed off as finished.
Nothing depends on where chunks are cut. How one instrument's bars are made: bar_series.py.
"""

from __future__ import annotations

import msgspec
import numpy as np

from ninefold.market.arrays import BAR_OK, BAR_UNKNOWN, BUY, empty, newest, rows
from ninefold.market.bar_series import (
    WIDTHS,
    Part,
    Series,
    finish_second,
    fold,
    foreseen,
    forget,
    mean_of,
    restate,
    seconds_of,
)
from ninefold.market.chunk import Chunk
from ninefold.market.records import Connection, Gap, Listed, Started, Tick
from ninefold.market.time import SECOND_NS, TICK_NS, bar_open
from ninefold.market.values import MEAN, telling

GRACE_NS = 300_000_000  # trades are given this long to arrive; later ones restate
HOLD_NS = 5 * SECOND_NS  # a bar in doubt waits this long for what was missed to be fetched, before it is called unknown
FOREVER_NS = 2**62
COMING_MOST = 64  # instruments: to get ready for more would take longer than it spares
NO_QUOTE = (0, 0, 0, 0)
OPENING_NS = -1  # covered from the next tick on
UNLISTED = ""  # the venue of an instrument of which no listing was seen: whatever happens to a connection concerns it


class _State(msgspec.Struct):
    series: dict[int, Series]
    now_ns: int
    venues: dict[int, str]  # of the instruments
    covered_ns: dict[str, int]  # by venue, from when on its connection gives all trades; UNLISTED: of any
    quotes: dict[int, tuple[int, int, int, int]]
    doubt: bool = False  # something may have been missed since the last tick
    hold_until_ns: int = 0


class BarMaker:
    """The pure core of `bars`. too_late counts trades that came after their bar was no longer kept. decided: widths of bars at
    which somebody decides: of those the next tick's bars are told ahead (`Chunk.coming`)."""

    name = "bars"

    def __init__(self, decided: frozenset[int] = frozenset()) -> None:
        self.too_late = 0
        self._decided = decided
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
                chunk.coming = self._coming(record)
                if made:
                    bars = rows("bars", [row for row, _ in made])
                    first = bars["revision"] == 0
                    chunk.add("bars", bars)
                    chunk.add(
                        "values", telling(bars[first], MEAN, np.array([mean for _, mean in made])[first].tolist())
                    )
            elif isinstance(record, Gap) and record.stream == "trades":
                self._gap(record)
            elif isinstance(record, Started):
                self._lost(list(self._state.series))
            elif isinstance(record, Connection) and record.has_trades and record.state == "open":
                self._opened(record)
            elif isinstance(record, Connection) and record.has_trades and record.state == "lost":
                self._lost(self._over(record))
        return chunk

    def save(self) -> bytes:
        return msgspec.msgpack.encode(self._state)

    def load(self, state: bytes) -> None:
        self._state = msgspec.msgpack.decode(state, type=_State)

    def _fold_quotes(self, quotes: np.ndarray) -> None:
        if len(quotes):
            last = newest(quotes)
            values = last[["bid", "bid_size", "ask", "ask_size"]].tolist()
            self._state.quotes.update(zip(last["instrument"].tolist(), values, strict=True))

    def _fold_trades(self, trades: np.ndarray) -> None:
        if not len(trades):
            return
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
                seconds[second] = Part(price, price, price, price, size, bought, 1, BAR_OK, revision, key, key, 0.0)
            else:
                fold(part, exchange_ns, trade_id, price, size, side)

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
        series.late.update(seconds_of(series, gap.from_ns, gap.to_ns))

    def _heal(self, series: Series, gap: Gap) -> None:
        """All trades up to to_id are here; a range without ids only proves that the connection's pause cost none."""
        left = []
        for start, end, last_id in series.missed:
            if end == FOREVER_NS or gap.from_id <= gap.to_id >= last_id:
                series.late.update(seconds_of(series, start, min(end, self._state.now_ns)))
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
            series.late.update(seconds_of(series, known_ns, max(series.covered_ns, known_ns)))
            series.covered_ns = known_ns

    def _venue(self, instrument: int) -> str:
        return self._state.venues.get(instrument, UNLISTED)

    def _over(self, connection: Connection) -> list[int]:
        """The instruments whose trades come over a connection."""
        told, mine = connection.instruments, (connection.venue, UNLISTED)
        return [of for of in self._state.series if self._venue(of) in mine and (told is None or of in told)]

    def _opened(self, connection: Connection) -> None:
        """An instrument that is new on this connection may have traded before it; one that was there is in doubt from
        `_lost` on.
        """
        for venue in (connection.venue, UNLISTED):
            self._state.covered_ns[venue] = OPENING_NS
        for instrument in self._over(connection):
            series = self._state.series[instrument]
            if series.covered_ns == FOREVER_NS:
                series.covered_ns = OPENING_NS

    def _lost(self, instruments: list[int]) -> None:
        """From now on trades may be missed, until the adapter proves that none was (a healed gap)."""
        self._state.doubt = True
        for series in map(self._state.series.__getitem__, instruments):
            if not any(end == FOREVER_NS for _, end, _ in series.missed):
                series.missed.append([self._state.now_ns, FOREVER_NS, 0])

    def _tick(self, tick: Tick) -> list[tuple[tuple, float]]:  # type: ignore[type-arg]
        """BARS rows, each with its mean price."""
        state = self._state
        state.now_ns = tick.exchange_ns
        opening = [venue for venue, covered_ns in state.covered_ns.items() if covered_ns == OPENING_NS]
        for venue in opening:
            state.covered_ns[venue] = tick.exchange_ns + TICK_NS
        if state.doubt:
            state.hold_until_ns, state.doubt = tick.exchange_ns + HOLD_NS, False
        held = tick.exchange_ns < state.hold_until_ns
        until_ns = bar_open(tick.exchange_ns - GRACE_NS, SECOND_NS)
        made: list[tuple[tuple, float]] = []  # type: ignore[type-arg]
        for instrument in sorted(state.series):
            series = state.series[instrument]
            if series.covered_ns == OPENING_NS:
                series.covered_ns = state.covered_ns.get(self._venue(instrument), FOREVER_NS)
            quote = state.quotes.get(instrument, NO_QUOTE)
            done = restate(series) if series.late else []
            while series.finished_ns < until_ns and not (held and series.missed):
                done.extend(finish_second(series))
            for width, open_ns in done:
                part = series.bars[width][open_ns]
                made.append((_row(instrument, width, open_ns, part, quote, tick), mean_of(part)))
            if done:
                forget(series)
        made.sort(key=lambda one: (one[0][3], one[0][1], one[0][0], one[0][2]))
        return made

    def _coming(self, tick: Tick) -> np.ndarray:
        """BARS rows that the next tick finishes if nothing more comes; none if they would be many or nobody waits for them."""
        state, next_ns = self._state, tick.exchange_ns + TICK_NS
        until_ns = bar_open(next_ns - GRACE_NS, SECOND_NS)
        is_waited_for = any(until_ns % width == 0 for width in self._decided)
        if not is_waited_for or next_ns < state.hold_until_ns or len(state.series) > COMING_MOST:
            return empty("bars")
        made = [
            _row(instrument, width, open_ns, part, state.quotes.get(instrument, NO_QUOTE), tick)
            for instrument, series in sorted(state.series.items())
            if series.finished_ns == until_ns - SECOND_NS
            for width, open_ns, part in foreseen(series)
        ]
        return rows("bars", made) if made else empty("bars")


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
