"""What venues are asked beside single requests: the next pages of long answers, and what they do not keep themselves."""

import json
import sys

import msgspec
import pytest

from ninefold.venues.es256 import NoSigner
from ninefold.venues.order_table import ORDER_ENTRIES
from ninefold.venues.signed import Keys, NotHeld, Unsigned
from tests.venues_orders.order_cases import INSTRUMENTS, KINDS, NONCE, NOW_MS, keys_of, order_of, signed

SPOT = {"bybit": 0, "okx": 0, "kraken": 0, "coinbase": 0}
SWAP = {"bybit": 1, "okx": 1, "binanceusdm": 0}
HELD_BY_US = {  # of the kinds of orders there are, per venue and kind of instrument; all others are kept there
    **{(venue, place): {"trailing", "market reduce only"} for venue, place in SPOT.items()},
    **{(venue, place): {"trailing"} for venue, place in SWAP.items()},
    ("kraken", 0): {"trailing", "market reduce only", "fok"},
    ("coinbase", 0): {"trailing", "market reduce only", "stop", "take profit"},
}


@pytest.mark.parametrize(("venue", "place"), HELD_BY_US)
def test_a_venue_keeps_the_orders_of_its_page_and_refuses_to_be_sent_others(venue, place):
    instrument, requests = INSTRUMENTS[venue][place], ORDER_ENTRIES[venue].requests
    orders = {kind: order_of(instrument, kind, 1) for kind in KINDS}
    assert {kind for kind, order in orders.items() if not requests.holds(order, instrument)} == HELD_BY_US[venue, place]
    for kind in HELD_BY_US[venue, place]:
        with pytest.raises(NotHeld, match=f"{venue} keeps no .*hold the order here"):
            requests.build_order(orders[kind], instrument)


@pytest.mark.parametrize(("venue", "place"), SPOT.items())
def test_a_sale_of_spot_cannot_but_reduce_and_says_nothing_of_it(venue, place):
    instrument, requests = INSTRUMENTS[venue][place], ORDER_ENTRIES[venue].requests
    reducing, plainly = order_of(instrument, "market reduce only", -1), order_of(instrument, "market", -1)
    assert requests.build_order(reducing, instrument) == requests.build_order(plainly, instrument)


def page(venue: str, what: str, body: object) -> Unsigned | None:
    """The question after an answer."""
    requests, instrument = ORDER_ENTRIES[venue].requests, INSTRUMENTS[venue][0]
    order = msgspec.structs.replace(order_of(instrument, "limit", 1), venue_order_id="77")
    asked = {
        "open": requests.ask_open_orders([instrument])[0],
        "fills": requests.ask_fills(order, instrument),
        "balances": requests.ask_balances(),
    }[what]
    assert asked is not None
    return requests.next_page(asked, json.dumps(body))


def query_of(request: Unsigned | None) -> dict[str, object]:
    assert request is not None
    return {**request.query, **(request.body if isinstance(request.body, dict) else {})}


def test_a_long_answer_is_asked_on_from_where_it_ended():
    cursor = "page_args%3D77%26symbol%3D6%26"
    bybit = page("bybit", "open", {"result": {"list": [{}], "nextPageCursor": cursor}})
    assert query_of(bybit)["cursor"] == cursor
    assert f"&cursor={cursor}" in signed("bybit", bybit).url  # encoded already: it goes back as it came
    okx = page("okx", "open", {"data": [{"ordId": str(number)} for number in range(100)]})
    assert query_of(okx)["after"] == "99"
    okx = page("okx", "fills", {"data": [{"ordId": "77", "billId": str(number)} for number in range(100)]})
    assert query_of(okx)["after"] == "99"
    usdm = page("binanceusdm", "fills", [{"id": number} for number in range(1000)])
    assert query_of(usdm)["fromId"] == "1000"
    kraken = page("kraken", "fills", {"result": {"trades": {}, "count": 51}})
    assert query_of(kraken)["ofs"] == "50"
    coinbase = page("coinbase", "balances", {"accounts": [], "has_next": True, "cursor": "abc"})
    assert query_of(coinbase)["cursor"] == "abc"


def test_a_short_answer_is_the_whole():
    assert page("bybit", "open", {"result": {"list": [], "nextPageCursor": "a%3D1"}}) is None
    assert page("bybit", "open", {"result": {"list": [{}], "nextPageCursor": ""}}) is None
    assert page("okx", "open", {"data": [{"ordId": "1"}] * 99}) is None
    assert page("okx", "balances", {"data": [{}] * 100}) is None
    assert page("binanceusdm", "fills", [{"id": 1}] * 999) is None
    assert page("binanceusdm", "open", [{"id": 1}] * 1000) is None
    assert page("kraken", "fills", {"result": {"trades": {}, "count": 50}}) is None
    assert page("kraken", "open", {"result": {"open": {}}}) is None
    assert page("coinbase", "balances", {"accounts": [], "has_next": False, "cursor": "abc"}) is None
    assert page("coinbase", "fills", {"fills": [], "cursor": ""}) is None


@pytest.mark.parametrize("venue", ["binanceusdm", "kraken", "coinbase"])
def test_fills_are_not_asked_for_before_the_venue_has_given_the_order_a_number(venue):
    order = order_of(INSTRUMENTS[venue][0], "limit", 1)
    assert ORDER_ENTRIES[venue].requests.ask_fills(order, INSTRUMENTS[venue][0]) is None


def test_coinbase_cancels_by_its_number_alone():
    order = order_of(INSTRUMENTS["coinbase"][0], "limit", 1)
    assert ORDER_ENTRIES["coinbase"].requests.cancel_order(order, INSTRUMENTS["coinbase"][0]) is None


def test_no_text_made_of_keys_shows_them():
    keys = Keys("the-key", "the-secret", "the-phrase")
    assert all("the-" not in text for text in (repr(keys), str(keys), f"{keys}"))


@pytest.mark.parametrize(
    "secret", ["", "the-secret", "-----BEGIN EC PRIVATE KEY-----\nthe-secret\n-----END EC PRIVATE KEY-----"]
)
def test_a_secret_of_coinbase_that_is_no_key_is_refused_without_being_shown(secret):
    requests = ORDER_ENTRIES["coinbase"].requests
    with pytest.raises(ValueError, match="no private key of P-256") as caught:
        requests.sign(requests.ask_balances(), requests.REST_URL, Keys("the-key", secret), NOW_MS, NONCE)
    assert "the-secret" not in str(caught.value)


def test_without_the_library_coinbase_says_which_extra_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.hashes", None)
    requests = ORDER_ENTRIES["coinbase"].requests
    with pytest.raises(NoSigner, match=r"ninefold\[coinbase\]"):
        requests.sign(requests.ask_balances(), requests.REST_URL, keys_of("coinbase"), NOW_MS, NONCE)
