"""The columns a formula may name: what is known of a bar when it closes. Unknown values are NaN."""

from __future__ import annotations

from ninefold.formula.units import COUNT, PRICE, RATIO, SIZE, Unit

COLUMNS: dict[str, Unit] = {
    "open": PRICE,
    "high": PRICE,
    "low": PRICE,
    "close": PRICE,
    "volume": SIZE,
    "vwap": PRICE,  # volume-weighted mean price of the bar, no whole ticks
    "buy_volume": SIZE,  # the part of volume that takers bought
    "trades": COUNT,
    "spread": PRICE,  # best ask - best bid when the bar closed
    "microprice": PRICE,  # best prices weighted by the other side's size
    "imbalance": RATIO,  # (bid size - ask size) / (bid size + ask size), in [-1, 1]
    "sentiment": RATIO,  # the mood, in [-1, 1]
    "forecast": RATIO,  # expected log return of the next bar, as the pipeline's model had it at the close
    "one_upping": RATIO,  # how much somebody keeps stepping in front of the best price, 0 to 1
    "bid": PRICE,  # best prices of a recorded book and their sizes: in back-tests of quotes only
    "ask": PRICE,
    "bid_size": SIZE,
    "ask_size": SIZE,
    "tick": PRICE,  # the smallest step of a price
    "position": SIZE,  # what the strategy itself holds at the close, below 0 is short
    "bars_held": COUNT,  # bars since its entry, 0 without a position
    "open_profit": RATIO,  # close against its entry price, before fees; 0 without a position
}
OWN = frozenset(("position", "bars_held", "open_profit"))
ON_BOOK = frozenset(("bid", "ask", "bid_size", "ask_size", "tick"))
