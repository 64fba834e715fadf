"""Our client order ids at other venues: each venue's rule is kept, and every id is found again."""

import re
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.execution.ids import client_order_id
from ninefold.venues import venue_ids

FORMS = {  # there, back, and what the venue's documentation allows
    "binance, bybit and coinbase": (venue_ids.same, venue_ids.same_back, r"[\.A-Z\:/a-z0-9_-]{1,36}"),
    "okx": (venue_ids.letters, venue_ids.letters_back, r"[a-zA-Z0-9]{1,32}"),
    "kraken": (venue_ids.uuid, venue_ids.uuid_back, r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
}
IDS = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=20, max_size=20).map("nf-".__add__)


@pytest.mark.parametrize("form", FORMS)
@settings(settings.get_profile("money"))
@given(IDS)
def test_an_id_keeps_the_rule_of_the_venue_and_comes_back_the_same(form, ours):
    there, back, rule = FORMS[form]
    assert re.fullmatch(rule, there(ours))
    assert back(there(ours)) == ours


def test_an_id_as_they_are_made_is_one_that_every_venue_takes():
    ours = client_order_id("main", "kraken:BTC/USD", 7, 1_000, ["a", "b"])
    assert [back(there(ours)) for there, back, _ in FORMS.values()] == [ours] * 3


@settings(settings.get_profile("money"))
@given(IDS)
def test_the_uuid_of_an_id_is_a_random_one_by_its_form(ours):
    made = uuid.UUID(venue_ids.uuid(ours))
    assert (made.version, made.variant) == (4, uuid.RFC_4122)


@settings(settings.get_profile("money"))
@given(IDS, IDS)
def test_two_ids_are_never_one_at_the_venue(one, other):
    for there, _, _ in FORMS.values():
        assert (there(one) == there(other)) == (one == other)


@pytest.mark.parametrize("form", FORMS)
@given(st.one_of(st.text(), st.uuids().map(str), st.uuids(version=4).map(str), st.from_regex(r"nf-?[a-z0-9]{20}")))
@pytest.mark.slow
def test_what_people_or_other_programs_called_an_order_is_not_ours_or_is_an_id_that_would_be_written_so(form, text):
    there, back, _ = FORMS[form]
    ours = back(text)
    assert ours is None or there(ours) == text


@pytest.mark.parametrize(
    "wrong", ["", "nf-", "nf-li2fjfq4hwmsxgzfm36", "nf-LI2FJFQ4HWMSXGZFM36U", "nf-li2fjfq4hwmsxgzfm361"]
)
def test_what_is_no_id_of_ours_is_refused(wrong):
    for there, _, _ in FORMS.values():
        with pytest.raises(ValueError, match="20 characters"):
            there(wrong)
