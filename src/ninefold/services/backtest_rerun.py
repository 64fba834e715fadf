"""Run a counted trial again, from the ledger alone: the same data, code and configuration give the same result to the bit.

In:  the number of a trial. Out: whether the result is the same, and what has changed where it is not.

Nothing is counted: what comes out is compared with what is known, and not shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from ninefold import freqtrade
from ninefold.services import backtest, backtest_legs, backtest_sweep, backtest_tournament
from ninefold.services.backtest import made_ready, played_once
from ninefold.services.backtest_forward import (
    FITTED,
    JOINED,
    RANGES,
    Pace,
    chosen_points,
    fit,
    fitted,
    joined,
    made_fitting,
)
from ninefold.services.backtest_tournament import players_of
from ninefold.services.backtest_wanted import (
    BadBacktest,
    Wanted,
    chosen_each,
    chosen_of,
    code_of,
    config_of,
    settings_of,
    snapshot_of,
    wanted_of,
)
from ninefold.services.lazily import lazily
from ninefold.store.trials import Trial, TrialReader
from ninefold.strategy.forms import Legs

TICKS = "backtest-ticks"  # as its module has it, which needs what the others do without


class Again(NamedTuple):
    """What a trial is now."""

    snapshot: str
    code: str
    digest: bytes


def rerun(data_dir: Path, number: int) -> dict[str, Any]:
    """raises: UnknownTrial; BadBacktest for a trial of a kind that is not run again here; what the run itself raises."""
    trial = TrialReader(data_dir).trial(number)
    search = trial.search
    if search.kind == freqtrade.KIND:  # needs pandas, which the others do without
        again: dict[str, Any] = lazily("ninefold.services.freqtrade_rerun").rerun(trial, data_dir)
        return again
    if search.kind == TICKS:
        made = Again(*lazily("ninefold.services.backtest_ticks").again(search.config, data_dir))
        settings = search.config.get("set") or {name: search.config[name] for name in ("fast", "slow")}
        return _told(trial, search.config["strategy"], settings, made, _differs(trial, made))
    if search.kind not in KINDS:
        raise BadBacktest(f"trial {number} is of the kind {search.kind!r}; those of {', '.join(KINDS)} are run again")
    config = {name: value for name, value in search.config.items() if name not in (RANGES, *Pace.__slots__)}
    wanted = wanted_of(config, data_dir)
    found = KINDS[search.kind](trial, wanted)
    differs = _differs(trial, found)
    if config_of(wanted, config["set"]) != config:
        differs.append("config")
    return _told(trial, wanted.strategy, {**config["set"], **trial.point}, found, differs)


def _differs(trial: Trial, found: Again) -> list[str]:
    search = trial.search
    same = {"data": found.snapshot == search.snapshot, "code": found.code == search.code}
    return [name for name, is_same in same.items() if not is_same]


def _told(trial: Trial, strategy: str, settings: dict[str, Any], found: Again, differs: list[str]) -> dict[str, Any]:
    search = trial.search
    return {
        "trial": trial.number,
        "kind": search.kind,
        "strategy": strategy,
        "set": settings,
        "identical": trial.digest == found.digest,
        "differs": differs,
        "finished": trial.digest is not None,
        "digest": {"ledger": trial.digest and trial.digest.hex(), "now": found.digest.hex()},
        "data": {"ledger": search.snapshot, "now": found.snapshot},
        "code": {"ledger": search.code, "now": found.code},
    }


def _alone(trial: Trial, wanted: Wanted) -> Again:
    asked = replace(wanted, settings=settings_of({**trial.search.config["set"], **trial.point}))
    chosen = chosen_of(asked)
    if isinstance(chosen.plan.wants, Legs):
        return Again(*backtest_legs.again(asked, chosen))
    ready = made_ready(asked, chosen)
    _, found = played_once(wanted, ready)
    return Again(snapshot_of(ready.market), _code(trial, wanted, ready.chosen.code), found.outcome.digests[0])


def _code(trial: Trial, wanted: Wanted, own: str) -> str:
    """A search has one version for all of its points."""
    config, points = trial.search.config, trial.search.points
    if not points or own == trial.search.code:
        return own
    settings = [dict(zip(points, values, strict=True)) for values in zip(*points.values(), strict=True)]
    return code_of(chosen_each(wanted, [settings_of({**config["set"], **one}) for one in settings]))


def _fitted(trial: Trial, wanted: Wanted) -> Again:
    """One fit of a walk forward."""
    point = {name: value for name, value in trial.point.items() if name != "fold"}
    own = replace(wanted, settings=settings_of({**trial.search.config["set"], **point}))
    fitting = made_fitting(own, _pace(trial))
    fold = trial.point["fold"]
    found = fit(own, fitting, range(fold, fold + 1))
    return Again(snapshot_of(fitting.market), code_of(fitting.grid.points), found.outcome.digests[0])


def _joined(trial: Trial, wanted: Wanted) -> Again:
    """All fits of a walk forward, and what they chose."""
    own = replace(wanted, settings=tuple(trial.search.config[RANGES]))
    fitting = made_fitting(own, _pace(trial))
    best = chosen_points(fitting, fitted(own, fitting))
    _, found = played_once(own, joined(fitting, best))
    return Again(snapshot_of(fitting.market), code_of(fitting.grid.points), found.outcome.digests[0])


def _pace(trial: Trial) -> Pace:
    return Pace(**{name: trial.search.config[name] for name in Pace.__slots__})


def _of_tournament(trial: Trial, wanted: Wanted) -> Again:
    names = trial.search.points["strategy"]
    asked = replace(wanted, strategy=trial.point["strategy"])
    ready = made_ready(asked, chosen_of(asked))
    _, found = played_once(wanted, ready)
    players = [chosen_of(replace(wanted, strategy=name)) for name in names]
    _, market, _ = players_of(wanted)
    return Again(snapshot_of(market), code_of(players), found.outcome.digests[0])


KINDS: dict[str, Callable[[Trial, Wanted], Again]] = {
    backtest.KIND: _alone,
    backtest_sweep.KIND: _alone,
    FITTED: _fitted,
    JOINED: _joined,
    backtest_tournament.KIND: _of_tournament,
}
