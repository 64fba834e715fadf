"""Run a counted trial again, from the ledger alone: the same data, code and configuration give the same result to the bit.

In:  the number of a trial. Out: whether the result is the same, and what has changed where it is not.

Nothing is counted: what comes out is compared with what is known, and not shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ninefold import freqtrade
from ninefold.services import backtest, backtest_sweep, backtest_tournament
from ninefold.services.backtest import made_ready, played_once
from ninefold.services.backtest_bars import Market
from ninefold.services.backtest_completeness import COMPLETENESS, completeness_kept, completeness_of_markets
from ninefold.services.backtest_config import config_of, settings_of, wanted_of
from ninefold.services.backtest_cross import Cut
from ninefold.services.backtest_fitting import (
    RANGES,
    Splitting,
    chosen_points,
    fit,
    fitted,
    joined,
    joined_kind,
    made_fitting,
)
from ninefold.services.backtest_forward import Pace
from ninefold.services.backtest_outcome import played
from ninefold.services.backtest_strategy import Chosen
from ninefold.services.backtest_wanted import (
    BadBacktest,
    Wanted,
    chosen_each,
    chosen_of,
    code_of,
    snapshot_of,
)
from ninefold.services.lazily import lazily
from ninefold.services.legs_ground import LegsGround, ground_for
from ninefold.services.tournament_field import field_of
from ninefold.store.trials import Trial, TrialReader

if TYPE_CHECKING:
    from ninefold.services.backtest_ground import Ground
    from ninefold.services.ticks_sweep import TicksGround

SPLIT = {*Pace.__slots__, *Cut.__slots__}  # how time was split, in a configuration
TICKS = {  # by kind, the modules that need what the others do without
    "backtest-ticks": "ninefold.services.backtest_ticks",
    "backtest-ticks-together": "ninefold.services.ticks_together",
    "sweep-ticks": "ninefold.services.ticks_sweep",
    "tournament-ticks": "ninefold.services.tournament_ticks",
}


class Again(NamedTuple):
    """What a trial is now. completeness: of what it reads."""

    snapshot: str
    code: str
    digest: bytes
    completeness: dict[str, Any]


def rerun(data_dir: Path, number: int) -> dict[str, Any]:
    """raises: UnknownTrial; BadBacktest for a trial of a kind that is not run again here; what the run itself raises."""
    trial = TrialReader(data_dir).trial(number)
    search = trial.search
    if search.kind == freqtrade.KIND:  # needs pandas, which the others do without
        again: dict[str, Any] = lazily("ninefold.services.freqtrade_rerun").rerun(trial, data_dir)
        return again
    if search.kind in TICKS:
        made = Again(*lazily(TICKS[search.kind]).again(trial, data_dir))
        without = {name: search.config[name] for name in ("fast", "slow")}
        settings = {**search.config.get("set", without), **trial.point}
        return _told(trial, search.config["strategy"], settings, made, _differs(trial, made), data_dir)
    if search.kind not in (*KINDS, *SPLITTINGS):
        known = ", ".join((*KINDS, *SPLITTINGS))
        raise BadBacktest(f"trial {number} is of the kind {search.kind!r}; those of {known} are run again")
    config = {name: value for name, value in search.config.items() if name not in (RANGES, *SPLIT)}
    if search.kind in SPLITTINGS:
        found, now = _on_parts(trial, config, data_dir)
    else:
        wanted = wanted_of(config, data_dir)
        found = (_several if wanted.several else KINDS[search.kind])(trial, wanted)
        now = config_of(wanted, config["set"])
    differs = [*_differs(trial, found), *(["config"] if now != config else [])]
    return _told(trial, config["strategy"], {**config["set"], **trial.point}, found, differs, data_dir)


def _differs(trial: Trial, found: Again) -> list[str]:
    search = trial.search
    same = {"data": found.snapshot == search.snapshot, "code": found.code == search.code}
    return [name for name, is_same in same.items() if not is_same]


def _told(
    trial: Trial, strategy: str, settings: dict[str, Any], found: Again, differs: list[str], data_dir: Path
) -> dict[str, Any]:
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
        COMPLETENESS: {"kept": completeness_kept(data_dir, trial.first), "now": found.completeness},
    }


def _alone(trial: Trial, wanted: Wanted) -> Again:
    asked = replace(wanted, settings=settings_of({**trial.search.config["set"], **trial.point}))
    ready = made_ready(asked, chosen_of(asked))
    _, found = played_once(wanted, ready)
    snapshot = _snapshot(trial, wanted, snapshot_of(ready.market, [ready.chosen]))
    code = _code(trial, wanted, ready.chosen.code)
    return Again(snapshot, code, found.outcome.digests[0], _complete(wanted, [ready.market]))


def _complete(wanted: Wanted, markets: Sequence[Market]) -> dict[str, Any]:
    return completeness_of_markets(wanted.data_dir, markets)


def _code(trial: Trial, wanted: Wanted, own: str) -> str:
    """A search has one version for all of its points."""
    if not trial.search.points or own == trial.search.code:
        return own
    return code_of(_points(trial, wanted))


def _snapshot(trial: Trial, wanted: Wanted, own: str) -> str:
    """A search has one identity of data, of all that any of its points reads."""
    if not trial.search.points or own == trial.search.snapshot:
        return own
    return ground_for(wanted, _points(trial, wanted)).snapshot


def _points(trial: Trial, wanted: Wanted) -> list[Chosen]:
    """Of a search."""
    config, points = trial.search.config, trial.search.points
    settings = [dict(zip(points, values, strict=True)) for values in zip(*points.values(), strict=True)]
    return chosen_each(wanted, [settings_of({**config["set"], **one}) for one in settings])


def _on_parts(trial: Trial, config: dict[str, Any], data_dir: Path) -> tuple[Again, dict[str, Any]]:
    """One fit of a walk forward or a cross-validation, or all of these fits and what they chose; and what is asked as this version
    keeps it."""
    of_ticks = lazily("ninefold.services.backtest_ticks")
    wanted: Any = of_ticks.wanted_of(config, data_dir) if "ticks" in config else wanted_of(config, data_dir)
    point = {name: value for name, value in trial.point.items() if name != "fold"}
    ranges = trial.search.config.get(RANGES)
    settings = settings_of({**config["set"], **point}) if ranges is None else tuple(ranges)
    fitting = made_fitting(replace(wanted, settings=settings), _splitting(trial))
    if ranges is None:
        fold = trial.point["fold"]
        found = fit(fitting, range(fold, fold + 1))
    else:
        best = chosen_points(fitting, fitted(fitting))
        found = played(joined(fitting, best).result, fitting.width_ns)
    plays, code = fitting.plays, code_of(fitting.grid.points)
    return Again(plays.snapshot, code, found.outcome.digests[0], plays.complete()), plays.config(config["set"])


def _splitting(trial: Trial) -> Splitting:
    of = SPLITTINGS[trial.search.kind]
    return of(**{name: trial.search.config[name] for name in of.__slots__})


def _of_tournament(trial: Trial, wanted: Wanted) -> Again:
    asked = replace(wanted, strategy=trial.point["strategy"])
    ready = made_ready(asked, chosen_of(asked))
    _, found = played_once(wanted, ready)
    ground = field_of(wanted).contests[0].ground
    code = _players_code(trial, wanted)
    return Again(ground.snapshot, code, found.outcome.digests[0], _complete(wanted, ground.markets))


def _players_code(trial: Trial, wanted: Wanted) -> str:
    return code_of([chosen_of(replace(wanted, strategy=name)) for name in trial.search.points["strategy"]])


def _several(trial: Trial, wanted: Wanted) -> Again:
    """Several instruments: legs on one account, or a portfolio, alone or of a sweep or a tournament."""
    point = dict(trial.point)
    strategy = str(point.pop("strategy", wanted.strategy))
    own = replace(wanted, strategy=strategy, settings=settings_of({**trial.search.config["set"], **point}))
    chosen = chosen_of(own)
    ground: Ground | LegsGround | TicksGround = ground_for(own, [chosen])
    found = ground.player([0])(range(1))
    if trial.search.kind == backtest_tournament.KIND:
        ground = ground if isinstance(ground, LegsGround) else field_of(wanted).contests[0].ground
        snapshot, code = ground.snapshot, _players_code(trial, wanted)
    else:
        snapshot, code = _snapshot(trial, wanted, ground.snapshot), _code(trial, wanted, chosen.code)
    return Again(snapshot, code, found.outcome.digests[0], _complete(wanted, ground.markets))


SPLITTINGS: dict[str, type[Pace] | type[Cut]] = {
    kind: of for of in (Pace, Cut) for kind in (of.kind, joined_kind(of.kind))
}
KINDS: dict[str, Callable[[Trial, Wanted], Again]] = {
    backtest.KIND: _alone,
    backtest_sweep.KIND: _alone,
    backtest_tournament.KIND: _of_tournament,
}
