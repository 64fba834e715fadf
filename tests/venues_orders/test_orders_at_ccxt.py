"""An order means to each venue what ccxt would have it mean: the parameters that ccxt's own `create_order` makes of the
same order are ours, but for those in EXPLAINED. What is sent is caught in the place of ccxt's socket."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from ninefold.market.instruments import Instrument
from ninefold.market.records import Order
from ninefold.venues.order_table import ORDER_ENTRIES
from tests.venues_orders.ccxt_signs import exchange_of
from tests.venues_orders.order_cases import INSTRUMENTS, order_of

MEANT: Mapping[str, tuple[str, dict[str, object]]] = {  # as ccxt's users write it
    "market": ("market", {}),
    "limit": ("limit", {}),
    "post only": ("limit", {"postOnly": True}),
    "ioc": ("limit", {"timeInForce": "IOC"}),
    "fok": ("limit", {"timeInForce": "FOK"}),
    "stop": ("market", {"stopLossPrice": 59000.0}),
    "stop limit": ("limit", {"stopLossPrice": 59000.0}),
    "take profit": ("market", {"takeProfitPrice": 61000.0}),
    "take profit limit": ("limit", {"takeProfitPrice": 61000.0}),
    "market reduce only": ("market", {"reduceOnly": True}),
}
IDS = {"orderLinkId", "clOrdId", "algoClOrdId", "cl_ord_id", "client_order_id", "newClientOrderId", "clientAlgoId"}
EXPLAINED = {
    "binanceusdm": {
        "newOrderRespType": "ccxt wants FULL, which these contracts answer as RESULT",
        "timeInForce": "GTC is what the venue takes where a stop says nothing",
    },
    "bybit": {
        "timeInForce": "GTC is what the venue takes where nothing is said",
        "reduceOnly": "ccxt's stops only reduce; its page gives it to contracts alone",
        "triggerDirection": "its page gives it to contracts alone; there it is compared",
    },
    "coinbase": {},
    "kraken": {
        "oflags": "the fee is asked for in the quote asset",
        "reduce_only": "its page gives it to margin orders alone",
    },
    "okx": {
        "tgtCcy": "only a purchase at the market needs to be told in which asset its size is",
        "tdMode": "spot is traded with cash, its stops too, as the page has it; ccxt sends those as cross",
        "reduceOnly": "its page gives it to margin orders and contracts alone; there it is compared",
        "slTriggerPxType": "last is what the venue takes where nothing is said",
        "tpTriggerPxType": "likewise",
    },
}
COMPARED = {  # where an explained one must agree nevertheless
    ("bybit", "swap"): {"triggerDirection"},
    ("okx", "swap"): {"tdMode", "reduceOnly"},
}
NOT_ALIKE = {  # ccxt counts it in the quote asset, or closes a position of futures instead
    ("coinbase", "market", 1),
    ("coinbase", "market reduce only", -1),
}
CASES = [
    (venue, instrument, kind, side)
    for venue in sorted(ORDER_ENTRIES)
    for instrument in INSTRUMENTS[venue]
    for kind in MEANT
    for side in (1, -1)
    if ORDER_ENTRIES[venue].requests.holds(order_of(instrument, kind, side), instrument)
    and (venue, kind, side) not in NOT_ALIKE
]


class Caught(Exception):
    """A request that ccxt was about to send."""


@pytest.mark.slow
@pytest.mark.parametrize("venue", sorted(ORDER_ENTRIES))
def test_ccxt_makes_the_same_of_every_order_and_every_explained_difference_is_there(venue):
    seen = set()
    for _, instrument, kind, side in (case for case in CASES if case[0] == venue):
        order = order_of(instrument, kind, side)
        ours = ORDER_ENTRIES[venue].requests.build_order(order, instrument)
        path, theirs = by_ccxt(venue, instrument, order, kind)
        mine, other = _plain(ours.body), _plain(theirs)
        differ = {name for name in mine.keys() | other.keys() if mine.get(name) != other.get(name)}
        explained = set(EXPLAINED[venue]) - COMPARED.get((venue, instrument.kind), set())
        assert (path, differ - explained) == (ours.path, set()), f"{instrument.symbol} {kind} {side}: {mine}, {other}"
        seen |= differ
    assert seen == set(EXPLAINED[venue])  # what has become the same must not stay excused


def by_ccxt(venue: str, instrument: Instrument, order: Order, kind: str) -> tuple[str, Any]:
    exchange = with_market(venue, instrument)
    caught: list[tuple[str, Any]] = []

    def fetch(url: str, method: str, headers: object, body: str | None) -> None:
        where = urlsplit(url)
        form = json.loads(body) if body and body[0] in "[{" else dict(parse_qsl(body or where.query))
        caught.append((where.path, form))
        raise Caught

    exchange.fetch = fetch
    word, more = MEANT[kind]
    price = order.price / 10**instrument.price_decimals if order.price else None
    with pytest.raises(Caught):
        exchange.create_order(instrument.symbol, word, "buy" if order.side > 0 else "sell", 0.0123, price, more)
    return caught[-1]


def with_market(venue: str, of: Instrument) -> Any:
    swap = bool(of.settle)
    settled = {"settle": of.settle, "settleId": of.settle, "linear": of.settle == of.quote, "contractSize": 1.0}
    exchange = exchange_of(venue)
    kinds = ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"]
    names = {"base": of.base, "quote": of.quote, "baseId": of.base, "quoteId": of.quote, "symbol": of.symbol}
    market = {
        **names,
        "id": "XBTUSD" if venue == "kraken" else of.venue_symbol.removeprefix("spot:"),
        **{"type": of.kind, "spot": not swap, "swap": swap, "contract": swap, "future": False, "option": False},
        **(settled if swap else {}),
        "inverse": swap and of.settle == of.base,
        "precision": {"amount": 0.0001, "price": 0.1},
        "info": {"orderTypes": kinds},
    }
    exchange.set_markets([exchange.safe_market_structure(market)])
    exchange.options.update({"unifiedMarginStatus": 6, "enableUnifiedAccount": True, "enableUnifiedMargin": False})
    if venue == "okx":
        exchange.options["createOrder"] = "privatePostTradeOrder"  # else one order is sent as a batch
    return exchange


def _plain(form: Any) -> dict[str, Any]:
    """Parameters without ids and signature; numbers without zeros at the end."""
    assert isinstance(form, dict)
    left = IDS | {"timestamp", "recvWindow", "signature", "nonce", "tag"}
    return {name: _short(value) for name, value in form.items() if name not in left}


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _short(each) for name, each in value.items()}
    return value.rstrip("0").rstrip(".") if isinstance(value, str) and "." in value else value
