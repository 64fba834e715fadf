"""Back-tests of strategies that know what they hold: free code, and formulas with columns of the own position.

In:  bars, the columns that formulas read, a plan.
Out: a `Result` as `run` gives it. Bar by bar in Python, on the slow kernel: some microseconds a bar for free code, some
     tens for a formula.

At a close the strategy sees the position after the bar's fills. A target that it repeats changes nothing, as with `Changes`, unless an
exit has left the position and the entry holds again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from ninefold.backtest.bars import Bars
from ninefold.backtest.exact import ONE
from ninefold.backtest.funding import NO_FUNDING, Funding
from ninefold.backtest.market_rules import Rules, numbers, tiers_of
from ninefold.backtest.result import Result
from ninefold.backtest.slow import Account, play_live
from ninefold.formula import Evaluator, Scale
from ninefold.formula.columns import OWN
from ninefold.strategy.free_code import READ, CodeFailed, FreeCode
from ninefold.strategy.parameters import BadStrategy
from ninefold.strategy.plan import Code, Plan

Wanted = Callable[[int, Account], tuple[float, bool]]  # the target, and whether the entry holds again
Shown = Callable[[int, Account], dict[str, float]]


def run_stateful(
    plan: Plan, bars: Bars, columns: Mapping[str, np.ndarray], scale: Scale, rules: Rules, funding: Funding = NO_FUNDING
) -> Result:
    """raises: BadStrategy naming the bar at which the strategy failed, or a column that is missing; as `run`."""
    whole = numbers(rules, bars.tick, bars.lot, bars.highest)
    wants, shown = plan.wants, _shown(bars, scale)
    wanted = (
        _of_code(plan, wants, bars, columns, shown, scale)
        if isinstance(wants, Code)
        else _of_formula(plan, columns, shown, scale)
    )
    rows, rates = funding.on(bars)
    payments = dict(zip(rows.tolist(), rates.tolist(), strict=True))
    played = play_live(bars, _changes(wanted), whole, payments, tiers_of(rules, bars.unit))
    return Result(bars, rules, whole, played.fills)


def check_columns(plan: Plan, columns: Mapping[str, np.ndarray]) -> None:
    """raises: BadStrategy if the plan's formula reads what these bars do not have."""
    if not isinstance(plan.wants, Code):
        check_read(plan, plan.target.columns - OWN, columns)


def check_read(plan: Plan, read: frozenset[str], columns: Iterable[str]) -> None:
    """raises: BadStrategy if these bars do not have what is read."""
    if missing := sorted(read - set(columns)):
        raise BadStrategy(
            f"{plan.name} reads {', '.join(missing)}; a file gives {', '.join(columns)} only: run it on stored bars with "
            "--instrument"
        )


def _changes(wanted: Wanted) -> Callable[[int, Account], int | None]:
    """Only what differs from the last that was said, or is entered again; NaN counts as 0."""
    said = 0

    def change(row: int, account: Account) -> int | None:
        nonlocal said
        target, again = wanted(row, account)
        if math.isnan(target):
            target = 0.0
        now = round(target * ONE)
        if now == said and not again:
            return None
        said = now
        return now

    return change


def _of_formula(plan: Plan, columns: Mapping[str, np.ndarray], shown: Shown, scale: Scale) -> Wanted:
    term = plan.target
    check_columns(plan, columns)
    entries = plan.entered_again
    evaluator = Evaluator([term, *(entry for _, entry in entries)], scale)
    read = {name: np.asarray(columns[name], np.float64).tolist() for name in term.columns - OWN}

    def wanted(row: int, account: Account) -> tuple[float, bool]:
        here = {name: values[row] for name, values in read.items()}
        value, *holds = evaluator.update(here | shown(row, account)).tolist()
        target = max(-1.0, min(1.0, value)) if value == value else value
        return target, any(one == 1.0 and target == side for one, (side, _) in zip(holds, entries, strict=True))

    return wanted


def _of_code(
    plan: Plan, code: Code, bars: Bars, columns: Mapping[str, np.ndarray], shown: Shown, scale: Scale
) -> Wanted:
    free = FreeCode(code, scale)
    times = list(zip(bars.open_ns.tolist(), bars.close_ns.tolist(), strict=True))
    read = {name: np.asarray(columns[name], np.float64).tolist() for name in READ}

    def wanted(row: int, account: Account) -> tuple[float, bool]:
        here = {name: values[row] for name, values in read.items()}
        try:
            return free.target(*times[row], here, shown(row, account)), False
        except CodeFailed as error:
            raise BadStrategy(f"{plan.name}: on_bar failed at row {row}: {error}") from error

    return wanted


def _shown(bars: Bars, scale: Scale) -> Shown:
    """What a strategy is shown of its position at a close."""
    lots = float(bars.lot * 10**scale.size_decimals)

    def shown(row: int, account: Account) -> dict[str, float]:
        return {
            "position": account.position * lots,
            "bars_held": _bars_held(account, row),
            "open_profit": _profit(account),
        }

    return shown


def _bars_held(account: Account, row: int) -> int:
    return row - account.entered + 1 if account.position else 0


def _profit(account: Account) -> float:
    """The close against the average entry price, in the direction of the position."""
    return account.side * (account.close / account.average - 1.0) if account.position else 0.0


def line_of(error: Exception) -> str:
    """Where in the user's file."""
    trace = error.__traceback__
    place = ""
    while trace:
        place = f" ({trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})"
        trace = trace.tb_next
    return place
