"""Many back-tests of one instrument at once: every strategy on both cores, results those of single runs.

In:  a matrix of targets, their changes, or the windows of moving averages; the same bars and rules for all.
Out: what each left, and its equity at chosen closes, for statistics over many strategies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ninefold.backtest.bars import Bars
from ninefold.backtest.fast_many import SUMMARY, Left, play_bits, play_changes, play_targets
from ninefold.backtest.funding import NO_FUNDING, Funding, market_of
from ninefold.backtest.market_rules import Rules, numbers, tiers_of
from ninefold.backtest.outcome import TooLarge
from ninefold.backtest.result import Account
from ninefold.backtest.scan import crossing_bits
from ninefold.backtest.target import BadTarget, Changes, check_windows, wrong_target

SUMMARIES = np.dtype([(name, "<i8") for name in SUMMARY])


@dataclass(frozen=True, eq=False, slots=True)
class Sweep:
    """runs: SUMMARIES rows, one a strategy: equity, fees, slippage, funding (units), fills, trades (that
    are over), won (of them), held (closes with a position).
    samples: rows of bars. equity: units at those closes, shape (strategies, samples)."""

    runs: np.ndarray
    samples: np.ndarray
    equity: np.ndarray


def sweep(
    bars: Bars, targets: np.ndarray, rules: Rules, every: int | None = None, funding: Funding = NO_FUNDING
) -> Sweep:
    """Back-test many strategies.

    targets: shape (strategies, n), each as `run` takes it.
    every:   bars between the closes at which equity is kept, the last among them; None: the last only.
    raises:  as `run`; the message names the strategy's row too.
    """
    values = np.ascontiguousarray(targets, np.float64)
    if values.ndim != 2 or values.shape[1] != len(bars) or not len(values):
        raise BadTarget(
            f"targets have shape {values.shape}; (strategies, {len(bars)}) is needed, at least one strategy"
        )
    made = _empty(len(values), bars, every)
    left = _left(made)
    whole = numbers(rules, bars.tick, bars.lot, bars.highest)
    play_targets(market_of(bars, funding, tiers_of(rules, bars.unit)), values, whole, left)
    _judge(left.status, values)
    return made


def sweep_changes(
    bars: Bars, changes: Sequence[Changes], rules: Rules, every: int | None = None, funding: Funding = NO_FUNDING
) -> Sweep:
    """The same for targets that are given by their changes."""
    if not changes:
        raise BadTarget("there are no targets; give at least one")
    made = _empty(len(changes), bars, every)
    left = _left(made)
    whole = numbers(rules, bars.tick, bars.lot, bars.highest)
    begins = np.cumsum([0, *(len(one.at) for one in changes)])
    at, to = (np.concatenate([getattr(one, name) for one in changes]) for name in ("at", "to"))
    play_changes(market_of(bars, funding, tiers_of(rules, bars.unit)), at, to, begins, whole, left)
    _judge(left.status, np.empty((0, 0)))
    return made


def summary_of(result: Account) -> np.ndarray:
    """What a sweep keeps of such a run: a SUMMARIES row, shape (1,)."""
    row = (result.equity[-1], result.fees, result.slippage, result.funding)
    return np.array([(*row, result.filled, result.over, result.won, result.holds.sum())], SUMMARIES)


def sweep_crossings(
    bars: Bars,
    pairs: Sequence[tuple[int, int]],
    rules: Rules,
    every: int | None = None,
    funding: Funding = NO_FUNDING,
) -> Sweep:
    """`changes_of_crossing` for many pairs (fast, slow) of windows, means compared many bars at a time.

    raises: BadTarget for windows that are too short or too long; BadRules; BadFunding; TooLarge.
    """
    if not pairs:
        raise BadTarget("there are no pairs of windows; give at least one, such as (10, 30)")
    check_windows(bars, [fast for fast, _ in pairs], [slow for _, slow in pairs])
    windows = sorted({window for pair in pairs for window in pair})
    place = {window: row for row, window in enumerate(windows)}
    table = np.array([(place[fast], place[slow], fast, slow) for fast, slow in pairs], np.int64)
    made = _empty(len(pairs), bars, every)
    left = _left(made)
    whole = numbers(rules, bars.tick, bars.lot, bars.highest)
    bits = crossing_bits(bars.close, np.array(windows, np.int64), table)
    play_bits(market_of(bars, funding, tiers_of(rules, bars.unit)), bits, whole, left)
    _judge(left.status, np.empty((0, 0)))
    return made


def _empty(strategies: int, bars: Bars, every: int | None) -> Sweep:
    step = len(bars) if every is None else every
    if step < 1:
        raise BadTarget(f"equity was asked for every {every} bars; at least 1 is needed (None: the last only)")
    samples = np.arange(len(bars) - 1, -1, -step, dtype=np.int64)[::-1].copy()
    equity = np.empty((strategies, len(samples)), np.int64)
    return Sweep(np.zeros(strategies, SUMMARIES), samples, equity)


def _left(made: Sweep) -> Left:
    table = made.runs.view(np.int64).reshape(-1, len(SUMMARY))
    return Left(table, made.samples, made.equity, np.zeros(len(table), np.int64))


def _judge(status: np.ndarray, targets: np.ndarray) -> None:
    """status: 0, or row + 1 of a wrong target, or -row - 1 of an amount that was too large."""
    for strategy in np.flatnonzero(status)[:1].tolist():
        row = abs(int(status[strategy])) - 1
        if status[strategy] > 0:
            raise wrong_target(targets[strategy], row, f"the target of strategy {strategy}")
        raise TooLarge(row)
