"""What the messages of Bitfinex hold: their fields, the rules of a pair, and the names of things.

After docs.bitfinex.com, "WebSocket General", "Books", "Trades", "Ticker", "Status" and REST "Trades" and "Configs", as of 2026-11.
Fields go by place, their names are ours.
Whatever does not have these fields in these forms and ranges is refused by the decoders.
"""

from __future__ import annotations

import msgspec

from ninefold.market.instruments import Instrument, listed
from ninefold.market.numbers import to_units
from ninefold.venues.adapter import BadFrame
from ninefold.venues.told import Count, Milliseconds, number

VENUE = "bitfinex"
PERPETUAL = "F0"
NAMES = {  # the venue's: ccxt's
    **{"UST": "USDT", "UDC": "USDC", "EUT": "EURT", "EUS": "EURS", "TSD": "TUSD", "TERRAUST": "USTC", "XCH": "XCHF"},
    **{"ALG": "ALGO", "AMP": "AMPL", "ATO": "ATOM", "BCHABC": "XEC", "BCHN": "BCH", "DAT": "DATA", "DOG": "MDOGE"},
    **{"DSH": "DASH", "EDO": "PNT", "IDX": "ID", "IOT": "IOTA", "IQX": "IQ", "LUNA": "LUNC", "LUNA2": "LUNA"},
    **{"MNA": "MANA", "PAS": "PASS", "QSH": "QASH", "QTM": "QTUM", "RBT": "RBTC", "SNG": "SNGLS", "STJ": "STORJ"},
    **{"VSY": "VSYS", "WAX": "WAXP", "YYW": "YOYOW", "ZBT": "ZB"},
}
OLD_NAMES = {new: old for old, new in NAMES.items()}


class Event(msgspec.Struct, gc=False):
    event: str
    channel: str = ""
    chanId: int = 0
    symbol: str = ""
    key: str = ""
    prec: str = ""
    msg: str = ""


class Trade(msgspec.Struct, array_like=True, gc=False):
    id: Count
    time: Milliseconds
    amount: msgspec.Raw
    price: msgspec.Raw


class Level(msgspec.Struct, array_like=True, gc=False):
    price: msgspec.Raw
    count: Count
    amount: msgspec.Raw


class Ticker(msgspec.Struct, array_like=True, gc=False):
    bid: msgspec.Raw
    bid_size: msgspec.Raw
    ask: msgspec.Raw


class Derivative(msgspec.Struct, array_like=True, gc=False):
    """Of the status of a perpetual; underscores are places without a meaning."""

    time: Milliseconds
    _1: msgspec.Raw
    price: msgspec.Raw
    spot_price: msgspec.Raw
    _4: msgspec.Raw
    insurance_fund: msgspec.Raw
    _6: msgspec.Raw
    next_funding: Milliseconds | None
    next_accrued: msgspec.Raw
    next_step: msgspec.Raw
    _10: msgspec.Raw
    current_funding: msgspec.Raw
    _12: msgspec.Raw
    _13: msgspec.Raw
    mark_price: msgspec.Raw


class Liquidation(msgspec.Struct, array_like=True, gc=False):
    """amount: of the position, + long. is_match: 0 when it was triggered, 1 when it was executed."""

    kind: str
    position: int
    time: Milliseconds
    _3: msgspec.Raw
    symbol: str
    amount: msgspec.Raw
    base_price: msgspec.Raw
    _7: msgspec.Raw
    is_match: int
    is_sold: int | None
    _10: msgspec.Raw = msgspec.Raw(b"null")
    price: msgspec.Raw = msgspec.Raw(b"null")


event_decoder = msgspec.json.Decoder(Event)
parts_decoder = msgspec.json.Decoder(list[msgspec.Raw])
whole_decoder = msgspec.json.Decoder(Count)
signed_decoder = msgspec.json.Decoder(int)
text_decoder = msgspec.json.Decoder(str)
trade_decoder = msgspec.json.Decoder(Trade)
trades_decoder = msgspec.json.Decoder(list[Trade])
level_decoder = msgspec.json.Decoder(Level)
levels_decoder = msgspec.json.Decoder(list[Level])
ticker_decoder = msgspec.json.Decoder(Ticker)
derivative_decoder = msgspec.json.Decoder(Derivative)
liquidations_decoder = msgspec.json.Decoder(list[Liquidation])
pairs_decoder = msgspec.json.Decoder(list[list[tuple[str, list[msgspec.Raw]]]])


def listing(pair: str, rules: list[msgspec.Raw]) -> Instrument:
    """Of a pair without its t; the fourth of the rules is the least size, none are not known. raises: BadFrame."""
    base, _, quote = pair.partition(":") if ":" in pair else (pair[:3], "", pair[3:])
    if not (base and quote):
        raise BadFrame(f"pair {pair!r} is written neither ABCDEF nor BASE:QUOTE")
    swaps = base.endswith(PERPETUAL) and quote.endswith(PERPETUAL)
    base, quote = (NAMES.get(name, name) for name in (base.removesuffix(PERPETUAL), quote.removesuffix(PERPETUAL)))
    made = listed(VENUE, "t" + pair, base, quote, rules_known=bool(rules))
    if len(rules) > 3 and bytes(rules[3]) != b"null":
        made = msgspec.structs.replace(made, min_size=to_units(number(rules[3]), made.size_decimals))
    if swaps:
        made = msgspec.structs.replace(made, symbol=f"{base}/{quote}:{quote}", kind="swap", settle=quote)
    return made


def is_swap(symbol: str) -> bool:
    """Whether it is a perpetual, "tBTCF0:USTF0"."""
    return symbol.endswith(PERPETUAL)
