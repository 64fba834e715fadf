"""Whatever happens, no order that the gate lets through breaks a limit; and without any one rule some order does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.execution import risk

from .session import Session

SESSIONS = 400
SELDOM = {"min_notional": 125, "rejected": 109, "daily_loss": 65, "drawdown": 48}  # the first seeds to meet them
NAMES = [rule.__name__ for rule in (*risk.RULES, *risk.PRICED)]


@settings(max_examples=100)
@given(seed=st.integers(0, 2**32))
@pytest.mark.slow
def test_no_order_that_is_approved_breaks_a_limit(seed):
    for order, limits in Session(seed).run():
        assert not limits, f"{order} breaks {limits}"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.slow
def test_without_a_rule_orders_leave_that_break_it(name, monkeypatch):
    for rules in ("RULES", "PRICED"):
        monkeypatch.setattr(risk, rules, tuple(one for one in getattr(risk, rules) if one.__name__ != name))
    seeds = range(SELDOM.get(name, 0), SELDOM.get(name, 0) + SESSIONS)
    assert any(name in limits for seed in seeds for _, limits in Session(seed).run())


def test_a_session_approves_and_refuses():
    approved = [len(Session(seed).run()) for seed in range(20)]
    assert 20 < sum(approved) < 20 * 12 * 2
