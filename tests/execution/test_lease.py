"""The rules of a lease: whatever stops whom for how long, the venue accepts no order of an old holder after one of a newer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.execution import lease
from ninefold.execution.lease import BEAT_NS, HELD_NS, QUIET_NS, SECOND_NS, SILENT_NS, WINDOW_NS, Seen, Watched, holds
from ninefold.venues.binance_requests import RECV_WINDOW_MS

AHEAD_NS = SECOND_NS  # so far a stamp may be ahead of the venue's clock
STEPS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([0, 1, 2, 4, 5, 11, 30])), min_size=20, max_size=80)


class World:
    """One clock, the entry that says who holds the lease, and the venue. Each executor goes on step by step, and may be
    stopped between any two."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.entry = (0, 0)  # epoch, beat
        self.accepted: list[tuple[int, int]] = []  # epoch and when

    def executor(self) -> Iterator[None]:
        epoch = yield from self._take()
        taken_ns, renewed_ns = self.now_ns, self.now_ns
        while True:
            yield
            asked_ns = self.now_ns
            yield
            if self.entry[0] != epoch:
                return  # taken over: the renewal fails
            self.entry = epoch, self.entry[1] + 1
            renewed_ns = asked_ns
            yield
            if self.now_ns < taken_ns + lease.QUIET_NS and epoch > 1:
                continue
            stamp_ns = self.now_ns + AHEAD_NS
            yield
            if not holds(renewed_ns, self.now_ns):
                continue
            yield
            if self.now_ns <= stamp_ns + WINDOW_NS:
                self.accepted.append((epoch, self.now_ns))

    def _take(self) -> Iterator[None]:
        watched = Watched()
        while True:
            seen = watched.see(self.entry, self.now_ns)
            yield
            if self.entry == (0, 0) or seen is Seen.SILENT:
                self.entry = self.entry[0] + 1, 0  # the worst store: it does not compare before it exchanges
                return self.entry[0]
            if seen is Seen.ALIVE:
                watched = Watched()


def played(steps: list[tuple[int, int]]) -> list[tuple[int, int]]:
    world = World()
    executors = [world.executor() for _ in range(3)]
    for who, seconds in steps:
        world.now_ns += seconds * SECOND_NS
        next(executors[who], None)
    return world.accepted


@pytest.mark.slow
@settings(max_examples=60)
@given(STEPS)
def test_no_order_of_an_old_holder_is_accepted_after_one_of_a_newer(steps):
    epochs = [epoch for epoch, _ in played(steps)]
    assert epochs == sorted(epochs)


def stopped_before_it_sends() -> list[tuple[int, int]]:
    """The first takes, renews, stamps and checks; is stopped; the second takes over and sends; the first goes on."""
    return [*[(0, 0)] * 6, (1, 0), (1, 5), *[(1, 0)] * 6, (0, 0)]


def test_without_the_quiet_time_the_order_of_one_that_was_stopped_arrives_after_the_next_ones(monkeypatch):
    assert played(stopped_before_it_sends()) == [(1, 5 * SECOND_NS)]
    monkeypatch.setattr(lease, "QUIET_NS", 0)
    assert [epoch for epoch, _ in played(stopped_before_it_sends())] == [2, 1]


def test_the_times_fit_together():
    assert BEAT_NS * 3 < HELD_NS < SILENT_NS
    assert QUIET_NS > HELD_NS + WINDOW_NS + AHEAD_NS
    assert WINDOW_NS == RECV_WINDOW_MS * 10**6


def test_a_mark_that_stays_for_five_seconds_is_silent_and_one_that_changes_alive():
    watched = Watched()
    said = [watched.see("7", second * SECOND_NS) for second in (3, 5, 8)]
    assert said == [Seen.UNSURE, Seen.UNSURE, Seen.SILENT]
    assert watched.see("8", 9 * SECOND_NS) is Seen.ALIVE
    assert (holds(10, 10 + HELD_NS - 1), holds(10, 10 + HELD_NS)) == (True, False)
