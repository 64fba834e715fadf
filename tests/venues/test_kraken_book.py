"""Kraken's books: the checksum, what a wrong one does, the depth."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.market.arrays import ASK, BID
from ninefold.market.book import Book
from ninefold.market.records import Gap
from ninefold.venues.kraken_book import CheckedBook, checked_text

from .kraken_venue import ANEW, RECEIVED, SECOND, TEN, Venue, checksum, price, sample, size, swapped


@pytest.fixture
def venue() -> Venue:
    return Venue()


DOCUMENTED = {
    BID: """45283.5 0.10000000 45283.4 1.54582015 45282.1 0.10000000 45281.0 0.10000000 45280.3 1.54592586
            45279.0 0.07990000 45277.6 0.03310103 45277.5 0.30000000 45277.3 1.54602737 45276.6 0.15445238""",
    ASK: """45285.2 0.00100000 45286.4 1.54571953 45286.6 1.54571109 45289.6 1.54560911 45290.2 0.15890660
            45291.8 1.54553491 45294.7 0.04454749 45296.1 0.35380000 45297.5 0.09945542 45299.5 0.18772827""",
}


def test_the_checksum_of_the_documentation():
    book = CheckedBook(10)
    for side, levels in DOCUMENTED.items():
        words = levels.split()
        for at, amount in zip(words[::2], words[1::2], strict=True):
            book.put(side, price(at), size(amount), checked_text(at, amount, (0, 0)))
    assert book.checksum() == 3310070434


def test_zeros_that_were_not_sent_count_as_if_they_were():
    assert checked_text("60120", "0.5", (1, 8)) == checked_text("60120.0", "0.50000000", (1, 8)) == "60120050000000"


def test_a_changed_digit_is_a_gap_and_the_book_is_subscribed_anew(venue):
    venue.frame(sample("book_snapshot"))
    venue.forget()
    venue.frame(swapped("book_update", "0.75000000", "0.75000001"))
    assert venue.gaps() == [("books", 0, 0, False)]
    [gap] = venue.of(Gap)
    assert gap.to_ns == TEN + SECOND + 440_295_000
    assert venue.said() == ANEW
    venue.forget()
    venue.frame(sample("book_update"))
    assert not (venue.adapter.gathered.books or venue.adapter.gathered.records or venue.adapter.say)
    venue.frame(sample("book_snapshot"))
    venue.frame(sample("book_update"))
    assert len(venue.adapter.gathered.books) == 25
    assert not venue.gaps()


def test_an_update_that_was_missed_is_noticed_with_the_next_one(venue):
    bid, ask = ("60000.0", "1.00000000"), ("60001.0", "2.00000000")
    venue.book("snapshot", [bid], [ask], checksum([ask], [bid]))
    better = ("60000.5", "3.00000000")  # never comes
    venue.book(
        "update", [], [("60001.0", "4.00000000")], checksum([("60001.0", "4.00000000")], [better, bid]), second=5
    )
    [gap] = venue.of(Gap)
    assert (gap.stream, gap.from_ns, gap.to_ns) == ("books", TEN + SECOND, TEN + 5 * SECOND)


def test_books_that_stay_wrong_are_subscribed_after_ever_longer_pauses(venue):
    said, answered = [], True
    for second in range(12):
        venue.now = RECEIVED + second * SECOND
        if answered:
            venue.book("snapshot", [("60000.0", "1.00000000")], [], 1)
        else:
            venue.frame(sample("heartbeat"))
        answered = bool(venue.said())
        said += [second] * answered
    assert said == [0, 2, 5, 10]  # at once; 1 s after the one of 1; 2 s after that of 3; 4 s after that of 6


def test_a_book_that_was_right_again_is_subscribed_at_once_when_it_goes_wrong(venue):
    for _ in range(2):
        venue.frame(sample("book_snapshot"))
        venue.frame(sample("book_update"))
        venue.forget()
        venue.frame(swapped("book_update", "0.75000000", "0.75000001"))
        assert venue.said() == ANEW


def test_a_new_connection_subscribes_everything_so_no_book_is_subscribed_twice(venue):
    for _ in range(2):
        venue.forget()
        venue.frame(swapped("book_snapshot", "0.10000000", "0.10000001"))
    assert not venue.said()  # the second time it waits
    venue.reconnect()
    venue.now += 10 * SECOND
    venue.frame(sample("heartbeat"))
    assert not venue.said()


def test_a_change_before_the_snapshot_is_left_out(venue):
    venue.frame(sample("book_update"))
    assert not (venue.adapter.gathered.books or venue.adapter.gathered.records)


def test_a_new_connection_empties_the_book(venue):
    venue.frame(sample("book_snapshot"))
    venue.reconnect()
    venue.forget()
    venue.frame(sample("book_update"))
    assert not venue.adapter.gathered.books


@settings(max_examples=50, deadline=None)
@given(changes=st.lists(st.tuples(st.booleans(), st.integers(1, 30), st.integers(0, 3)), min_size=1, max_size=40))
def test_the_book_is_always_the_best_ten_levels_of_what_was_told(changes):
    venue = Venue()
    venue.book("snapshot", [], [], 0)
    told: dict[int, dict[str, str]] = {BID: {}, ASK: {}}
    for is_bid, place, amount in changes:
        at, of = f"{50000 + place if is_bid else 60000 + place}.0", f"{amount}.00000000"
        side = told[BID if is_bid else ASK]
        side[at] = of
        if not amount:
            del side[at]
        for gone in sorted(side, reverse=is_bid)[10:]:
            del side[gone]
        best = [sorted(told[one].items(), reverse=one == BID)[:10] for one in (ASK, BID)]
        venue.book("update", [(at, of)] * is_bid, [(at, of)] * (not is_bid), checksum(*best))
    assert not venue.of(Gap)
    book = Book()
    book.apply(venue.adapter.gathered.arrays()["books"])
    assert book.bids == {price(at): size(of) for at, of in told[BID].items()}
    assert book.asks == {price(at): size(of) for at, of in told[ASK].items()}
