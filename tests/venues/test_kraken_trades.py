"""Kraken's trade ids: what is missing, what is asked for, what is healed, and what a lost connection leaves in doubt."""

import pytest

from ninefold.market.records import Connection, Gap, Malformed
from ninefold.venues import sequence
from ninefold.venues.adapter import Question
from ninefold.venues.kraken_series import MARGIN_NS, PAGE

from .kraken_venue import RECEIVED, SECOND, TEN, TRADES, Venue, sample


@pytest.fixture
def venue() -> Venue:
    return Venue()


def test_a_trade_that_comes_twice_is_stored_once(venue):
    for id in (5, 6, 6, 5, 7):
        venue.trade(id)
    assert venue.ids() == [5, 6, 7]
    assert venue.adapter.gathered.duplicates == 2


def test_a_trade_that_comes_a_little_late_was_not_missed_not_even_before_the_first(venue):
    for id in (5, 4, 7, 6):
        venue.trade(id)
    assert (venue.ids(), venue.gaps(), venue.asked()) == ([5, 4, 7, 6], [], [])


def test_what_an_answer_brings_of_a_hole_that_may_still_fill_is_told_as_healed(venue):
    venue.trade(5)
    venue.trade(7)
    venue.past(TEN, [6])
    assert venue.gaps() == [("trades", 6, 6, True)]


def test_a_late_trade_on_a_new_connection_proves_that_the_pause_cost_nothing(venue):
    venue.trade(5)
    venue.reconnect()
    venue.forget()
    venue.trade(7)
    venue.trade(6)
    assert venue.gaps() == [("trades", 6, 7, True)]


def test_after_a_pause_what_was_missed_before_it_is_healed_first_and_then_what_came_meanwhile(venue):
    venue.trade(5)
    venue.trade(7)
    venue.reconnect()
    venue.forget()
    venue.past(TEN, [7, 8])
    assert venue.gaps() == [("trades", 9, 8, True)]  # the pause is over; 6 is still missing
    venue.trade(6)
    assert venue.gaps() == [("trades", 9, 8, True), ("trades", 6, 6, True), ("trades", 8, 8, True)]


