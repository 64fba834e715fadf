"""After a rejection the next order waits: how long, for which orders, what ends it, and what a restart makes of it."""

from collections.abc import Mapping, Sequence

import msgspec
import pytest

from ninefold.execution.core import ExecutionCore
from ninefold.execution.orders import WITHHELD, begin, follow
from ninefold.execution.rejections import Rejections
from ninefold.execution.risk import check
from ninefold.market.arrays import rows
from ninefold.market.records import AnyRecord, Asked, Balance, Fill, Flatten, Halted, Order, Shared
from ninefold.market.time import SECOND_NS

from .test_core import ONE, RULES, balance, chunk, ready, registry, traded, update
from .world import NOW, World

WAITS = {1: 2, 2: 4, 3: 8, 4: 16, 5: 32, 6: 64, 7: 128, 8: 256, 9: 300, 1_000: 300}  # seconds, by the number in a row
WAITS_OUT = {1: 1, 2: 2, 3: 4, 4: 4, 1_000: 4}  # of what makes a position smaller


def sent(side: int = 1, instrument: int = 1) -> Order:
    return Order(
        seq=1, known_ns=1, client_order_id="nf-x", instrument=instrument, side=side, size=1_000, status="sent"
    )  # fmt: skip


def said(rejections: Rejections, order: Order, *statuses: str, at_ns: int = NOW, reason: str = "no money") -> None:
    """The venue's words on one order, one after another."""
    known = begin(order)
    for status in statuses:
        after = follow(known, msgspec.structs.replace(order, status=status, known_ns=at_ns, reason=reason))
        rejections.see(known, after)
        known = after


def rejecting(side: int, times: int, at_ns: int) -> World:
    """0.03 BTC are held, the last orders of one side were rejected."""
    world = World(side=side, positions={1: 3_000_000} if side < 0 else {}, balances={"USDT": 1_000 * ONE, "BTC": ONE})
    for _ in range(times):
        said(world.rejections, sent(side), "rejected", at_ns=at_ns)
    return world


@pytest.mark.parametrize(("side", "waits"), [(1, WAITS), (-1, WAITS_OUT)])
def test_each_rejection_in_a_row_doubles_the_wait_up_to_the_longest(side, waits):
    for times, seconds in waits.items():
        over = rejecting(side, times, NOW - seconds * SECOND_NS)
        assert check(over.state(), [over.order()])[1] == [], times
        early = rejecting(side, times, NOW - seconds * SECOND_NS + 1)
        assert check(early.state(), [early.order()])[0] == [], times


def test_the_refusal_says_how_many_why_and_until_when_and_stays_the_same_while_it_waits():
    """NOW is 00:16:40 after the epoch; three rejections wait 8 s."""
    words = "rejected: the venue rejected 3 orders in a row, last: no money; the next one may leave at 1970-01-01 00:16:47 UTC"
    for at_ns in (NOW - SECOND_NS, NOW - SECOND_NS - 5):
        world = rejecting(1, 3, at_ns)
        assert check(world.state(), [world.order()])[1][0].reason == words


def test_one_side_of_one_instrument_waits_and_no_other():
    world = rejecting(1, 9, NOW)
    for other in (sent(-1), sent(1, instrument=2)):
        assert world.rejections.row(other.instrument, other.side) is None
    world.side, world.positions = -1, {1: 3_000_000}
    assert check(world.state(), [world.order()])[1] == []


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("words", [["working"], ["filled"], ["unknown", "working"], ["rejected", "working"]])
def test_an_order_that_the_venue_took_ends_the_rows_of_both_sides_of_its_instrument(side, words):
    rejections = rejecting(1, 5, NOW).rejections
    said(rejections, sent(1, instrument=2), "rejected")
    said(rejections, sent(side), *words)
    assert rejections.row(1, 1) is None and rejections.row(1, -1) is None
    assert rejections.row(2, 1) is not None


def test_a_fill_ends_the_row_also_one_that_comes_after_the_order_was_over():
    rejections, order = Rejections(), sent()
    over = begin(order)
    over = follow(over, msgspec.structs.replace(order, status="cancelled", filled=500))
    said(rejections, sent(), "rejected")
    filled = follow(over, traded(order, 500))
    rejections.see(over, filled)
    assert rejections.row(1, 1) is None
    said(rejections, sent(), "rejected")
    rejections.see(filled, follow(filled, traded(order, 500)))  # the same trade again
    assert rejections.row(1, 1) is not None


