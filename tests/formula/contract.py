"""What every function of the language promises, each promise a function of one term that fails where it is broken.

`test_contract` holds every line of the tables to them, `test_mutants` plants faults and asks whether they are seen.
"""

import gc
import itertools
import pickle
import sys
import types
from collections.abc import Callable

import numpy as np
from numba.core.dispatcher import Dispatcher

from ninefold.formula import Call, Evaluator, Term, batch, call, parse

from .market import SCALE, bars, bits, cut, row, with_unknown

BARS = 240
WARM = 150  # longer than every warm-up of the examples
EARLY, LATE = 200, 400  # bars: what is kept is weighed after so many
BEYOND = 15  # bars after the warm-up in which a copy would show that it shares something
HOLED = with_unknown(bars(BARS), 0, 1, 77, 78, 160)
OTHER = bars(BARS, seed=8)
BEFORE_A_HOLE = 70
NO_GROWTH = 1_000  # bytes; one float more for each of the bars between would be 1,600 and more


def streamed(evaluator: Evaluator, columns: dict[str, np.ndarray]) -> np.ndarray:
    """Values bar by bar, shape (terms, n)."""
    names = sorted(evaluator.columns)
    bars_of = zip(*(columns[name].tolist() for name in names), strict=True)
    return np.array([evaluator.update(dict(zip(names, bar, strict=True))) for bar in bars_of]).T


def same_bits(found: np.ndarray, wanted: np.ndarray) -> None:
    np.testing.assert_array_equal(bits(found), bits(wanted))


def one_bar_at_a_time_equals_all_at_once_through_unknown_bars(term: Term) -> None:
    same_bits(streamed(Evaluator([term], SCALE), HOLED)[0], batch(term, HOLED, SCALE))


def a_restart_equals_never_having_stopped(term: Term) -> None:
    whole = batch(term, HOLED, SCALE)
    for stop in np.random.default_rng(11).integers(1, BARS - 1, 2).tolist():
        evaluator = Evaluator([term], SCALE)
        warmed = evaluator.warm(cut(HOLED, 0, stop))
        later = streamed(evaluator, cut(HOLED, stop))
        same_bits(np.concatenate((warmed[0], later[0])), whole)


def history_may_come_in_pieces(term: Term) -> None:
    evaluator = Evaluator([term], SCALE)
    cuts = [0, 3, 40, 78, 79, 130, BARS]
    pieces = [evaluator.warm(cut(HOLED, start, stop))[0] for start, stop in itertools.pairwise(cuts)]
    same_bits(np.concatenate(pieces), batch(term, HOLED, SCALE))


def the_warm_up_is_unknown_and_then_no_more(term: Term) -> None:
    values = batch(term, bars(BARS), SCALE)
    assert term.warm_up < WARM
    assert np.isnan(values[: term.warm_up]).all(), f"{term}: a value within the warm-up of {term.warm_up}"
    assert not np.isnan(values[term.warm_up :]).any(), f"{term}: no value after the warm-up of {term.warm_up}"


def an_unknown_bar_gives_no_value_and_starts_the_warm_up_again(term: Term) -> None:
    columns = bars(BARS)
    values = batch(term, with_unknown(columns, 60), SCALE)
    assert np.isnan(values[60 : 61 + term.warm_up]).all(), f"{term}: a value within the new warm-up"
    same_bits(values[61:], batch(term, cut(columns, 61), SCALE))


def the_past_stays_the_same_when_the_future_arrives(term: Term) -> None:
    columns, other = bars(BARS), bars(BARS, seed=8)
    whole = batch(term, columns, SCALE)
    turned = {name: np.concatenate((columns[name][:160], other[name][160:])) for name in columns}
    same_bits(whole[:160], batch(term, cut(columns, 0, 160), SCALE))
    same_bits(whole[:160], batch(term, turned, SCALE)[:160])


def a_copy_goes_its_own_way(term: Term) -> None:
    columns, other = bars(BARS), bars(BARS, seed=8)
    whole = batch(term, columns, SCALE)
    for start in (1, term.warm_up + 1, WARM):
        stop = start + term.warm_up + BEYOND
        evaluator = Evaluator([term], SCALE)
        evaluator.warm(cut(columns, 0, start))
        twin = evaluator.copy()
        streamed(twin, cut(other, start, stop))
        again = evaluator.copy()
        rest = streamed(evaluator, cut(columns, start, stop))
        same_bits(rest[0], whole[start:stop])
        same_bits(streamed(again, cut(columns, start, stop)), rest)


def a_bar_that_was_foreseen_or_another_one_gives_the_bits_of_one_that_was_not(term: Term) -> None:
    """Before each bar nothing is foreseen, or this one, another one, two one after the other; what nobody remembers may differ."""
    evaluator, random, found = Evaluator([term], SCALE), np.random.default_rng(5), []
    start, stop = BEFORE_A_HOLE, BEFORE_A_HOLE + 40
    evaluator.warm(cut(HOLED, 0, start))
    for at, case in enumerate(random.integers(6, size=stop - start).tolist(), start):
        came, strange = row(HOLED, at), row(OTHER, at)
        for foreseen in ((), (came,), (strange,), (strange, came), (came, strange), (came,))[case]:
            evaluator.foresee(foreseen)
        found.append(evaluator.update(came)[0])
    same_bits(np.array(found), batch(term, HOLED, SCALE)[start:stop])


