"""The venues whose past can be downloaded. A new one is its file and one line here."""

from __future__ import annotations

from ninefold.history import binance, coinbase, kraken
from ninefold.history.venue import History

HISTORIES: dict[str, History] = {one.HISTORY.venue: one.HISTORY for one in (binance, coinbase, kraken)}
