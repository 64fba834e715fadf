"""Targets and foretellings: the pure core of `decide`.

In:  chunks with finished bars, what was told of them, and forecasts.
Out: the same with the target of every strategy at the close of each first-revision bar of its timeframe, `Renewed` where the
     entry of one with exits holds again, MAY messages, and their scores once their time is over. A MAY is kept if the target
     moved that way by at least SMALLEST_CHANGE within the horizon.

What strategies may do is foretold at the tick behind the one that closed a bar: it takes milliseconds, which orders would wait
for, and no order of that tick could refer to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import msgspec
import numpy as np

from ninefold.formula import Bars as Heard
from ninefold.market.arrays import stacked
from ninefold.market.chunk import Chunk
from ninefold.market.columns import closed_of, columns, coming_of, told_too
from ninefold.market.instruments import Instrument
from ninefold.market.numbers import round_to_step
from ninefold.market.records import Listed, May, MayScored, Tick
from ninefold.market.strategy_records import Renewed
from ninefold.market.time import MINUTE_NS, SECOND_NS
from ninefold.market.values import known_of, told_of
from ninefold.strategy.foretell import (
    SMALLEST_CHANGE,
    Foretelling,
    ReturnQuantiles,
    foretell,
    one_bar_returns,
    recent_returns,
)
from ninefold.strategy.forms import Legs
from ninefold.strategy.legs_wanted import LegSeries, LegsWanted
from ninefold.strategy.plan import Plan
from ninefold.strategy.series import Closed, Joined, Moments, Series, hear_all, joins, scale_of, told_all, update_all

HORIZON_NS = (
    2 * MINUTE_NS
)  # a MAY looks this far ahead, at least SHORTEST_BARS and at most LONGEST_BARS of its timeframe
SHORTEST_BARS, LONGEST_BARS = 3, 30
LEAST_PROBABILITY = 0.1  # less likely moves are not worth a message
AT_ONCE = 2  # foretellings a tick at most: they cost milliseconds
QUANTILES = {"q05": 0.05, "q25": 0.25, "q50": 0.50, "q75": 0.75, "q95": 0.95}


Returns = tuple[tuple[float, ...], tuple[float, ...]]  # probabilities, values


class _Open(msgspec.Struct):
    """A MAY whose time is not over. base: the target when it was said."""

    may: May
    base: float
    kept: bool = False


class _Closed(msgspec.Struct):
    """A bar behind which nothing was foretold yet. returns: probabilities and values, if they were forecast."""

    instrument: int
    width_ns: int
    close_ns: int
    returns: Returns | None


class _State(msgspec.Struct):
    """due: when a strategy may speak again, by "instrument strategy". closed: bars of the last tick that closed any."""

    open: list[_Open] = []
    due: dict[str, int] = {}
    closed: list[_Closed] = []


class Decide:
    """Runs every strategy on every instrument of the venue that is traded, one evaluator for each instrument and timeframe; those
    that read other series have one of their own.
    """

    name = "decide"

    def __init__(self, strategies: Sequence[Plan], venue: str) -> None:
        self._venue = venue
        self._by_width: dict[int, dict[bool, list[Plan]]] = {}
        self._instruments: dict[int, Instrument] = {}
        together = [strategy for strategy in strategies if isinstance(strategy.wants, Legs)]
        self._legs = LegsWanted(together, self._instruments) if together else None
        alone = [strategy for strategy in strategies if not isinstance(strategy.wants, Legs)]
        for strategy in alone:
            self._by_width.setdefault(strategy.width_ns, {}).setdefault(joins(strategy), []).append(strategy)
        self._joining = bool(together) or any(map(joins, alone))
        self._moments = Moments()
        self._series: dict[tuple[int, int], list[Series]] = {}
        self._state = _State()

    def step(self, chunk: Chunk) -> Chunk:
        for record in chunk.records:
            if isinstance(record, Listed):
                self._instruments[record.instrument.id] = record.instrument
        ticks = [record for record in chunk.records if isinstance(record, Tick)]
        if ticks and self._state.closed:
            chunk.records.extend(self._foretell_all(ticks[-1]))
        bars, read = closed_of(chunk)
        if len(bars):
            self._decide(chunk, bars, told_too(bars, read, known_of(chunk.rows("values"))))
        for key, row in coming_of(chunk):
            for series in self._series_of(*key):
                series.foresee(row)
        for tick in ticks:
            chunk.records.extend(self._score(tick))
        return chunk

    def warm(self, instruments: Sequence[Instrument], bars: np.ndarray, values: np.ndarray) -> None:
        """Catch up with all bars so far (first revisions, in the order in which they became known)."""
        self._instruments.update({instrument.id: instrument for instrument in instruments})
        known = known_of(values)
        moment = self._moments.of_all(bars) if self._joining else bars["known_ns"]
        for key in {(int(i), int(w)) for i, w in bars[["instrument", "width_ns"]].tolist()}:
            mine = (bars["instrument"] == key[0]) & (bars["width_ns"] == key[1])
            for series in self._series_of(*key):
                own = self._instruments[key[0]]
                others = series.heard(own, self._instruments, bars, moment, known) if isinstance(series, Joined) else {}
                series.warm(Heard(columns(bars[mine], told_of(bars[mine], known)), moment[mine]), others)
        if self._legs is not None:
            self._legs.warm(bars, moment, known)

    def save(self) -> bytes:
        return msgspec.msgpack.encode(self._state)

    def load(self, state: bytes) -> None:
        self._state = msgspec.msgpack.decode(state, type=_State)

    def _decide(self, chunk: Chunk, bars: np.ndarray, read: Sequence[dict[str, float]]) -> None:
        forecasts = _one_bar_ahead(chunk.rows("forecasts"))
        moments = self._moments.of_all(bars).tolist() if self._joining else bars["known_ns"].tolist()
        if self._joining:
            self._hear(bars, moments, read)
        keys = bars[["instrument", "width_ns", "close_ns", "known_ns", "seq"]].tolist()
        due = [
            Closed(series, instrument, width_ns, close_ns, known_ns, seq, row, moment)
            for (instrument, width_ns, close_ns, known_ns, seq), row, moment in zip(keys, read, moments, strict=True)
            for series in self._series_of(instrument, width_ns)
        ]
        made = [self._take(chunk, some) for some in _turns(due)]
        if self._legs is not None:
            told, firsts = self._legs.take(bars, moments, read)
            for one in firsts:
                _watch([may for may in self._state.open if may.may.instrument == one.instrument], one)
            made += [told] if len(told) else []
            due += firsts
        if made:
            chunk.add("targets", stacked("targets", made))
            newest = {(one.instrument, one.width_ns): one for one in due}
            self._state.closed = [
                _Closed(*key, one.close_ns, forecasts.get((*key, one.close_ns))) for key, one in newest.items()
            ]

    def _take(self, chunk: Chunk, closed: Sequence[Closed]) -> np.ndarray:
        """Bars of one turn; returns the targets."""
        update_all(closed)
        open_of: dict[int, list[_Open]] = {}
        for may in self._state.open:
            open_of.setdefault(may.may.instrument, []).append(may)
        for one in closed:
            chunk.records += [
                Renewed(seq=one.seq, known_ns=one.known_ns, instrument=one.instrument, strategy=again)
                for again in one.series.renewed
            ]
            _watch(open_of.get(one.instrument, ()), one)
        return told_all(closed)

    def _hear(self, bars: np.ndarray, moments: Sequence[int], read: Sequence[dict[str, float]]) -> None:
        joined = [
            (own, series)
            for own in [one for one in self._instruments.values() if one.venue == self._venue]
            for width_ns in self._by_width
            for series in self._series_of(own.id, width_ns)
            if isinstance(series, Joined)
        ]
        hear_all(joined, self._instruments, bars, moments, read)

    def _series_of(self, instrument: int, width_ns: int) -> Sequence[Series]:
        """Those of one instrument and width, none where nobody decides."""
        key, of = (instrument, width_ns), self._instruments[instrument]
        if width_ns not in self._by_width or of.venue != self._venue:
            return ()
        if key not in self._series:
            plans = self._by_width[width_ns]
            self._series[key] = [
                (Joined if joined else Series)(plans[joined], scale_of(of)) for joined in sorted(plans)
            ]
        return self._series[key]

    def _foretell_all(self, tick: Tick) -> list[May]:
        """AT_ONCE at most; whoever was left out speaks at the next bars."""
        said: list[May] = []
        closed, self._state.closed = self._state.closed, []
        for bar in closed:
            for series in (*self._series_of(bar.instrument, bar.width_ns), *self._legs_led_by(bar)):
                for index in range(len(series.places)):
                    if len(said) == AT_ONCE:
                        return said
                    said += self._foretell(series, index, bar, tick)
        return said

    def _legs_led_by(self, bar: _Closed) -> list[LegSeries]:
        """Of strategies with legs, which speak for all of them where their first leg is."""
        found = self._legs.series_on(bar.instrument, bar.width_ns) if self._legs is not None else ()
        return [series for series in found if series.leg == series.legs.names[0]]

    def _foretell(self, series: Series, index: int, bar: _Closed, tick: Tick) -> list[May]:
        strategy = series.strategies[index]
        key = f"{bar.instrument} {strategy.name}"
        if bar.close_ns < self._state.due.get(key, 0) or math.isnan(series.latest[index]):
            return []
        horizon = min(max(HORIZON_NS // strategy.width_ns, SHORTEST_BARS), LONGEST_BARS)
        recent = series.recent_columns()
        spread = ReturnQuantiles(*bar.returns) if bar.returns else recent_returns(recent["close"])
        if spread is None:
            return []
        self._state.due[key] = bar.close_ns + horizon * strategy.width_ns
        seed = bar.close_ns // SECOND_NS * 1000 + bar.instrument
        told = foretell(series.evaluator, index, recent, spread, horizon, seed)
        if told is None or max(told.probability_buy, told.probability_sell) < LEAST_PROBABILITY:
            return []
        legs = series.legs if isinstance(series, LegSeries) else None
        may = self._may(strategy, bar, told, horizon, tick, legs)
        self._state.open.append(_Open(may, float(series.latest[index])))
        return [may]

    def _may(self, strategy: Plan, bar: _Closed, told: Foretelling, horizon: int, tick: Tick, legs: Legs | None) -> May:
        of = self._instruments[bar.instrument]
        side = 1 if told.probability_buy >= told.probability_sell else -1
        probability = max(told.probability_buy, told.probability_sell)
        low, high = (told.zone_buy if side > 0 else told.zone_sell) or (0, 0)
        low, high = round_to_step(low, of.tick_size, side=1), round_to_step(high, of.tick_size, side=-1)
        within_s = horizon * strategy.width_ns // SECOND_NS
        zone = f"{of.price_text(low)} to {of.price_text(high)} {of.quote}"
        chance = math.floor(probability * 100 + 0.5)  # as the page rounds it
        text = (
            f"{strategy.name} may {'buy' if side > 0 else 'sell'} {of.symbol} within {within_s} s: {chance}%, at {zone}"
        )
        text += f"; its legs are {legs.named}" if legs is not None else ""
        return May(
            seq=tick.seq,
            known_ns=tick.known_ns,
            may_id=f"may-{of.id}-{strategy.name}-{bar.close_ns // SECOND_NS}",
            instrument=of.id,
            strategy=strategy.name,
            side=side,
            probability=probability,
            price_low=low,
            price_high=high,
            until_ns=bar.close_ns + horizon * strategy.width_ns,
            text=text,
        )

    def _score(self, tick: Tick) -> list[MayScored]:
        over = [one for one in self._state.open if tick.exchange_ns > one.may.until_ns + SECOND_NS]
        if over:
            self._state.open = [one for one in self._state.open if tick.exchange_ns <= one.may.until_ns + SECOND_NS]
        return [
            MayScored(
                seq=tick.seq,
                known_ns=tick.known_ns,
                may_id=one.may.may_id,
                outcome=one.kept,
                probability=one.may.probability,
            )
            for one in over
        ]


def _turns(closed: Sequence[Closed]) -> Iterator[list[Closed]]:
    """In their order, each series once a turn."""
    turn: list[Closed] = []
    taking: set[int] = set()
    for one in closed:
        if id(one.series) in taking:
            yield turn
            turn, taking = [], set()
        turn.append(one)
        taking.add(id(one.series))
    if turn:
        yield turn


def _watch(told: Iterable[_Open], closed: Closed) -> None:
    """See which of the MAYs of an instrument are kept."""
    series = closed.series
    for one in told:
        may = one.may
        if may.strategy in series.places and closed.close_ns <= may.until_ns:
            moved = (float(series.latest[series.places[may.strategy]]) - one.base) * may.side
            one.kept = one.kept or moved >= SMALLEST_CHANGE


def _one_bar_ahead(forecasts: np.ndarray) -> dict[tuple[int, int, int], Returns]:
    mine = forecasts[forecasts["horizon"] == 1] if len(forecasts) else forecasts
    fields = ["instrument", "width_ns", "close_ns", "mean", *QUANTILES]
    found: dict[tuple[int, int, int], Returns] = {}
    for instrument, width_ns, close_ns, mean, *quantiles in mine[fields].tolist():
        one = one_bar_returns(mean, dict(zip(QUANTILES.values(), quantiles, strict=True)), 1)
        found[instrument, width_ns, close_ns] = (one.probabilities, one.values)
    return found
