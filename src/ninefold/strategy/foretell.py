"""What a strategy MAY do: run it forward over sampled paths of the market.

In:  an evaluator in its present state, the last bars, a distribution of the return over one bar, a seed.
Out: how likely the target rises or falls within the horizon, and at which prices it would first do so.

The same inputs and seed give the same answer. Futures are crude: returns are independent, and wicks, volumes and the
book of a sampled bar are those of a recent bar drawn at random. How good that is, `scoring` says.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ninefold.formula import Aligned, Evaluator
from ninefold.strategy.plan import targets

PATHS = 64
SMALLEST_CHANGE = 0.1  # of a target: less is not worth an order, so it is not worth a message


@dataclass(frozen=True, slots=True)
class Foretelling:
    """What may happen within `horizon_bars`. Zones are (low, high) in ticks, 10 % and 90 % of the prices at which the
    target first moves that way; None where no path did. `paths` is how many were sampled."""

    probability_buy: float
    probability_sell: float
    zone_buy: tuple[int, int] | None
    zone_sell: tuple[int, int] | None
    horizon_bars: int
    paths: int


@dataclass(frozen=True, slots=True)
class ReturnQuantiles:
    """A distribution of the log return over one bar: values at rising probabilities, straight lines between them.

    Below the first and above the last it goes on along the neighbouring line, no further than the next probability
    would be: the tails are thin, which makes extreme prices rarer than they are.
    """

    probabilities: tuple[float, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        many = len(self.values)
        rising = all(one < next_ for one, next_ in pairwise((0.0, *self.probabilities, 1.0)))
        if many < 2 or many != len(self.probabilities) or not rising or not all(map(math.isfinite, self.values)):
            raise ValueError(
                f"quantiles {self.values} at {self.probabilities}: at least two finite values are needed, at as many "
                "rising probabilities between 0 and 1"
            )

    def at(self, uniform: np.ndarray) -> np.ndarray:
        """The returns at probabilities in [0, 1)."""
        p = np.array(self.probabilities)
        v = np.sort(np.array(self.values))  # crossed quantiles of a model are put in order
        first = v[0] - (v[1] - v[0]) / (p[1] - p[0]) * p[0]
        last = v[-1] + (v[-1] - v[-2]) / (p[-1] - p[-2]) * (1 - p[-1])
        found: np.ndarray = np.interp(uniform, np.concatenate(([0], p, [1])), np.concatenate(([first], v, [last])))
        return found


def recent_returns(close: np.ndarray) -> ReturnQuantiles | None:
    """The distribution of the one-bar log returns of recent closes; None with fewer than 8 known returns."""
    with np.errstate(invalid="ignore", divide="ignore"):
        returns = np.diff(np.log(np.asarray(close, np.float64)))
    returns = returns[np.isfinite(returns)]
    if len(returns) < 8:
        return None
    probabilities = (0.05, 0.25, 0.5, 0.75, 0.95)
    return ReturnQuantiles(probabilities, tuple(np.quantile(returns, probabilities).tolist()))


def one_bar_returns(mean: float, quantiles: Mapping[float, float], horizon_bars: int) -> ReturnQuantiles:
    """A forecast over several bars as one of a single bar: the mean by the number of bars, the spread by its root."""
    root = horizon_bars**0.5
    values = tuple(mean / horizon_bars + (quantiles[p] - mean) / root for p in sorted(quantiles))
    return ReturnQuantiles(tuple(sorted(quantiles)), values)


def foretell(
    evaluator: Evaluator | Aligned,
    index: int,
    recent: Mapping[str, np.ndarray],
    returns: ReturnQuantiles,
    horizon_bars: int,
    seed: int,
    paths: int = PATHS,
) -> Foretelling | None:
    """What the strategy `evaluator.terms[index]` may do in the next bars; the evaluator stays as it is.

    recent:  the last bars by column, shape (n,), oldest first, the last being the one the evaluator took last.
             Some 30 are enough.
    returns: of the close over one bar.
    returns nothing (None) where the target, the last close or every recent bar is unknown.
    raises:  ValueError for a horizon or number of paths below 1.
    """
    if horizon_bars < 1 or paths < 1:
        raise ValueError(f"{paths} paths of {horizon_bars} bars: at least one of each is needed")
    now = float(targets(evaluator.latest[index]))
    futures = sample_bars(recent, returns, (paths, horizon_bars), np.random.Generator(np.random.PCG64(seed)))
    if futures is None or now != now:
        return None
    change = targets(evaluator.ahead(futures, index)) - now
    buy, zone_buy = _first_moves(change >= SMALLEST_CHANGE, futures["close"])
    sell, zone_sell = _first_moves(change <= -SMALLEST_CHANGE, futures["close"])
    return Foretelling(buy, sell, zone_buy, zone_sell, horizon_bars, paths)


def sample_bars(
    recent: Mapping[str, np.ndarray], returns: ReturnQuantiles, shape: tuple[int, int], random: np.random.Generator
) -> dict[str, np.ndarray] | None:
    """Possible next bars by column, shape (paths, bars), prices in whole ticks; None where nothing is known.

    A bar opens where the one before closed. Its wicks, volumes and book come from one recent bar.
    """
    last = float(recent["close"][-1])
    known = np.flatnonzero(np.isfinite(recent["close"]) & np.isfinite(recent["open"]))
    if not np.isfinite(last) or len(known) == 0:
        return None
    moves = returns.at(random.random(shape))
    close = np.maximum(np.rint(last * np.exp(np.cumsum(moves, axis=1))), 1.0)
    open_ = np.concatenate((np.full((shape[0], 1), last), close[:, :-1]), axis=1)
    drawn = known[random.integers(0, len(known), shape)]
    like = {name: np.asarray(values, np.float64)[drawn] for name, values in recent.items()}
    body_high, body_low = np.maximum(like["open"], like["close"]), np.minimum(like["open"], like["close"])
    high = np.maximum(open_, close) + (like["high"] - body_high)
    low = np.maximum(np.minimum(open_, close) - (body_low - like["low"]), 1.0)
    made = {**like, "open": open_, "high": high, "low": low, "close": close}
    if "microprice" in like:
        made["microprice"] = close + (like["microprice"] - like["close"])
    return made


def _first_moves(moved: np.ndarray, price: np.ndarray) -> tuple[float, tuple[int, int] | None]:
    """Share of the paths on which something happens, and the zone of prices at which it first does."""
    happens = moved.any(axis=1)
    if not happens.any():
        return 0.0, None
    first = price[np.flatnonzero(happens), moved.argmax(axis=1)[happens]]
    low, high = np.quantile(first, (0.1, 0.9))
    return float(happens.mean()), (int(np.floor(low)), int(np.ceil(high)))
