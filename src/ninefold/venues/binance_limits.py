"""Binance's rate limits as it tells them.

In:  the answer to exchangeInfo; the headers of any answer; requests.
Out: limits, what is used of them, what a request uses.

After developers.binance.com/docs/binance-spot-api-docs/rest-api/limits, read 2026-11: every answer says
X-MBX-USED-WEIGHT-(number)(letter) of our address, answers to orders X-MBX-ORDER-COUNT-(number)(letter) of the account.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from ninefold.market.time import MINUTE_NS, SECOND_NS
from ninefold.venues.limiter import Limit, Told

DEFAULTS = (  # until the venue has told its own: the lowest that its documentation names
    Limit("weight", MINUTE_NS, 6_000),
    Limit("orders", 10 * SECOND_NS, 50),
    Limit("orders", 24 * 60 * MINUTE_NS, 160_000),
)
WEIGHTS = {  # of what the gateway asks; what is not here costs 1
    ("GET", "/api/v3/account"): 20,
    ("GET", "/api/v3/order"): 4,
    ("GET", "/api/v3/openOrders"): 80,
    ("GET", "/api/v3/allOrders"): 20,
    ("GET", "/api/v3/myTrades"): 20,
}
ORDER = ("POST", "/api/v3/order")
KINDS = {"REQUEST_WEIGHT": "weight", "ORDERS": "orders", "RAW_REQUESTS": "requests"}
HEADERS = {"USED-WEIGHT": "weight", "ORDER-COUNT": "orders"}
LENGTHS = {"S": SECOND_NS, "M": MINUTE_NS, "H": 60 * MINUTE_NS, "D": 24 * 60 * MINUTE_NS}
_HEADER = re.compile(r"X-MBX-(USED-WEIGHT|ORDER-COUNT)-(\d+)([SMHD])", re.IGNORECASE)


def limits_of(body: bytes) -> tuple[Limit, ...]:
    """The limits in an answer to exchangeInfo. raises: msgspec.DecodeError.

    >>> limits_of(b'{"rateLimits":[{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":100}]}')
    (Limit(kind='orders', length_ns=10000000000, most=100),)
    """
    told = msgspec.json.decode(body, type=_Info).rateLimits
    return tuple(
        Limit(KINDS[one.rateLimitType], one.intervalNum * LENGTHS[one.interval[:1]], one.limit)
        for one in told
        if one.rateLimitType in KINDS and one.interval[:1] in LENGTHS
    )


def costs_of(method: str, path: str) -> dict[str, int]:
    """What a request uses of each kind of limit.

    >>> costs_of("GET", "/api/v3/account"), costs_of("POST", "/api/v3/order")
    ({'weight': 20, 'requests': 1}, {'weight': 1, 'requests': 1, 'orders': 1})
    """
    costs = {"weight": WEIGHTS.get((method, path), 1), "requests": 1}
    return {**costs, "orders": 1} if (method, path) == ORDER else costs


def told_in(headers: Iterable[tuple[str, str]]) -> list[Told]:
    """What is used, by the headers of an answer.

    >>> told_in([("x-mbx-used-weight-1m", "40"), ("X-MBX-USED-WEIGHT", "40"), ("Date", "now")])
    [Told(kind='weight', length_ns=60000000000, used=40)]
    """
    found = []
    for name, value in headers:
        match = _HEADER.fullmatch(name)
        if match and value.isascii() and value.isdigit():
            kind, number, letter = match.groups()
            found.append(Told(HEADERS[kind.upper()], int(number) * LENGTHS[letter.upper()], int(value)))
    return found


class _RateLimit(msgspec.Struct):
    rateLimitType: str
    interval: str
    intervalNum: int
    limit: int


class _Info(msgspec.Struct):
    rateLimits: list[_RateLimit]
