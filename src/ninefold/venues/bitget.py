"""Bitget, spot and perpetuals: trades, order book, best bid and ask, funding.

After www.bitget.com/api-doc, websocket v2 "Depth Channel", "Trading Channel", "Tickers Channel" and REST v2 "Get Symbol Info",
"Get Market Trades", mix "Contracts", as of 2026-11; `pseq` is not in the documentation: github.com/JKorf/Bitget.Net, pull
request 89 of 2026-06, found it, and no checksum beside it. Recordings of 2022 speak v1: instType `sp`, trades as arrays without
ids, a checksum in every change of a book.
Book rule: a snapshot, then changes. Each names the one before it (`pseq`), the first at most the snapshot; or each has a
checksum of the 25 best levels of each side. What fails is subscribed again.
Trade ids skip, so none can be counted; after a lost connection the latest trades are asked for.
The same name stands for a spot pair and a contract: contracts are told apart by their product ("USDT-FUTURES:BTCUSDT").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec

from ninefold.journal.inputs import Answer
from ninefold.journal.recordings import Recorded
from ninefold.market.arrays import ASK, BID, BUY, SELL
from ninefold.market.instruments import Instrument
from ninefold.market.numbers import INT64_MAX, to_units
from ninefold.venues import bitget_wire as wire
from ninefold.venues.adapter import BadFrame, Line, Question
from ninefold.venues.asked import asked, purpose_of
from ninefold.venues.checked_levels import CheckedAdapter
from ninefold.venues.entry import Proof, VenueEntry
from ninefold.venues.lines import numbered, parts
from ninefold.venues.market_adapter import NOTHING, Heard
from ninefold.venues.told import MILLISECOND_NS, NO_ID, Best, Change, Checksum, Deal, Due, Missed, Told, named, whole

STREAMS = ("trade", "books", "books1", "ticker")
PING, PING_S = b"ping", 5.0  # quiet pairs pause longer than a connection may be silent
PAGE = 1000
CHANNELS_MOST = 50  # on one connection, which is what the venue advises; it refuses more than 1000 ("Websocket API")
ARGUMENTS_MOST = 30  # in one message, of which each may have 4096 bytes
PRODUCTS = {"USDT": "USDT-FUTURES", "USDC": "USDC-FUTURES"}  # by what they are settled in; all others are coins
OLD_PRODUCTS = {"SP": "", "SPOT": "", "MC": "USDT-FUTURES"}
SIDES = {"buy": BUY, "sell": SELL}


def lines(symbols: list[str], streams: tuple[str, ...] = STREAMS) -> tuple[Line, ...]:
    """Websockets for all products; some thirty channels a message. The venue wants to be pinged with a bare word."""

    def channels(symbol: str) -> list[dict[str, str]]:
        return [_arg(stream, symbol) for stream in streams if stream in _streams_of(symbol)]

    made = []
    for part in parts(symbols, lambda symbol: len(channels(symbol)), CHANNELS_MOST):
        wanted = [one for symbol in part for one in channels(symbol)]
        said = (wanted[start : start + ARGUMENTS_MOST] for start in range(0, len(wanted), ARGUMENTS_MOST))
        say = tuple(_request("subscribe", one) for one in said)
        made.append(Line("/v2/ws/public", part, streams, say, PING, PING_S, "trade" in streams))
    return numbered(made)


def purpose(url: str) -> str:
    """What a recorded REST question was for; "products" is v1's list of symbols."""
    last = purpose_of(url)
    return "symbols" if last == "products" else last


def read_clock(body: bytes) -> float:
    """The venue's time, in seconds, from its answer. raises: msgspec.DecodeError, BadFrame."""
    return whole(wire.time_decoder.decode(wire.answer_decoder.decode(body).data).serverTime) / 1000


def venue_symbol(symbol: str) -> str:
    """The venue's name, of contracts behind their product.

    >>> [venue_symbol(one) for one in ("BTC/USDT", "BTC/USDT:USDT", "BTC/USDC:USDC", "BTC/USD:BTC")]
    ['BTCUSDT', 'USDT-FUTURES:BTCUSDT', 'USDC-FUTURES:BTCPERP', 'COIN-FUTURES:BTCUSD']
    """
    pair, _, settle = symbol.partition(":")
    name = pair.replace("/", "")
    if not settle:
        return name
    return f"{PRODUCTS.get(settle, wire.COIN)}:{pair.partition('/')[0] + 'PERP' if settle == 'USDC' else name}"


