"""Reasons of differences: rule by rule, and nothing explained that no rule explains."""

import pytest

from ninefold.execution.mismatches import NONE, Mismatch, of_records, of_rows
from ninefold.execution.reasons import Changed, Known, Reasons, behind
from ninefold.market.arrays import rows
from ninefold.market.instruments import Registry, listed
from ninefold.market.records import Tick


def registry() -> Registry:
    known = Registry()
    known.add(listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001"))
    known.add(listed("binance", "ETHUSDT", "ETH", "USDT", tick="0.01", lot="0.0001"))
    return known


def at(seq: int, kind: str, instrument: int = 1, strategy: str = "", what: str = "") -> Mismatch:
    return Mismatch(seq, seq, kind, instrument, strategy, what, "1", "2")


def reasons(known: Known, *mismatches: Mismatch) -> list[str]:
    return [one.reason for one in Reasons(known, registry()).explain(mismatches)]


def test_what_no_rule_explains_is_unexplained_and_what_follows_from_it_is_no_better():
    assert reasons(Known(), at(1, "target", strategy="a"), at(2, "order")) == ["UNEXPLAINED", "UNEXPLAINED"]


def test_an_order_follows_from_a_target_of_its_own_instrument_and_not_from_anothers():
    known = Known(changed=[(1, Changed(strategies={"a": "a was x, it is y"}))])
    found = Reasons(known, registry()).explain([at(5, "target", 1, "a"), at(5, "order", 1), at(5, "has", 2)])
    assert [one.reason for one in found] == ["code", "code", "code"], "one account: the order of another pair follows"
    assert found[0].why == "a was x, it is y"
    assert found[1].why == "follows from the target at seq 5"
    assert reasons(known, at(5, "target", 1, "a"), at(5, "order", 2)) == ["code", "UNEXPLAINED"]


def test_a_changed_formula_does_not_explain_the_target_of_another_strategy():
    known = Known(changed=[(1, Changed(strategies={"a": "a was x, it is y"}))])
    assert reasons(known, at(5, "target", 1, "b")) == ["UNEXPLAINED"]


def test_a_changed_model_explains_forecasts_and_what_was_foretold_and_no_target():
    known = Known(changed=[(1, Changed(model="the model was m, it is n"))])
    assert reasons(known, at(5, "forecast"), at(6, "may")) == ["code", "code"]
    assert reasons(known, at(5, "target", 1, "a")) == ["UNEXPLAINED"]


def test_a_change_counts_from_the_start_that_it_is_of():
    known = Known(changed=[(1, Changed()), (100, Changed(code="the program was 1, it is 2"))])
    assert reasons(known, at(99, "target", 1, "a")) == ["UNEXPLAINED"]
    assert reasons(known, at(100, "target", 1, "a")) == ["code"]


@pytest.mark.parametrize(("seq", "reason"), [(9, "UNEXPLAINED"), (10, "missing input"), (99, "missing input")])
def test_a_missing_input_explains_what_comes_from_it_on(seq, reason):
    assert reasons(Known(missing=[(10, 10)]), at(seq, "bar")) == [reason]


@pytest.mark.parametrize(("seq", "reason"), [(10, "UNEXPLAINED"), (11, "crash"), (20, "crash"), (21, "UNEXPLAINED")])
def test_a_crash_explains_what_was_made_on_both_sides_of_it_only(seq, reason):
    assert reasons(Known(crashes=[(10, 20)]), at(seq, "order")) == [reason]


def test_a_tick_that_differs_is_the_clocks_and_so_are_the_bars_behind_it():
    assert reasons(Known(), at(3, "tick", 0), at(3, "bar"), at(3, "target", 1, "a"), at(4, "order")) == ["clock"] * 4


def test_other_comparisons_follow_from_the_first_difference_only_behind_it():
    [apart] = Reasons(Known(missing=[(1, 1)]), registry()).explain([at(10, "tick", 0)])
    before, after = Reasons(Known(), registry()).explain([at(9, "order"), at(11, "order")])
    assert [one.reason for one in behind([before, after], apart)] == ["UNEXPLAINED", "missing input"]
    assert behind([before], None) == [before]


TARGETS = [(1, b"a", 10**9, 10**9, 0.5, 7, 7), (1, b"b", 10**9, 10**9, float("nan"), 7, 7)]


def test_rows_differ_by_their_bits_so_an_unknown_target_is_like_an_unknown_one():
    told = rows("targets", TARGETS)
    assert of_rows("targets", told, told.copy()) == []
    other = told.copy()
    other["target"][1] = 0.0
    [found] = of_rows("targets", told, other)
    assert (found.kind, found.strategy, found.run, found.again) == ("target", "b", "target nan", "target 0.0")


def test_a_row_that_is_missing_on_one_side_is_a_difference():
    told = rows("targets", TARGETS)
    [found] = of_rows("targets", told, told[:1])
    assert (found.strategy, found.again) == ("b", NONE)


def test_records_are_told_apart_by_their_input():
    tick = Tick(seq=3, known_ns=30, exchange_ns=20)
    late = Tick(seq=3, known_ns=31, exchange_ns=20)
    [found] = of_records([tick], [late])
    assert (found.kind, found.run, found.again) == ("tick", "known_ns 30", "known_ns 31")
    assert of_records([tick], [tick]) == []
