"""What Binance says about the account. Samples are ours, after the documentation named in binance_orders.py."""

import json

import pytest

from ninefold.market.instruments import Registry, listed
from ninefold.market.records import AnyRecord, Balance, Fill, Found, Malformed, Order
from ninefold.venues.binance_orders import parse_account

REGISTRY = Registry()
REGISTRY.add(listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001"))

PLACED = {
    "symbol": "BTCUSDT",
    "orderId": 28,
    "orderListId": -1,
    "clientOrderId": "nf-a",
    "transactTime": 1763800000123,
    "price": "0.00000000",
    "origQty": "0.01000000",
    "executedQty": "0.01000000",
    "cummulativeQuoteQty": "500.10000000",
    "status": "FILLED",
    "timeInForce": "GTC",
    "type": "MARKET",
    "side": "BUY",
    "fills": [
        {"price": "50000.00", "qty": "0.00900", "commission": "0.00000900", "commissionAsset": "BTC", "tradeId": 56},
        {"price": "50100.00", "qty": "0.00100", "commission": "0.00000100", "commissionAsset": "BTC", "tradeId": 57},
    ],
}
REPORT = {
    "e": "executionReport",
    "E": 1763800000124,
    "s": "BTCUSDT",
    "c": "nf-a",
    "S": "BUY",
    "o": "MARKET",
    "f": "GTC",
    "q": "0.01000000",
    "p": "0.00000000",
    "C": "",
    "x": "TRADE",
    "X": "PARTIALLY_FILLED",
    "r": "NONE",
    "i": 28,
    "l": "0.00900000",
    "z": "0.00900000",
    "L": "50000.00000000",
    "n": "0.00000900",
    "N": "BTC",
    "T": 1763800000123,
    "t": 56,
    "m": False,
}
FIRST_FILL = Fill(
    seq=7,
    known_ns=8,
    client_order_id="nf-a",
    instrument=1,
    side=1,
    price=50_000_00,
    size=900,
    fee=900,
    fee_asset="BTC",
    trade_id="56",
    exchange_ns=1763800000123 * 10**6,
)


def parsed(kind: str, payload: object) -> list[AnyRecord]:
    return parse_account(kind, json.dumps(payload).encode(), REGISTRY, 7, 8)


def envelope(status: int, body: object) -> dict[str, object]:
    text = body if isinstance(body, str) else json.dumps(body)
    return {
        "client_order_id": "nf-a",
        "symbol": "BTCUSDT",
        "side": "BUY",
        "quantity": "0.01000",
        "http_status": status,
        "body": text,
    }


def order(status: str, filled: int = 0, number: str = "28", reason: str = "", name: str = "nf-a") -> Order:
    return Order(
        seq=7,
        known_ns=8,
        client_order_id=name,
        instrument=1,
        side=1,
        size=1_000,
        status=status,
        filled=filled,
        venue_order_id=number,
        reason=reason,
    )


def test_a_full_answer_gives_the_order_and_its_fills():
    records = parsed("order_answer", envelope(200, PLACED))
    assert records[:2] == [order("filled", 1_000), FIRST_FILL]
    assert (records[2].trade_id, records[2].price, records[2].fee) == ("57", 50_100_00, 100)


def test_a_trade_report_gives_the_same_fill_as_the_answer():
    assert parsed("user_event", {"subscriptionId": 0, "event": REPORT}) == [order("partly_filled", 900), FIRST_FILL]


def test_a_cancel_names_the_order_that_was_cancelled():
    event = {**REPORT, "c": "cancel-1", "C": "nf-a", "x": "CANCELED", "X": "CANCELED", "z": "0.00000", "t": -1}
    assert parsed("user_event", {"subscriptionId": 0, "event": event}) == [order("cancelled")]


def test_orders_that_people_placed_are_not_ours():
    assert parsed("user_event", {"subscriptionId": 0, "event": {**REPORT, "c": "web_1", "s": "XRPUSDT"}}) == []
    (found,) = parsed("open_orders", envelope(200, [{**PLACED, "clientOrderId": "web_1"}]))
    assert isinstance(found, Found) and not found.ours and "left alone" in found.text


UNSURE = [
    (0, "no answer: TimeoutError"),
    (500, ""),
    (502, "<html>bad gateway</html>"),
    (503, {"code": -1008, "msg": "Server is currently overloaded"}),
    (400, {"code": -1006, "msg": "An unexpected response was received. Execution status unknown."}),
    (408, {"code": -1007, "msg": "Timeout waiting for response from backend server."}),
    (400, {"code": -1000, "msg": "An unknown error occurred while processing the request."}),
    (400, {"code": -2010, "msg": "Duplicate order sent."}),
    (400, "not json"),
    (200, "cut off {"),
    (302, ""),
]


@pytest.mark.parametrize(("status", "body"), UNSURE)
def test_what_does_not_surely_say_no_leaves_the_order_unknown(status, body):
    (record,) = parsed("order_answer", envelope(status, body))
    assert (record.client_order_id, record.status, record.size) == ("nf-a", "unknown", 1_000)


SURE = [
    (400, {"code": -2010, "msg": "Account has insufficient balance for requested action."}),
    (400, {"code": -1013, "msg": "Filter failure: LOT_SIZE"}),
    (400, {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}),
    (401, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}),
    (403, "<html>firewall</html>"),
    (429, {"code": -1015, "msg": "Too many new orders."}),
]


