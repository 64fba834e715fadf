"""The venues to which orders can be sent by way of an OrderEntry. A new one is its files and one line here.

In:  a venue's name. Out: its OrderEntry. Binance spot has a gateway of its own (binance_gateway.py).
"""

from __future__ import annotations

from collections.abc import Mapping

from ninefold.venues import (
    binanceusdm_answers,
    binanceusdm_requests,
    bybit_answers,
    bybit_requests,
    coinbase_answers,
    coinbase_requests,
    kraken_answers,
    kraken_requests,
    okx_answers,
    okx_requests,
)
from ninefold.venues.order_entry import OrderEntry

ORDER_ENTRIES: Mapping[str, OrderEntry] = {
    "binanceusdm": OrderEntry(binanceusdm_requests, binanceusdm_answers.READING),
    "bybit": OrderEntry(bybit_requests, bybit_answers.READING),
    "coinbase": OrderEntry(coinbase_requests, coinbase_answers.READING),
    "kraken": OrderEntry(kraken_requests, kraken_answers.READING),
    "okx": OrderEntry(okx_requests, okx_answers.READING),
}
