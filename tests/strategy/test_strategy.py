"""A strategy is a class of about ten lines; its parameters are checked, its formulas parsed, and mistakes explained."""

from dataclasses import replace

import pytest

from ninefold.formula import FormulaError, parse
from ninefold.formula.words import close, on, open, position, rsi, sign, sma, where
from ninefold.strategy import BadStrategy, Exits, Strategy, check_live, parameters_of, plan_of, real, whole


class SmaAbove(Strategy):
    """Long while the fast mean is above the slow one."""

    fast = whole(3, 1, 50)
    slow = whole(9, 2, 99)
    target = "where(sma(close, fast) > sma(close, slow * 2), 1, 0)"


class Dip(Strategy):
    """Buys what fell.

    More about it.
    """

    timeframe = "5m"
    family = "mean_reversion"
    level = real(30, 1, 50, step=0.5)
    exits = Exits(stop_loss="0.05", bars=10)

    def entry(self):
        return rsi(close, 14) < self.level

    def exit(self):
        return close > open


def test_parameters_stand_in_a_formula_by_name():
    plan = plan_of(SmaAbove)
    assert (plan.name, plan.timeframe, plan.parameters) == ("sma_above", "1m", (("fast", 3), ("slow", 9)))
    assert plan.target == parse("where(sma(close, 3) > sma(close, 18), 1, 0)")
    assert plan_of(SmaAbove, {"fast": 5}, "1h").target == parse("where(sma(close, 5) > sma(close, 18), 1, 0)")
    assert plan.description == "Long while the fast mean is above the slow one."


def test_a_formula_may_be_a_method_that_builds_it_from_words():
    plan = plan_of(Dip, {"level": 25})
    assert plan.target == parse("held(rsi(close, 14) < 25, close > open)")
    assert (plan.description, plan.exits.bars) == ("Buys what fell.", 10)


def test_both_sides_are_one_target():
    class Both(Strategy):
        """Both."""

        entry, exit = "close > sma(close, 3)", "close < open"
        short_entry, short_exit = "close < sma(close, 3)", "close > open"

    assert plan_of(Both).target == parse(
        "side(close > sma(close, 3), close < open, close < sma(close, 3), close > open)"
    )


def test_a_strategy_may_be_made_of_another_with_other_defaults():
    class Slower(SmaAbove):
        """The same, slower."""

        fast = whole(20, 1, 50)

    assert list(parameters_of(Slower)) == ["fast", "slow"]
    assert plan_of(Slower).target == parse("where(sma(close, 20) > sma(close, 18), 1, 0)")


WRONG = {
    "beyond the range": (lambda: plan_of(SmaAbove, {"fast": 51}), "fast is 51; fast is a whole number from 1 to 50"),
    "a part of a bar": (lambda: plan_of(SmaAbove, {"fast": 2.5}), "fast is 2.5; fast is a whole number"),
    "unknown": (lambda: plan_of(SmaAbove, {"fest": 2}), "sma_above has no parameter fest; allowed are fast, slow"),
    "default outside": (lambda: whole(5, 6, 9), "the default must lie in the range"),
    "half a bar": (lambda: whole(1.5, 1, 9), "write real"),
    "no step": (lambda: real(1, 0, 2, step=0), "the step must be above 0"),
}


@pytest.mark.parametrize(("make", "said"), WRONG.values(), ids=WRONG)
def test_a_wrong_parameter_is_refused_and_told_what_is_allowed(make, said):
    with pytest.raises(BadStrategy, match=said):
        make()


BODIES = {
    "nothing": ({}, "has no target"),
    "two things": ({"target": "0.5", "entry": "close > open"}, "has target and entry; a strategy has one of"),
    "no condition": ({"entry": "close - open"}, "entry is a price; it must be a condition"),
    "never goes in": ({"exit": "close > open"}, "neither an entry nor a short_entry"),
    "a number": ({"target": 1}, "target is 1; it must be a formula"),
    "a word of the language": ({"target": "0.5", "close": whole(1, 1, 2)}, "'close' is a word of the language"),
    "a condition": ({"target": "close > open"}, "the target is a bool"),
}


