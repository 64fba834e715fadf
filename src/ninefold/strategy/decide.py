"""Targets and foretellings: the pure core of `decide`.

In:  chunks with finished bars, what was told of them, and forecasts.
Out: the same with the target of every strategy at the close of each first-revision bar of its timeframe, `Renewed` where the
     entry of one with exits holds again, MAY messages, and their scores once their time is over. A MAY is kept if the target
     moved that way by at least SMALLEST_CHANGE within the horizon.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from ninefold.formula import Bars as Heard
from ninefold.market.arrays import rows
from ninefold.market.chunk import Chunk
from ninefold.market.columns import columns, row
from ninefold.market.instruments import Instrument
from ninefold.market.numbers import round_to_step
from ninefold.market.records import Listed, May, MayScored, Renewed, Tick
from ninefold.market.time import MINUTE_NS, SECOND_NS
from ninefold.market.values import Known, known_of, told_of
from ninefold.strategy.foretell import (
    SMALLEST_CHANGE,
    Foretelling,
    ReturnQuantiles,
    foretell,
    one_bar_returns,
    recent_returns,
)
from ninefold.strategy.plan import Plan
from ninefold.strategy.series import Joined, Moments, Series, joins, scale_of

HORIZON_NS = (
    2 * MINUTE_NS
)  # a MAY looks this far ahead, at least SHORTEST_BARS and at most LONGEST_BARS of its timeframe
SHORTEST_BARS, LONGEST_BARS = 3, 30
LEAST_PROBABILITY = 0.1  # less likely moves are not worth a message
AT_ONCE = 2  # foretellings a chunk at most: they cost milliseconds, and orders wait behind them
IDENTITY = ("instrument", "width_ns", "close_ns", "known_ns", "seq")
QUANTILES = {"q05": 0.05, "q25": 0.25, "q50": 0.50, "q75": 0.75, "q95": 0.95}


class _Open(msgspec.Struct):
    """A MAY whose time is not over. base: the target when it was said."""

    may: May
    base: float
    kept: bool = False


class _State(msgspec.Struct):
    """due: when a strategy may speak again, by "instrument strategy"."""

    open: list[_Open] = []
    due: dict[str, int] = {}


class Decide:
    """Runs every strategy on every instrument of the venue that is traded, one evaluator for each instrument and timeframe; those
    that read other series have one of their own.
    """

    name = "decide"

    def __init__(self, strategies: Sequence[Plan], venue: str) -> None:
        self._venue = venue
        self._by_width: dict[int, dict[bool, list[Plan]]] = {}
        for strategy in strategies:
            self._by_width.setdefault(strategy.width_ns, {}).setdefault(joins(strategy), []).append(strategy)
        self._joining = any(map(joins, strategies))
        self._moments = Moments()
        self._instruments: dict[int, Instrument] = {}
        self._series: dict[tuple[int, int], list[Series]] = {}
        self._state = _State()

    def step(self, chunk: Chunk) -> Chunk:
        for record in chunk.records:
            if isinstance(record, Listed):
                self._instruments[record.instrument.id] = record.instrument
        bars = chunk.rows("bars")
        if len(bars):
            self._decide(chunk, bars)
        for tick in [record for record in chunk.records if isinstance(record, Tick)]:
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

    def save(self) -> bytes:
        return msgspec.msgpack.encode(self._state)

    def load(self, state: bytes) -> None:
        self._state = msgspec.msgpack.decode(state, type=_State)

    def _decide(self, chunk: Chunk, bars: np.ndarray) -> None:
        known = known_of(chunk.rows("values"))
        forecasts = _one_bar_ahead(chunk.rows("forecasts"))
        made: list[tuple] = []  # type: ignore[type-arg]
        said: list[May] = []
        renewed: list[Renewed] = []
        first = bars[bars["revision"] == 0]
        moments = self._moments.of_all(first) if self._joining else first["known_ns"]
        if self._joining:
            self._hear(first, moments, known)
        for place in range(len(first)):
            bar = first[place : place + 1]
            instrument, width, close_ns, known_ns, seq = bar[list(IDENTITY)].tolist()[0]
            returns = forecasts.get((instrument, width, close_ns))
            for series in self._series_of(instrument, width):
                series.update(row(bar, told_of(bar, known)), int(moments[place]))
                for name, target in zip(series.names, series.latest.tolist(), strict=True):
                    made.append((instrument, name, width, close_ns, target, known_ns, seq))
                for again in series.renewed:
                    renewed.append(Renewed(seq=seq, known_ns=known_ns, instrument=instrument, strategy=again))
                self._watch(instrument, close_ns, series)
                for index in range(len(series.strategies)):
                    if len(said) < AT_ONCE:
                        said.extend(self._foretell(series, index, bar, returns))
        if made:
            chunk.add("targets", rows("targets", made))
        chunk.records.extend([*renewed, *said])

    def _hear(self, first: np.ndarray, moments: np.ndarray, known: Known) -> None:
        """What strategies read elsewhere is heard before the own bars of the same input."""
        mine = [one for one in self._instruments.values() if one.venue == self._venue]
        joined = [
            (own, series)
            for own in mine
            for width_ns in self._by_width
            for series in self._series_of(own.id, width_ns)
            if isinstance(series, Joined)
        ]
        for place in range(len(first)):
            bar = first[place : place + 1]
            of, width_ns = self._instruments[int(bar["instrument"][0])], int(bar["width_ns"][0])
            for own, series in joined:
                for source in series.reads(own, of, width_ns):
                    series.hear(source, int(moments[place]), row(bar, told_of(bar, known)), scale_of(of))

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

    def _watch(self, instrument: int, close_ns: int, series: Series) -> None:
        now = {
            strategy.name: target for strategy, target in zip(series.strategies, series.latest.tolist(), strict=True)
        }
        for one in self._state.open:
            may = one.may
            if may.instrument == instrument and may.strategy in now and close_ns <= may.until_ns:
                moved = (now[may.strategy] - one.base) * may.side
                one.kept = one.kept or moved >= SMALLEST_CHANGE

    def _foretell(self, series: Series, index: int, bar: np.ndarray, returns: ReturnQuantiles | None) -> list[May]:
        strategy = series.strategies[index]
        instrument, close_ns = int(bar["instrument"][0]), int(bar["close_ns"][0])
        key = f"{instrument} {strategy.name}"
        if close_ns < self._state.due.get(key, 0) or math.isnan(series.latest[index]):
            return []
        horizon = min(max(HORIZON_NS // strategy.width_ns, SHORTEST_BARS), LONGEST_BARS)
        recent = series.recent_columns()
        spread = returns or recent_returns(recent["close"])
        if spread is None:
            return []
        self._state.due[key] = close_ns + horizon * strategy.width_ns
        seed = close_ns // SECOND_NS * 1000 + instrument
        told = foretell(series.evaluator, index, recent, spread, horizon, seed)
        if told is None:
            return []
        side = 1 if told.probability_buy >= told.probability_sell else -1
        probability = max(told.probability_buy, told.probability_sell)
        if probability < LEAST_PROBABILITY:
            return []
        may = self._may(strategy, bar, told, side, probability, horizon)
        self._state.open.append(_Open(may, float(series.latest[index])))
        return [may]

    def _may(
        self, strategy: Plan, bar: np.ndarray, told: Foretelling, side: int, probability: float, horizon: int
    ) -> May:
        of = self._instruments[int(bar["instrument"][0])]
        close_ns = int(bar["close_ns"][0])
        low, high = (told.zone_buy if side > 0 else told.zone_sell) or (0, 0)
        low, high = round_to_step(low, of.tick_size, side=1), round_to_step(high, of.tick_size, side=-1)
        within_s = horizon * strategy.width_ns // SECOND_NS
        zone = f"{of.price_text(low)} to {of.price_text(high)} {of.quote}"
        text = f"{strategy.name} may {'buy' if side > 0 else 'sell'} {of.symbol} within {within_s} s: {probability:.0%}, at {zone}"
        return May(
            seq=int(bar["seq"][0]),
            known_ns=int(bar["known_ns"][0]),
            may_id=f"may-{of.id}-{strategy.name}-{close_ns // SECOND_NS}",
            instrument=of.id,
            strategy=strategy.name,
            side=side,
            probability=probability,
            price_low=low,
            price_high=high,
            until_ns=close_ns + horizon * strategy.width_ns,
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


def _one_bar_ahead(forecasts: np.ndarray) -> dict[tuple[int, int, int], ReturnQuantiles]:
    mine = forecasts[forecasts["horizon"] == 1]
    fields = ["instrument", "width_ns", "close_ns", "mean", *QUANTILES]
    return {
        (instrument, width, close_ns): one_bar_returns(mean, dict(zip(QUANTILES.values(), quantiles, strict=True)), 1)
        for instrument, width, close_ns, mean, *quantiles in mine[fields].tolist()
    }
