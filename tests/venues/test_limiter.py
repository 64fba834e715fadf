"""Rate limits are never exceeded, wherever the venue's stretch of time begins and however long calls are on their way."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.venues import limiter
from ninefold.venues.limiter import Limit, Limiter, Told

WEIGHT, ORDERS = Limit("weight", 100, 20), Limit("orders", 40, 3)

CALLS = st.lists(
    st.tuples(
        st.sampled_from([{"weight": 1}, {"weight": 7}, {"weight": 20}, {"weight": 1, "orders": 1}]),
        st.integers(0, 30),  # after the one before was decided
        st.integers(0, 60),  # until it arrives
        st.integers(0, 60),  # until it is back from there
    ),
    max_size=40,
)


def play(calls: list[tuple[dict[str, int], int, int, int]]) -> list[tuple[int, dict[str, int]]]:
    """When each call arrives at the venue: every one waits as long as it is told, and again, until it need not."""
    limits = Limiter([WEIGHT, ORDERS])
    now, backs, arrived = 1_000, [], []

    def until(moment: int) -> None:
        for back_ns, ticket in sorted(one for one in backs if one[0] <= moment):
            limits.back(ticket, back_ns)
            backs.remove((back_ns, ticket))

    for costs, pause, there, home in calls:
        now += pause
        until(now)
        while wait := limits.wait_ns(costs, now):
            now += wait
            until(now)
        backs.append((now + there + home, limits.leave(costs, now)))
        arrived.append((now + there, costs))
    return arrived


def most(arrived: list[tuple[int, dict[str, int]]], limit: Limit) -> int:
    """The most in any stretch of the limit's length, begun at any arrival."""
    return max(
        (
            sum(costs.get(limit.kind, 0) for at, costs in arrived if begin <= at < begin + limit.length_ns)
            for begin, _ in arrived
        ),
        default=0,
    )


@settings(max_examples=150)
@given(CALLS)
@pytest.mark.slow
def test_no_stretch_of_time_at_the_venue_holds_more_than_the_limit(calls):
    arrived = play(calls)
    assert most(arrived, WEIGHT) <= WEIGHT.most
    assert most(arrived, ORDERS) <= ORDERS.most


def test_counting_from_when_calls_leave_is_found_out(monkeypatch):
    """The planted break: a call that arrives late counts in a later stretch than the one it left in."""
    honest = limiter._Window.leave

    def leaves(window: limiter._Window, ticket: int, amount: int, now_ns: int) -> None:
        honest(window, ticket, amount, now_ns)
        window.back(ticket, now_ns)

    monkeypatch.setattr(limiter._Window, "leave", leaves)
    late = [({"weight": 20}, 0, 60, 0), ({"weight": 20}, 0, 0, 0)]
    assert most(play(late), WEIGHT) == 40


def test_as_much_as_is_allowed_leaves_at_once_and_the_next_when_the_first_is_out_of_sight():
    limits = Limiter([ORDERS])
    for at in (0, 5, 9):
        assert limits.wait_ns({"orders": 1}, at) == 0
        limits.back(limits.leave({"orders": 1}, at), at + 1)
    assert limits.wait_ns({"orders": 1}, 10) == 31
    assert limits.wait_ns({"weight": 5}, 10) == 0
    assert limits.wait_ns({"orders": 1}, 41) == 0


def test_what_others_at_our_address_use_counts_and_our_own_is_not_counted_twice():
    limits = Limiter([WEIGHT])
    limits.back(limits.leave({"weight": 5}, 1_010), 1_020)
    limits.told([Told("weight", 100, 5)], 1_020)
    assert limits.wait_ns({"weight": 15}, 1_021) == 0
    limits.told([Told("weight", 100, 18)], 1_030)
    assert limits.wait_ns({"weight": 3}, 1_031) == 89, "until our 5 are out of sight"
    assert limits.wait_ns({"weight": 2}, 1_031) == 0


def test_what_we_used_in_the_venues_stretch_before_does_not_hide_what_others_use_now():
    limits = Limiter([WEIGHT])
    limits.back(limits.leave({"weight": 10}, 1_090), 1_091)
    limits.told([Told("weight", 100, 10)], 1_110)
    assert limits.wait_ns({"weight": 1}, 1_111) > 0


def test_limits_that_the_venue_tells_take_the_place_of_ours_and_what_was_used_stays():
    limits = Limiter([ORDERS])
    limits.leave({"orders": 1}, 0)
    limits.set([Limit("orders", 40, 1), WEIGHT])
    assert limits.wait_ns({"orders": 1}, 1) == 40
    assert limits.wait_ns({"weight": 20}, 1) == 0


@pytest.mark.parametrize("cost", [21, 500])
def test_a_call_dearer_than_the_limit_leaves_when_nothing_else_counts(cost):
    limits = Limiter([WEIGHT])
    assert limits.wait_ns({"weight": cost}, 0) == 0
    limits.back(limits.leave({"weight": 1}, 0), 3)
    assert limits.wait_ns({"weight": cost}, 4) > 0
