"""How exchanges that come through ccxt are named, and which of them do not.

In:  a venue's name and streams, as a config has them. Out: whether, and why not.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from ninefold.market.time import TIMEFRAMES

VENUE, PREFIX = "ccxt", "ccxt."
NAME = re.compile(r"ccxt\.[a-z0-9_]+")
STREAMS = ("trades",)
CANDLES = "candles:"  # and a timeframe: "candles:1m"
QUOTES = "quotes"  # the best prices, asked for by REST; what is traded needs them
NATIVE = {  # of ccxt's ids, those that have an adapter here, by its name
    **{name: name for name in ("binance", "binanceusdm", "binancecoinm", "coinbase", "kraken", "krakenfutures")},
    **{name: name for name in ("bitstamp", "bitfinex", "bybit", "okx", "deribit", "bitmex", "gate", "bitget", "htx")},
    **{"hyperliquid": "hyperliquid", "coinbaseexchange": "coinbase", "gateio": "gate", "huobi": "htx"},
}


def is_name(venue: str) -> bool:
    """Whether it is written as an exchange through ccxt is.

    >>> is_name("ccxt.bitvavo"), is_name("ccxt"), is_name("kraken")
    (True, False, False)
    """
    return NAME.fullmatch(venue) is not None


def refusal(venue: str, streams: Sequence[str]) -> str:
    """Why a config cannot name this venue with these streams; "" if it can.

    >>> refusal("ccxt.kraken", ())
    "'kraken' has an adapter of its own, which keeps more: write 'kraken'"
    >>> refusal("ccxt.bitvavo", ("trades",)), refusal("binance", ("depth",))
    ('', '')
    """
    if venue == VENUE:
        return "name the exchange too, for example 'ccxt.bitvavo'"
    if not is_name(venue):
        return ""
    native = NATIVE.get(venue.removeprefix(PREFIX))
    if native is not None:
        return f"{native!r} has an adapter of its own, which keeps more: write {native!r}"
    allowed = [*STREAMS, QUOTES, *(f"{CANDLES}{timeframe}" for timeframe in TIMEFRAMES)]
    unknown = [stream for stream in streams if stream not in allowed]
    if unknown:
        near = difflib.get_close_matches(unknown[0], allowed, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"streams: found {unknown[0]!r}{hint} Allowed through ccxt: {', '.join(map(repr, allowed))}"
    if "trades" in streams and any(stream.startswith(CANDLES) for stream in streams):
        return f"streams: found {list(streams)!r}; bars are made of trades, or are the exchange's candles, not both"
    if set(streams) == {QUOTES}:
        return f"streams: found {list(streams)!r}; bars are made of trades: write ['trades', {QUOTES!r}]"
    return ""
