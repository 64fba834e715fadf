"""The venues whose past can be downloaded. A new one is its file and one line here."""

from __future__ import annotations

from ninefold.history import (
    binance,
    bitget,
    bitmex,
    bybit,
    coinbase,
    deribit,
    gate,
    htx,
    hyperliquid,
    kraken,
    krakenfutures,
)
from ninefold.history.venue import History

_LISTED = (
    binance,
    coinbase,
    kraken,
    bybit,
    krakenfutures,
    deribit,
    bitmex,
    gate,
    bitget,
    htx,
    hyperliquid,
)
HISTORIES: dict[str, History] = {one.HISTORY.venue: one.HISTORY for one in _LISTED}
