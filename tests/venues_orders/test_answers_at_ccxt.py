"""What we read in the venues' answers is what ccxt reads in them: orders, fills and balances of the samples, number for
number. A parser and its sample never come from the same guess."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from ninefold.market.records import AnyRecord, Balance, Fill, Order
from ninefold.venues.order_table import ORDER_ENTRIES
from tests.venues_orders.answers import names, payload, sample
from tests.venues_orders.order_cases import ID, INSTRUMENTS, REGISTRY
from tests.venues_orders.test_orders_at_ccxt import with_market

VENUES = sorted(ORDER_ENTRIES)
STATUSES = {  # ccxt's words for ours
    "open": {"sent", "working", "partly_filled"},
    "closed": {"filled"},
    "canceled": {"cancelled", "expired"},
    "expired": {"expired"},
    "rejected": {"rejected"},
}
ELSEWISE = {  # where ccxt has another word, and why ours stands
    ("binanceusdm", "order_status_stop"): (
        "closed",
        "it was set off; what became of the order that stands for it is open",
    ),
    ("okx", "order_status_stop"): ("closed", "likewise"),
    ("coinbase", "order_status_failed"): ("canceled", "the venue refused it: it never was in the market"),
}


def told(venue: str, *kinds: str) -> Iterator[tuple[str, Any, list[AnyRecord]]]:
    """Each sample of these kinds: its name, its body, and our records of it."""
    for name in names(venue):
        one = sample(venue, name)
        if one["kind"] in kinds:
            records = ORDER_ENTRIES[venue].reading.parse(str(one["kind"]), payload(venue, name), REGISTRY, 7, 8)
            yield name, one["told"], records


def rows(venue: str, body: Any) -> list[dict[str, Any]]:
    """The rows of an answer, as ccxt's own methods hand them to its parsers."""
    if venue == "kraken":
        result = body["result"]
        inner = next((result[name] for name in ("open", "closed", "trades") if name in result), result)
        known_as = (
            {"pair": "XBTUSD"} if "trades" in result else {}
        )  # the market is known to ccxt by one of its two names
        return [{**row, "id": number, **known_as} for number, row in inner.items() if isinstance(row, dict)]
    if venue == "bybit":
        return list(body["result"]["list"])
    if venue == "coinbase":
        return list(body.get("orders") or body.get("fills") or ([body["order"]] if "order" in body else []))
    listed = body["data"] if venue == "okx" else body
    return list(listed) if isinstance(listed, list) else [listed]


@pytest.mark.parametrize("venue", VENUES)
def test_ccxt_reads_the_same_orders(venue):
    compared = 0
    ours_there = ORDER_ENTRIES[venue].requests.name_of(ID)
    for name, body, records in told(venue, "order_status", "open_orders"):
        for order in (each for each in records if isinstance(each, Order) and "never reached" not in each.reason):
            instrument = REGISTRY[order.instrument]
            exchange = with_market(venue, instrument)
            mine = [row for row in rows(venue, body) if ours_there in json.dumps(row)] or rows(venue, body)
            theirs = exchange.parse_order(mine[0], exchange.market(instrument.symbol))
            case = f"{venue} {name}"
            word, _ = ELSEWISE.get((venue, name), (theirs["status"], ""))
            assert theirs["status"] == word, case
            assert order.status in STATUSES[word] or (venue, name) in ELSEWISE, case
            assert theirs["side"] == ("buy" if order.side > 0 else "sell"), case
            assert _number(theirs["amount"]) == Decimal(instrument.size_text(order.size)), case
            if word != "closed" or order.status == "filled":  # ccxt takes all of what is closed as filled
                assert _number(theirs["filled"] or 0) == Decimal(instrument.size_text(order.filled)), case
            if order.venue_order_id and "stop" not in name:  # of those ccxt tells the number of what sets them off
                assert theirs["id"] == order.venue_order_id, case
            compared += 1
    assert compared >= 3


@pytest.mark.parametrize("venue", VENUES)
def test_ccxt_reads_the_same_fills(venue):
    [(_, body, records)] = told(venue, "my_trades")
    assert len(records) == 2
    for fill in records:
        assert isinstance(fill, Fill)
        instrument = REGISTRY[fill.instrument]
        exchange = with_market(venue, instrument)
        market = exchange.market(instrument.symbol)
        trades = {trade["id"]: trade for trade in (exchange.parse_trade(row, market) for row in rows(venue, body))}
        theirs = trades[fill.trade_id]
        assert theirs["side"] == ("buy" if fill.side > 0 else "sell")
        assert theirs["takerOrMaker"] == ("maker" if fill.maker else "taker")
        assert theirs["timestamp"] == fill.exchange_ns // 10**6
        assert _number(theirs["price"]) == Decimal(instrument.price_text(fill.price))
        assert _number(theirs["amount"]) == Decimal(instrument.size_text(fill.size))
        assert theirs["fee"]["currency"] == fill.fee_asset
        assert 0 <= fill.fee - _number(theirs["fee"]["cost"]) * 10**8 < 1  # ours is never less than it was


@pytest.mark.parametrize("venue", VENUES)
def test_ccxt_reads_the_same_balances(venue):
    [(_, body, records)] = told(venue, "account")
    assert records
    exchange = with_market(venue, INSTRUMENTS[venue][0])
    theirs = {
        "binanceusdm": lambda: exchange.parse_balance_custom(body, "linear"),
        "bybit": lambda: exchange.parse_balance(body),
        "coinbase": lambda: exchange.parse_custom_balance({"accounts": body["accounts"]}, {}),
        "kraken": lambda: exchange.parse_balance(body),
        "okx": lambda: exchange.parse_trading_balance(body),
    }[venue]()
    for balance in records:
        assert isinstance(balance, Balance)
        found = theirs[balance.asset]
        assert 0 <= _number(found["free"]) * 10**8 - balance.free < 1
        assert 0 <= _number(found["used"]) * 10**8 - balance.locked < 1


def _number(value: object) -> Decimal:
    return Decimal(str(value))
