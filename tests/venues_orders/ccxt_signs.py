"""What ccxt makes of the same input at the same time: the second opinion about every request of ours.

In:  a request as it is sent. Out: the one that ccxt's `sign` makes of the method, path and parameters in it.
"""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

from ninefold.venues.signed import Signed
from tests.venues_orders.order_cases import NONCE, NOW_MS, keys_of
from tests.venues_orders.tokens import as_text, parts


def bybit(sent: Signed) -> Signed:
    exchange = exchange_of("bybit")
    where = urlsplit(sent.url)
    params = json.loads(sent.body) if sent.body else _pairs(where.query)
    theirs = exchange.sign(where.path[1:], ["private"], sent.method, params)
    theirs["headers"].pop("Referer", None)  # how ccxt names itself
    theirs["url"] = theirs["url"].removesuffix("?")  # before no parameters at all
    return _signed(theirs)


def binanceusdm(sent: Signed) -> Signed:
    exchange = exchange_of("binanceusdm")
    exchange.options["recvWindow"] = 5000
    where = urlsplit(sent.url)
    given = _pairs(sent.body or where.query)
    params = {name: text for name, text in given.items() if name not in ("timestamp", "recvWindow", "signature")}
    _, _, version, path = where.path.split("/")
    section = {"v1": "fapiPrivate", "v3": "fapiPrivateV3"}[version]
    return _signed(exchange.sign(path, [section], sent.method, params))


def coinbase(sent: Signed) -> Signed:
    """ccxt still names the issuer and the audience of the keys before the Coinbase Developer Platform, and when the token
    was issued; the documentation and the venue's own client do not."""
    exchange = exchange_of("coinbase")
    exchange.seconds = lambda: NOW_MS // 1000
    exchange.random_bytes = lambda length: NONCE
    where = urlsplit(sent.url)
    params = json.loads(sent.body) if sent.body else _pairs(where.query)
    theirs = exchange.sign(where.path.removeprefix("/api/v3/"), ["v3", "private"], sent.method, params)
    header, claims = parts(theirs["headers"]["Authorization"])
    assert claims.pop("aud") == ["retail_rest_api_proxy"]
    assert claims.pop("iat") == claims["nbf"]
    assert claims["iss"] == "coinbase-cloud"
    theirs["headers"]["Authorization"] = as_text(header, {**claims, "iss": "cdp"})
    return _signed(theirs)


def kraken(sent: Signed) -> Signed:
    exchange = exchange_of("kraken")
    exchange.incrementing_nonce = lambda: int(NONCE)
    params = {name: unquote(text) for name, text in _pairs(sent.body or "").items() if name != "nonce"}
    return _signed(exchange.sign(sent.url.rpartition("/")[2], ["private"], sent.method, params))


def okx(sent: Signed) -> Signed:
    where = urlsplit(sent.url)
    params = json.loads(sent.body) if sent.body else _pairs(where.query)
    path = where.path.removeprefix("/api/v5/")
    return _signed(exchange_of("okx").sign(path, ["private"], sent.method, params))


CCXT: Mapping[str, Callable[[Signed], Signed]] = {
    "binanceusdm": binanceusdm,
    "bybit": bybit,
    "coinbase": coinbase,
    "kraken": kraken,
    "okx": okx,
}


@cache
def exchange_of(name: str) -> Any:
    """One for all requests: to make it takes longer than all that is asked of it."""
    import ccxt  # a second, in every worker, for the tests of few files

    keys = keys_of(name)
    exchange = getattr(ccxt, name)({"apiKey": keys.key, "secret": keys.secret, "password": keys.passphrase})
    exchange.nonce = exchange.milliseconds = lambda: NOW_MS
    return exchange


def _pairs(query: str) -> dict[str, str]:
    """As they are sent."""
    return dict(pair.split("=", 1) for pair in query.split("&")) if query else {}


def _signed(theirs: Mapping[str, Any]) -> Signed:
    return Signed(theirs["method"], theirs["url"], theirs["headers"], theirs["body"])
