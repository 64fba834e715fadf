"""What the messages of Kraken spot hold: fields, exact numbers and times, names.

After docs.kraken.com, "Spot WebSocket API v2" (trade, book, ticker, instrument) and "Spot REST" (Get Recent Trades,
Get Tradable Asset Pairs, Get Server Time), as of 2026-11. Field names are the venue's.
Whatever does not have these fields in these forms and ranges is refused by the decoders.
Prices and sizes are JSON numbers of which every digit counts, so the text of the number is read and never a float.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

import msgspec

from ninefold.market.arrays import ASK, BID, BUY, SELL
from ninefold.market.instruments import Instrument, listed
from ninefold.market.time import UNKNOWN_NS
from ninefold.venues.adapter import BadFrame
from ninefold.venues.told import number, time_ns, units

VENUE = "kraken"
STREAMS = ("trade", "book", "ticker")
DEPTH = 1000  # levels a side; the most there are
PING = b'{"method":"ping"}'
FINER = 2  # decimals of prices held beyond pair_decimals: older trades and orders may be finer than today's precision
OLD_NAMES = {"XBT": "BTC", "XDG": "DOGE"}  # REST and websocket v1 have their own names for these
NEW_NAMES = {new: old for old, new in OLD_NAMES.items()}
QUOTES = (  # longest names first where one ends in another
    *("USDT", "USDC", "USDQ", "USDR", "PYUSD", "RLUSD", "USD1", "USD", "EURC", "EURT", "EURQ", "EUR", "GBP", "CAD"),
    *("AUD", "CHF", "JPY", "XBT", "ETH", "DAI", "DOT", "BRL", "MXN", "AED"),
)
REPLIES = frozenset({"pong", "subscribe", "unsubscribe"})
EVENTS = frozenset({"heartbeat", "systemStatus", "subscriptionStatus", "pong"})  # of websocket v1
# how errors begin that pass, so that the question is asked again later
PASSING = ("EGeneral:Too many requests", "EGeneral:Temporary lockout", "EAPI:Rate limit", "EService:")
SIDES = {"buy": BUY, "sell": SELL, "b": BUY, "s": SELL}
Id = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Checksum = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]
Decimals = Annotated[int, msgspec.Meta(ge=0, le=15)]


class Subscribed(msgspec.Struct, gc=False):
    channel: str = ""
    symbol: str = ""
    depth: int = 0


class Envelope(msgspec.Struct, gc=False):
    """Any object on the websocket: v2 has channel or method, v1 event."""

    channel: str = ""
    type: str = ""
    data: msgspec.Raw = msgspec.Raw(b"[]")
    method: str = ""
    success: bool = True
    error: str = ""
    symbol: str = ""
    result: Subscribed | None = None
    event: str = ""
    status: str = ""
    errorMessage: str = ""
    pair: str = ""


class Trade(msgspec.Struct, gc=False):
    symbol: str
    side: Literal["buy", "sell"]
    price: msgspec.Raw
    qty: msgspec.Raw
    trade_id: Id
    timestamp: str


class Level(msgspec.Struct, gc=False):
    price: msgspec.Raw
    qty: msgspec.Raw


class BookData(msgspec.Struct, gc=False):
    symbol: str
    bids: list[Level] = []
    asks: list[Level] = []
    checksum: Checksum | None = None
    timestamp: str = ""


class Ticker(msgspec.Struct, gc=False):
    symbol: str
    bid: msgspec.Raw
    bid_qty: msgspec.Raw
    ask: msgspec.Raw
    ask_qty: msgspec.Raw
    timestamp: str = ""


class Pair(msgspec.Struct, gc=False):
    """A pair on the instrument channel."""

    symbol: str
    price_precision: Decimals
    qty_precision: Decimals
    price_increment: msgspec.Raw
    qty_increment: msgspec.Raw
    qty_min: msgspec.Raw
    cost_min: msgspec.Raw = msgspec.Raw(b"0")


class Instruments(msgspec.Struct, gc=False):
    pairs: list[Pair]


class AssetPair(msgspec.Struct, gc=False):
    """A pair in REST AssetPairs; wsname is missing of those that are not on the websocket."""

    pair_decimals: Decimals
    lot_decimals: Decimals
    wsname: str = ""
    ordermin: str = "0"
    costmin: str = "0"
    tick_size: str = ""


class PastTrade(msgspec.Struct, array_like=True, gc=False):
    price: str
    size: str
    time: msgspec.Raw
    side: Literal["b", "s"]
    kind: str
    misc: str
    id: Id


class Answered(msgspec.Struct, gc=False):
    error: list[str]
    result: msgspec.Raw = msgspec.Raw(b"{}")


class Time(msgspec.Struct, gc=False):
    unixtime: int


envelope_decoder = msgspec.json.Decoder(Envelope)
trades_decoder = msgspec.json.Decoder(list[Trade])
books_decoder = msgspec.json.Decoder(list[BookData])
tickers_decoder = msgspec.json.Decoder(list[Ticker])
instruments_decoder = msgspec.json.Decoder(Instruments)
answered_decoder = msgspec.json.Decoder(Answered)
asset_pairs_decoder = msgspec.json.Decoder(dict[str, AssetPair])
by_pair_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
past_trades_decoder = msgspec.json.Decoder(list[PastTrade])
time_decoder = msgspec.json.Decoder(Time)


class Deal(NamedTuple):
    """A public trade of either generation. id: None where the venue gives none."""

    symbol: str
    id: int | None
    price: str
    size: str
    side: int
    time_ns: int


class Change(NamedTuple):
    """A book's snapshot or update. levels: (side, price, size, time_ns), size 0 removes.

    depth: as told by the frame, 0 if it does not tell. shortened: numbers may have been sent without their last zeros.
    """

    symbol: str
    snapshot: bool
    levels: list[tuple[int, str, str, int]]
    checksum: int | None
    time_ns: int
    depth: int = 0
    shortened: bool = True


class Best(NamedTuple):
    symbol: str
    bid: str
    bid_size: str
    ask: str
    ask_size: str
    time_ns: int


def check_reply(envelope: Envelope, channels: tuple[str, ...]) -> None:
    """raises: BadFrame if the venue refuses, or says what nobody knows."""
    if envelope.error or envelope.errorMessage or not envelope.success or envelope.status == "error":
        raise BadFrame(
            f"the venue refuses {envelope.method or envelope.event} {envelope.symbol or envelope.pair}: "
            f"{envelope.error or envelope.errorMessage or 'without a reason'}"
        )
    if envelope.method not in REPLIES and envelope.event not in EVENTS:
        kind = envelope.channel or envelope.method or envelope.event
        raise BadFrame(f"{kind!r} is no kind of frame that is known; known are {', '.join(channels)}")


def deals(data: msgspec.Raw) -> list[Deal]:
    """The trades of a v2 frame by rising id."""
    found = [
        Deal(one.symbol, one.trade_id, number(one.price), number(one.qty), SIDES[one.side], time_ns(one.timestamp))
        for one in trades_decoder.decode(data)
    ]
    return sorted(found, key=lambda deal: deal.id or 0)


def past_deals(symbol: str, result: msgspec.Raw) -> tuple[list[Deal], int]:
    """The trades of REST Trades by rising id, and the time up to which they reach. raises: BadFrame."""
    parts = by_pair_decoder.decode(result)
    last_ns = units(number(parts.pop("last", msgspec.Raw(b""))), 0)
    if len(parts) != 1:
        raise BadFrame(f"the answer holds the trades of {len(parts)} pairs; one was asked for")
    found = [
        Deal(symbol, one.id, one.price, one.size, SIDES[one.side], units(number(one.time), 9))
        for one in past_trades_decoder.decode(parts.popitem()[1])
    ]
    return sorted(found, key=lambda deal: deal.id or 0), last_ns


def changes(data: msgspec.Raw, snapshot: bool) -> list[Change]:
    found = []
    for one in books_decoder.decode(data):
        at_ns = time_ns(one.timestamp) if one.timestamp else UNKNOWN_NS
        sides = ((BID, one.bids), (ASK, one.asks))
        levels = [(side, number(it.price), number(it.qty), at_ns) for side, levels in sides for it in levels]
        found.append(Change(one.symbol, snapshot, levels, one.checksum, at_ns))
    return found


def bests(data: msgspec.Raw) -> list[Best]:
    return [
        Best(
            one.symbol,
            number(one.bid),
            number(one.bid_qty),
            number(one.ask),
            number(one.ask_qty),
            time_ns(one.timestamp) if one.timestamp else UNKNOWN_NS,
        )
        for one in tickers_decoder.decode(data)
    ]


def instruments(data: msgspec.Raw) -> list[Instrument]:
    """The pairs of a frame of the instrument channel."""
    return [
        _listing(
            one.symbol,
            one.price_precision,
            one.qty_precision,
            tick=number(one.price_increment),
            lot=number(one.qty_increment),
            least=number(one.qty_min),
            cost=number(one.cost_min),
        )
        for one in instruments_decoder.decode(data).pairs
    ]


def asset_pairs(result: msgspec.Raw) -> list[Instrument]:
    """The pairs of REST AssetPairs that are on the websocket."""
    return [
        _listing(
            new_name(one.wsname),
            one.pair_decimals,
            one.lot_decimals,
            tick=one.tick_size,
            lot="",
            least=one.ordermin,
            cost=one.costmin,
        )
        for one in asset_pairs_decoder.decode(result).values()
        if one.wsname
    ]


def split(symbol: str) -> tuple[str, str]:
    base, _, quote = symbol.partition("/")
    if not (base and quote) or "/" in quote:
        raise BadFrame(f"symbol {symbol!r} is not written BASE/QUOTE")
    return base, quote


def new_name(symbol: str) -> str:
    """'XBT/USD', as REST and websocket v1 write it, to 'BTC/USD'."""
    return "/".join(OLD_NAMES.get(part, part) for part in symbol.split("/"))


def rest_name(symbol: str) -> str:
    """'BTC/USD' to 'XBTUSD', the pair's name in REST questions."""
    return "".join(NEW_NAMES.get(part, part) for part in symbol.split("/"))


