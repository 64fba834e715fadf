"""The stages of the chain as a config wants them, ready to run: made, restored, warmed up.

In:  a config and the data dir. Out: the stages in order, and the collector.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from pathlib import Path

import msgspec
import numpy as np

from ninefold.backtest.exact import BadRules
from ninefold.backtest.market_rules import distances
from ninefold.config import BadConfig, Config
from ninefold.execution.decisions import Basis
from ninefold.execution.guards import ExitRule
from ninefold.execution.legs_rule import LegsRule
from ninefold.forecast.model import TrainedModel
from ninefold.forecast.stage import Forecasts
from ninefold.formula.elsewhere import elsewhere_in
from ninefold.formula.errors import FormulaError
from ninefold.formula.measure import Measure
from ninefold.journal.inputs import CHUNK
from ninefold.journal.reader import read
from ninefold.market.arrays import empty
from ninefold.market.bars import BarMaker
from ninefold.market.chunk import decode
from ninefold.market.instruments import Registry
from ninefold.market.values import TOLD, told
from ninefold.sentiment.mood import Sentiment
from ninefold.services import halt
from ninefold.services.execute import Execute, MakeVenue
from ninefold.services.parsers import collector_of
from ninefold.services.snapshot import Snapshot
from ninefold.services.stage import Kept, Stage
from ninefold.services.strategies import known_strategies
from ninefold.services.table_reader import reader_of
from ninefold.store.ledger import Ledger
from ninefold.strategy.decide import Decide
from ninefold.strategy.forms import WAIT, Legs, Quoting
from ninefold.strategy.library import default_strategies, strategy_named
from ninefold.strategy.parameters import BadStrategy
from ninefold.strategy.plan import NO_EXITS, Code, Plan, check_live
from ninefold.strategy.strategy import plan_of

MODEL = Path("models") / "current.model"


def strategies_of(config: Config) -> tuple[Plan, ...]:
    """The strategies a config names, or the default ones. raises: BadConfig with what is allowed."""
    if not config.strategies.names:
        return default_strategies()
    folder = Path(config.strategies.folder) if config.strategies.folder else None
    try:
        known = known_strategies(folder)
        found = tuple(_placed(plan_of(strategy_named(name, known)), config) for name in config.strategies.names)
        for one in found:
            check_live(one)
            distances(one.exits)
            _check_elsewhere(one, config)
    except (BadStrategy, FormulaError, BadRules) as error:
        raise BadConfig(f"strategies: {error}") from error
    return found


def _placed(plan: Plan, config: Config) -> Plan:
    """One with legs, on the instruments that the config names for them. raises: BadStrategy."""
    pairs = config.strategies.legs.get(plan.name)
    if not isinstance(plan.wants, Legs) or pairs is None:
        return plan
    if len(pairs) != len(plan.wants.names) or len(set(pairs)) != len(pairs):
        raise BadStrategy(
            f"{plan.name} has the legs {', '.join(plan.wants.names)}, and [strategies.legs] names {', '.join(pairs) or 'none'}; name "
            "another pair for each, in this order"
        )
    missing = [pair for pair in pairs if pair not in config.venue.pairs]
    if missing and config.mode != "replay":
        raise BadStrategy(
            f"the legs of {plan.name} are on {', '.join(missing)}, which is not traded here; there are "
            f"{', '.join(config.venue.pairs)}: name it in pairs of [venue]"
        )
    return replace(plan, wants=plan.wants.placed(tuple(f"{config.venue.name}:{pair}" for pair in pairs)))


def _check_elsewhere(plan: Plan, config: Config) -> None:
    """raises: BadStrategy for an instrument that the pipeline does not capture; a replay takes what the recording holds."""
    captured = {f"{venue.name}:{pair}" for venue in config.venues for pair in venue.pairs}
    read = {part.instrument for term in plan.terms for part in elsewhere_in(term)}
    for instrument in sorted(read - {""} - captured):
        if config.mode != "replay":
            raise BadStrategy(
                f"{plan.name} reads {instrument}, which is not captured here; there are {', '.join(sorted(captured))}: name it in "
                "pairs of [venue] or of a [[capture]]"
            )


def stage_of(
    name: str,
    config: Config,
    data_dir: Path,
    registry: Registry,
    venue: MakeVenue | None = None,
    ahead: bool = False,
) -> Stage:
    """One stage of the chain by name. venue: the simulated one of a paper account, if not as usual. ahead: the stages behind get ready
    for bars, which only pays where orders wait and all are in one process."""
    if name == "bars":
        return BarMaker(frozenset(strategy.width_ns for strategy in strategies_of(config)) if ahead else frozenset())
    if name == "measure":
        return Measure()
    if name == "sentiment":
        return Sentiment()
    if name == "forecast":
        return Forecasts(model_of(data_dir))
    if name == "decide":
        return decide_of(config)
    names = sized_names(strategies_of(config))
    keep_halt, basis = partial(halt.keep, data_dir), basis_of(config, data_dir)
    exits, itself, legs = exits_of(config), knowing_themselves(config), legs_of(config)
    ledger, quoting = Ledger(data_dir), quoting_of(config)
    return Execute(config, names, ledger, registry, venue, keep_halt, basis, exits, itself, legs, quoting)


def decide_of(config: Config) -> Decide:
    """Of the strategies that do not know what they hold: those that do decide where that is known, in `execute`."""
    plans = [plan for plan in strategies_of(config) if not plan.knows_itself and not isinstance(plan.wants, Quoting)]
    return Decide(plans, config.venue.name)


def knowing_themselves(config: Config) -> tuple[Plan, ...]:
    """Strategies that read what they hold, and free code, which is shown it. raises: BadConfig."""
    return tuple(plan for plan in strategies_of(config) if plan.knows_itself)


def exits_of(config: Config) -> dict[str, ExitRule]:
    """Those of its strategies. raises: BadConfig."""
    return exit_rules(strategies_of(config))


def quoting_of(config: Config) -> tuple[Plan, ...]:
    """Strategies that quote. raises: BadConfig."""
    return tuple(plan for plan in strategies_of(config) if isinstance(plan.wants, Quoting))


def sized_names(plans: Iterable[Plan]) -> tuple[str, ...]:
    """Those that share the capital: quotes say their sizes themselves."""
    return tuple(plan.name for plan in plans if not isinstance(plan.wants, Quoting))


def legs_of(config: Config) -> dict[str, LegsRule]:
    """Those of its strategies. raises: BadConfig."""
    return leg_rules(strategies_of(config))


def leg_rules(plans: Iterable[Plan]) -> dict[str, LegsRule]:
    """By strategy, of those that have legs."""
    return {
        plan.name: LegsRule(tuple(zip(plan.wants.names, plan.wants.on, strict=True)), plan.wants.filled == WAIT)
        for plan in plans
        if isinstance(plan.wants, Legs)
    }


def exit_rules(plans: Iterable[Plan]) -> dict[str, ExitRule]:
    """By strategy, of those that leave by themselves. raises: BadRules."""
    found = {}
    for plan in plans:
        if plan.exits != NO_EXITS:
            stop, take, trail, bars = distances(plan.exits)
            found[plan.name] = ExitRule(plan.width_ns, stop, take, trail, bars)
    return found


def basis_of(config: Config, data_dir: Path) -> Basis:
    """What decides besides the inputs: the formulas of the strategies, and the forecast model. raises: BadConfig."""
    return Basis({one.name: formula_of(one) for one in strategies_of(config)}, model_digest(data_dir))


def formula_of(strategy: Plan) -> str:
    """Free code may call whatever its file defines: so its file is in it, by a digest."""
    text = f"{strategy.timeframe} {strategy.text}"
    file = Path(strategy.wants.file) if isinstance(strategy.wants, Code) else None
    if file is None or not file.is_file():
        return text
    return f"{text}\n{file.name} {blake2b(file.read_bytes(), digest_size=16).hexdigest()}"


def model_digest(data_dir: Path) -> str:
    """Of the forecast model, "" without one."""
    path = data_dir / MODEL
    return blake2b(path.read_bytes(), digest_size=16).hexdigest() if path.exists() else ""


def loadable(config: Config, saved: Snapshot | None) -> bool:
    """Whether this program understands the states of a snapshot; one of another version is not used, the journal is."""
    try:
        for name, state in saved.states.items() if saved else ():
            fresh: Kept = collector_of(config) if name == "collect" else _KEPT[name](config)
            fresh.load(state)
    except (msgspec.DecodeError, KeyError, ValueError) as error:
        print(f"ninefold: the last snapshot cannot be used ({error}); starting from the journal", file=sys.stderr)
        return False
    return saved is not None


_KEPT: dict[str, Callable[[Config], Kept]] = {
    "bars": lambda config: BarMaker(),
    "measure": lambda config: Measure(),
    "sentiment": lambda config: Sentiment(),
    "decide": lambda config: decide_of(config),
}


def model_of(data_dir: Path) -> TrainedModel | None:
    """The model that `ninefold train` left here, or None."""
    path = data_dir / MODEL
    return TrainedModel.from_bytes(path.read_bytes()) if path.exists() else None


def history(data_dir: Path, until_seq: int) -> tuple[np.ndarray, np.ndarray]:
    """First revisions of all bars known until a seq, in that order, and what was told of them: from the tables,
    then from the stream log.
    """
    reader = reader_of(data_dir)
    stored_seq = min(reader.position(), until_seq)
    bars = [reader.bars_known(stored_seq)]
    values = [reader.values_known(term.decode(), stored_seq) for term in TOLD]
    for record in read(data_dir / "stream", stored_seq):
        if record.seq > until_seq:
            break
        if record.kind == CHUNK:
            chunk = decode(record.payload)
            made = chunk.rows("bars")
            bars.append(made[(made["revision"] == 0) & (made["seq"] > stored_seq)])
            said = told(chunk.rows("values"))
            values.append(said[said["seq"] > stored_seq])
    return np.concatenate([empty("bars"), *bars]), np.concatenate([empty("values"), *values])
