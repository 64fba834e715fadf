"""The probability of back-test overfitting: how often the trial that was best so far is below the median afterwards.

In:  the returns of all trials of one search, over the same periods.
Out: combinatorially symmetric cross-validation: the periods are cut into blocks, half of the blocks choose the best
     trial, the other half shows what it is worth, for every way to choose the half.

source: Bailey, Borwein, Lopez de Prado and Zhu (2017), The probability of backtest overfitting, Journal of
        Computational Finance 20(4).
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ninefold.backtest.statistics.checked import Floats, checked_returns

BLOCKS = 16  # the paper's: 12,870 ways
_CELLS = 4_000_000  # numbers held at once


class Overfitting(NamedTuple):
    """What the halves that did not choose say of the trial that was chosen."""

    probability: float  # that the chosen one is at or below the median
    loss: float  # probability that its mean return is below 0
    slope: float  # of its ratio there on its ratio where it was chosen; below 0: the better it looked, the worse it was
    logits: Floats  # shape (ways,): log odds of its rank, below 0 is below the median


def overfitting(returns: ArrayLike, blocks: int = BLOCKS) -> Overfitting:
    """Choose by one half of the time, judge by the other, in every way.

    returns: shape (trials, periods), at least 2 trials. A trial that never traded has ratio 0. Periods beyond a
             multiple of `blocks` are left out at the beginning.
    raises:  ValueError if there are too few trials or periods, or `blocks` is odd.

    >>> overfitting(np.array([[1.0, 2, 1, 2, 1, 2, 1, 2], [-1.0, 0, -1, 0, -1, 0, -1, 0]]), blocks=4).probability
    0.0
    """
    found = checked_returns(returns)
    _check(found, blocks)
    trials, periods = found.shape
    width = periods // blocks
    cut = found[:, periods - width * blocks :].reshape(trials, blocks, width)
    sums, squares = cut.sum(axis=2).T, (cut**2).sum(axis=2).T
    half = width * blocks // 2
    ways = _halves(blocks)
    step = max(1, _CELLS // trials)
    parts = [_judge(ways[at : at + step], sums, squares, half) for at in range(0, len(ways), step)]
    chosen, judged, rank, mean = (np.concatenate(column) for column in zip(*parts, strict=True))
    logits = np.log(rank / (trials + 1 - rank))
    spread = chosen - chosen.mean()
    slope = float((spread * judged).sum() / (spread**2).sum()) if spread.any() else math.nan
    return Overfitting(float((logits <= 0).mean()), float((mean < 0).mean()), slope, logits)


def _halves(blocks: int) -> NDArray[np.float64]:
    """Every way to choose half of the blocks, one a row, as 0 and 1."""
    ways = np.array(list(combinations(range(blocks), blocks // 2)))
    rows = np.zeros((len(ways), blocks))
    np.put_along_axis(rows, ways, 1.0, axis=1)
    return rows


def _judge(ways: Floats, sums: Floats, squares: Floats, half: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Of the trial that each way chooses: its ratio there, its ratio in the rest, its rank and its mean there."""
    there = _ratios(ways @ sums, ways @ squares, half)
    rest_sums = sums.sum(axis=0) - ways @ sums
    rest = _ratios(rest_sums, squares.sum(axis=0) - ways @ squares, half)
    best = there.argmax(axis=1)[:, None]
    own = np.take_along_axis(rest, best, axis=1)
    rank = (rest < own).sum(axis=1) + ((rest == own).sum(axis=1) + 1) / 2  # equal ones share their mean rank
    mean = np.take_along_axis(rest_sums, best, axis=1)[:, 0] / half
    return np.take_along_axis(there, best, axis=1)[:, 0], own[:, 0], rank, mean


def _ratios(sums: Floats, squares: Floats, count: int) -> Floats:
    mean = sums / count
    variance = squares / count - mean**2
    traded = variance > 1e-12 * squares / count  # less is rounding
    ratio: Floats = np.where(traded, mean / np.sqrt(np.where(traded, variance, 1.0)), 0.0)
    return ratio


def _check(returns: Floats, blocks: int) -> None:
    if blocks < 2 or blocks % 2:
        raise ValueError(f"{blocks} blocks cannot be halved; give an even number, {BLOCKS} as the paper does")
    if returns.ndim != 2 or len(returns) < 2 or returns.shape[1] < 2 * blocks:
        raise ValueError(
            f"returns have the shape {returns.shape}; overfitting takes (trials, periods) with at least 2 trials "
            f"and {2 * blocks} periods for {blocks} blocks"
        )
