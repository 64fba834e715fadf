"""Formulas made at random: they read back, and all ways of evaluating them give the same bits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.formula import BOOL, FUNCTIONS, Column, Evaluator, FormulaError, Literal, Term, call, parse

from .market import SCALE, bars, bits, cut, row, with_unknown

COLUMNS = st.sampled_from(["open", "high", "low", "close", "volume", "trades", "imbalance", "sentiment"]).map(Column)
NUMBERS = st.floats(-1e6, 1e6, allow_nan=False) | st.integers(-100, 100)
NAMES = st.sampled_from(sorted(FUNCTIONS))
OPERATORS = st.sampled_from(
    ["add", "subtract", "multiply", "divide", "greater", "at_most", "min", "sma", "ema", "lag", "zscore"]
)
BASE = bars(90)


@st.composite
def terms(draw: st.DrawFn, levels: int = 4) -> Term:
    """A legal term; where drawn parts do not go together, the first of them stands for the whole."""
    if levels == 0 or draw(st.integers(0, 9)) == 0:
        return draw(COLUMNS)
    function = FUNCTIONS[draw(st.one_of(OPERATORS, NAMES))]
    inputs = [draw(NUMBERS if draw(st.integers(0, 6)) == 0 else terms(levels=levels - 1)) for _ in function.series]
    numbers = [
        draw(st.integers(int(parameter.low), max(int(parameter.low), 6))) if parameter.whole else parameter.default
        for parameter in function.parameters
    ]
    try:
        return call(function.name, *inputs, *numbers)
    except FormulaError:
        return next((term for term in inputs if isinstance(term, Term)), Column("close"))


@given(terms())
@settings(max_examples=100, deadline=None)
@pytest.mark.slow
def test_a_written_formula_reads_back_as_the_same(term):
    again = parse(str(term))
    if isinstance(term, Literal):
        assert str(again) == str(term)  # alone, a number has no unit to remember
    else:
        assert again == term
        assert again.warm_up == term.warm_up


@given(st.lists(terms(), min_size=1, max_size=3), st.sets(st.integers(0, 89), max_size=4), st.integers(0, 90))
@settings(max_examples=80, deadline=None)
@pytest.mark.slow
def test_batch_stream_and_restart_agree_to_the_bit(formulas, unknown, stop):
    columns = with_unknown(BASE, *unknown)
    whole = Evaluator(formulas, SCALE).warm(columns)
    stream, restarted = Evaluator(formulas, SCALE), Evaluator(formulas, SCALE)
    streamed = np.array([stream.update(row(columns, index)) for index in range(90)]).T
    pieces = [restarted.warm(cut(columns, 0, stop)), restarted.warm(cut(columns, stop))]
    np.testing.assert_array_equal(bits(streamed), bits(whole))
    np.testing.assert_array_equal(bits(np.concatenate(pieces, axis=1)), bits(whole))
    assert not np.isinf(whole).any()
    for term, values in zip(formulas, whole, strict=True):
        if term.unit == BOOL:
            assert set(np.unique(values[~np.isnan(values)])) <= {0.0, 1.0}
        if not unknown:
            assert np.isnan(values[: term.warm_up]).all()


@given(st.text(alphabet="closeopn(),.+-*/<>=&|~ 0123456789amx", max_size=40))
@settings(max_examples=100, deadline=None)
def test_any_text_is_read_or_refused_with_a_reason(text):
    try:
        assert isinstance(parse(text), Term)
    except FormulaError as refusal:
        assert len(str(refusal)) > 20
