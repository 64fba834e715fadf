"""The past of Binance USD-M: see binance_contracts.py."""

from __future__ import annotations

from ninefold.history.binance_contracts import history
from ninefold.history.binance_klines import USDM as MARKET
from ninefold.venues.binance_contracts_wire import USDM

HISTORY = history(MARKET, USDM)