class Bitget(CheckedAdapter):
    venue = wire.VENUE
    default_streams = STREAMS
    weights: ClassVar[dict[str, int]] = {"symbols": 1, "contracts": 1, "fills-history": 1}
    page_purpose = "fills-history"

    def start_questions(self) -> list[Question]:
        """The rules of all symbols of the products that are wanted."""
        products = sorted({symbol.rpartition(":")[0] for symbol in self._wanted or ()})
        mix = "/api/v2/mix/market/contracts?productType="
        return [
            Question("contracts", mix + product) if product else Question("symbols", "/api/v2/spot/public/symbols")
            for product in products
        ]

    def read(self, payload: bytes) -> Heard:
        if payload == b"pong":
            return NOTHING
        frame = wire.frame_decoder.decode(payload)
        arg = frame.arg
        if frame.event == "error":
            raise BadFrame(f"the venue says to {arg.channel} {arg.instId}: {frame.msg}")
        if frame.event or arg.channel.startswith("candle"):
            return NOTHING
        product = arg.instType.upper()
        product = OLD_PRODUCTS.get(product, product)
        symbol = f"{product}:{arg.instId}" if product else arg.instId
        rows = wire.rows_decoder.decode(frame.data)
        told: list[Told]
        match arg.channel:
            case "trade":  # a snapshot tells trades from before the subscription
                told = [_deal(symbol, row) for row in reversed(rows)] if frame.action != "snapshot" else []
            case "books":
                told = [one for row in rows for one in _change(symbol, frame.action == "snapshot", row)]
            case "books1":
                told = [_best(symbol, wire.book_decoder.decode(row)) for row in rows]
            case "ticker":
                told = [one for row in rows for one in _ticker(symbol, wire.ticker_decoder.decode(row))]
            case _:
                raise BadFrame(f"channel {arg.channel!r} is none of {', '.join(STREAMS)}")
        times = [one.time_ns for one in told if isinstance(one, Deal | Change | Best)]
        return Heard(told, arg.channel, max(times)) if times else Heard(told, arg.channel)

    def read_answer(self, answer: Answer) -> Sequence[Told]:
        found = wire.answer_decoder.decode(answer.body)
        if found.code != "00000":
            raise BadFrame(f"the venue says: {found.msg} ({found.code})")
        if answer.purpose == "symbols":
            spot = wire.symbols_decoder.decode(found.data)
            return [wire.listing(one) for one in spot if self.is_wanted(one.symbolName or one.symbol)]
        if answer.purpose == "contracts":
            product = asked(answer.url, "productType")
            swaps = [one for one in wire.contracts_decoder.decode(found.data) if one.symbolType == "perpetual"]
            return [wire.contract_listing(product, one) for one in swaps if self.is_wanted(f"{product}:{one.symbol}")]
        symbol = _symbol_of(answer.url)
        return [_deal_of(symbol, one) for one in reversed(wire.trades_decoder.decode(found.data))]

    def page(self, answer: Answer, told: Sequence[Told], receive_ns: int) -> tuple[str, int | None]:
        return _symbol_of(answer.url), None

    def ask_trades(self, symbol: str, from_id: int | None) -> None:
        product, _, name = symbol.rpartition(":")
        of = (
            f"/api/v2/mix/market/fills-history?productType={product}&"
            if product
            else "/api/v2/spot/market/fills-history?"
        )
        self.questions.append(Question("fills-history", f"{of}symbol={name}&limit={PAGE}"))

    def ask_book(self, symbol: str, not_before_ns: int) -> None:
        self.say += (_request(op, [_arg("books", symbol)]) for op in ("unsubscribe", "subscribe"))

    def streams_of(self, symbol: str) -> Sequence[str]:
        return [stream for stream in self._streams if stream in _streams_of(symbol)]

    def unlisted(self, symbol: str) -> Instrument:
        return wire.unlisted(symbol)


