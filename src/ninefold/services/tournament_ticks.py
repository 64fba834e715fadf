"""Quotes and free code on trades in a tournament: played on the trades and books of the market, beside what plays on its bars.

In:  what is asked of trades and books, without a strategy. Out: contests, each of one strategy and a search of its own; who cannot
     play, and why.

Money is judged on bars of the same width made of the trades. They have no null twins: what they want depends on what they hold, or
on every trade.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from ninefold.backtest.exact import BadRules
from ninefold.backtest.ticks.tape import BadTicks
from ninefold.services.backtest_config import settings_of
from ninefold.services.backtest_search import Play
from ninefold.services.backtest_strategy import Chosen, choose
from ninefold.services.backtest_ticks import WantedTicks, wanted_of
from ninefold.services.strategies import known_strategies
from ninefold.services.ticks_sweep import TicksGround, tape_of
from ninefold.services.tournament_field import Contest
from ninefold.store.trials import Search, Trial
from ninefold.strategy.forms import BookCode, Quoting, TradeCode
from ninefold.strategy.parameters import BadStrategy

KIND = "tournament-ticks"


class OnTicks(NamedTuple):
    """names: of all strategies that play on trades and books alone. left_out: those of them that cannot, and why."""

    names: frozenset[str]
    contests: list[Contest]
    left_out: list[dict[str, str]]


def contests_on_ticks(wanted: WantedTicks) -> OnTicks:
    """raises: as `source_of`."""
    players = [one for name in known_strategies(wanted.strategies) if (one := _player(name, wanted)) is not None]
    tape, contests, left_out = tape_of(wanted), [], []
    for one in players:
        try:
            contests.append(_contest(wanted, tape.of([one]), one))
        except (BadStrategy, BadRules, BadTicks) as refused:
            left_out.append({"strategy": one.name, "why": str(refused)})
    return OnTicks(frozenset(one.name for one in players), contests, left_out)


def again(trial: Trial, data_dir: Path) -> tuple[str, str, bytes, dict[str, Any]]:
    """A counted player once more: identity of data and code, the digest of the result, and how complete what it read is; nothing is
    counted."""
    wanted = wanted_of(trial.search.config, data_dir)
    chosen = choose(str(wanted.strategy), settings_of(trial.search.config["set"]), wanted.strategies)
    ground = tape_of(wanted).of([chosen])
    digest = ground.player([0])(range(1)).outcome.digests[0]
    return ground.snapshot, chosen.code, digest, ground.complete()


def _player(name: str, wanted: WantedTicks) -> Chosen | None:
    chosen = choose(name, (), wanted.strategies)
    return chosen if isinstance(chosen.plan.wants, Quoting | BookCode | TradeCode) else None


def _contest(wanted: WantedTicks, ground: TicksGround, chosen: Chosen) -> Contest:
    config = replace(wanted, strategy=chosen.name).told(chosen.parameters)
    search = Search(
        kind=KIND,
        family=chosen.family,
        snapshot=ground.snapshot,
        code=chosen.code,
        config=config,
        seed=0,
        points={"strategy": [chosen.name]},
    )

    def player(some: Sequence[int], twins: bool) -> Play:
        return ground.player(some)

    return Contest([chosen], ground, [0], ground.snapshot, player, search)
