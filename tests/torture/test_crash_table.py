"""kill -9 at every write, sync and send of the hot process, times every fault of the exchange: nothing is lost or doubled.

A sample of the points in `make test`, all of them in `make torture`; and the same for the program less each rule of
recovery, which must be found out.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .crash_case import FAULTS, Case
from .crash_deal import cases_in
from .crash_rules import RULES
from .intercepted import CALLS, possible

ROOT = Path(__file__).parents[2]
LOST = 25  # inputs before the ledger's last one
SAMPLE = 10_000  # of so many points, which are all, one with each fault
FOUND_UNDER = {  # a fault under which a program less this rule is found out
    "unsettled orders are asked for at the start": "reply lost",
    "sent is written together with intended": "none",
    "an order is written before it leaves": "none",
    "an order is never sent twice": "reply lost",
    "an error of the venue leaves an order unknown": "5xx, accepted, events lost",
    "no such order counts only after the receive window": "late",
    "trades are asked for after the status": "5xx, accepted, events lost",
    "orders and balances are reconciled before trading": "none",
    "a trade that is told twice counts once": "fill told twice",
    "one order of an instrument is under way at a time": "reply lost",
    "balances that differ are asked for again": "user stream gap",
    "the ledger is done up to the journal's end at most": "reply lost",
    "what the venue keeps is over before the rest is sold": "none",
}
POWER_LOSS = {  # what a journal that is whole makes up for
    "an order is written before it leaves",
    "the ledger is done up to the journal's end at most",
}


@pytest.fixture(scope="module", autouse=True)
def intercepted() -> None:
    if why := possible():
        pytest.skip(why)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_at_some_calls_under_every_fault_nothing_is_lost_doubled_or_unequal(tmp_path: Path) -> None:
    cases = gone_through(tmp_path, "--every", SAMPLE, "--jobs", 2)
    assert {case.fault for case in cases} == set(FAULTS)
    assert not [case for case in cases if case.wrong]
    assert sum(case.killed for case in cases) > len(cases) / 3
    assert sum(case.struck for case in cases) > len(FAULTS)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_without_a_rule_of_recovery_it_is_found_out_at_once(tmp_path: Path) -> None:
    assert_found_out(tmp_path, "an order is never sent twice", jobs=1)


@pytest.mark.torture
@pytest.mark.timeout(900)
def test_after_a_power_loss_took_the_logs_ends_the_ledger_goes_on_and_nothing_is_lost(tmp_path: Path) -> None:
    cases = gone_through(tmp_path, "--every", 12, "--faults", "reply lost", "--lost", LOST)
    assert sum(case.killed for case in cases) > 10
    assert not [case for case in cases if case.wrong]


@pytest.mark.torture
@pytest.mark.timeout(20_000)
def test_killed_at_every_call_under_every_fault_nothing_is_lost_doubled_or_unequal(tmp_path: Path) -> None:
    cases = gone_through(tmp_path, "--each")
    assert not [case for case in cases if case.wrong]
    assert {case.point.call for case in cases if case.killed} <= set(CALLS)
    faults_met = {case.fault for case in cases if case.struck}
    assert faults_met == set(FAULTS) - {"none"}


@pytest.mark.torture
@pytest.mark.timeout(3_000)
@pytest.mark.parametrize("rule", RULES)
def test_without_any_rule_of_recovery_it_is_found_out(tmp_path: Path, rule: str) -> None:
    assert_found_out(tmp_path, rule, jobs=4)


def assert_found_out(folder: Path, rule: str, jobs: int) -> None:
    """At one point or another: they are gone through in steps that become ever smaller, until something is wrong."""
    lost = LOST if rule in POWER_LOSS else 0
    arguments = ("--faults", FOUND_UNDER[rule], "--without", rule, "--lost", lost, "--jobs", jobs, "--stop")
    assert [case for case in gone_through(folder, *arguments) if case.wrong], f"nothing went wrong without: {rule}"


def gone_through(folder: Path, *arguments: Any) -> list[Case]:
    """The cases of the program that goes through them, which must not have threads of its own: it forks."""
    told = folder / "cases.jsonl"
    command = [sys.executable, "-m", "tests.torture.crash_table", "--into", str(told), *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    print(done.stdout, done.stderr[-5_000:])
    assert told.exists(), done.stderr[-5_000:]
    return cases_in(told)
