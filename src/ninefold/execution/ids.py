"""Client order ids, derived from the decision: the same decision gives the same id, so a retry is no second order.

In:  account name, instrument name, seq and time of the decision, the strategies behind it. The time is the tick's, so a
     replay gives the same ids; seq alone would start again in a new data dir, and the venue knows the old ids for ever.
Out: "nf-" and 20 characters of base32 (100 bits). Binance allows ^[\\.A-Z\\:/a-z0-9_-]{1,36}$.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

PREFIX = "nf-"
_LENGTH = 20


def client_order_id(account: str, instrument: str, seq: int, known_ns: int, strategies: Iterable[str]) -> str:
    """The id of the order that one decision makes for one instrument; the order of the strategies does not matter.

    >>> client_order_id("main", "binance:BTC/USDT", 7, 1_000, ["a", "b"])
    'nf-jqirfadcxzwuwv5zvw5t'
    """
    decision = "\0".join([account, instrument, str(seq), str(known_ns), *sorted(set(strategies))])
    digest = hashlib.sha256(decision.encode()).digest()
    return PREFIX + base64.b32encode(digest).decode().lower()[:_LENGTH]


def is_ours(order_id: str) -> bool:
    """Whether an order on the account was made by us; people may trade on the same account."""
    return order_id.startswith(PREFIX)
