"""The contract that every function of the language keeps: written once, run on each line of the tables."""

import os
import pickle
import resource
import subprocess
import sys
import time

import pytest

from ninefold.formula import FUNCTIONS, Evaluator, Term, call, parse

from .contract import PROMISES, weight_of
from .market import SCALE, bars, row

pytestmark = pytest.mark.slow

MILLION = 1_000_000


def example(name: str) -> Term:
    """A legal call of the function with short periods, on inputs that suit it."""
    function = FUNCTIONS[name]
    pairs = {"both": "close > open; volume > 250", "either": "close > open; volume > 250", "negation": "close > open"}
    given = {
        **pairs,
        "where": "close > open; high; low",
        "log": "close / open",
        "exp": "imbalance",
        "sqrt": "close * close",
        "log10": "close / open",
        "linearreg_angle": "close / open",
        **dict.fromkeys(
            ("acos", "asin", "atan", "ceil", "cos", "cosh", "floor", "sin", "sinh", "tan", "tanh"), "imbalance"
        ),
        **dict.fromkeys(("covariance", "correlation"), "close; volume"),
        "mavp": "close; 6 + imbalance * 5",
        "correl": "close; volume",
        "beta": "close; volume",
        "crosses_above": "close; sma(close, 3)",
        "crosses_below": "close; sma(close, 3)",
        "held": "close > sma(close, 3); close < open",
        "side": "close > sma(close, 3); close < open; close < sma(close, 3); close > high - 50",
    }.get(name, "; ".join(("close", "open")[: len(function.series)]))
    short = {
        parameter.name: min(max(parameter.low, 3 + 2 * place), parameter.high) if parameter.whole else parameter.default
        for place, parameter in enumerate(function.parameters)
    }
    return call(name, *(parse(part) for part in given.split("; ") if part), **short)


EXAMPLES = {name: example(name) for name, function in FUNCTIONS.items() if name == function.name}
every_function = pytest.mark.parametrize("term", EXAMPLES.values(), ids=EXAMPLES)


@every_function
def test_every_function_keeps_every_promise(term):
    """All promises in one test: pytest itself would take as long as they do, for each of 3,600 tests."""
    for promise in PROMISES:
        try:
            promise(term)
        except BaseException as error:
            error.add_note(f"the promise: {promise.__name__}")
            raise


@pytest.mark.torture
@every_function
def test_the_last_of_a_million_updates_costs_no_more_than_the_first(term):
    evaluator, columns = Evaluator([term], SCALE), bars(10_000)
    evaluator.warm(columns)
    rows = [row(columns, index) for index in range(10_000)]

    def thousand_updates(start: int) -> float:
        before = time.process_time()
        for at in rows[start : start + 1_000]:
            evaluator.update(at)
        return time.process_time() - before

    early = min(thousand_updates(start) for start in range(0, 10_000, 1_000))
    weight, memory = weight_of(evaluator), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(MILLION // len(rows)):
        late = min(thousand_updates(start) for start in range(0, 10_000, 1_000))
    assert late < 2 * early + 0.001
    assert weight_of(evaluator) <= weight + 1_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss <= memory * 1.02 + 4_096


@pytest.mark.slow
def test_a_pickled_term_is_found_as_a_key_in_another_process():
    term = parse("sma(close, 10) > 60000.5")
    script = (
        "import pickle, sys; from ninefold.services.lean import load; parse = load('ninefold.formula').parse; "
        "sys.exit(0 if {parse('sma(close, 10) > 60000.5'): 1}.get(pickle.loads(sys.stdin.buffer.read())) else 1)"
    )
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"  # texts have other hashes there
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=pickle.dumps(term),
        env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
    )
    assert done.returncode == 0


def test_there_are_enough_indicators_and_all_the_candle_patterns():
    families = {function.family for function in FUNCTIONS.values()}
    assert len([name for name in families if name.isupper() and not name.startswith("CDL")]) >= 60
    assert len([name for name in FUNCTIONS if name.startswith("cdl")]) == 61
