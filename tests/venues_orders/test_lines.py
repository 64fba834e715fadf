"""How the account's line is opened at each venue: what is said is what ccxt says, and tokens are asked for as it asks."""

import asyncio
import json
from typing import Any

import pytest

from ninefold.venues.order_table import ORDER_ENTRIES
from tests.venues_orders.order_cases import NONCE, NOW_MS, keys_of
from tests.venues_orders.tokens import parts

TOLD = "told-by-rest"


class Said(Exception):
    """What ccxt was about to say on a websocket."""


def hellos(venue: str) -> list[tuple[str, list[Any]]]:
    lines = ORDER_ENTRIES[venue].requests.lines(keys_of(venue), NOW_MS, NONCE, TOLD)
    return [(line.url, [json.loads(text) for text in line.hello]) for line in lines]


def exchange_of(venue: str) -> Any:
    import ccxt.pro  # a second, in every worker, for the tests of this file

    keys = keys_of(venue)
    exchange = getattr(ccxt.pro, venue)({"apiKey": keys.key, "secret": keys.secret, "password": keys.passphrase})
    exchange.milliseconds = lambda: NOW_MS
    exchange.seconds = lambda: NOW_MS // 1000
    exchange.random_bytes = lambda length: NONCE
    return exchange


def said_by_ccxt(venue: str, *arguments: object) -> Any:
    async def authenticate() -> Any:
        exchange = exchange_of(venue)

        def watch(url: str, hash: str, message: Any, *more: object) -> None:
            raise Said(message)

        exchange.watch = watch
        with pytest.raises(Said) as caught:
            await exchange.authenticate(*arguments)
        await exchange.close()
        return caught.value.args[0]

    return asyncio.run(authenticate())


def test_bybit_is_logged_in_to_and_asked_for_orders_executions_and_the_wallet():
    [(url, [login, wanted])] = hellos("bybit")
    theirs = said_by_ccxt("bybit", "wss://stream.bybit.com/v5/private")
    assert url == "wss://stream.bybit.com/v5/private"
    assert {"op": login["op"], "args": [str(each) for each in login["args"]]} == theirs  # ccxt has the time as text
    assert wanted == {"op": "subscribe", "args": ["order", "execution", "wallet"]}


def test_okx_is_logged_in_to_on_both_lines():
    [(private, [login, wanted]), (business, [again, algo])] = hellos("okx")
    assert login == again == said_by_ccxt("okx")
    assert (private, business) == ("wss://ws.okx.com:8443/ws/v5/private", "wss://ws.okx.com:8443/ws/v5/business")
    assert [each["channel"] for each in wanted["args"] + algo["args"]] == ["orders", "account", "orders-algo"]


def test_binance_usdm_opens_its_line_with_a_listen_key_that_is_kept_alive():
    [(url, hello)] = hellos("binanceusdm")
    assert (url, hello) == (exchange_of("binanceusdm").get_private_ws_url("linear", TOLD), [])
    token = ORDER_ENTRIES["binanceusdm"].requests.TOKEN
    assert token is not None
    assert token.read('{"listenKey":"abc"}') == "abc"
    assert token.keep is not None
    assert token.keep_s < 3600  # the documentation lets it live for an hour


def test_kraken_is_asked_for_executions_with_a_token():
    [(url, [wanted])] = hellos("kraken")
    assert url == exchange_of("kraken").urls["api"]["ws"]["privateV2"]
    params = {"channel": "executions", "token": TOLD, "snap_orders": True, "snap_trades": True}
    assert wanted == {"method": "subscribe", "params": params}
    token = ORDER_ENTRIES["kraken"].requests.TOKEN
    assert token is not None
    assert token.read('{"error":[],"result":{"token":"abc","expires":900}}') == "abc"


def test_coinbase_is_asked_for_heartbeats_and_orders_with_a_token_that_names_no_path():
    [(url, said)] = hellos("coinbase")
    assert url == "wss://advanced-trade-ws-user.coinbase.com"
    assert [(each["type"], each["channel"]) for each in said] == [("subscribe", "heartbeats"), ("subscribe", "user")]
    header, claims = parts(f"Bearer {said[1]['jwt']}")
    theirs_header, theirs = parts(f"Bearer {exchange_of('coinbase').create_auth_token(NOW_MS // 1000)}")
    assert header == theirs_header
    assert {name: theirs[name] for name in ("sub", "nbf", "exp")} | {"iss": "cdp"} == claims
