"""The venues that have an adapter. A new one is its file, one line here, and samples.

In:  a venue's name. Out: what the edges need to know of it; of ccxt.EXCHANGE what holds for every exchange through ccxt.
     A venue's file is loaded when it is first asked for: all of them take a quarter of a second, and most runs need one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module

from ninefold.journal.recordings import Recorded
from ninefold.venues.ccxt_names import is_name
from ninefold.venues.entry import VenueEntry

_LISTED = {  # name: its file and constant
    "binance": "binance.ENTRY",
    "coinbase": "coinbase.ENTRY",
    "kraken": "kraken.ENTRY",
    "bitstamp": "bitstamp.ENTRY",
    "binanceusdm": "binance_contracts.USDM_ENTRY",
    "binancecoinm": "binance_contracts.COINM_ENTRY",
    "bitfinex": "bitfinex.ENTRY",
    "deribit": "deribit.ENTRY",
    "krakenfutures": "krakenfutures.ENTRY",
    "bitmex": "bitmex.ENTRY",
    "bybit": "bybit.ENTRY",
    "gate": "gate.ENTRY",
    "okx": "okx.ENTRY",
    "bitget": "bitget.ENTRY",
    "htx": "htx.ENTRY",
    "hyperliquid": "hyperliquid.ENTRY",
    "ccxt": "ccxt.ENTRY",
}


class Venues(Mapping[str, VenueEntry]):
    """By name. What is listed has an adapter; ccxt.EXCHANGE is there for any exchange, though not listed."""

    def __getitem__(self, name: str) -> VenueEntry:
        if is_name(name):
            entry_of = import_module("ninefold.venues.ccxt").entry_of
            found: VenueEntry = entry_of(name)
            return found
        return _entry(_LISTED[name])

    def __contains__(self, name: object) -> bool:
        return name in _LISTED or (isinstance(name, str) and is_name(name))

    def __iter__(self) -> Iterator[str]:
        return iter(_LISTED)

    def __len__(self) -> int:
        return len(_LISTED)


class Recordings(Mapping[str, Recorded]):
    """A recording's name of a venue to how it is read."""

    def __getitem__(self, name: str) -> Recorded:
        return _recorded()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_recorded())

    def __len__(self) -> int:
        return len(_recorded())


VENUES = Venues()
RECORDED = Recordings()


@cache
def _entry(place: str) -> VenueEntry:
    file, constant = place.split(".")
    found: VenueEntry = getattr(import_module(f"ninefold.venues.{file}"), constant)
    return found


@cache
def _recorded() -> Mapping[str, Recorded]:
    return {name: entry.recorded[1] for entry in VENUES.values() for name in entry.recorded[0]}
