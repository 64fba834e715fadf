"""Signing cannot rot: what is sent for every kind of order and every question at every venue is the request in the
venue's fixture file, and that is the one that ccxt makes of the same input at the same time."""

import pytest

from ninefold.venues.order_table import ORDER_ENTRIES
from tests.venues_orders.ccxt_signs import CCXT
from tests.venues_orders.fixtures import kept
from tests.venues_orders.order_cases import requests_of, signed

VENUES = sorted(ORDER_ENTRIES)


@pytest.mark.parametrize("venue", VENUES)
def test_every_request_of_ours_is_the_one_in_the_file(venue):
    made = {name: signed(venue, request) for name, request in requests_of(venue).items()}
    assert made == kept(venue)


@pytest.mark.parametrize("venue", VENUES)
def test_every_request_in_the_file_is_the_one_that_ccxt_makes_of_its_input(venue):
    for name, sent in kept(venue).items():
        assert CCXT[venue](sent) == sent, name
