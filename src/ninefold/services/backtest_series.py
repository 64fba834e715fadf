"""What a strategy reads of other series than its own bars: another instrument, or another width.

In:  a market and formulas with `at(...)` and `on(...)`.
Out: the same market with a column for each such term, as known at the close of each bar: from there on it is a column like
     any other. A bar counts as known at its close.

Wider bars are made of the own ones: unknown where one of them is. Other instruments come out of the data dir; a file holds
one series only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ninefold.formula import Aligned, Scale, Term, sources
from ninefold.formula import Bars as Series
from ninefold.formula.elsewhere import Source, is_leg
from ninefold.market.time import TIMEFRAME_OF, width_of
from ninefold.services.backtest_bars import Market
from ninefold.services.backtest_vwap import VWAP
from ninefold.store.stretch import Stretch
from ninefold.strategy.parameters import BadStrategy

SUMS = frozenset(("volume", "buy_volume", "trades"))


def with_elsewhere(market: Market, terms: Iterable[Term]) -> Market:
    """raises: BadBars, UnknownInstrument for what is not there; BadStrategy for what this market cannot give."""
    wanted = sources(list(terms))
    missing = {
        source: parts for source, parts in wanted.items() if any(part.name not in market.columns for part in parts)
    }
    if not missing:
        return market
    timeframe = TIMEFRAME_OF[int(market.bars.close_ns[0] - market.bars.open_ns[0])]
    columns = dict(market.columns)
    for source, parts in missing.items():
        other, scale = _series(market, source, timeframe)
        aligned = Aligned(parts, market.scale, timeframe, {source: scale})
        own = Series(columns, market.bars.close_ns)
        columns |= {part.name: values for part, values in zip(parts, aligned.warm(own, {source: other}), strict=True)}
    return replace(market, columns=columns, read=(*market.read, *read_elsewhere(market, missing)))


def read_elsewhere(market: Market, wanted: Iterable[Source]) -> list[Stretch]:
    """The stored bars of other instruments, over the time of the own ones; a leg's are its own market's."""
    bars = market.bars
    own_ns, span = int(bars.close_ns[0] - bars.open_ns[0]), (int(bars.open_ns[0]), int(bars.close_ns[-1]))
    return [
        Stretch(instrument, width_of(width) if width else own_ns, *span)
        for instrument, width in wanted
        if instrument and not is_leg(instrument)
    ]


def _series(market: Market, source: Source, timeframe: str) -> tuple[Series, Scale]:
    instrument, width = source[0], source[1] or timeframe
    if instrument:
        if market.others is None:
            raise BadStrategy(
                f"the strategy reads {instrument}, and a file holds one instrument: run it on stored bars with --instrument"
            )
        other = market.others(instrument, width_of(width))
        return Series(other.columns, other.bars.close_ns), other.scale
    own_ns, width_ns = width_of(timeframe), width_of(width)
    if width_ns < own_ns or width_ns % own_ns:
        raise BadStrategy(
            f"the strategy reads {width} bars and runs on {timeframe}: wider ones are made of its own, so the width must be a "
            f"multiple of {timeframe}; run it on {width}"
        )
    return wider(market, width_ns), market.scale


def wider(market: Market, width_ns: int) -> Series:
    """Bars of a width that is a multiple of the own one; those that are not whole are left out at the ends."""
    open_ns = market.bars.open_ns
    many = width_ns // int(market.bars.close_ns[0] - open_ns[0])
    first = _first_whole(open_ns, width_ns)
    count = max(0, (len(open_ns) - first) // many)
    cut = slice(first, first + count * many)
    parts = {name: np.asarray(values[cut], np.float64).reshape(count, many) for name, values in market.columns.items()}
    unknown = np.isnan(parts["close"]).any(axis=1)
    made = {name: np.where(unknown, np.nan, _joined(name, values)) for name, values in parts.items()}
    if VWAP in parts:
        made[VWAP] = np.where(unknown, np.nan, _mean(parts[VWAP], parts["volume"]))
    return Series(made, market.bars.close_ns[cut].reshape(count, many)[:, -1].copy())


def _first_whole(open_ns: np.ndarray, width_ns: int) -> int:
    """The row of the first bar that opens where a wider one does."""
    found = np.flatnonzero(open_ns % width_ns == 0)
    return int(found[0]) if len(found) else len(open_ns)


def _mean(vwap: np.ndarray, volume: np.ndarray) -> np.ndarray:
    """Of each row of narrower bars; the last one of bars without trades."""
    total = volume.sum(axis=1)
    return np.where(total > 0, (vwap * volume).sum(axis=1) / np.maximum(total, 1.0), vwap[:, -1])


def _joined(name: str, values: np.ndarray) -> np.ndarray:
    """One value of each row of narrower ones; what is a state, such as the spread, is that at the last close."""
    how = {"open": values[:, 0], "high": values.max(axis=1), "low": values.min(axis=1)}
    found: np.ndarray = how.get(name, values.sum(axis=1) if name in SUMS else values[:, -1])
    return found