@pytest.mark.parametrize("words", [["unknown"], ["cancelled"], ["expired"]])
def test_what_is_no_word_of_the_venue_for_or_against_changes_nothing(words):
    rejections = rejecting(1, 2, NOW).rejections
    said(rejections, sent(), *words)
    assert rejections.row(1, 1) == (2, NOW, "no money")


def test_one_rejection_told_twice_is_one_and_what_we_kept_back_ourselves_is_none():
    rejections = Rejections()
    said(rejections, sent(), "rejected", "rejected")
    said(rejections, sent(), "rejected", reason=f"{WITHHELD}halted by ada: lunch")
    assert rejections.row(1, 1) == (1, NOW, "no money")


def leaves(
    core: ExecutionCore,
    wanted: Mapping[int, int],
    seconds: range,
    restart_at: int = 0,
    first: Sequence[AnyRecord] = (),
) -> tuple[list[int], set[str]]:
    """The seconds at which an order left, each rejected a second later; and the refusals. The core may be made anew. Every second
    has a trade. first: records of the first second."""
    ledger: list[AnyRecord] = [balance("USDT", 1_000 * ONE), balance("BTC", ONE)]
    left, refusals = [], set()
    for second in seconds:
        if second == restart_at:
            core = ExecutionCore.restore(RULES, registry(), ledger)
        said_now = [update(core, "rejected", seq=second)] if core.unsettled() else []
        others = first if second == seconds[0] else ()
        made = chunk(second, balance("USDT", 1_000 * ONE, seq=second), *said_now, *others)
        at = second * SECOND_NS
        made.add("trades", rows("trades", [(1, at, at, second, 0, 0, second, 50_000_00, 1, 1)]))
        left += [second] * len(core.step(made, wanted))
        ledger += [one for one in made.records if isinstance(one, Order | Fill | Balance | Shared)]
        refusals |= {one.reason for one in made.records if isinstance(one, Order) and one.status == "refused"}
    return left, refusals


def test_a_post_only_order_that_would_have_taken_makes_nothing_wait():
    rejections = Rejections()
    said(rejections, msgspec.structs.replace(sent(), order_type="post_only"), "rejected")
    assert rejections.row(1, 1) is None


@pytest.mark.parametrize("restart_at", [0, 12, 69, 70, 100])
def test_an_unmet_target_sends_ever_fewer_orders_also_over_a_restart(restart_at):
    """Rejected at 3, 6, 11, 20, 37 and 70 s; a row of six waits 64 s. In 150 s there are 7 orders in place of 150, and
    seven refusals that differ, one for each wait."""
    left, refusals = leaves(ready(), {1: 1_000}, range(2, 152), restart_at)
    assert left == [2, 5, 10, 19, 36, 69, 134]
    assert len(refusals) == 7


def stop(trigger: str) -> Asked:
    return Asked(
        seq=4, known_ns=4 * SECOND_NS, ask_id="s", by="ada", side=-1, size="0.00900", pair="BTC/USDT",
        order_type="stop", trigger=trigger, reduce_only=True,
    )  # fmt: skip


WAYS_OUT: dict[str, tuple[dict[int, int], list[AnyRecord]]] = {
    "a strategy wants nothing": ({1: 0}, []),
    "flatten": ({}, [Halted(seq=4, known_ns=4, by="ada", reason=""), Flatten(seq=4, known_ns=4, by="ada")]),
    "a stop that goes off at once": ({}, [stop("60000")]),
}


@pytest.mark.parametrize("way", WAYS_OUT)
def test_what_gives_a_position_back_is_tried_again_within_seconds(way):
    """Waits of 1, 2, 4, 4, ... seconds from each rejection, which comes a second after the order. A stop goes off with the first
    trade, a tick after it is held, and its next one is held for a tick too."""
    core = ready()
    core.step(chunk(2, balance("BTC", ONE)), {1: 1_000})
    order = core.unsettled()[0]
    core.step(chunk(3, update(core, "filled", 1_000), traded(order, 1_000)))
    wanted, first = WAYS_OUT[way]
    left, _ = leaves(core, wanted, range(4, 30), first=first)
    assert left == ([5, 7, 10, 15, 20, 25] if "stop" in way else [4, 6, 9, 14, 19, 24, 29])
