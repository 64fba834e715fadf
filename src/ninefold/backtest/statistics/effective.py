"""How many independent trials a set of like ones is worth.

In:  the returns of all trials over the same periods.
Out: a number from 1 to how many trials there are.

Defined by what it is used for: as many independent trials would make luck find a significant best just as often. With
p the threshold's tail, luck finds one with the probability P(some trial is beyond) = trials x p x E[1 / beyond], where
`beyond` counts the trials beyond the threshold given that one drawn at random is. That mean is drawn from normal
variables with the trials' own correlations; it lies between 1 / trials and 1, so a thousand draws settle it to a
hundredth, and the threshold may be as rare as it likes.

Counts from eigenvalues were left out: for 100 equal trials beside 100 independent ones, 101 in truth, the participation
ratio says 4, Galwey's count 60 and Nyholt's 150.

source: the mean, Naiman and Priebe (2001), Journal of Computational and Graphical Statistics 10(2), and Owen, Maximov
        and Chertkov (2019), Electronic Journal of Statistics 13(1); effective trials, Bailey and Lopez de Prado (2014).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ninefold.backtest.statistics.checked import Floats, checked_returns
from ninefold.backtest.statistics.deflated import LEVEL
from ninefold.backtest.statistics.sharpe import NORMAL

Singles = NDArray[np.float32]

DRAWS = 1024
ROUNDS = 4  # the threshold for all trials, then for what they are worth there, and so on: from above, so never too few
_AT_ONCE = 256  # draws; more at once would only take more memory


def effective_trials(returns: ArrayLike, level: float = LEVEL, seed: int = 0) -> float:
    """The number of independent trials that these are worth; 1 if none of them ever traded.

    returns: shape (trials, periods), over the same periods; a trial that never traded (all equal) counts for nothing.
    level:   what share of searches through luck alone may end significant.

    >>> alone = np.random.default_rng(1).normal(size=(40, 500))
    >>> effective_trials(alone) > 35, round(effective_trials(np.repeat(alone[:5], 8, axis=0)), 1)
    (True, 5.0)
    """
    factor = _factor(checked_returns(returns))
    trials = len(factor)
    if trials < 2:
        return 1.0
    worth = float(trials)
    for _ in range(ROUNDS):
        tail = -math.expm1(math.log1p(-level) / worth)
        together = trials * tail * _mean_share(factor, tail, np.random.default_rng(seed))
        worth = min(max(math.log1p(-together) / math.log1p(-tail), 1.0), worth)
    return worth


def _factor(returns: Floats) -> Singles:
    """Rows of length 1 whose products are the correlations, no longer than needed; trials that never traded left out."""
    away = returns - returns.mean(axis=1, keepdims=True)
    length = np.sqrt((away**2).sum(axis=1, keepdims=True))
    traded = (returns.max(axis=1) > returns.min(axis=1)) & (length[:, 0] > 0)
    unit: Singles = (away[traded] / length[traded]).astype(np.float32)
    if unit.shape[1] <= len(unit):
        return unit
    values, vectors = np.linalg.eigh((unit @ unit.T).astype(np.float64))
    rows: Singles = (vectors * np.sqrt(np.maximum(values, 0.0))).astype(np.float32)
    return rows


def _mean_share(factor: Singles, tail: float, rng: np.random.Generator) -> float:
    """The mean of 1 / (number of trials beyond the threshold), given that one drawn at random is."""
    trials = len(factor)
    threshold = -NORMAL.inv_cdf(tail)
    chosen = np.concatenate([rng.permutation(trials) for _ in range(-(-DRAWS // trials))])[:DRAWS]
    beyond_by = np.array([-NORMAL.inv_cdf(tail * (1 - draw)) for draw in rng.random(DRAWS)], dtype=np.float32)
    total = 0.0
    for start in range(0, DRAWS, _AT_ONCE):
        row = factor[chosen[start : start + _AT_ONCE]]
        draw = rng.standard_normal(row.shape, dtype=np.float32)
        short = beyond_by[start : start + _AT_ONCE] - (draw * row).sum(axis=1)
        beyond = ((draw + row * short[:, None]) @ factor.T > threshold - 1e-4).sum(axis=1)
        total += float((1 / np.maximum(beyond, 1)).sum())
    return total / DRAWS
