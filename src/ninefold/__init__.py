"""ninefold: record a crypto market, think about it, trade it on paper, say what it may do and what it did.

In a notebook: `ninefold.load_bars("binance:BTC/USDT", "1m", data_dir="data")` gives a table that polars and pandas
take.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ninefold.store.load import load_bars as load_bars

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import what notebooks use when it is used: the command line should not wait for it."""
    if name == "load_bars":
        return importlib.import_module("ninefold.store.load").load_bars
    raise AttributeError(f"ninefold has no {name!r}; it has load_bars and __version__")
