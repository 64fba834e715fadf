"""The venues that have an adapter. A new one is its file, one line here, and samples.

In:  a venue's name. Out: what the edges need to know of it; of ccxt.EXCHANGE what holds for every exchange through ccxt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ninefold.journal.recordings import Recorded
from ninefold.venues import (
    binance,
    binance_contracts,
    bitfinex,
    bitget,
    bitmex,
    bitstamp,
    bybit,
    ccxt,
    coinbase,
    deribit,
    gate,
    htx,
    hyperliquid,
    kraken,
    krakenfutures,
    okx,
)
from ninefold.venues.ccxt_names import is_name
from ninefold.venues.entry import VenueEntry

_LISTED: dict[str, VenueEntry] = {
    "binance": binance.ENTRY,
    "coinbase": coinbase.ENTRY,
    "kraken": kraken.ENTRY,
    "bitstamp": bitstamp.ENTRY,
    "binanceusdm": binance_contracts.USDM_ENTRY,
    "binancecoinm": binance_contracts.COINM_ENTRY,
    "bitfinex": bitfinex.ENTRY,
    "deribit": deribit.ENTRY,
    "krakenfutures": krakenfutures.ENTRY,
    "bitmex": bitmex.ENTRY,
    "bybit": bybit.ENTRY,
    "gate": gate.ENTRY,
    "okx": okx.ENTRY,
    "bitget": bitget.ENTRY,
    "htx": htx.ENTRY,
    "hyperliquid": hyperliquid.ENTRY,
    "ccxt": ccxt.ENTRY,
}


class Venues(Mapping[str, VenueEntry]):
    """By name. What is listed has an adapter; ccxt.EXCHANGE is there for any exchange, though not listed."""

    def __init__(self, listed: dict[str, VenueEntry]) -> None:
        self._listed = listed

    def __getitem__(self, name: str) -> VenueEntry:
        return ccxt.entry_of(name) if is_name(name) else self._listed[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._listed)

    def __len__(self) -> int:
        return len(self._listed)


VENUES = Venues(_LISTED)
RECORDED: dict[str, Recorded] = {
    name: entry.recorded[1] for entry in VENUES.values() for name in entry.recorded[0]
}  # a recording's name of a venue to how it is read
