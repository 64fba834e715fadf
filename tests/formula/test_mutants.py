"""Faults planted on purpose: each must break the promise of the contract that is there to see it."""

import dataclasses

import numpy as np
import pytest

from ninefold.formula import FUNCTIONS, Term, call, parse
from ninefold.formula.function import Function, Parameter, same_units
from ninefold.formula.kernels import NAN, Series, Values, Windowed

from . import contract


def mean(window):
    return (window[0] + window[1] + window[2]) / 3


class Honest(Windowed):
    """The mean of three bars, as it should be; every fault below is a line or two off it."""


class LastBit(Honest):
    def step(self, values: Values) -> None:
        super().step(values)
        values[self.slot] = float(np.nextafter(values[self.slot], np.inf))


class LooksOneBarAhead(Honest):
    def run(self, series: Series) -> None:
        super().run(series)
        series[self.slot] = np.append(series[self.slot][1:], series[self.slot][-1:])


class CentredByItsLength(Honest):
    """Normalized by the highest of the whole array: the classic leak."""

    def run(self, series: Series) -> None:
        super().run(series)
        series[self.slot] = series[self.slot] / np.nanmax(series[self.slot], initial=1.0)


class WarmsUpWithZeros(Honest):
    def step(self, values: Values) -> None:
        super().step(values)
        values[self.slot] = 0.0 if np.isnan(values[self.slot]) else values[self.slot]

    def run(self, series: Series) -> None:
        super().run(series)
        series[self.slot] = np.nan_to_num(series[self.slot])


class NeedsOneBarMore(Honest):
    def __init__(self, inputs, slot, function, length):
        super().__init__(inputs, slot, lambda window: mean(window[1:]), length + 1)


class KeepsEverything(Honest):
    def __init__(self, *given):
        super().__init__(*given)
        self.kept: list[float] = []

    def step(self, values: Values) -> None:
        super().step(values)
        self.kept.append(values[self.slot])

    def held(self) -> int:
        return super().held() + len(self.kept)


class KeepsEverythingAndDeniesIt(KeepsEverything):
    def held(self) -> int:
        return Windowed.held(self)


class CallsBatchOnAGrowingArray(Honest):
    def __init__(self, *given):
        super().__init__(*given)
        self.all = np.empty(0)

    def step(self, values: Values) -> None:
        self.all = np.append(self.all, values[self.inputs[0]])
        fresh: Series = [self.all, np.empty(0)]
        Windowed((0,), 1, self._function, self._length).run(fresh)
        values[self.slot] = float(fresh[1][-1])


class WritesToItsInput(Honest):
    def run(self, series: Series) -> None:
        series[self.inputs[0]] += 1.0
        super().run(series)


class ForgetsWhereAPieceEnds(Honest):
    def run(self, series: Series) -> None:
        self._forget()
        super().run(series)


class RemembersAcrossRestarts(Honest):
    bars = 0

    def step(self, values: Values) -> None:
        type(self).bars += 1
        super().step(values)
        values[self.slot] += type(self).bars


class SharesItsStateWithCopies(Honest):
    def copy(self):
        return self


class LivesTheBarItForesees(SharesItsStateWithCopies):
    """A bar is foreseen by a copy."""


class LivesTheFuturesItForetells(Honest):
    def _ahead_known(self, inputs: Series) -> Series:
        found = super()._ahead_known(inputs)
        self._windows = [values[0][-2:].tolist() for values in inputs]
        return found


class GoesOnOverUnknownBars(Honest):
    def step(self, values: Values) -> None:
        if np.isnan(values[self.inputs[0]]):
            values[self.slot] = NAN
        else:
            super().step(values)

    def run(self, series: Series) -> None:
        x = series[self.inputs[0]]
        made: Series = [x[~np.isnan(x)], np.empty(0)]
        inner = Windowed((0,), 1, self._function, self._length)
        inner._windows, found = self._windows, np.full(len(x), NAN)
        inner.run(made)
        found[~np.isnan(x)] = made[1]
        self._windows, series[self.slot] = inner._windows, found


class PoisonedByAnUnknownBar(Honest):
    poisoned = False

    def step(self, values: Values) -> None:
        super().step(values)
        self.poisoned = self.poisoned or bool(np.isnan(values[self.inputs[0]]))
        values[self.slot] = NAN if self.poisoned else values[self.slot]

    def run(self, series: Series) -> None:
        super().run(series)
        series[self.slot] = np.where(np.cumsum(np.isnan(series[self.inputs[0]])) > 0, NAN, series[self.slot])