def test_a_hole_is_a_gap_and_is_asked_for_from_before_the_trade_it_follows(venue):
    venue.trade(5, second=3)
    venue.trade(9, second=7.5)
    assert venue.gaps() == [("trades", 6, 8, False)]
    [gap] = venue.of(Gap)
    assert (gap.from_ns, gap.to_ns) == (TEN + 3 * SECOND, TEN + 7 * SECOND + SECOND // 2)
    assert venue.asked() == [TRADES.format(TEN + 3 * SECOND - MARGIN_NS)]


def test_the_answer_closes_the_gap_with_just_the_missing_trades(venue):
    venue.trade(5)
    venue.trade(9)
    venue.forget()
    venue.past(TEN, [4, 5, 6, 7, 8, 9])
    assert venue.ids() == [6, 7, 8]
    assert venue.gaps() == [("trades", 6, 8, True)]
    assert not venue.asked()


def test_an_answer_that_lacks_some_of_the_missing_trades_heals_nothing_and_is_not_asked_for_forever(venue):
    venue.trade(5)
    venue.trade(9)
    venue.forget()
    venue.past(TEN, [5, 6, 8, 9])
    assert (venue.gaps(), venue.asked()) == ([], [])
    venue.trade(7)
    assert venue.gaps() == [("trades", 6, 8, True)]


def test_an_answer_that_does_not_reach_the_hole_yet_is_asked_for_again_a_second_later(venue):
    venue.trade(5)
    venue.trade(9)
    [path] = venue.asked()
    venue.past(TEN, [5, 6])
    assert venue.adapter.questions == [Question("Trades", path, not_before_ns=RECEIVED + SECOND)]


def test_holes_that_open_meanwhile_are_asked_for_after_the_answer_and_healed_in_order(venue):
    venue.trade(5)
    venue.trade(7)
    venue.trade(9)
    assert len(venue.asked()) == 1
    venue.forget()
    venue.past(TEN, [5, 7, 8, 9])
    assert venue.gaps() == []  # a healed gap would say that all before it is here
    venue.trade(6)
    assert venue.gaps() == [("trades", 6, 6, True), ("trades", 8, 8, True)]


def test_a_full_page_asks_for_the_next_one_which_overlaps_it(venue):
    venue.trade(5)
    venue.trade(2000)
    venue.forget()
    venue.past(TEN, list(range(6, 6 + PAGE)), last_ns=TEN + 77)
    assert venue.asked() == [TRADES.format(TEN + 76)]  # trades that share the stamp of the last one come again
    assert venue.gaps() == []
    venue.past(TEN + 76, list(range(5 + PAGE, 2001)), last_ns=TEN + 99)
    assert venue.gaps() == [("trades", 6, 1999, True)]
    assert venue.ids() == list(range(6, 2000))


def test_a_whole_page_of_one_stamp_is_stepped_over(venue):
    venue.trade(5)
    venue.trade(9000)
    venue.forget()
    venue.past(TEN, list(range(6, 6 + PAGE)), last_ns=TEN + 1)
    assert venue.asked() == [TRADES.format(TEN + 1)]


@pytest.mark.parametrize(("status", "pause_s"), [(0, 1), (503, 1), (429, 10)])
def test_an_answer_that_did_not_come_is_asked_for_again(venue, status, pause_s):
    venue.answer("Trades", TRADES.format(TEN), b"", status=status)
    assert venue.adapter.questions == [
        Question("Trades", TRADES.format(TEN), not_before_ns=RECEIVED + pause_s * SECOND)
    ]


def test_too_many_requests_are_asked_again_later(venue):
    venue.answer("Trades", TRADES.format(TEN), b'{"error":["EGeneral:Too many requests"]}')
    assert [question.not_before_ns for question in venue.adapter.questions] == [RECEIVED + 10 * SECOND]


def test_what_the_venue_complains_of_is_told_and_the_next_hole_is_asked_for(venue):
    venue.trade(5)
    venue.trade(7)
    [path] = venue.asked()
    venue.answer("Trades", path, sample("error"))
    [told] = venue.of(Malformed)
    assert "EQuery:Unknown asset pair" in told.reason
    venue.trade(9)
    assert venue.asked() == [path]


def test_a_hole_too_many_is_forgotten_and_keeps_none_of_the_others_from_being_healed(venue, monkeypatch):
    monkeypatch.setattr(sequence, "MISSING_MOST", 8)
    for id in range(1, 22, 2):  # 10 holes, of which 8 are remembered: 2 and 4 are not
        venue.trade(id)
        venue.late()
    assert [gap[1] for gap in venue.gaps()] == list(range(2, 21, 2))
    venue.forget()
    venue.past(TEN, list(range(1, 22)))
    assert [gap[1:] for gap in venue.gaps()] == [(id, id, True) for id in range(6, 21, 2)]


def test_a_reconnect_asks_for_what_came_meanwhile_and_a_short_answer_proves_that_it_is_all(venue):
    venue.trade(5, second=3)
    venue.reconnect()
    assert venue.asked() == [TRADES.format(TEN + 3 * SECOND - MARGIN_NS)]
    assert [change.state for change in venue.of(Connection)] == ["lost", "open"]
    venue.forget()
    venue.past(TEN, [5, 6, 7])
    assert venue.ids() == [6, 7]
    assert venue.gaps() == [("trades", 6, 7, True)]
    venue.trade(8)
    assert len(venue.gaps()) == 1


def test_a_full_page_after_a_reconnect_proves_nothing_yet(venue):
    venue.trade(5)
    venue.reconnect()
    venue.forget()
    venue.past(TEN, list(range(6, 6 + PAGE)))
    assert (venue.gaps(), len(venue.asked())) == ([], 1)


def test_no_trade_since_proves_that_nothing_was_missed(venue):
    venue.trade(5)
    venue.reconnect()
    venue.forget()
    venue.past(TEN, [5])
    assert venue.gaps() == [("trades", 6, 5, True)]


def test_the_next_trade_in_line_proves_it_too(venue):
    venue.trade(5)
    venue.reconnect()
    venue.forget()
    venue.trade(6)
    assert venue.gaps() == [("trades", 6, 5, True)]


def test_an_answer_from_before_the_connection_was_lost_proves_nothing(venue):
    venue.trade(5)
    venue.connection("lost")
    venue.forget()
    venue.past(TEN, [5])
    assert venue.gaps() == []


def test_what_an_answer_brings_ahead_of_the_stream_is_told_as_healed(venue):
    venue.trade(5)
    venue.trade(7)
    venue.forget()
    venue.past(TEN, [5, 6, 7, 8, 9])
    assert venue.gaps() == [("trades", 6, 6, True), ("trades", 8, 9, True)]
    venue.trade(10)
    assert len(venue.gaps()) == 2


def test_what_an_answer_brought_before_the_next_trade_proved_the_pause_harmless_is_told_as_healed(venue):
    venue.trade(5)
    venue.connection("lost")
    venue.past(TEN, [5, 6, 7])  # asked before, answered now
    venue.connection("open")
    venue.forget()
    venue.trade(8)
    assert venue.gaps() == [("trades", 6, 7, True)]


def test_an_older_hole_stays_open_when_a_pause_is_proven_harmless(venue):
    venue.trade(5)
    venue.trade(7)
    venue.past(TEN, [5, 7])
    venue.reconnect()
    venue.forget()
    venue.past(TEN, [7, 8])
    assert venue.gaps() == [("trades", 9, 8, True)]


def test_a_reconnect_asks_from_the_oldest_hole(venue):
    venue.trade(5, second=3)
    venue.trade(9, second=7)
    venue.reconnect()
    assert set(venue.asked()) == {TRADES.format(TEN + 3 * SECOND - MARGIN_NS)}
