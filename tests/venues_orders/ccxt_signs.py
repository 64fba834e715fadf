"""What ccxt makes of the same input at the same time: the second opinion about every request of ours.

In:  a request as it is sent. Out: the one that ccxt's `sign` makes of the method, path and parameters in it.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import ccxt

from ninefold.venues.signed import Signed
from tests.venues_orders.order_cases import NONCE, NOW_MS, keys_of


def bybit(sent: Signed) -> Signed:
    exchange = _exchange("bybit")
    parts = urlsplit(sent.url)
    params = json.loads(sent.body) if sent.body else _pairs(parts.query)
    theirs = exchange.sign(parts.path[1:], ["private"], sent.method, params)
    theirs["headers"].pop("Referer", None)  # how ccxt names itself
    return _signed(theirs)


def binanceusdm(sent: Signed) -> Signed:
    exchange = _exchange("binanceusdm")
    exchange.options["recvWindow"] = 5000
    parts = urlsplit(sent.url)
    given = _pairs(sent.body or parts.query)
    params = {name: text for name, text in given.items() if name not in ("timestamp", "recvWindow", "signature")}
    _, _, version, path = parts.path.split("/")
    section = {"v1": "fapiPrivate", "v3": "fapiPrivateV3"}[version]
    return _signed(exchange.sign(path, [section], sent.method, params))


def kraken(sent: Signed) -> Signed:
    exchange = _exchange("kraken")
    exchange.incrementing_nonce = lambda: int(NONCE)
    params = {name: unquote(text) for name, text in _pairs(sent.body or "").items() if name != "nonce"}
    return _signed(exchange.sign(sent.url.rpartition("/")[2], ["private"], sent.method, params))


def okx(sent: Signed) -> Signed:
    parts = urlsplit(sent.url)
    params = json.loads(sent.body) if sent.body else _pairs(parts.query)
    path = parts.path.removeprefix("/api/v5/")
    return _signed(_exchange("okx").sign(path, ["private"], sent.method, params))


CCXT: Mapping[str, Callable[[Signed], Signed]] = {
    "binanceusdm": binanceusdm,
    "bybit": bybit,
    "kraken": kraken,
    "okx": okx,
}


def _exchange(name: str) -> Any:
    keys = keys_of(name)
    exchange = getattr(ccxt, name)({"apiKey": keys.key, "secret": keys.secret, "password": keys.passphrase})
    exchange.nonce = exchange.milliseconds = lambda: NOW_MS
    return exchange


def _pairs(query: str) -> dict[str, str]:
    """As they are sent."""
    return dict(pair.split("=", 1) for pair in query.split("&")) if query else {}


def _signed(theirs: Mapping[str, Any]) -> Signed:
    return Signed(theirs["method"], theirs["url"], theirs["headers"], theirs["body"])
