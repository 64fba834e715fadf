"""24 simulated hours of trading with everything going wrong that can: the books add up at every step (day.py tells what happens).

Half an hour of it in `make test`; all 24, and the programs less a rule, as torture.
"""

from __future__ import annotations

import itertools
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ninefold.execution import asked
from ninefold.execution.ids import PREFIX
from ninefold.market.strategy_records import Guard
from ninefold.services import gateways

from . import crash_rules
from .day import HAND_KINDS, KINDS, Day
from .simulated_time import Gateway, SimulatedLoop, let_time_be

HOUR_S = 3_600.0
HOUR_SEED = 8  # of the short form, so that a change is judged by what it changes; the long one draws its own


@pytest.mark.slow
def test_in_half_an_hour_of_everything_the_books_add_up_at_every_step(tmp_path, monkeypatch):
    seed = int(os.environ.get("NINEFOLD_SEED", "0")) or HOUR_SEED
    met = play(tmp_path, monkeypatch, HOUR_S / 2, restarted=1 / 20, seed=seed)
    assert met["orders"] > 50 and met["fills"] > 50 and met["restarts"] > 5 and met["rests"] > 3 and met["exits"] > 2
    assert sum(met[kind] > 0 for kind in KINDS) > len(KINDS) / 2


@pytest.mark.torture
@pytest.mark.timeout(3_600)
def test_in_a_day_of_everything_the_books_add_up_at_every_step(tmp_path, monkeypatch):
    met = play(tmp_path, monkeypatch, 24 * HOUR_S, restarted=1 / 150)
    assert met["orders"] > 2_000 and met["fills"] > 2_000 and met["restarts"] > 60 and met["rests"] > 150
    for each in (
        *KINDS,
        *HAND_KINDS,
        "halts",
        "resumes",
        "flattens",
        "cancels",
        "power losses",
        "asked again",
        "exits",
    ):
        assert met[each] > 9, f"{each} was met {met[each]} times"


def an_id_is_new_each_time() -> None:
    numbers = itertools.count()
    crash_rules._set(asked, "asked_id", lambda ask_id: f"{PREFIX}{ask_id.replace(' ', '')}-{next(numbers)}")


WITHOUT: dict[str, Callable[[], None]] = {
    "ids derive from what was asked for": an_id_is_new_each_time,
    **{
        name: crash_rules.RULES[name]
        for name in (
            "trades are asked for after the status",
            "unsettled orders are asked for at the start",
            "one order of an instrument is under way at a time",
        )
    },
}


@pytest.mark.slow
def test_an_hour_finds_that_a_trade_counts_twice(tmp_path, monkeypatch):
    found(tmp_path, monkeypatch, crash_rules.RULES["a trade that is told twice counts once"])


@pytest.mark.torture
@pytest.mark.parametrize("without", WITHOUT.values(), ids=WITHOUT)
def test_an_hour_finds_a_program_less_a_rule(without, tmp_path, monkeypatch):
    found(tmp_path, monkeypatch, without)


def found(folder: Path, monkeypatch: pytest.MonkeyPatch, without: Callable[[], None]) -> None:
    monkeypatch.setattr(crash_rules, "_set", monkeypatch.setattr)
    without()
    with pytest.raises(AssertionError) as error:
        play(folder, monkeypatch, HOUR_S, restarted=1 / 30, seed=5)
    print(f"found: {str(error.value).splitlines()[0]}")


def gateway_of(day: Day) -> Callable[..., Gateway]:
    """The product's gateway, on the simulated exchange's doors."""

    def make(rest: str, stream: str, key: str, secret: str, submit: Any, unsettled: Any, *_: object) -> Gateway:
        return Gateway(day.venue, (key, secret), submit, unsettled, day.loop.now_ns)

    return make


def play(
    folder: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, restarted: float, seed: int = 0
) -> Counter[str]:
    """What was met, by name."""
    seed = seed or int(os.environ.get("NINEFOLD_SEED", "0")) or random.randrange(1, 1 << 32)
    print(f"NINEFOLD_SEED={seed}")
    loop = SimulatedLoop()
    let_time_be(loop, monkeypatch)
    day = Day(folder, loop, seed, restarted)
    monkeypatch.setattr(gateways, "BinanceGateway", gateway_of(day))
    begun = time.process_time()
    try:
        loop.run_until_complete(day.run(seconds))
    finally:
        loop.close()
    met = day.met + day.venue.faults.struck
    met.update(orders=len(day.truth.orders), fills=len(day.truth.fills), refused=day.truth.refused.total())
    met["exits"] = sum(isinstance(event, Guard) and bool(event.left) for event in day.kept.events())
    counts = ", ".join(f"{name} {count:,}" for name, count in sorted(met.items()))
    print(f"{seconds / HOUR_S:g} simulated hours in {time.process_time() - begun:.0f} s of processor: {counts}")
    print(dict(day.truth.refused))
    return met
