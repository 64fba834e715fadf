"""Splits and the sealed holdout: nothing that judges has been seen by what teaches."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.backtest.statistics.holdout import BehindTheWall, Wall, before_wall, check_before_wall
from ninefold.backtest.statistics.splits import combinatorial_folds, paths, purged_folds, walk_forward

pytestmark = pytest.mark.slow

SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), min_size=8, max_size=60)


def test_two_labels_of_three_moments_by_hand():
    # rows begin at 0..5, labels last 2: judging rows 2 and 3 covers 2..5, so rows 1 and 4 know of it
    folds = list(purged_folds(range(6), range(2, 8), groups=3, embargo_ns=0))
    assert [(fold.teach.tolist(), fold.judge.tolist()) for fold in folds] == [
        ([3, 4, 5], [0, 1]),
        ([0, 5], [2, 3]),
        ([0, 1, 2], [4, 5]),
    ]
    [_, middle, _] = purged_folds(range(6), range(2, 8), groups=3, embargo_ns=1)
    assert middle.teach.tolist() == [0]  # row 5 begins at 5, within 1 of the judging rows' end


@given(SPANS, st.integers(2, 5), st.integers(0, 6))
def test_no_span_that_teaches_touches_one_that_judges(spans, groups, embargo):
    starts = np.array([start for start, _ in spans])
    ends = starts + [length for _, length in spans]
    if len(set(starts.tolist())) < groups:
        return
    judged_at = np.zeros(len(starts), dtype=int)
    for fold in purged_folds(starts, ends, groups, embargo):
        judged_at[fold.judge] += 1
        assert not set(fold.teach) & set(fold.judge)
        for row in fold.teach:
            before = ends[row] <= starts[fold.judge].min()
            assert before or starts[row] >= ends[fold.judge].max() + embargo
    assert (judged_at == 1).all()


@given(SPANS, st.integers(3, 6), st.integers(1, 2))
def test_combinatorial_folds_judge_every_row_equally_often_and_make_whole_paths(spans, groups, judged):
    starts = np.array([start for start, _ in spans])
    ends = starts + [length for _, length in spans]
    if len(set(starts.tolist())) < groups:
        return
    folds = list(combinatorial_folds(starts, ends, groups, judged, 0))
    assert len(folds) == math.comb(groups, judged)
    times = np.zeros(len(starts), dtype=int)
    for fold in folds:
        times[fold.judge] += 1
        for row in fold.teach:  # a judging span that lies wholly on one side or the other does not purge
            apart = (ends[row] <= starts[fold.judge]) | (starts[row] >= ends[fold.judge])
            assert apart.all()
    whole = paths(groups, judged)
    assert (times == len(whole)).all() and len(whole) == math.comb(groups, judged) * judged // groups
    for path in whole:
        assert all(group in folds[number].judged for group, number in enumerate(path))
    assert sorted(pair for path in whole for pair in enumerate(path)) == sorted(
        (group, number) for number, fold in enumerate(folds) for group in fold.judged
    )


@given(SPANS, st.integers(1, 20), st.integers(1, 20), st.booleans())
def test_walking_forward_never_teaches_from_what_was_not_over(spans, teach, judge, anchored):
    starts = np.array([start for start, _ in spans])
    ends = starts + [length for _, length in spans]
    seen: list[int] = []
    for fold in walk_forward(starts, ends, teach, judge, anchored):
        border = min(starts.min() + teach + fold.judged[0] * judge, 10**9)
        assert (ends[fold.teach] <= border).all() and (starts[fold.judge] >= border).all()
        assert anchored or (starts[fold.teach] >= border - teach).all()
        seen += fold.judge.tolist()
    assert sorted(seen) == np.flatnonzero(starts >= starts.min() + teach).tolist()


def test_impossible_splits_are_refused():
    for refused, told in [
        (lambda: list(purged_folds([1, 2], [3, 1], 2, 0)), "span of row 1 ends at 1, before it starts at 2"),
        (lambda: list(purged_folds([1, 1], [3, 3], 2, 0)), "1 moments cannot be cut into 2 groups"),
        (lambda: list(combinatorial_folds(range(9), range(9), 3, 3, 0)), "cannot judge 3 of 3 groups"),
        (lambda: list(purged_folds(range(9), range(9), 3, -1)), "embargo is -1 ns"),
        (lambda: list(purged_folds(range(9), range(8), 3, 0)), "one of each a row"),
        (lambda: list(walk_forward(range(9), range(9), 0, 1)), "both must be above 0"),
    ]:
        with pytest.raises(ValueError, match=told):
            refused()


def test_the_wall_is_one_moment_for_all_rows_and_a_bar_that_closes_at_it_is_before():
    wall = Wall(at_ns=1_609_718_400_000_000_000, looks=2)
    times = wall.at_ns + np.array([5, -5, 0, 1])
    assert before_wall(times, wall).tolist() == [False, True, True, False]
    assert before_wall(times, None).all()
    check_before_wall(times[1:3], wall, "one.parquet")
    check_before_wall(times, None, "one.parquet")
    with pytest.raises(
        BehindTheWall,
        match=r"one\.parquet: row 0 and 1 more are behind the holdout's wall at 2021-01-04 00:00:00 UTC; .* 2 looks",
    ):
        check_before_wall(times, wall, "one.parquet")