@pytest.mark.parametrize(("status", "body"), SURE)
def test_a_clear_no_is_a_rejection_with_the_reason_of_the_venue(status, body):
    (record,) = parsed("order_answer", envelope(status, body))
    assert record.status == "rejected"
    assert (body["msg"] if isinstance(body, dict) else body) in record.reason


def test_an_order_that_was_withheld_is_rejected_and_says_why():
    (record,) = parsed("order_answer", envelope(-1, "halted by ada"))
    assert (record.status, record.reason) == ("rejected", "not sent: halted by ada")


def test_an_order_that_the_venue_does_not_know_never_reached_it_but_other_failures_say_nothing():
    (record,) = parsed("order_status", envelope(400, {"code": -2013, "msg": "Order does not exist."}))
    assert (record.status, record.client_order_id) == ("rejected", "nf-a")
    assert parsed("order_status", envelope(0, "no answer")) == []
    assert parsed("account", envelope(500, "")) == []


def test_trades_of_an_order_come_with_its_client_id():
    trade = {
        "symbol": "BTCUSDT",
        "id": 56,
        "orderId": 28,
        "price": "50000.00000000",
        "qty": "0.00900000",
        "quoteQty": "450.00000000",
        "commission": "0.00000900",
        "commissionAsset": "BTC",
        "time": 1763800000123,
        "isBuyer": True,
        "isMaker": False,
        "isBestMatch": True,
    }
    assert parsed("my_trades", envelope(200, [trade])) == [FIRST_FILL]


def test_balances_are_shown_unless_they_are_nothing_of_an_asset_that_is_not_traded():
    held = [("BTC", "0.00000000", "0.00000000"), ("USDT", "1000.00000001", "2.00000000"), ("XRP", "0.00", "0.00")]
    account = {"balances": [{"asset": asset, "free": free, "locked": locked} for asset, free, locked in held]}
    shown = [(each.asset, each.free, each.locked) for each in parsed("account", envelope(200, account))]
    assert shown == [("BTC", 0, 0), ("USDT", 100_000_000_001, 200_000_000)]


def test_an_account_event_shows_balances_and_a_difference_alone_shows_none():
    position = {"e": "outboundAccountPosition", "E": 1, "u": 1, "B": [{"a": "ETH", "f": "1.00000000", "l": "0.5"}]}
    assert parsed("user_event", {"subscriptionId": 0, "event": position}) == [
        Balance(seq=7, known_ns=8, asset="ETH", free=10**8, locked=5 * 10**7)
    ]
    difference = {"e": "balanceUpdate", "E": 1, "a": "ETH", "d": "1", "T": 1}
    assert parsed("user_event", {"subscriptionId": 0, "event": difference}) == []


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("user_event", b"{cut"),
        ("user_event", b'{"subscriptionId":0,"event":{"e":"executionReport"}}'),
        ("user_event", json.dumps({"event": {**REPORT, "s": "NOSUCH"}}).encode()),
        ("user_event", json.dumps({"event": {**REPORT, "l": "0.000000001"}}).encode()),
        ("user_event", json.dumps({"event": {**REPORT, "X": "LOST"}}).encode()),
        ("order_status", json.dumps(envelope(200, "{}")).encode()),
        ("surprise", json.dumps(envelope(200, "{}")).encode()),
    ],
)
def test_what_cannot_be_read_is_kept_and_said(kind, payload):
    (record,) = parse_account(kind, payload, REGISTRY, 7, 8)
    assert isinstance(record, Malformed)
    assert record.excerpt == payload[:200].decode()
    assert record.reason
