"""The contract that every function of the language keeps: written once, run on each line of the tables."""

import itertools
import pickle
import subprocess
import sys

import numpy as np
import pytest

from ninefold.formula import FUNCTIONS, Call, Evaluator, Term, batch, call, parse

from .market import SCALE, bars, bits, cut, row, with_unknown

BARS = 240
WARM = 150  # longer than every warm-up below


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
        "obv": "close",
        "correl": "close; volume",
        "beta": "close; volume",
        "crosses_above": "close; sma(close, 3)",
        "crosses_below": "close; sma(close, 3)",
    }.get(name, "; ".join(("close", "open")[: len(function.series)]))
    short = {
        parameter.name: min(max(parameter.low, 3 + 2 * place), parameter.high) if parameter.whole else parameter.default
        for place, parameter in enumerate(function.parameters)
    }
    return call(name, *(parse(part) for part in given.split("; ") if part), **short)


EXAMPLES = {name: example(name) for name in FUNCTIONS}
HOLED = with_unknown(bars(BARS), 0, 1, 77, 78, 160)
every_function = pytest.mark.parametrize("term", EXAMPLES.values(), ids=EXAMPLES)


def streamed(evaluator: Evaluator, columns: dict[str, np.ndarray]) -> np.ndarray:
    """Values bar by bar, shape (terms, n)."""
    return np.array([evaluator.update(row(columns, index)) for index in range(len(columns["close"]))]).T


@every_function
def test_one_bar_at_a_time_equals_all_at_once_through_unknown_bars(term):
    np.testing.assert_array_equal(bits(streamed(Evaluator([term], SCALE), HOLED)[0]), bits(batch(term, HOLED, SCALE)))


@every_function
def test_a_restart_equals_never_having_stopped(term):
    whole = batch(term, HOLED, SCALE)
    for stop in np.random.default_rng(11).integers(1, BARS - 1, 3).tolist():
        evaluator = Evaluator([term], SCALE)
        warmed = evaluator.warm(cut(HOLED, 0, stop))
        later = streamed(evaluator, cut(HOLED, stop))
        np.testing.assert_array_equal(bits(np.concatenate((warmed[0], later[0]))), bits(whole))


@every_function
def test_history_may_come_in_pieces(term):
    evaluator = Evaluator([term], SCALE)
    cuts = [0, 3, 40, 78, 79, 130, BARS]
    pieces = [evaluator.warm(cut(HOLED, start, stop))[0] for start, stop in itertools.pairwise(cuts)]
    np.testing.assert_array_equal(bits(np.concatenate(pieces)), bits(batch(term, HOLED, SCALE)))


@every_function
def test_the_warm_up_is_unknown_and_then_no_more(term):
    values = batch(term, bars(BARS), SCALE)
    assert term.warm_up < WARM
    assert np.isnan(values[: term.warm_up]).all()
    assert not np.isnan(values[term.warm_up :]).any()


@every_function
def test_an_unknown_bar_gives_no_value_and_starts_the_warm_up_again(term):
    columns = bars(BARS)
    values = batch(term, with_unknown(columns, 60), SCALE)
    assert np.isnan(values[60 : 61 + term.warm_up]).all()
    np.testing.assert_array_equal(bits(values[61:]), bits(batch(term, cut(columns, 61), SCALE)))


@every_function
def test_the_past_stays_the_same_when_the_future_arrives(term):
    columns = bars(BARS)
    np.testing.assert_array_equal(
        bits(batch(term, columns, SCALE)[:160]), bits(batch(term, cut(columns, 0, 160), SCALE))
    )


@every_function
def test_a_copy_goes_its_own_way(term):
    columns, other = bars(BARS), bars(BARS, seed=8)
    for start in (1, term.warm_up + 1, WARM):
        evaluator = Evaluator([term], SCALE)
        evaluator.warm(cut(columns, 0, start))
        twin = evaluator.copy()
        streamed(twin, cut(other, start))
        again = evaluator.copy()
        rest = streamed(evaluator, cut(columns, start))
        np.testing.assert_array_equal(bits(rest[0]), bits(batch(term, columns, SCALE)[start:]))
        np.testing.assert_array_equal(bits(streamed(again, cut(columns, start))), bits(rest))


@every_function
@pytest.mark.parametrize("known", [True, False], ids=["known", "with unknown bars"])
def test_possible_futures_equal_each_future_taken_alone_and_leave_the_state_alone(term, known):
    columns = bars(BARS)
    for start in (2, WARM):
        evaluator = Evaluator([term], SCALE)
        evaluator.warm(cut(columns, 0, start))
        paths = [cut(bars(BARS, seed=seed), start, start + 8) for seed in (20, 21, 22)]
        paths = paths if known else [with_unknown(paths[0], 3), paths[1], with_unknown(paths[2], 0, 7)]
        ahead = evaluator.ahead({name: np.array([path[name] for path in paths]) for name in columns}, 0)
        for path, found in zip(paths, ahead, strict=True):
            np.testing.assert_array_equal(bits(found), bits(streamed(evaluator.copy(), path)[0]))
        rest = streamed(evaluator, cut(columns, start))
        np.testing.assert_array_equal(bits(rest[0]), bits(batch(term, columns, SCALE)[start:]))


@every_function
def test_inputs_are_not_changed(term):
    columns = with_unknown(bars(80), 5)
    before = {name: values.copy() for name, values in columns.items()}
    for values in columns.values():
        values.flags.writeable = False
    Evaluator([term], SCALE).warm(columns)
    for name, values in columns.items():
        np.testing.assert_array_equal(values, before[name])


@every_function
def test_what_is_kept_does_not_grow(term):
    evaluator = Evaluator([term], SCALE)
    evaluator.warm(cut(bars(BARS), 0, WARM))
    kept = evaluator.held()
    streamed(evaluator, cut(bars(BARS), WARM))
    assert evaluator.held() == kept <= 2 * (term.warm_up + 1)


@every_function
def test_it_can_be_written_read_pickled_and_used_as_a_key(term):
    for again in (parse(str(term)), pickle.loads(pickle.dumps(term))):
        assert again == term
        assert hash(again) == hash(term)
        assert (again.unit, again.warm_up, again.columns) == (term.unit, term.warm_up, term.columns)
    assert {term: 1}[parse(str(term))] == 1


@every_function
def test_the_defaults_and_the_ends_of_every_range_are_legal_for_the_library_behind(term):
    assert isinstance(term, Call)
    series = term.inputs[: len(term.function.series)]
    default = call(term.function.name, *series)
    assert parse(str(default)) == default
    columns = bars(default.warm_up + 5)
    assert not np.isnan(batch(default, columns, SCALE)[-1])
    for parameter in term.function.parameters:
        for end in (parameter.low, min(parameter.high, 60)):
            at_end = call(term.function.name, *series, **{parameter.name: end})
            values = batch(at_end, bars(at_end.warm_up + 5), SCALE)
            assert np.isnan(values[: at_end.warm_up]).all()
            assert np.isfinite(values[-1]), (parameter, end)


@pytest.mark.slow
def test_a_pickled_term_is_found_as_a_key_in_another_process():
    term = parse("sma(close, 10) > 60000.5")
    script = (
        "import pickle, sys; from ninefold.formula import parse; "
        "sys.exit(0 if {parse('sma(close, 10) > 60000.5'): 1}.get(pickle.loads(sys.stdin.buffer.read())) else 1)"
    )
    for seed in ("1", "2"):
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
