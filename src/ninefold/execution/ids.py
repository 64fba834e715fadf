"""Client order ids, derived from the decision: the same decision gives the same id, so a retry is no second order.

In:  account name, instrument name, seq and time of the decision, the strategies behind it. The time is the tick's, so a
     replay gives the same ids; seq alone would start again in a new data dir, and the venue knows the old ids for ever.
     Of what a person asked for: the name of the request, made where it was asked. Of an order that belongs to another: that
     one's id and its part in it.
Out: "nf-" and 20 characters of base32 (100 bits). Binance allows ^[\\.A-Z\\:/a-z0-9_-]{1,36}$.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

PREFIX = "nf-"
_LENGTH = 20
_BYTES = 15  # enough for that, in whole fives


def client_order_id(account: str, instrument: str, seq: int, known_ns: int, strategies: Iterable[str]) -> str:
    """The id of the order that one decision makes for one instrument; the order of the strategies does not matter.

    >>> client_order_id("main", "binance:BTC/USDT", 7, 1_000, ["a", "b"])
    'nf-jqirfadcxzwuwv5zvw5t'
    """
    return _digest([account, instrument, str(seq), str(known_ns), *sorted(set(strategies))])


def asked_id(ask_id: str) -> str:
    """The id of the order that one request of a person makes.

    >>> asked_id("3f2a")
    'nf-xzk5osxjjtoqrqx5xshn'
    """
    return _digest(["asked", ask_id])


def child_id(parent: str, part: str) -> str:
    """The id of an order that belongs to another: its stop, its third slice.

    >>> child_id("nf-a", "stop") == child_id("nf-a", "stop") != child_id("nf-a", "slice 3")
    True
    """
    return _digest([parent, "part", part])


def is_ours(order_id: str) -> bool:
    """Whether an order on the account was made by us; people may trade on the same account."""
    return order_id.startswith(PREFIX)


def _digest(parts: list[str]) -> str:
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return PREFIX + base64.b32encode(digest[:_BYTES]).decode().lower()[:_LENGTH]