def _deal(symbol: str, row: msgspec.Raw) -> Deal:
    if bytes(row)[:1] != b"[":
        return _deal_of(symbol, wire.trade_decoder.decode(row))
    old = wire.old_trade_decoder.decode(row)
    return Deal(symbol, NO_ID, old.price, old.size, _side(old.side), _time_ns(old.ts))


def _deal_of(symbol: str, trade: wire.Trade) -> Deal:
    return Deal(symbol, named(trade.tradeId), trade.price, trade.size, _side(trade.side), _time_ns(trade.ts))


def _change(symbol: str, snapshot: bool, row: msgspec.Raw) -> list[Told]:
    """A change that names no one before it although it should begins anew, which only a snapshot may."""
    book = wire.book_decoder.decode(row)
    levels = [(side, *level) for side, found in ((BID, book.bids), (ASK, book.asks)) for level in found]
    texts = [f"{price}:{size}" for _, price, size in levels]
    at_ns = _time_ns(book.ts)
    if book.pseq == 0 and not snapshot:
        return [Missed(symbol, at_ns)]
    change = Change(symbol, snapshot, levels, at_ns, (book.pseq or 0) + 1, book.seq, texts)
    return [change, Checksum(symbol, book.checksum, at_ns)] if book.checksum else [change]


def _best(symbol: str, book: wire.Book) -> Best:
    bid, bid_size = book.bids[0] if book.bids else ("0", "0")
    ask, ask_size = book.asks[0] if book.asks else ("0", "0")
    return Best(symbol, bid, bid_size, ask, ask_size, _time_ns(book.ts), book.seq)


def _ticker(symbol: str, ticker: wire.Ticker) -> list[Told]:
    at_ns = _time_ns(str(ticker.ts))
    if ticker.bestBid and ticker.bestAsk:
        return [Best(symbol, ticker.bestBid, "0", ticker.bestAsk, "0", at_ns)]
    if not (ticker.fundingRate and ticker.nextFundingTime):
        return []
    to_units(ticker.fundingRate, 18)
    return [Due(symbol, ticker.fundingRate, _time_ns(ticker.nextFundingTime), at_ns, ticker.markPrice or "0")]


def _side(text: str) -> int:
    """The stream writes "buy", REST writes "Buy". raises: BadFrame."""
    side = SIDES.get(text.lower())
    if side is None:
        raise BadFrame(f"side {text[:40]!r} is neither buy nor sell")
    return side


def _time_ns(milliseconds: str) -> int:
    found = whole(milliseconds) * MILLISECOND_NS
    if found > INT64_MAX:
        raise BadFrame(f"{milliseconds!r} lies beyond the year 2262")
    return found


def _symbol_of(url: str) -> str:
    product, name = asked(url, "productType").upper(), asked(url, "symbol")
    return f"{product}:{name}" if product else name


def _streams_of(symbol: str) -> Sequence[str]:
    """Only contracts have funding, which the ticker tells."""
    return STREAMS if ":" in symbol else STREAMS[:3]


def _arg(stream: str, symbol: str) -> dict[str, str]:
    product, _, name = symbol.rpartition(":")
    return {"instType": product or "SPOT", "channel": stream, "instId": name}


def _request(op: str, args: Sequence[dict[str, str]]) -> bytes:
    return msgspec.json.encode({"op": op, "args": args})


ENTRY = VenueEntry(
    adapter=Bitget,
    streams=STREAMS,
    lines=lines,
    venue_symbol=venue_symbol,
    rest_url="https://api.bitget.com",
    stream_url="wss://ws.bitget.com",
    ws_api_url="",
    weight_per_minute=300,
    clock=("/api/v2/public/time", read_clock),
    recorded=(("bitget", "BITGET"), Recorded(wire.VENUE, purpose)),
    proof=Proof(
        trades="cannot tell while connected: ids skip; a lost connection is healed from the latest 1000 by REST",
        books="each change names the one before it (v1: a checksum); a new snapshot by subscribing again",
        documented="2026-11-22",
        sessions=("raw/cryptofeed/BITGET_2022-04-03.jsonl.gz",),
        unproven="websocket v2 (the session speaks v1), perpetuals, funding",
    ),
)
