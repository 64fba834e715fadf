"""The venues to which orders can be sent by way of an OrderEntry. A new one is its files and one line here.

In:  a venue's name. Out: its OrderEntry. Binance spot has a gateway of its own (binance_gateway.py).
"""

from __future__ import annotations

from collections.abc import Mapping

from ninefold.venues import bybit_answers, bybit_requests
from ninefold.venues.order_entry import OrderEntry

ORDER_ENTRIES: Mapping[str, OrderEntry] = {
    "bybit": OrderEntry(bybit_requests, bybit_answers.READING),
}
