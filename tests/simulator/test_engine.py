"""The matching engine by hand, and its laws on random orders."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.simulator.engine import BUY, SELL, Book, Match


def rows(book: Book) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    return list(book.bids.rows()), list(book.asks.rows())


def test_the_better_price_is_met_first_and_the_older_order_at_the_same_price():
    book = Book()
    for order_id, price in ((1, 101), (2, 100), (3, 100)):
        assert book.submit(order_id, SELL, price, 5, rest=True) == []
    assert book.submit(9, BUY, 101, 12, rest=True) == [Match(2, 100, 5, 0), Match(3, 100, 5, 0), Match(1, 101, 2, 3)]
    assert rows(book) == ([], [(101, 3)])


def test_what_is_left_of_a_limit_order_rests_and_of_another_is_dropped():
    book = Book()
    book.submit(1, SELL, 100, 5, rest=True)
    assert book.submit(2, BUY, 100, 8, rest=True) == [Match(1, 100, 5, 0)]
    assert rows(book) == ([(100, 3)], [])
    assert book.submit(3, SELL, None, 4, rest=False) == [Match(2, 100, 3, 0)]
    assert rows(book) == ([], [])


def test_a_cancel_gives_back_what_was_left_and_keeps_the_others_in_their_places():
    book = Book()
    for order_id in (1, 2, 3):
        book.submit(order_id, BUY, 100, order_id, rest=True)
    assert book.cancel(2) == 2
    assert book.cancel(2) is None
    assert book.submit(9, SELL, 100, 4, rest=False) == [Match(1, 100, 1, 0), Match(3, 100, 3, 0)]


def test_every_changed_level_has_its_own_update_id_and_shows_its_size_now():
    book = Book(update_id=40)
    book.submit(1, SELL, 100, 5, rest=True)
    book.submit(2, SELL, 101, 5, rest=True)
    book.submit(3, BUY, 101, 7, rest=True)
    assert book.update_id == 44
    assert sorted(book.take_changed()) == [(SELL, 100, 0), (SELL, 101, 3)]
    assert book.take_changed() == []


def test_a_walk_says_what_a_submit_would_get_and_changes_nothing():
    book = Book()
    for order_id, price in ((1, 100), (2, 101), (3, 103)):
        book.submit(order_id, SELL, price, 5, rest=True)
    before = rows(book)
    assert book.walk(BUY, 102, 12) == [(100, 5), (101, 5)]
    assert rows(book) == before


Step = tuple[str, int, int, int]
STEPS = st.lists(
    st.tuples(st.sampled_from(["rest", "take", "cancel"]), st.sampled_from([BUY, SELL]), st.integers(95, 105),
              st.integers(1, 20)),
    max_size=60,
)  # fmt: skip


@pytest.mark.slow
@settings(settings.get_profile("money"))
@given(STEPS)
def test_on_random_orders_nothing_is_lost_the_book_never_crosses_and_priority_holds(steps: list[Step]):
    book = Book()
    gone = added = 0
    arrived: dict[int, int] = {}
    for number, (kind, side, price, lots) in enumerate(steps, 1):
        if kind == "cancel":
            gone += book.cancel(lots) or 0
            continue
        expected = book.walk(side, price, lots)
        ahead = {each: order.price_ticks for each, order in book.resting.items() if order.side == -side}
        matches = book.submit(number, side, price, lots, rest=kind == "rest")
        arrived[number] = number
        filled = sum(match.size_lots for match in matches)
        added += lots if kind == "rest" else filled
        gone += 2 * filled
        assert merged(matches) == expected
        order = [(ahead[match.maker_id] * side, match.maker_id) for match in matches]
        assert order == sorted(order)  # best price first, then the oldest
        bid, ask = book.bids.best(), book.asks.best()
        assert bid is None or ask is None or bid < ask
    resting = sum(order.left_lots for order in book.resting.values())
    assert resting == added - gone
    for book_side in (book.bids, book.asks):
        assert book_side.keys == sorted(book_side.keys)
        for price, total in book_side.rows():
            assert total == sum(order.left_lots for order in book_side.levels[price].orders.values()) > 0


def merged(matches: list[Match]) -> list[tuple[int, int]]:
    totals: dict[int, int] = {}
    for match in matches:
        totals[match.price_ticks] = totals.get(match.price_ticks, 0) + match.size_lots
    return list(totals.items())
