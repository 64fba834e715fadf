"""The order state machine."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.execution.orders import NEXT, Contradiction, Tracked, begin, follow
from ninefold.market.records import Fill, Order

SENT = Order(
    seq=1, known_ns=1, client_order_id="nf-a", instrument=1, side=1, size=10, status="sent", strategies=("cross",)
)


def said(status: str, filled: int = 0, seq: int = 2, **more: object) -> Order:
    plain = msgspec.structs.replace(SENT, status=status, filled=filled, seq=seq, strategies=())
    return msgspec.structs.replace(plain, **more)


def traded(trade_id: str, size: int, seq: int = 2) -> Fill:
    return Fill(
        seq=seq,
        known_ns=seq,
        client_order_id="nf-a",
        instrument=1,
        side=1,
        price=100,
        size=size,
        fee=1,
        fee_asset="BTC",
        trade_id=trade_id,
        exchange_ns=seq,
    )


def after(*updates: Order | Fill, start: Order = SENT) -> Tracked:
    known = begin(start)
    for update in updates:
        followed = follow(known, update)
        assert isinstance(followed, Tracked), followed
        known = followed
    return known


def test_an_order_works_is_filled_in_parts_and_keeps_who_wanted_it():
    known = after(said("working", venue_order_id="77"), traded("t1", 4), traded("t2", 6))
    assert (known.order.status, known.order.filled, known.order.venue_order_id) == ("filled", 10, "77")
    assert known.order.strategies == ("cross",)
    assert known.complete


def test_a_fill_that_overtakes_the_acknowledgement_counts_and_the_late_one_changes_nothing():
    early = after(traded("t1", 4))
    assert (early.order.status, early.order.filled) == ("partly_filled", 4)
    assert follow(early, said("working")) is not Contradiction
    assert after(traded("t1", 4), said("working")).order.status == "partly_filled"


def test_the_same_trade_twice_is_booked_once():
    known = after(traded("t1", 4))
    assert follow(known, traded("t1", 4, seq=9)) is known


def test_a_late_or_repeated_update_changes_nothing():
    known = after(said("filled", 10))
    for late in ("intended", "sent", "unknown", "working", "partly_filled", "filled"):
        assert follow(known, said(late, filled=10 if late == "filled" else 0, seq=9)) is known


def test_a_time_out_after_the_venue_has_answered_does_not_make_the_order_unknown():
    known = after(said("working"))
    assert follow(known, said("unknown", reason="no answer")) is known


ENDS = [("filled", "cancelled"), ("cancelled", "expired"), ("expired", "filled")]


@pytest.mark.parametrize(("state", "update"), ENDS)
def test_one_end_cannot_become_another(state, update):
    known = after(said(state, filled=10 if state == "filled" else 3))
    answer = follow(known, said(update, filled=10 if update == "filled" else 3))
    assert isinstance(answer, Contradiction)
    assert f"cannot become '{update}'" in answer.reason


def test_more_than_was_ordered_is_never_filled_and_the_reason_says_so():
    known = after(traded("t1", 8))
    answer = follow(known, traded("t2", 3))
    assert isinstance(answer, Contradiction)
    assert "t2 of 3 would make 11 filled" in answer.reason
    assert isinstance(follow(known, said("partly_filled", 11)), Contradiction)


def test_a_refused_order_can_have_no_fill():
    assert isinstance(follow(begin(said("refused")), traded("t1", 1)), Contradiction)


def test_no_such_order_is_corrected_when_the_order_turns_up_after_all():
    known = after(said("rejected", reason="no such order"), traded("t1", 10))
    assert (known.order.status, known.order.reason) == ("filled", "")


def test_an_order_that_expired_in_part_is_complete_when_its_fills_are_here():
    known = after(said("expired", filled=4))
    assert not known.complete
    assert after(said("expired", filled=4), traded("t1", 4)).complete


def test_every_state_says_what_may_follow_and_ends_have_no_follower():
    ends = {"refused", "filled", "cancelled", "expired"}
    assert {state for state, followers in NEXT.items() if not followers} == ends
    assert set().union(*NEXT.values()) <= set(NEXT)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Order | Fill], list[Order | Fill]]:
    """What a venue may truly say of one order, and the same shuffled with repeats."""
    sizes = draw(st.lists(st.integers(1, 4), max_size=3).filter(lambda sizes: sum(sizes) <= 10))
    history: list[Order | Fill] = [said("unknown", reason="no answer")] if draw(st.booleans()) else []
    history.append(said("working", venue_order_id="77"))
    filled = 0
    for number, size in enumerate(sizes):
        filled += size
        history.append(said("filled" if filled == 10 else "partly_filled", filled))
        history.append(traded(f"t{number}", size))
    if filled < 10 and draw(st.booleans()):
        history.append(said(draw(st.sampled_from(["cancelled", "expired"])), filled))
    repeats = draw(st.lists(st.sampled_from(history), max_size=5))
    return history, draw(st.permutations(history + repeats))


@pytest.mark.slow
@settings(settings.get_profile("money"))
@given(histories())
def test_any_order_of_arrival_and_any_repeats_end_in_the_same_state(both):
    history, shuffled = both
    straight, mixed = after(*history), after(*shuffled)
    clean = [msgspec.structs.replace(known.order, seq=0, known_ns=0) for known in (straight, mixed)]
    assert clean[0] == clean[1]
    assert straight.fills == mixed.fills
    assert 0 <= mixed.order.filled <= mixed.order.size
