"""Spans that are asked for where many small things are missing."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ninefold.history.plan import covering, joined

RUNS = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 40)), max_size=12)


@given(RUNS, st.integers(1, 30))
def test_spans_hold_all_that_is_missing_and_are_as_few_as_can_be(some, most):
    runs = joined((first, first + length) for first, length in some)
    spans = list(covering(runs, most))
    missing = {number for first, end in runs for number in range(first, end)}
    assert missing <= {number for first, end in spans for number in range(first, end)}
    assert all(0 < end - first <= most for first, end in spans)
    assert all(first in missing and end - 1 in missing for first, end in spans)
    assert all(after[0] >= before[0] + most for before, after in pairwise(spans))
