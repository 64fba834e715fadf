"""A feed whose frames grow older without a pause."""

from ninefold.market.lag import LATE_NS, LOOKS, LagWatch
from ninefold.market.time import SECOND_NS

MILLISECOND_NS = 10**6


def looked(watch: LagWatch, *lags_ns: int) -> int | None:
    for lag_ns in lags_ns:
        watch.see(lag_ns)
    return watch.look()


def test_one_slow_frame_is_not_lateness_and_a_window_of_slow_ones_is():
    watch = LagWatch()
    assert looked(watch, 50 * MILLISECOND_NS) is None
    assert looked(watch, 60 * MILLISECOND_NS, 9 * SECOND_NS) is None
    assert looked(watch, 3 * SECOND_NS, 4 * SECOND_NS) == 3 * SECOND_NS - 50 * MILLISECOND_NS
    assert looked(watch, 5 * SECOND_NS) is None
    assert looked(watch, 6 * SECOND_NS) == 6 * SECOND_NS - 50 * MILLISECOND_NS  # twice as late as was told
    assert looked(watch, 55 * MILLISECOND_NS) == 0
    assert looked(watch, 55 * MILLISECOND_NS) is None


def test_a_clock_that_is_off_is_no_lateness():
    watch = LagWatch()
    assert [looked(watch, -1_272 * MILLISECOND_NS) for _ in range(5)] == [None] * 5


def test_a_window_without_frames_changes_nothing():
    watch = LagWatch()
    looked(watch, 0)
    assert looked(watch, 3 * SECOND_NS) == 3 * SECOND_NS
    assert looked(watch) is None
    assert looked(watch, 0) == 0


def test_a_lag_that_grows_slowly_is_found_too():
    watch = LagWatch()
    step_ns = LATE_NS // 100
    told = [looked(watch, n * step_ns) for n in range(150)]
    assert [n for n, behind_ns in enumerate(told) if behind_ns is not None] == [101]


def test_after_an_hour_the_new_lag_is_the_usual_one_and_no_more_is_kept():
    watch = LagWatch()
    looked(watch, 0)
    told = [looked(watch, 3 * SECOND_NS) for _ in range(LOOKS + 1)]
    assert [(n, behind_ns) for n, behind_ns in enumerate(told) if behind_ns is not None] == [
        (0, 3 * SECOND_NS),
        (LOOKS, 0),
    ]
    assert len(watch.before) == LOOKS
