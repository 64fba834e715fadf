"""From what others call an instrument to ours: venue and unified symbol as ccxt writes them.

In:  the name of a venue (may be empty) and a symbol, what the user said, the instruments that are listed.
Out: an instrument, with id 0 if it is not listed yet; a symbol that could be two things is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from ninefold.imports.mapping import Mapping
from ninefold.market.instruments import Instrument, listed
from ninefold.venues.table import VENUES

VENUE_NAMES = {  # as cryptofeed and tardis call them, in lower case, to ccxt's ids
    "binance_futures": "binanceusdm",
    "binance-futures": "binanceusdm",
    "binance_delivery": "binancecoinm",
    "binance-delivery": "binancecoinm",
    "bitfinex-derivatives": "bitfinex",
    "gate-io": "gateio",
    "huobi": "htx",
    "kraken_futures": "krakenfutures",
    "cryptofacilities": "krakenfutures",
    "okex": "okx",
    "bybit-spot": "bybit",
}
QUOTES = ("USDT", "USDC", "FDUSD", "TUSD", "BUSD", "USD", "EUR", "GBP", "JPY", "TRY", "BTC", "ETH", "BNB")
_OURS = re.compile(r"([a-z0-9]+):([^/\s]+/\S+)")
_UNIFIED = re.compile(r"([A-Za-z0-9]+)/([A-Za-z0-9]+)(?::([A-Za-z0-9-]+))?")
_PERPETUAL = re.compile(r"([A-Za-z0-9]+)-([A-Za-z0-9]+)-PERP")
_SETTLED = re.compile(r"([A-Za-z0-9]+)_([A-Za-z0-9]+)_([A-Za-z0-9]+)")
_SPLIT = re.compile(r"([A-Za-z0-9]+)[-_]([A-Za-z0-9]+)")
_WHOLE = re.compile(r"[A-Za-z0-9]+")
_SWAPS = ("binanceusdm",)  # venues whose unsplit symbols are perpetuals settled in their quote


class Unnamed(ValueError):
    """A symbol that names no instrument for certain; the text is the reason."""


class Names:
    """Remembers what it found out; `known` are the instruments that are listed.

    elsewhere: those that the data dir itself lists, captured or downloaded: rows of the same instrument get their units, for
    only then are they read as rows of it.
    """

    def __init__(self, known: Iterable[Instrument], mapping: Mapping, elsewhere: Iterable[Instrument] = ()) -> None:
        self._mapping = mapping
        self._elsewhere = {instrument.name: instrument for instrument in elsewhere}
        self._named: dict[str, Instrument] = {}
        self._as_venues_say: dict[tuple[str, str], Instrument] = {}
        for instrument in known:
            self._named[instrument.name] = instrument
            self._as_venues_say[instrument.venue, instrument.venue_symbol] = instrument
        self._found: dict[tuple[str, str], Instrument | Unnamed] = {}

    def find(self, exchange: str, symbol: str) -> Instrument:
        """raises: Unnamed."""
        key = (exchange, symbol)
        if key not in self._found:
            try:
                self._found[key] = self._find(exchange, symbol)
            except Unnamed as refused:
                self._found[key] = refused
        found = self._found[key]
        if isinstance(found, Unnamed):
            raise found
        return found

    def learn(self, instrument: Instrument) -> None:
        """It is listed now, with an id."""
        self._named[instrument.name] = instrument
        for key, found in self._found.items():
            if isinstance(found, Instrument) and found.name == instrument.name:
                self._found[key] = instrument

    def _find(self, exchange: str, symbol: str) -> Instrument:
        said = self._mapping.symbols.get(symbol, "") or ("" if symbol else self._mapping.instrument)
        whole = _OURS.fullmatch(said or symbol)
        if whole:
            venue, unified = whole[1], whole[2]
        else:
            venue = VENUE_NAMES.get(exchange.lower(), exchange.lower()) or self._mapping.venue
            if not venue:
                raise Unnamed(f"the venue of {symbol!r} is not said: --venue NAME, or a symbol like 'binance:BTC/USDT'")
            known = self._as_venues_say.get((venue, symbol))
            if known is not None and not said:
                return known
            unified = unified_symbol(venue, said or symbol)
        found = self._named.get(f"{venue}:{unified}")
        return found or self._new(venue, unified, symbol)

    def _new(self, venue: str, unified: str, symbol: str) -> Instrument:
        parts = _UNIFIED.fullmatch(unified)
        if parts is None:
            raise Unnamed(
                f"{venue}:{unified} is no instrument; they are written VENUE:BASE/QUOTE or VENUE:BASE/QUOTE:SETTLE"
            )
        there = self._elsewhere.get(f"{venue}:{unified}")
        if there is not None:
            return msgspec.structs.replace(there, id=0, version=1)
        base, quote, settle = parts[1], parts[2], parts[3] or ""
        spoken = VENUES[venue].venue_symbol(unified) if venue in VENUES and not settle else symbol or unified
        made = listed(venue, spoken, base, quote, symbol=unified)
        return msgspec.structs.replace(
            made,
            kind="spot" if not settle else "future" if "-" in settle else "swap",
            settle=settle.partition("-")[0],
            price_decimals=self._mapping.price_decimals,
            size_decimals=self._mapping.size_decimals,
        )


def unified_symbol(venue: str, symbol: str) -> str:
    """A symbol as ccxt would write it.

    raises: Unnamed if it does not say for certain which two assets it is of.

    >>> unified_symbol("binance", "BTCUSDT"), unified_symbol("coinbase", "BTC-USD"), unified_symbol("x", "BTC_USDT_USDT")
    ('BTC/USDT', 'BTC/USD', 'BTC/USDT:USDT')
    """
    symbol = symbol.upper() if symbol.islower() else symbol
    if _UNIFIED.fullmatch(symbol):
        return symbol
    if perpetual := _PERPETUAL.fullmatch(symbol):
        base, quote = perpetual.groups()
        return f"{base}/{quote}:{base if quote == 'USD' else quote}"
    if settled := _SETTLED.fullmatch(symbol):
        return f"{settled[1]}/{settled[2]}:{settled[3]}"
    if split := _SPLIT.fullmatch(symbol):
        return f"{split[1]}/{split[2]}"
    ends = [quote for quote in QUOTES if symbol.endswith(quote) and symbol != quote] if _WHOLE.fullmatch(symbol) else []
    if len(ends) != 1:
        could = f"could end in {' or '.join(ends)}" if ends else "does not say its two assets"
        raise Unnamed(f"symbol {symbol!r} {could}: name it in the mapping, [symbols] {symbol!r} = 'VENUE:BASE/QUOTE'")
    base = symbol.removesuffix(ends[0])
    return f"{base}/{ends[0]}:{ends[0]}" if venue in _SWAPS else f"{base}/{ends[0]}"
