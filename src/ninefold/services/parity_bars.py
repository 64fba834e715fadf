"""A run against back-tests on its own bars: its targets against the formulas over whole columns, its orders against each
strategy alone.

In:  what a run recorded, how its account stood at each decision, its ledger. Out: `Played`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec
import numpy as np

from ninefold.backtest.bars_parity import Series, Told, Whole, as_first_known, as_it_stands, series_of
from ninefold.backtest.fills_parity import Decided, fills_again
from ninefold.execution.held_before import HeldBefore
from ninefold.execution.reasons import HIDDEN, UNEXPLAINED, Changed, Difference, Known
from ninefold.execution.two_accounts import Standing
from ninefold.market.records import AnyRecord, Fill
from ninefold.market.strategy_records import Guard, Renewed
from ninefold.market.values import known_of
from ninefold.services.build import sized_names, strategies_of
from ninefold.services.execute import UNIT
from ninefold.services.holdings import holdings_of
from ninefold.services.lives import Run
from ninefold.services.parity_legs import of_legs
from ninefold.services.played import Played, with_found
from ninefold.services.recorded_run import RecordedRun
from ninefold.strategy.forms import Legs, Quoting
from ninefold.strategy.itself import Itself
from ninefold.strategy.legs_wanted import LegsWanted
from ninefold.strategy.plan import Plan
from ninefold.strategy.series import joins
from ninefold.strategy.sizing import equal_weights

TARGET, NEWEST, FILLED = "target", "target on bars as they stand", "bar fill"


def on_bars(
    run: Run,
    recorded: RecordedRun,
    stood: Mapping[tuple[int, int], Standing],
    ledger: Sequence[AnyRecord],
    known: Known,
) -> Played:
    """By the settings of the last life; targets of strategies that it does not have are not compared."""
    plans = strategies_of(run.lives[-1].config)
    rows = recorded.decisions.rows("targets")
    decided = _decided(run, plans, rows, stood, ledger)
    said = known_of(recorded.decisions.rows("values"))
    instruments = {one.id: one for one in recorded.registry}
    compared: Counter[str] = Counter()
    differences: list[Difference] = []
    bars = recorded.decisions.rows("bars")
    knowing = _knowing_themselves(run, plans, recorded, ledger)
    whole = Whole.of(bars, instruments)
    legs = LegsWanted(plans, instruments).warm(whole.bars, whole.moment, said)
    of_each = list(series_of(bars, instruments, {plan.width_ns for plan in plans}))
    for series in of_each:
        for mine in _together([plan for plan in plans if plan.width_ns == series.width_ns]):
            first, renewed = series.wanted(mine, series.first, said, whole)
            newest, _ = series.wanted(mine, series.newest, said, whole)
            for place, plan in enumerate(mine):
                told = decided.told.get((series.instrument.id, plan.name))
                if told is None:
                    continue
                again = first[place], renewed[place], newest[place]
                found, fills = _of_plan(series, plan, *again, told, decided, known)
                compared += Counter({TARGET: len(told.seq), NEWEST: len(told.seq), FILLED: fills})
                differences += found
        for plan in plans:
            told = decided.told.get((series.instrument.id, plan.name))
            if told is None or plan.width_ns != series.width_ns:
                continue
            if plan.knows_itself:
                found, fills = _of_knowing(series, plan, *knowing, told, run, decided, known)
                compared += Counter({TARGET: len(told.seq), FILLED: fills})
                differences += found
            elif isinstance(plan.wants, Legs):
                compared[TARGET] += len(told.seq)
                differences += _of_legs(series, plan, legs, told, known)
    differ = Counter(one.kind for one in differences)
    same = {kind: number - differ[kind] for kind, number in compared.items()}
    ordered = sorted(differences, key=lambda one: one.seq)
    played = Played(compared=dict(compared), same=same, differences=ordered, equity=None)
    return with_found(played, of_legs(plans, of_each, legs, decided, ledger, known))


def _together(plans: Sequence[Plan]) -> list[list[Plan]]:
    """Those that read only their own bars, and those that read others too, without those that know what they hold."""
    alone = [plan for plan in plans if not plan.knows_itself and not isinstance(plan.wants, Legs | Quoting)]
    sorts = [[plan for plan in alone if joins(plan) == joined] for joined in (False, True)]
    return [sort for sort in sorts if sort]


def _knowing_themselves(
    run: Run, plans: Sequence[Plan], recorded: RecordedRun, ledger: Sequence[AnyRecord]
) -> tuple[np.ndarray, list[Renewed]]:
    """TARGETS rows of plans that know what they hold, and where their entries hold again: played anew from the first bar to the last,
    with what the ledger says that they held at each."""
    mine = [plan for plan in plans if plan.knows_itself]
    before = HeldBefore(ledger, [plan.name for plan in mine])
    itself = Itself(mine, run.lives[-1].config.venue.name, recorded.registry)
    targets = itself.warm(
        recorded.decisions.rows("bars"),
        recorded.decisions.rows("values"),
        lambda strategy, of, seqs: holdings_of(recorded.registry[of], before, strategy, seqs),
    )
    return targets, itself.renewed


def _of_knowing(
    series: Series,
    plan: Plan,
    knowing: np.ndarray,
    again_at: Sequence[Renewed],
    told: Told,
    run: Run,
    decided: Decided,
    known: Known,
) -> tuple[list[Difference], int]:
    """What differs, up to where the ledger can say what was held, and how many fills a back-test of its targets has: none where others
    trade too. knowing: TARGETS rows, one of each plan and bar."""
    mine = (knowing["instrument"] == series.instrument.id) & (knowing["strategy"] == plan.name.encode())
    booked = told.seq <= run.end.ledger_seq
    told = Told(told.close_ns[booked], told.target[booked], told.seq[booked])
    changed, again = known.changed[-1][1] if known.changed else Changed(), knowing["target"][mine]
    found = as_first_known(series, plan, again, told, changed)
    hidden = plan.name in known.free
    found = [msgspec.structs.replace(one, why=HIDDEN) if hidden and one.reason == UNEXPLAINED else one for one in found]
    if decided.quoting or [name for of, name in decided.told if of == series.instrument.id] != [plan.name]:
        return found, 0
    seqs = [one.seq for one in again_at if (one.instrument, one.strategy) == (series.instrument.id, plan.name)]
    fills = fills_again(series, plan, again, np.isin(series.first["seq"], seqs), decided, known)
    return found + fills, len(fills)


def _of_legs(series: Series, plan: Plan, legs: np.ndarray, told: Told, known: Known) -> list[Difference]:
    """What differs of the targets. legs: TARGETS rows, at the closes that all legs have."""
    mine = legs[(legs["instrument"] == series.instrument.id) & (legs["strategy"] == plan.name.encode())]
    again = np.full(len(series.first), np.nan)
    again[np.searchsorted(series.first["close_ns"], mine["close_ns"])] = mine["target"]
    return as_first_known(series, plan, again, told, known.changed[-1][1] if known.changed else Changed())


def _of_plan(
    series: Series,
    plan: Plan,
    first: np.ndarray,
    renewed: np.ndarray,
    newest: np.ndarray,
    told: Told,
    decided: Decided,
    known: Known,
) -> tuple[list[Difference], int]:
    """What differs, and how many fills the back-test has."""
    changed = known.changed[-1][1] if known.changed else Changed()
    fills = fills_again(series, plan, first, renewed, decided, known)
    found = as_first_known(series, plan, first, told, changed) + as_it_stands(series, plan, first, newest) + fills
    return found, len(fills)


def _decided(
    run: Run,
    plans: Sequence[Plan],
    targets: np.ndarray,
    stood: Mapping[tuple[int, int], Standing],
    ledger: Sequence[AnyRecord],
) -> Decided:
    config = run.lives[-1].config
    fills: dict[str, dict[str, Fill]] = defaultdict(dict)
    exits: dict[tuple[int, str], list[Guard]] = defaultdict(list)
    for event in ledger:
        if isinstance(event, Guard):
            exits[event.instrument, event.strategy].append(event)
        if isinstance(event, Fill):
            fills[event.client_order_id].setdefault(event.trade_id, event)
    return Decided(
        standings=stood,
        fills={order: list(told.values()) for order, told in fills.items()},
        told=_told(targets),
        capital=int(Decimal(config.account.capital) * UNIT) // max(1, len(config.venue.pairs)),
        quote=config.account.quote,
        weights=equal_weights(sized_names(plans)),
        starts=[(life.begun.journal_seq, life.begun.from_seq) for life in run.lives],
        until_seq=run.end.ledger_seq,
        exits=exits,
        legs=frozenset(plan.name for plan in plans if isinstance(plan.wants, Legs)),
        quoting=any(isinstance(plan.wants, Quoting) for plan in plans),
        sizing=config.sizing.method
        if config.sizing.most == 1
        else f"{config.sizing.method}, {config.sizing.most} at most",
    )


def _told(targets: np.ndarray) -> dict[tuple[int, str], Told]:
    """By instrument and strategy, in the order in which they became known."""
    found = {}
    keys = {(int(instrument), name) for instrument, name in targets[["instrument", "strategy"]].tolist()}
    for instrument, name in keys:
        mine = targets[(targets["instrument"] == instrument) & (targets["strategy"] == name)]
        found[instrument, name.decode()] = Told(mine["close_ns"], mine["target"], mine["seq"])
    return found
