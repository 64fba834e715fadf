"""The legs of a run's strategies against back-tests of them on its own bars.

In:  the targets of legs as the formulas give them over the run's bars, how its account stood at each decision, its ledger.
Out: what was compared, and what differs. The last life's settings say how much is wanted of each leg.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

import numpy as np

from ninefold.backtest.bars_parity import Series
from ninefold.backtest.exact import ONE
from ninefold.backtest.fills_parity import Decided
from ninefold.backtest.legs import Together
from ninefold.backtest.legs_again import Shared
from ninefold.backtest.legs_parity import Run, legs_against_back_tests
from ninefold.execution.held_before import HeldBefore
from ninefold.execution.legs_moved import LegsBooked
from ninefold.execution.reasons import Found, Known
from ninefold.market.instruments import Instrument
from ninefold.market.records import AnyRecord
from ninefold.strategy.forms import WAIT, Legs
from ninefold.strategy.plan import Plan
from ninefold.strategy.sizing import sized


def of_legs(
    plans: Sequence[Plan],
    series: Sequence[Series],
    targets: np.ndarray,
    decided: Decided,
    ledger: Sequence[AnyRecord],
    known: Known,
) -> Found:
    """targets: TARGETS rows of the legs, one of each at each close that they share."""
    found = Found()
    mine = [(plan, plan.wants) for plan in plans if isinstance(plan.wants, Legs)]
    if not mine:
        return found
    booked, before = LegsBooked.of(ledger), HeldBefore(ledger, [plan.name for plan, _ in mine])
    for plan, legs in mine:
        named = {one.instrument.name: one for one in series if one.width_ns == plan.width_ns}
        rows = targets[targets["strategy"] == plan.name.encode()]
        if not len(rows) or not all(one in named for one in legs.on):
            continue
        shared = _shared(plan, legs, [named[one] for one in legs.on], rows, decided)
        unsized = {of.id: _unsized(of, decided) for of in shared.instruments}
        one = legs_against_back_tests(
            shared, plan.name, plan.width_ns, Run(booked, before, unsized, decided.until_seq, known)
        )
        found.compared += one.compared
        found.differences += one.differences
    return found


def _shared(plan: Plan, legs: Legs, series: Sequence[Series], rows: np.ndarray, decided: Decided) -> Shared:
    of_each = [rows[rows["instrument"] == one.instrument.id] for one in series]
    closes = reduce(np.intersect1d, [one["close_ns"] for one in of_each])
    each = [one[np.isin(one["close_ns"], closes)] for one in of_each]
    bars = [one.first[np.searchsorted(one.first["close_ns"], closes)] for one in series]
    target = np.array([np.nan_to_num(one["target"]) for one in each])
    target[:, (target < 0).any(axis=0)] = 0.0  # spot cannot be short, so all are flat
    to, seq = np.rint(target * ONE).astype(np.int64), each[0]["seq"].astype(np.int64)
    together = Together.WAIT if legs.filled == WAIT else Together.UNWIND
    instruments = [one.instrument for one in series]
    shared = Shared(
        instruments=instruments,
        bars=bars,
        seq=seq,
        to=at_last_of_input(to, seq),
        amounts=np.zeros(target.shape, np.int64),
        taken=np.array([one["close"] for one in bars]),
        together=together,
    )
    for row, leg in zip(*np.nonzero(shared.changed.T), strict=True):
        wanted, price = _asked(plan, instruments[leg], int(shared.seq[row]), float(target[leg, row]), decided)
        shared.amounts[leg, row] = wanted
        shared.taken[leg, row] = price or shared.taken[leg, row]
    return shared


def at_last_of_input(to: np.ndarray, seq: np.ndarray) -> np.ndarray:
    """Bars that became known together, after an outage, are decided once, at the last of them."""
    is_last = np.append(seq[1:] != seq[:-1], True)
    last = np.maximum.accumulate(np.where(is_last, np.arange(len(seq)), -1))
    found: np.ndarray = np.where(last >= 0, to[:, last], 0)
    return found


def _asked(plan: Plan, of: Instrument, seq: int, target: float, decided: Decided) -> tuple[int, int]:
    """An amount of base, and the price at which an order for it is judged; 0 while no price is known."""
    standing = decided.standings.get((of.id, seq))
    quote = None if standing is None else standing.quote
    if quote is None:
        return 0, 0
    mid = (quote.bid + quote.ask) // 2
    amounts: Mapping[str, int] = sized({plan.name: target}, decided.weights, decided.capital, mid, of).amounts
    return amounts[plan.name], quote.price(1 if target > 0 else -1)


def _unsized(of: Instrument, decided: Decided) -> str:
    if decided.sizing != "fixed":
        return f"by {decided.sizing}"
    return "" if of.quote == decided.quote else f"by the capital in {decided.quote}, counted in {of.quote}"
