"""Targets and foretellings: the pure core of `decide`.

In:  chunks with finished bars, what was told of them, and forecasts.
Out: the same with the target of every strategy at the close of each first-revision bar of its timeframe, MAY
     messages, and their scores once their
     time is over. A MAY is kept if the target moved that way by at least SMALLEST_CHANGE within the horizon.

What strategies may do is foretold at the tick behind the one that closed a bar: it takes milliseconds, which orders would wait
for, and no order of that tick could refer to it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import msgspec
import numpy as np

from ninefold.formula import Evaluator, Scale
from ninefold.market.arrays import TARGETS
from ninefold.market.chunk import Chunk
from ninefold.market.columns import columns, each_row
from ninefold.market.instruments import Instrument
from ninefold.market.numbers import round_to_step
from ninefold.market.records import Listed, May, MayScored, Tick
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
from ninefold.strategy.plan import Plan, targets

RECENT_BARS = 32
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


class _Series:
    """All strategies of one timeframe on one instrument."""

    def __init__(self, strategies: Sequence[Plan], scale: Scale) -> None:
        self.strategies = tuple(strategies)
        self.places = {strategy.name: place for place, strategy in enumerate(strategies)}
        self._told = np.zeros(len(strategies), TARGETS)
        self._told["strategy"] = [strategy.name.encode() for strategy in strategies]
        self.evaluator = Evaluator([strategy.target for strategy in strategies], scale)
        self.recent: deque[dict[str, float]] = deque(maxlen=RECENT_BARS)
        self.latest = np.full(len(strategies), np.nan)

    def update(self, bar: dict[str, float]) -> None:
        self.recent.append(bar)
        self.latest = targets(self.evaluator.update(bar))

    def warm(self, history: dict[str, np.ndarray]) -> None:
        self.evaluator.warm(history)
        self.latest = targets(self.evaluator.latest)
        last = {name: values[-RECENT_BARS:] for name, values in history.items()}
        for place in range(len(next(iter(last.values())))):
            self.recent.append({name: float(values[place]) for name, values in last.items()})

    def told(self, instrument: int, width_ns: int, close_ns: int, known_ns: int, seq: int) -> np.ndarray:
        """The targets as rows."""
        made = self._told.copy()
        made["instrument"], made["width_ns"], made["close_ns"] = instrument, width_ns, close_ns
        made["target"], made["known_ns"], made["seq"] = self.latest, known_ns, seq
        return made

    def recent_columns(self) -> dict[str, np.ndarray]:
        return {name: np.array([bar[name] for bar in self.recent]) for name in self.recent[-1]}


class Decide:
    """Runs every strategy on every instrument of the venue that is traded, one evaluator for each instrument and
    timeframe.
    """

    name = "decide"

    def __init__(self, strategies: Sequence[Plan], venue: str) -> None:
        self._venue = venue
        self._by_width: dict[int, list[Plan]] = {}
        for strategy in strategies:
            self._by_width.setdefault(strategy.width_ns, []).append(strategy)
        self._instruments: dict[int, Instrument] = {}
        self._series: dict[tuple[int, int], _Series] = {}
        self._state = _State()

    def step(self, chunk: Chunk) -> Chunk:
        for record in chunk.records:
            if isinstance(record, Listed):
                self._instruments[record.instrument.id] = record.instrument
        ticks = [record for record in chunk.records if isinstance(record, Tick)]
        if ticks and self._state.closed:
            chunk.records.extend(self._foretell_all(ticks[-1]))
        bars = chunk.rows("bars")
        if len(bars):
            self._decide(chunk, bars[bars["revision"] == 0])
        for tick in ticks:
            chunk.records.extend(self._score(tick))
        return chunk

    def warm(self, instruments: Sequence[Instrument], bars: np.ndarray, values: np.ndarray) -> None:
        """Catch up with all bars so far (first revisions, in the order in which they became known)."""
        self._instruments.update({instrument.id: instrument for instrument in instruments})
        known = known_of(values)
        for key in {(int(i), int(w)) for i, w in bars[["instrument", "width_ns"]].tolist()}:
            if key[1] in self._by_width and self._instruments[key[0]].venue == self._venue:
                mine = bars[(bars["instrument"] == key[0]) & (bars["width_ns"] == key[1])]
                self._of(key).warm(columns(mine, told_of(mine, known)))

    def save(self) -> bytes:
        return msgspec.msgpack.encode(self._state)

    def load(self, state: bytes) -> None:
        self._state = msgspec.msgpack.decode(state, type=_State)

    def _decide(self, chunk: Chunk, bars: np.ndarray) -> None:
        read = each_row(bars, told_of(bars, known_of(chunk.rows("values"))))
        forecasts = _one_bar_ahead(chunk.rows("forecasts"))
        closed: dict[tuple[int, int], _Closed] = {}
        made: list[np.ndarray] = []
        keys = bars[["instrument", "width_ns", "close_ns", "known_ns", "seq"]].tolist()
        for (instrument, width_ns, close_ns, known_ns, seq), row in zip(keys, read, strict=True):
            if width_ns not in self._by_width or self._instruments[instrument].venue != self._venue:
                continue
            series = self._of((instrument, width_ns))
            series.update(row)
            made.append(series.told(instrument, width_ns, close_ns, known_ns, seq))
            self._watch(instrument, close_ns, series)
            returns = forecasts.get((instrument, width_ns, close_ns))
            closed[instrument, width_ns] = _Closed(instrument, width_ns, close_ns, returns)
        if made:
            chunk.add("targets", np.concatenate(made))
            self._state.closed = list(closed.values())

    def _of(self, key: tuple[int, int]) -> _Series:
        if key not in self._series:
            of = self._instruments[key[0]]
            self._series[key] = _Series(self._by_width[key[1]], Scale(of.price_decimals, of.size_decimals))
        return self._series[key]

    def _watch(self, instrument: int, close_ns: int, series: _Series) -> None:
        for one in self._state.open:
            may = one.may
            if may.instrument == instrument and may.strategy in series.places and close_ns <= may.until_ns:
                moved = (float(series.latest[series.places[may.strategy]]) - one.base) * may.side
                one.kept = one.kept or moved >= SMALLEST_CHANGE

    def _foretell_all(self, tick: Tick) -> list[May]:
        """AT_ONCE at most; whoever was left out speaks at the next bars."""
        said: list[May] = []
        closed, self._state.closed = self._state.closed, []
        for bar in closed:
            series = self._of((bar.instrument, bar.width_ns))
            for index in range(len(series.strategies)):
                if len(said) == AT_ONCE:
                    return said
                said += self._foretell(series, index, bar, tick)
        return said

    def _foretell(self, series: _Series, index: int, bar: _Closed, tick: Tick) -> list[May]:
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
        may = self._may(strategy, bar, told, horizon, tick)
        self._state.open.append(_Open(may, float(series.latest[index])))
        return [may]

    def _may(self, strategy: Plan, bar: _Closed, told: Foretelling, horizon: int, tick: Tick) -> May:
        of = self._instruments[bar.instrument]
        side = 1 if told.probability_buy >= told.probability_sell else -1
        probability = max(told.probability_buy, told.probability_sell)
        low, high = (told.zone_buy if side > 0 else told.zone_sell) or (0, 0)
        low, high = round_to_step(low, of.tick_size, side=1), round_to_step(high, of.tick_size, side=-1)
        within_s = horizon * strategy.width_ns // SECOND_NS
        zone = f"{of.price_text(low)} to {of.price_text(high)} {of.quote}"
        text = f"{strategy.name} may {'buy' if side > 0 else 'sell'} {of.symbol} within {within_s} s: {probability:.0%}, at {zone}"
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


def _one_bar_ahead(forecasts: np.ndarray) -> dict[tuple[int, int, int], Returns]:
    mine = forecasts[forecasts["horizon"] == 1] if len(forecasts) else forecasts
    fields = ["instrument", "width_ns", "close_ns", "mean", *QUANTILES]
    found: dict[tuple[int, int, int], Returns] = {}
    for instrument, width_ns, close_ns, mean, *quantiles in mine[fields].tolist():
        one = one_bar_returns(mean, dict(zip(QUANTILES.values(), quantiles, strict=True)), 1)
        found[instrument, width_ns, close_ns] = (one.probabilities, one.values)
    return found
