"""The venues whose past can be downloaded. A new one is its file and one line here."""

from __future__ import annotations

from ninefold.history import (
    binance,
    binancecoinm,
    binanceusdm,
    bitfinex,
    bitget,
    bitmex,
    bitstamp,
    bybit,
    coinbase,
    deribit,
    gate,
    htx,
    hyperliquid,
    kraken,
    krakenfutures,
    okx,
)
from ninefold.history.venue import History

_LISTED = (
    binance,
    coinbase,
    kraken,
    binanceusdm,
    binancecoinm,
    bybit,
    krakenfutures,
    deribit,
    bitmex,
    gate,
    bitget,
    htx,
    hyperliquid,
    okx,
    bitstamp,
    bitfinex,
)
HISTORIES: dict[str, History] = {one.HISTORY.venue: one.HISTORY for one in _LISTED}
