"""The past of Binance COIN-M: see binance_contracts.py."""

from __future__ import annotations

from ninefold.history.binance_contracts import history
from ninefold.history.binance_klines import COINM as MARKET
from ninefold.venues.binance_contracts_wire import COINM

HISTORY = history(MARKET, COINM)
