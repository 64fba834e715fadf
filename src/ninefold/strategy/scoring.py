"""How good foretellings were: Brier score, that of the base rate, and reliability.

In:  probabilities that were announced and whether it then happened.
Out: numbers to put beside the announcements.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Score:
    """count: how many were scored. brier: mean squared error of the probabilities, lower is better.
    base_rate: how often it happened; base_rate_brier: the score of having said just that every time.
    skill: 1 - brier / base_rate_brier; above 0 it was worth saying; NaN where it always or never happened."""

    count: int
    brier: float
    base_rate: float
    base_rate_brier: float
    skill: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Foretellings of alike probability, from `low` up to `high`: how many, what was said and what happened (means)."""

    low: float
    high: float
    count: int
    said: float
    happened: float


def score(probabilities: np.ndarray, outcomes: np.ndarray) -> Score | None:
    """Score foretellings; None where there are none.

    probabilities: shape (n,), in [0, 1]. outcomes: shape (n,), True where it happened.
    raises:        ValueError for other shapes or values.
    source:        Brier (1950), Monthly Weather Review 78(1). The base rate is that of the scored outcomes themselves,
                   which nobody knew beforehand: beating it is harder than beating any rate that was known.

    >>> score(np.array([0.9, 0.1]), np.array([True, False])).brier.__round__(4)
    0.01
    """
    said, happened = _checked(probabilities, outcomes)
    if len(said) == 0:
        return None
    brier = float(np.mean((said - happened) ** 2))
    rate = float(happened.mean())
    base = rate * (1 - rate)
    return Score(len(said), brier, rate, base, 1 - brier / base if base else float("nan"))


def reliability(probabilities: np.ndarray, outcomes: np.ndarray, bins: int = 10) -> tuple[Bin, ...]:
    """Foretellings by what was said, in bins of equal width; empty bins are left out.

    Well calibrated is: `happened` near `said` in every bin that has enough of them.
    """
    said, happened = _checked(probabilities, outcomes)
    place = np.minimum((said * bins).astype(int), bins - 1)
    return tuple(
        Bin(
            i / bins,
            (i + 1) / bins,
            int((place == i).sum()),
            float(said[place == i].mean()),
            float(happened[place == i].mean()),
        )
        for i in range(bins)
        if (place == i).any()
    )


def _checked(probabilities: np.ndarray, outcomes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    said, happened = np.asarray(probabilities, np.float64), np.asarray(outcomes, np.float64)
    if said.ndim != 1 or said.shape != happened.shape:
        raise ValueError(f"probabilities have shape {said.shape}, outcomes {happened.shape}; both must be (n,)")
    if not ((said >= 0) & (said <= 1)).all() or not np.isin(happened, (0.0, 1.0)).all():
        raise ValueError("probabilities must lie in [0, 1] and outcomes be True or False; found others, or NaN")
    return said, happened