def possible_futures_equal_each_future_taken_alone_and_leave_the_state_alone(term: Term) -> None:
    columns = bars(BARS)
    whole, futures = batch(term, columns, SCALE), [bars(BARS, seed=seed) for seed in (20, 21, 22)]
    for start, known in itertools.product((2, WARM), (True, False)):
        evaluator = Evaluator([term], SCALE)
        evaluator.warm(cut(columns, 0, start))
        paths = [cut(future, start, start + 8) for future in futures]
        paths = paths if known else [with_unknown(paths[0], 3), paths[1], with_unknown(paths[2], 0, 7)]
        ahead = evaluator.ahead({name: np.array([path[name] for path in paths]) for name in columns}, 0)
        for path, found in zip(paths, ahead, strict=True):
            same_bits(found, streamed(evaluator.copy(), path)[0])
        stop = start + term.warm_up + BEYOND
        same_bits(streamed(evaluator, cut(columns, start, stop))[0], whole[start:stop])


def inputs_are_not_changed(term: Term) -> None:
    for columns in (bars(80), with_unknown(bars(80), 5)):
        before = {name: values.copy() for name, values in columns.items()}
        Evaluator([term], SCALE).warm(columns)
        for name, values in columns.items():
            np.testing.assert_array_equal(values, before[name], err_msg=f"{term} changed its input {name}")
            values.flags.writeable = False
        Evaluator([term], SCALE).warm(columns)


def what_is_kept_does_not_grow(term: Term) -> None:
    evaluator, columns = Evaluator([term], SCALE), bars(LATE)
    evaluator.warm(cut(columns, 0, EARLY))
    kept, weight = evaluator.held(), weight_of(evaluator)
    streamed(evaluator, cut(columns, EARLY))
    assert evaluator.held() == kept <= 4 * (term.warm_up + 1), f"{term} keeps {evaluator.held()} values"
    grown = weight_of(evaluator) - weight
    assert grown < NO_GROWTH, f"{term} has grown by {grown} bytes in {LATE - EARLY} bars"


def it_can_be_written_read_pickled_and_used_as_a_key(term: Term) -> None:
    for again in (parse(str(term)), pickle.loads(pickle.dumps(term))):
        assert again == term, f"{again} is not {term}"
        assert hash(again) == hash(term)
        assert (again.unit, again.warm_up, again.columns) == (term.unit, term.warm_up, term.columns)
    assert {term: 1}[parse(str(term))] == 1


def the_defaults_and_the_ends_of_every_range_are_legal_for_the_library_behind(term: Term) -> None:
    assert isinstance(term, Call)
    series = term.inputs[: len(term.function.series)]
    default = call(term.function.name, *series)
    assert parse(str(default)) == default
    columns = bars(default.warm_up + 5)
    assert not np.isnan(batch(default, columns, SCALE)[-1]), f"{default}: no value after its warm-up"
    for parameter in term.function.parameters:
        for end in (parameter.low, min(parameter.high, 60)):
            at_end = call(term.function.name, *series, **{parameter.name: end})
            values = batch(at_end, bars(at_end.warm_up + 5), SCALE)
            assert np.isnan(values[: at_end.warm_up]).all(), f"{at_end}: a value within the warm-up"
            assert np.isfinite(values[-1]), f"{at_end}: no value after its warm-up"


def a_dead_market_gives_numbers_or_nothing_and_the_same_bits_both_ways(term: Term) -> None:
    alive, dead = bars(WARM), {name: values.copy() for name, values in bars(BARS).items()}
    for name, values in dead.items():
        values[60:] = 0.0 if name in ("volume", "buy_volume", "trades", "spread") else values[59]
    for name in ("open", "high", "low"):
        dead[name][60:] = dead["close"][59]
    columns = {name: np.concatenate((dead[name], alive[name])) for name in dead}
    whole = batch(term, columns, SCALE)
    assert not np.isinf(whole).any(), f"{term} is infinite"
    same_bits(streamed(Evaluator([term], SCALE), columns)[0], whole)


PROMISES: tuple[Callable[[Term], None], ...] = (
    one_bar_at_a_time_equals_all_at_once_through_unknown_bars,
    a_restart_equals_never_having_stopped,
    history_may_come_in_pieces,
    the_warm_up_is_unknown_and_then_no_more,
    an_unknown_bar_gives_no_value_and_starts_the_warm_up_again,
    the_past_stays_the_same_when_the_future_arrives,
    a_copy_goes_its_own_way,
    a_bar_that_was_foreseen_or_another_one_gives_the_bits_of_one_that_was_not,
    possible_futures_equal_each_future_taken_alone_and_leave_the_state_alone,
    inputs_are_not_changed,
    what_is_kept_does_not_grow,
    it_can_be_written_read_pickled_and_used_as_a_key,
    the_defaults_and_the_ends_of_every_range_are_legal_for_the_library_behind,
    a_dead_market_gives_numbers_or_nothing_and_the_same_bits_both_ways,
)


NO_STATE = type | types.ModuleType | types.FunctionType | types.BuiltinFunctionType | Dispatcher


def weight_of(evaluator: Evaluator) -> int:
    """Bytes of all that an evaluator holds, whatever it says itself; what compiled libraries hold is not seen."""
    seen: set[int] = set()
    waiting: list[object] = [evaluator]
    total = 0
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, NO_STATE):
            continue
        seen.add(id(one))
        total += sys.getsizeof(one)
        waiting.extend(gc.get_referents(one))
        waiting.extend([one.base] if isinstance(one, np.ndarray) and one.base is not None else [])
    return total
