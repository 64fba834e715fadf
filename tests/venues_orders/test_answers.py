"""What venues say about orders and accounts: their samples, and what holds for every answer of every venue."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.venues.account_answers import NO_ANSWER, NOT_SENT, Reply
from ninefold.venues.order_table import ORDER_ENTRIES
from tests.venues_orders.answers import names, payload, read, reply, sample, told
from tests.venues_orders.order_cases import INSTRUMENTS, REGISTRY, order_of
from tests.venues_orders.told import binanceusdm, bybit, coinbase, kraken, okx

VENUES = sorted(ORDER_ENTRIES)
BY_HAND = {"binanceusdm": binanceusdm, "bybit": bybit, "coinbase": coinbase, "kraken": kraken, "okx": okx}
TOLD: Mapping[str, Mapping[str, list[str]]] = {name: module.TOLD for name, module in BY_HAND.items()}
SAMPLES = [(venue, name) for venue in VENUES for name in names(venue)]


@pytest.mark.parametrize(("venue", "name"), SAMPLES)
def test_a_sample_tells_what_was_worked_out_by_hand(venue, name):
    assert told(venue, name) == TOLD[venue][name]


@pytest.mark.parametrize("venue", VENUES)
def test_every_sample_names_the_page_of_the_documentation_that_it_is_written_after(venue):
    assert {name for name in TOLD[venue]} == set(names(venue))
    assert all("." in str(sample(venue, name)["page"]) for name in names(venue))
    kinds = {sample(venue, name)["kind"] for name in names(venue)}
    assert kinds == {"order_answer", "order_status", "my_trades", "open_orders", "account", "user_event"}


@pytest.mark.slow
@settings(settings.get_profile("money"))
@given(st.data())
def test_an_answer_that_was_garbled_is_read_or_reported_and_never_raises(data):
    venue, name = data.draw(st.sampled_from(SAMPLES))
    raw = payload(venue, name)
    cut = data.draw(st.integers(0, len(raw)))
    garbled = raw[:cut] + data.draw(st.binary(max_size=3)) + raw[cut + data.draw(st.integers(0, 9)) :]
    ORDER_ENTRIES[venue].reading.parse(str(sample(venue, name)["kind"]), garbled, REGISTRY, 7, 8)


LOST = [
    (NO_ANSWER, "no answer: TimeoutError"),
    (408, ""),
    (500, ""),
    (502, "<html>"),
    (503, "{}"),
    (504, "gateway time-out"),
]
TURNED = [(401, "no such key"), (403, "<html>firewall</html>"), (429, "slow down")]


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize(("status", "body"), LOST)
def test_a_new_order_that_got_no_clear_answer_is_unknown_and_a_question_that_got_none_says_nothing(venue, status, body):
    order = order_of(INSTRUMENTS[venue][0], "limit", 1)
    [line] = read(venue, "order_answer", reply(status, body, order))
    assert " buy 0.0123 unknown 0 -" in line
    assert ORDER_ENTRIES[venue].reading.is_unsure(Reply(status, body, order))
    for kind in ("cancel_answer", "order_status", "my_trades", "open_orders", "account"):
        assert read(venue, kind, reply(status, body, order)) == []


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize(("status", "body"), TURNED)
def test_a_request_that_was_turned_away_before_the_market_is_rejected(venue, status, body):
    order = order_of(INSTRUMENTS[venue][0], "limit", 1)
    [line] = read(venue, "order_answer", reply(status, body, order))
    assert " buy 0.0123 rejected 0 - " in line
    assert body in line


@pytest.mark.parametrize("venue", VENUES)
def test_an_order_that_was_withheld_is_rejected_and_says_why(venue):
    order = order_of(INSTRUMENTS[venue][0], "limit", 1)
    [line] = read(venue, "order_answer", reply(NOT_SENT, "halted by ada", order))
    assert line.endswith("rejected 0 - not sent: halted by ada")
    assert not ORDER_ENTRIES[venue].reading.is_unsure(Reply(NOT_SENT, "halted by ada", order))


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("body", ["", "{}", "[]", "null", '{"surprise": 1}', "<html>"])
def test_a_success_that_cannot_be_read_leaves_a_new_order_unknown(venue, body):
    order = order_of(INSTRUMENTS[venue][0], "limit", 1)
    [line] = read(venue, "order_answer", reply(200, body, order))
    assert " unknown 0 -" in line


CODES = [(venue, *row) for venue in VENUES for row in BY_HAND[venue].CODES]


@pytest.mark.parametrize(("venue", "outcome", "status", "body"), CODES)
def test_a_documented_code_means_what_its_page_says(venue, outcome, status, body):
    text = body if isinstance(body, str) else json.dumps(body)
    order = order_of(INSTRUMENTS[venue][0], "limit", 1)
    assert ORDER_ENTRIES[venue].reading.judge(status, text).outcome == outcome
    [line] = read(venue, "order_answer", reply(status, text, order))
    assert f" buy 0.0123 {'rejected' if outcome == 'refused' else 'unknown'} 0 -" in line
    [*gone] = read(venue, "order_status", reply(status, text, order))
    assert bool(gone) == (outcome == "absent")
