"""The venue's clock as estimated from stamps and our own clock."""

from hypothesis import given
from hypothesis import strategies as st

from ninefold.market.clock import VenueClock
from ninefold.market.time import SECOND_NS, TICK_NS

NOON = 1_700_000_000 * SECOND_NS
LAG = 40_000_000
YEAR = 365 * 86400 * SECOND_NS


def running(stamps: int = 10) -> VenueClock:
    clock = VenueClock()
    for place in range(stamps):
        clock.stamp(1, NOON + place, NOON + place + LAG)
    return clock


@given(
    steps=st.lists(
        st.tuples(st.booleans(), st.integers(1, 3), st.integers(0, 2**62), st.integers(0, 2**62)), max_size=60
    )
)
def test_the_clock_never_goes_back_and_ticks_lie_on_the_grid(steps):
    clock, before, ticks = VenueClock(), 0, [0]
    for own, connection, exchange_ns, receive_ns in steps:
        if own:
            clock.own(receive_ns)
        else:
            clock.stamp(connection, exchange_ns, receive_ns)
        assert clock.now_ns >= before
        before = clock.now_ns
        mark = clock.tick()
        if mark is not None:
            assert mark > ticks[-1]
            assert mark % TICK_NS == 0
            assert mark <= clock.now_ns
            ticks.append(mark)


@given(stamps=st.integers(1, 70), ahead=st.integers(11 * SECOND_NS, YEAR))
def test_one_crazy_stamp_moves_nothing_however_few_came_before(stamps, ahead):
    clock = running(stamps)
    now = clock.now_ns
    clock.stamp(1, NOON + ahead, NOON + stamps + LAG)
    clock.own(NOON + stamps + LAG)
    assert clock.now_ns <= now + SECOND_NS
    clock.stamp(2, NOON + ahead, NOON + stamps + LAG)
    clock.own(NOON + stamps + LAG)
    assert clock.now_ns <= now + SECOND_NS


def test_three_stamps_that_agree_are_believed():
    clock = running()
    for place in range(3):
        assert clock.now_ns < NOON + SECOND_NS
        clock.stamp(1, NOON + YEAR + place, NOON + LAG)
    assert clock.now_ns == NOON + YEAR + 2


def test_three_crazy_stamps_that_do_not_agree_are_not():
    clock = running()
    for years in (1, 5, 3, 9):
        clock.stamp(1, NOON + years * YEAR, NOON + LAG)
    assert clock.now_ns < NOON + SECOND_NS


def test_our_own_clock_carries_it_on_by_the_median_offset():
    clock = running()
    clock.own(NOON + 5 * SECOND_NS)
    assert clock.now_ns == NOON + 5 * SECOND_NS - LAG
    assert clock.offsets[1].median_ns == LAG
    assert clock.tick() == NOON + 5 * SECOND_NS - TICK_NS


def test_our_own_clock_says_nothing_before_a_stamp_came():
    clock = VenueClock()
    clock.own(NOON)
    assert clock.tick() is None


def test_the_offset_is_the_median_so_rare_delays_do_not_move_it():
    clock = VenueClock()
    for place in range(256):
        late = SECOND_NS if place % 5 == 0 else 0
        clock.stamp(1, NOON + place, NOON + place + LAG + late)
    assert clock.offsets[1].median_ns == LAG


def test_a_clock_that_was_saved_goes_on_as_if_it_had_never_stopped():
    clock = running()
    clock.stamp(1, NOON + YEAR, NOON + LAG)
    again = VenueClock()
    again.load(clock.save())
    for one in (clock, again):
        one.own(NOON + 3 * SECOND_NS)
        one.stamp(1, NOON + YEAR, NOON + LAG)
        one.stamp(2, NOON + 4 * SECOND_NS, NOON + 4 * SECOND_NS + 2 * LAG)
        one.own(NOON + 5 * SECOND_NS)
    assert (again.now_ns, again.tick()) == (clock.now_ns, clock.tick())
    assert {n: (o.median_ns, o.frames) for n, o in again.offsets.items()} == {
        n: (o.median_ns, o.frames) for n, o in clock.offsets.items()
    }


def test_the_offset_of_a_lost_connection_counts_until_another_one_tells_its_own():
    clock = running(200)
    clock.lost(1)
    clock.own(NOON + LAG + SECOND_NS)
    assert clock.now_ns == NOON + SECOND_NS
    our_step = 5 * SECOND_NS  # our clock was set forward while nothing was connected
    later = NOON + 2 * SECOND_NS
    clock.stamp(2, later, later + LAG + our_step)
    assert list(clock.offsets) == [2]
    clock.own(later + LAG + our_step + SECOND_NS)
    assert clock.now_ns == later + SECOND_NS


def test_a_connection_that_comes_back_under_its_number_keeps_its_offset_also_when_saved_between():
    clock = running(200)
    clock.lost(1)
    again = VenueClock()
    again.load(clock.save())
    for one in (clock, again):
        one.stamp(1, NOON + SECOND_NS, NOON + SECOND_NS + LAG)
        assert one.offsets[1].frames == 201
    assert again.save() == clock.save()