def subscription(method: str, stream: str, symbols: list[str]) -> bytes:
    """The message that subscribes to a channel of v2, or ends that."""
    params: dict[str, object] = {"channel": stream, "symbol": symbols}
    if stream == "book":
        params["depth"] = DEPTH
    if method == "subscribe":
        params["snapshot"] = stream != "trade"  # 50 old trades would belie when we began to listen
    if method == "subscribe" and stream == "ticker":
        params["event_trigger"] = "bbo"
    return msgspec.json.encode({"method": method, "params": params})


def split_pair(pair: str) -> str:
    """'XBTUSDT', a pair's name in REST questions, to 'BTC/USDT', without knowing the venue's list. raises: BadFrame."""
    for quote in QUOTES:
        if pair.endswith(quote) and len(pair) > len(quote):
            return new_name(f"{pair[: -len(quote)]}/{quote}")
    raise BadFrame(f"pair {pair!r} ends in no quote currency that is known without AssetPairs")


def places(of: Instrument) -> tuple[int, int]:
    """The venue's own decimals of prices and sizes; none where its rules are not known."""
    return (of.price_decimals - FINER, of.size_decimals) if of.rules_known else (0, 0)


def _listing(
    symbol: str, price_decimals: int, size_decimals: int, *, tick: str, lot: str, least: str, cost: str
) -> Instrument:
    base, quote = split(symbol)
    held = price_decimals + FINER
    return listed(
        VENUE,
        symbol,
        base,
        quote,
        price_decimals=held,
        size_decimals=size_decimals,
        tick_size=units(tick, held) if tick else 10**FINER,
        lot_size=units(lot, size_decimals) if lot else 1,
        min_size=units(least, size_decimals),
        min_notional=cost.rstrip("0").rstrip(".") if "." in cost else cost,
        rules_known=True,
    )
