"""What came of runs, in the form in which the trial ledger keeps it: the same to the bit for one run and for many.

In:  one `Result`, or a sweep with its equity at every close.
Out: digests, Sharpe ratios with their moments, compact returns.

The digest is of equity at every close and of the sums of fees, slippage, funding, fills and trades. Rows are worked on side
by side; numpy and the digest let go of the interpreter.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from ninefold.backtest.bars import Bars
from ninefold.backtest.exact import LARGEST
from ninefold.backtest.result import Account, returns_of
from ninefold.backtest.statistics.checked import Floats
from ninefold.backtest.statistics.compact import Compact, compact_returns
from ninefold.backtest.statistics.sharpe import Sharpe, sharpe
from ninefold.backtest.sweep import SUMMARIES, Sweep, summary_of
from ninefold.store.trials import Outcome
from ninefold.store.trials_packed import DIGEST_BYTES

PLAYED = np.dtype([("summary", SUMMARIES), ("value", "<f8"), ("skew", "<f8"), ("kurtosis", "<f8"), ("periods", "<i8")])


class Played(NamedTuple):
    """rows: PLAYED, one a run: its sums, and its Sharpe ratio a bar with what its error is made of."""

    rows: np.ndarray
    outcome: Outcome


class _One(NamedTuple):
    digest: bytes
    ratio: Sharpe
    compact: Compact


def played(result: Account, width_ns: int) -> Played:
    """Of one run."""
    return played_each([result], width_ns)


def played_each(results: Sequence[Account], width_ns: int) -> Played:
    """Of several runs over the same time."""
    rows = np.concatenate([summary_of(result) for result in results])
    both = zip(rows, results, strict=True)
    return _together(rows, [_one(row, one.equity, one.numbers.cash, one.close_ns) for row, one in both], width_ns)


def played_together(bars: Bars, made: Sweep, cash: int, width_ns: int) -> Played:
    """Of many. made: with the equity at every close. cash: units."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(
            pool.map(lambda at: _one(made.runs[at], made.equity[at], cash, bars.close_ns), range(len(made.runs)))
        )
    return _together(made.runs, found, width_ns)


def played_as_one(returns: Floats, close_ns: np.ndarray, summaries: np.ndarray, cash: int, width_ns: int) -> Played:
    """Of portfolios. returns: shape (points, closes). summaries: SUMMARIES rows; their equity becomes that of `cash` spread
    evenly, cut where it would not fit."""
    rows = summaries.copy()
    grown = cash * np.prod(1 + returns, axis=1)
    rows["equity"] = np.rint(np.clip(grown, 0, LARGEST))
    found = [_judged(row, one, one, close_ns) for row, one in zip(rows, returns, strict=True)]
    return _together(rows, found, width_ns)


def ratio_of(row: np.ndarray) -> Sharpe:
    """The Sharpe ratio, a bar, of a PLAYED row."""
    return Sharpe(float(row["value"]), int(row["periods"]), float(row["skew"]), float(row["kurtosis"]))


def known_returns(returns: np.ndarray) -> np.ndarray:
    """0 where there was no equity left to lose; not to be written to."""
    return returns if np.isfinite(returns).all() else np.nan_to_num(returns, nan=0.0)


def _one(summary: np.ndarray, equity: np.ndarray, cash: int, close_ns: np.ndarray) -> _One:
    return _judged(summary, equity, known_returns(returns_of(cash, equity)), close_ns)


def _judged(summary: np.ndarray, whole: np.ndarray, returns: Floats, close_ns: np.ndarray) -> _One:
    """whole: what the digest is of, beside the summary."""
    digest = blake2b(summary.tobytes(), digest_size=DIGEST_BYTES)
    digest.update(whole.data)
    return _One(digest.digest(), sharpe(returns), compact_returns(close_ns, returns[np.newaxis]))


def _together(summaries: np.ndarray, found: list[_One], width_ns: int) -> Played:
    rows = np.zeros(len(found), PLAYED)
    rows["summary"] = summaries
    for name in ("value", "skew", "kurtosis", "periods"):
        rows[name] = [getattr(one.ratio, name) for one in found]
    ratios = np.array([one.ratio.annual(width_ns) for one in found])
    return Played(rows, Outcome([one.digest for one in found], ratios, _compact([one.compact for one in found])))


def _compact(parts: Sequence[Compact]) -> Compact:
    first = parts[0]
    scale, steps = (np.concatenate([getattr(part, name) for part in parts]) for name in ("scale", "steps"))
    return Compact(first.first_ns, first.width_ns, scale, steps)