@pytest.mark.parametrize(("body", "said"), BODIES.values(), ids=BODIES)
def test_a_class_that_is_no_strategy_is_refused_and_told_why(body, said):
    with pytest.raises(BadStrategy, match=said):
        plan_of(type("Mine", (Strategy,), body))


def test_a_formula_that_is_wrong_names_the_strategy():
    with pytest.raises(FormulaError, match=r"strategy mine: there is no function 'smaa'; did you mean 'sma'\?"):
        plan_of(type("Mine", (Strategy,), {"target": "smaa(close, 3)"}))


LIVE = {
    "free code on trades": ({"on_trade": lambda self, *trade: 1.0}, "free code on trades"),
    "itself elsewhere": (
        {"target": lambda self: where(on("5m", position) > 0, 0, 1)},
        "position, what it holds itself",
    ),
    "legs on nothing": ({"legs": {"one": 1, "other": 1}}, "nothing says which instruments its legs are"),
    "quotes of another": (
        {"bid": 'bid * at("binance:ETH/USDT", close / sma(close, 5))', "ask": "ask", "size": "0.01", "most": 1},
        "its quotes read other series",
    ),
    "free code on books": ({"on_book": lambda self, book: None, "most": 1}, "is free code that quotes"),
    "the book": ({"target": "where(bid_size > ask_size, 1, 0)"}, "ask_size, bid_size, which recorded books have"),
}


@pytest.mark.parametrize(("body", "said"), LIVE.values(), ids=LIVE)
def test_what_the_pipeline_cannot_run_is_refused_there(body, said):
    plan = plan_of(type("Mine", (Strategy,), body))
    with pytest.raises(BadStrategy, match=said):
        check_live(plan)


SHORT = {
    "one of both signs": {"legs": {"one": 1, "other": -1}, "target": "where(close > open, 1, -1)"},
    "all below 0": {"legs": {"one": -0.5, "other": -1}},
    "below 0, and held": {"legs": {"one": -1, "other": -1}, "entry": "close > open", "exit": "close < open"},
}


@pytest.mark.parametrize("body", SHORT.values(), ids=SHORT)
def test_legs_that_can_only_be_short_are_refused_on_spot(body):
    plan = plan_of(type("Mine", (Strategy,), body))
    on = ("binance:BTC/USDT", "binance:ETH/USDT")
    with pytest.raises(BadStrategy, match="spot, which cannot be short"):
        check_live(replace(plan, wants=plan.wants.placed(on)))


def test_legs_read_each_other_by_the_instruments_that_they_are_on():
    body = {"legs": {"one": 1, "other": "where(close > 0, 1, 0)"}, "target": 'where(close > at("other", close), 1, 0)'}
    plan = plan_of(type("Mine", (Strategy,), body))
    placed = replace(plan, wants=plan.wants.placed(("binance:BTC/USDT", "binance:ETH/USDT")))
    check_live(placed)
    assert str(placed.wants.side) == 'where(close > at("binance:ETH/USDT", close), 1, 0)'
    assert placed.text.endswith("filled: unwind on binance:BTC/USDT, binance:ETH/USDT")


RUNS = {
    "a formula": {"target": "sign(close - open)"},
    "itself": {"target": "where((bars_held > 3) | (open_profit > 0.1), 0, sign(ema(close, 5) - open))"},
    "itself, long ago": {"target": lambda self: sign(sma(position, 3))},
    "itself, as a side": {"entry": "close > open", "exit": "open_profit > 0.1"},
    "exits": {"entry": "close > open", "exits": Exits(stop_loss="0.1")},
    "itself, with exits": {"target": "where(position > 0, 0, 1)", "exits": Exits(bars=3)},
    "itself and others": {"target": 'where(position > on("5m", volume), 0, 1)'},
    "free code": {"on_bar": lambda self, bar: 1.0},
    "free code with exits": {"on_bar": lambda self, bar: 1.0, "exits": Exits(bars=3)},
}


@pytest.mark.parametrize("body", RUNS.values(), ids=RUNS)
def test_what_the_pipeline_runs_is_taken(body):
    check_live(plan_of(type("Mine", (Strategy,), body)))


def test_a_word_that_the_language_lacks_is_no_name_of_it():
    with pytest.raises(ImportError):
        exec("from ninefold.formula.words import smaa")
    assert sma(close, 3) == parse("sma(close, 3)")