class InfiniteWhereNothingMoves(Honest):
    def run(self, series: Series) -> None:
        super().run(series)
        still = np.diff(series[self.inputs[0]], prepend=NAN) == 0
        series[self.slot] = np.where(still, np.inf, series[self.slot])


MUTANTS = {
    LastBit: contract.one_bar_at_a_time_equals_all_at_once_through_unknown_bars,
    LooksOneBarAhead: contract.the_past_stays_the_same_when_the_future_arrives,
    CentredByItsLength: contract.the_past_stays_the_same_when_the_future_arrives,
    WarmsUpWithZeros: contract.the_warm_up_is_unknown_and_then_no_more,
    NeedsOneBarMore: contract.the_warm_up_is_unknown_and_then_no_more,
    KeepsEverything: contract.what_is_kept_does_not_grow,
    KeepsEverythingAndDeniesIt: contract.what_is_kept_does_not_grow,
    CallsBatchOnAGrowingArray: contract.what_is_kept_does_not_grow,
    WritesToItsInput: contract.inputs_are_not_changed,
    ForgetsWhereAPieceEnds: contract.history_may_come_in_pieces,
    RemembersAcrossRestarts: contract.a_restart_equals_never_having_stopped,
    SharesItsStateWithCopies: contract.a_copy_goes_its_own_way,
    LivesTheBarItForesees: contract.a_bar_that_was_foreseen_or_another_one_gives_the_bits_of_one_that_was_not,
    LivesTheFuturesItForetells: contract.possible_futures_equal_each_future_taken_alone_and_leave_the_state_alone,
    GoesOnOverUnknownBars: contract.an_unknown_bar_gives_no_value_and_starts_the_warm_up_again,
    PoisonedByAnUnknownBar: contract.an_unknown_bar_gives_no_value_and_starts_the_warm_up_again,
    InfiniteWhereNothingMoves: contract.a_dead_market_gives_numbers_or_nothing_and_the_same_bits_both_ways,
}


def planted(monkeypatch: pytest.MonkeyPatch, kind: type[Windowed], **changes: object) -> Term:
    """A term of a function that this kernel computes, in the table as long as the test lasts."""
    function = Function(
        name="mean_of_three",
        series=("x",),
        units=same_units(),
        kernel=lambda inputs, slot, numbers: kind(inputs, slot, mean, 3),
        lookback=lambda numbers: 2,
        description="the mean of three bars",
        family="mean_of_three",
    )
    function = dataclasses.replace(function, **changes)  # type: ignore[arg-type]
    monkeypatch.setitem(FUNCTIONS, function.name, function)
    return call(function.name, parse("close"))


@pytest.mark.parametrize("promise", contract.PROMISES, ids=[promise.__name__ for promise in contract.PROMISES])
def test_the_honest_one_keeps_every_promise(promise, monkeypatch):
    promise(planted(monkeypatch, Honest))


@pytest.mark.parametrize(("kind", "promise"), MUTANTS.items(), ids=[kind.__name__ for kind in MUTANTS])
def test_a_planted_fault_breaks_the_promise_that_guards_against_it(kind, promise, monkeypatch):
    term = planted(monkeypatch, kind)
    with pytest.raises(AssertionError):
        promise(term)


def test_a_term_that_does_not_read_back_is_seen(monkeypatch):
    term = planted(monkeypatch, Honest, symbol="-", binding=6)  # written as -close, which is another function
    with pytest.raises(AssertionError, match="is not"):
        contract.it_can_be_written_read_pickled_and_used_as_a_key(term)


def test_a_range_that_the_function_cannot_do_is_seen(monkeypatch):
    periods = (Parameter("timeperiod", 3, 1, 5),)
    term = planted(monkeypatch, Honest, parameters=periods, lookback=lambda numbers: int(numbers[0]) - 1)
    with pytest.raises(AssertionError, match="the warm-up"):
        contract.the_defaults_and_the_ends_of_every_range_are_legal_for_the_library_behind(term)


def test_every_promise_has_a_fault_that_breaks_it():
    tested_apart = {
        contract.it_can_be_written_read_pickled_and_used_as_a_key,
        contract.the_defaults_and_the_ends_of_every_range_are_legal_for_the_library_behind,
    }
    assert set(contract.PROMISES) == set(MUTANTS.values()) | tested_apart
