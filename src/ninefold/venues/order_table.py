"""The venues to which orders can be sent by way of an OrderEntry. A new one is its files and one line here.

In:  a venue's name. Out: its OrderEntry, loaded when it is first asked for. Binance spot has a gateway of its own
     (binance_gateway.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module

from ninefold.venues import ccxt_requests
from ninefold.venues.ccxt_names import PREFIX
from ninefold.venues.order_entry import OrderEntry

PROVEN = ("binance",)  # whole runs against our simulated exchange; no order of ours has reached a real one
PASSPHRASE = ("okx", f"{PREFIX}weex")  # their keys have one
_LISTED = ("binanceusdm", "bybit", "coinbase", "kraken", "okx")  # VENUE_requests.py and VENUE_answers.py


THROUGH_CCXT = tuple(f"{PREFIX}{name}" for name in ccxt_requests.BY_CLIENT_ID)


class OrderEntries(Mapping[str, OrderEntry]):
    """By the venue's name. What is listed has a signing of its own; through ccxt there are more, though not listed."""

    def __getitem__(self, name: str) -> OrderEntry:
        if name not in self:
            raise KeyError(name)
        return _entry(name)

    def __contains__(self, name: object) -> bool:
        return name in _LISTED or name in THROUGH_CCXT

    def __iter__(self) -> Iterator[str]:
        return iter(_LISTED)

    def __len__(self) -> int:
        return len(_LISTED)


ORDER_ENTRIES = OrderEntries()
ORDER_VENUES = (*PROVEN, *_LISTED)


@cache
def _entry(name: str) -> OrderEntry:
    if name in THROUGH_CCXT:
        return OrderEntry(ccxt_requests, import_module("ninefold.venues.ccxt_answers").reading(name))
    requests, answers = (import_module(f"ninefold.venues.{name}_{part}") for part in ("requests", "answers"))
    return OrderEntry(requests, answers.READING)
