"""Signed requests: equal to what ccxt makes of the same input, and to the documented example."""

from collections.abc import Callable
from urllib.parse import urlencode

import msgspec
import pytest

from ninefold.execution.account import Account
from ninefold.execution.risk import Approved, RiskState, check
from ninefold.execution.rules import AccountRules
from ninefold.execution.shown import Shown
from ninefold.market.arrays import rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry, listed
from ninefold.market.records import Balance, Order
from ninefold.venues.binance_requests import (
    Request,
    ask_account,
    ask_my_trades,
    ask_open_orders,
    ask_order,
    build_order,
    cancel_order,
    sign,
    subscription,
)

KEY, SECRET = "the-key", "the-secret"
NOW_MS = 1_763_800_000_123
REGISTRY = Registry()
BTC_USDT = REGISTRY.add(listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001"))


def approved(side: int = 1, order_type: str = "market", price: int = 0, trigger: int = 0) -> Approved:
    """An order of 0.01230 BTC that passed the real gate."""
    order = Order(
        seq=5,
        known_ns=5,
        client_order_id="nf-li2fjfq4hwmsxgzfm36u",
        instrument=1,
        side=side,
        size=1_230,
        status="intended",
        order_type=order_type,
        price=price,
        trigger=trigger,
    )
    shown, account = Shown(REGISTRY, "binance"), Account()
    shown.fold(Chunk(1, 1, 5, {"quotes": rows("quotes", [(1, 5, 5, 1, 1, 100, 9, 101, 9)])}))
    for asset in ("BTC", "USDT"):
        account.show(Balance(seq=1, known_ns=1, asset=asset, free=10**15, locked=0))
    rules = AccountRules(
        account="main", venue="binance", quote="USDT", max_position=10**18, max_order=10**18, max_orders_per_minute=9
    )
    return check(RiskState(5, rules, REGISTRY, shown, account, None, [], []), [order])[0][0]


REQUESTS: dict[str, Callable[[], Request]] = {
    "buy": lambda: build_order(approved(), BTC_USDT, NOW_MS),
    "sell": lambda: build_order(approved(side=-1), BTC_USDT, NOW_MS),
    "limit": lambda: build_order(approved(order_type="limit", price=49_000_10), BTC_USDT, NOW_MS),
    "post-only": lambda: build_order(approved(order_type="post_only", price=49_000_00), BTC_USDT, NOW_MS),
    "immediate or cancel": lambda: build_order(approved(-1, "ioc", 1), BTC_USDT, NOW_MS),
    "fill or kill": lambda: build_order(approved(-1, "fok", 50_000_00), BTC_USDT, NOW_MS),
    "stop that went off": lambda: build_order(approved(-1, "stop", trigger=48_000_00), BTC_USDT, NOW_MS),
    "stop kept there": lambda: build_order(approved(-1, "kept_stop", trigger=48_000_00), BTC_USDT, NOW_MS),
    "stop kept there with a limit": lambda: build_order(
        approved(-1, "kept_stop", 45_600_00, 48_000_00), BTC_USDT, NOW_MS
    ),
    "take-profit kept there": lambda: build_order(
        approved(-1, "kept_take_profit", trigger=52_000_00), BTC_USDT, NOW_MS
    ),
    "take-profit kept there with a limit": lambda: build_order(
        approved(-1, "kept_take_profit", 49_400_00, 52_000_00), BTC_USDT, NOW_MS
    ),
    "cancel": lambda: cancel_order("BTCUSDT", "nf-a", NOW_MS),
    "order": lambda: ask_order("BTCUSDT", "nf-a", NOW_MS),
    "open orders": lambda: ask_open_orders(NOW_MS),
    "account": lambda: ask_account(NOW_MS),
    "trades": lambda: ask_my_trades("BTCUSDT", "77", NOW_MS),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_signed_request_is_the_one_that_ccxt_makes(name):
    import ccxt  # a second, in every worker, for these

    request = REQUESTS[name]()
    exchange = ccxt.binance({"apiKey": KEY, "secret": SECRET, "options": {"recvWindow": 5000}})
    exchange.nonce = lambda: NOW_MS
    given = {key: value for key, value in request.params.items() if key not in ("timestamp", "recvWindow")}
    theirs = exchange.sign(request.path.removeprefix("/api/v3/"), ["private"], request.method, given)
    sent_in_body = request.method == "POST"
    ours = sign(request, SECRET)
    assert theirs["url"] == "https://api.binance.com" + request.path + ("" if sent_in_body else f"?{ours}")
    assert theirs["body"] == (ours if sent_in_body else None)


def test_a_market_order_says_what_is_wanted_in_the_steps_of_the_instrument():
    params = build_order(approved(side=-1), BTC_USDT, NOW_MS).params
    assert (params["side"], params["type"], params["quantity"]) == ("SELL", "MARKET", "0.01230")
    assert params["newClientOrderId"] == "nf-li2fjfq4hwmsxgzfm36u"


VENUES_WORDS = {
    "limit": ("LIMIT", "GTC", "49000.10"),
    "post-only": ("LIMIT_MAKER", None, "49000.00"),
    "immediate or cancel": ("LIMIT", "IOC", "0.01"),
    "fill or kill": ("LIMIT", "FOK", "50000.00"),
    "stop that went off": ("MARKET", None, None),
}
WAITS_THERE = {
    "stop kept there": ("STOP_LOSS", None, None, "48000.00"),
    "stop kept there with a limit": ("STOP_LOSS_LIMIT", "GTC", "45600.00", "48000.00"),
    "take-profit kept there": ("TAKE_PROFIT", None, None, "52000.00"),
    "take-profit kept there with a limit": ("TAKE_PROFIT_LIMIT", "GTC", "49400.00", "52000.00"),
}


@pytest.mark.parametrize("name", VENUES_WORDS)
def test_every_type_is_said_in_the_words_of_the_venue(name):
    params = REQUESTS[name]().params
    assert (params["type"], params.get("timeInForce"), params.get("price")) == VENUES_WORDS[name]
    assert "stopPrice" not in params


@pytest.mark.parametrize("name", WAITS_THERE)
def test_what_the_venue_is_to_keep_is_said_in_its_words(name):
    params = REQUESTS[name]().params
    told = (params["type"], params.get("timeInForce"), params.get("price"), params["stopPrice"])
    assert told == WAITS_THERE[name]
    assert (params["side"], params["newOrderRespType"]) == ("SELL", "FULL")


def test_the_subscription_is_signed_over_its_parameters_sorted_by_name():
    sent = msgspec.json.decode(subscription(KEY, SECRET, NOW_MS))
    signature = sent["params"].pop("signature")
    assert sent["method"] == "userDataStream.subscribe.signature"
    assert sent["params"] == {"apiKey": KEY, "recvWindow": 5000, "timestamp": NOW_MS}
    same = Request("GET", "", {"apiKey": KEY, "recvWindow": "5000", "timestamp": str(NOW_MS)})
    assert sign(same, SECRET).endswith(f"&signature={signature}")


@pytest.mark.parametrize("value", ["nf-li2fjfq4", "0.01230", "a b", "a&b=c", "50%", "ü", "a+b", "~x_y", ""])
def test_texts_that_stay_as_they_are_are_joined_and_others_encoded_as_ever(value):
    params = {"timestamp": "1", "newClientOrderId": value}
    assert sign(Request("POST", "", params), SECRET).rpartition("&signature=")[0] == urlencode(params)
