"""HTX (Huobi), spot: trades, order book, best bid and ask.

After www.htx.com/en-us/opend, "Websocket Market Data" (trade.detail, bbo, depth.step0, mbp, heartbeat) and "Reference Data"
(market-symbols, timestamp), "Market Data" (history/trade), as of 2026-11. Recordings of 2021 speak the same protocol; only the
list of symbols had another form (common/symbols), which is read too. Frames are gzipped; the journal holds them so, and what
other recorders have unpacked is read as well.
Two addresses: /ws for all but the numbered changes of books, /feed for these alone. With the streams of this file books come
from /ws, whole, once a second; the stream mbp.150 alone is taken from /feed.
Book rules: depth.step0 is a whole book. mbp: changes wait for the book that is asked for on the websocket; each names the one
before it, the first at most that of the book.
Trade ids count the trades of a pair without a hole as far as recordings show (51 trades of ten pairs); no page says so. A hole is
asked for by REST, which tells the latest 2000 trades. Sizes of levels are doubles whose last digits are those of its sums: of them
ten decimals are kept, six of coins that cost next to nothing; of trades all or none.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal
from urllib.parse import parse_qs, urlsplit

import msgspec

from ninefold.journal.inputs import Answer
from ninefold.market.arrays import ASK, BID, BUY, SELL
from ninefold.market.instruments import Instrument
from ninefold.venues.adapter import BadFrame, Line, Question
from ninefold.venues.listing import ruled
from ninefold.venues.market_adapter import NOTHING, Heard, MarketAdapter
from ninefold.venues.told import (
    MILLISECOND_NS,
    Best,
    Change,
    Count,
    Deal,
    Levels,
    Milliseconds,
    Told,
    counted,
    cut_units,
    number,
    number_or_none,
    short,
    step_of,
    units,
)

VENUE = "htx"
STREAMS = ("trade.detail", "bbo", "depth.step0")
CHANGES = "mbp.150"
REST_URL = "https://api.huobi.pro"
STREAM_URL = "wss://api.huobi.pro"
UNPACKED_MOST = 16 * 2**20
PAGE = 2000
SIDES = {"buy": BUY, "sell": SELL}
QUOTES = ("usdt", "usdc", "usdd", "husd", "btc", "eth", "ht", "htx", "trx", "eur", "brl", "try")
NOT_WANTED = ("kline", "detail", "ticker", "depth.step")

Decimals = Annotated[int, msgspec.Meta(ge=0, le=13)]


class _Frame(msgspec.Struct, gc=False):
    """ch: of a stream; rep: of what was asked for; subbed, ping: of the talk about it."""

    ch: str = ""
    tick: msgspec.Raw = msgspec.Raw(b"{}")
    rep: str = ""
    data: msgspec.Raw = msgspec.Raw(b"{}")
    update: bool = False
    ping: int | None = None
    status: str = "ok"
    err_msg: str = msgspec.field(default="", name="err-msg")


class _Trade(msgspec.Struct, gc=False):
    tradeId: Count
    ts: Milliseconds
    amount: msgspec.Raw
    price: msgspec.Raw
    direction: Literal["buy", "sell"]


class _Trades(msgspec.Struct, gc=False):
    data: list[_Trade]


class _Level(msgspec.Struct, array_like=True, gc=False):
    price: msgspec.Raw
    size: msgspec.Raw


class _Depth(msgspec.Struct, gc=False):
    ts: Milliseconds
    bids: list[_Level] = []
    asks: list[_Level] = []
    version: Count = 0


class _Change(msgspec.Struct, gc=False):
    """Of mbp; a side without a change may be missing, and prevSeqNum is of changes."""

    seqNum: Count
    prevSeqNum: Count = 0
    bids: list[_Level] = []
    asks: list[_Level] = []


class _Bbo(msgspec.Struct, gc=False):
    symbol: str
    quoteTime: Milliseconds
    bid: msgspec.Raw
    bidSize: msgspec.Raw
    ask: msgspec.Raw
    askSize: msgspec.Raw
    seqId: Count = 0


class _PastTrade(msgspec.Struct, gc=False, rename={"trade_id": "trade-id"}):
    trade_id: Count
    ts: Milliseconds
    amount: msgspec.Raw
    price: msgspec.Raw
    direction: Literal["buy", "sell"]


class _Batch(msgspec.Struct, gc=False):
    data: list[_PastTrade]


class _Symbol(msgspec.Struct, gc=False):
    """Of market-symbols: precisions of price and amount, least amount and value."""

    symbol: str
    bc: str
    qc: str
    pp: Decimals
    ap: Decimals
    minoa: msgspec.Raw = msgspec.Raw(b"0")
    minov: msgspec.Raw = msgspec.Raw(b"0")


class _OldSymbol(msgspec.Struct, gc=False, rename="kebab"):
    """The same of common/symbols."""

    symbol: str
    base_currency: str
    quote_currency: str
    price_precision: Decimals
    amount_precision: Decimals
    min_order_amt: msgspec.Raw = msgspec.Raw(b"0")
    min_order_value: msgspec.Raw = msgspec.Raw(b"0")


class _Answer(msgspec.Struct, gc=False):
    status: str
    data: msgspec.Raw = msgspec.Raw(b"[]")
    err_msg: str = msgspec.field(default="", name="err-msg")


_frame_decoder = msgspec.json.Decoder(_Frame)
_trades_decoder = msgspec.json.Decoder(_Trades)
_depth_decoder = msgspec.json.Decoder(_Depth)
_change_decoder = msgspec.json.Decoder(_Change)
_bbo_decoder = msgspec.json.Decoder(_Bbo)
_answer_decoder = msgspec.json.Decoder(_Answer)
_past_decoder = msgspec.json.Decoder(list[_Batch])
_symbols_decoder = msgspec.json.Decoder(list[_Symbol])
_old_symbols_decoder = msgspec.json.Decoder(list[_OldSymbol])
_time_decoder = msgspec.json.Decoder(Milliseconds)


def line(symbols: list[str], streams: tuple[str, ...] = STREAMS) -> Line:
    """One websocket, a message for each topic ("btcusdt"). The venue pings and wants its numbers back."""
    path = "/feed" if all(stream.startswith("mbp") for stream in streams) else "/ws"
    topics = (f"market.{symbol}.{stream}" for symbol in symbols for stream in streams)
    return Line(path, tuple(msgspec.json.encode({"sub": topic, "id": topic}) for topic in topics))


def purpose(url: str) -> str:
    """What a recorded REST question was for; "symbols" is the older list."""
    last = urlsplit(url).path.rpartition("/")[2]
    return "trades" if last == "trade" else last


def read_clock(body: bytes) -> float:
    """The venue's time, in seconds, from its answer. raises: msgspec.DecodeError."""
    return _time_decoder.decode(_answer_decoder.decode(body).data) / 1000


def venue_symbol(symbol: str) -> str:
    """'BTC/USDT' to 'btcusdt'."""
    return symbol.replace("/", "").lower()


class Htx(MarketAdapter):
    venue = VENUE
    default_streams = STREAMS
    books_wait = True
    weights: ClassVar[dict[str, int]] = {"market-symbols": 1, "symbols": 1, "trades": 1}

    def start_questions(self) -> list[Question]:
        names = ",".join(sorted(self._wanted or ()))
        return [Question("market-symbols", f"/v1/settings/common/market-symbols?symbols={names}")]

    def read(self, payload: bytes) -> Heard:
        frame = _frame_decoder.decode(_unpacked(payload))
        if frame.ping is not None:
            return Heard(note=frame.ping)
        if frame.status != "ok":
            raise BadFrame(f"the venue says: {frame.err_msg or frame.status}")
        if not (frame.ch or frame.rep):  # what was subscribed
            return NOTHING
        market, _, rest = (frame.ch or frame.rep).partition(".")
        symbol, _, kind = rest.partition(".")
        if market != "market" or not kind:
            raise BadFrame(f"{frame.ch or frame.rep!r} is no topic such as 'market.btcusdt.bbo'")
        told: list[Told]
        if frame.rep:
            told = [_numbered(symbol, True, _change_decoder.decode(frame.data))]
        elif kind == "trade.detail":
            told = _deals(symbol, _trades_decoder.decode(frame.tick).data)
        elif kind == "bbo":
            told = [_best(_bbo_decoder.decode(frame.tick))]
        elif kind == "depth.step0":
            told = [_whole(symbol, not frame.update, _depth_decoder.decode(frame.tick))]
        elif kind.startswith("mbp."):
            told = [_numbered(symbol, kind.startswith("mbp.refresh"), _change_decoder.decode(frame.tick))]
        elif kind.startswith(NOT_WANTED):
            return NOTHING
        else:
            raise BadFrame(f"topic {kind!r} is none of {', '.join(STREAMS)}, {CHANGES}")
        times = [
            one.time_ns for one in told if isinstance(one, Deal | Best) or (isinstance(one, Change) and one.time_ns > 0)
        ]
        return Heard(told, kind, max(times)) if times else Heard(told, kind)

    def noted(self, note: object, seq: int, receive_ns: int) -> None:
        """The venue asks whether we are there."""
        self.say.append(msgspec.json.encode({"pong": note}))

    def read_answer(self, answer: Answer) -> Sequence[Told]:
        found = _answer_decoder.decode(answer.body)
        if found.status != "ok":
            raise BadFrame(f"the venue says: {found.err_msg or found.status}")
        if answer.purpose == "market-symbols":
            return [_listing(one) for one in _symbols_decoder.decode(found.data) if self.is_wanted(one.symbol)]
        if answer.purpose == "symbols":
            older = [one for one in _old_symbols_decoder.decode(found.data) if self.is_wanted(one.symbol)]
            return [_listing(_Symbol(*msgspec.structs.astuple(one))) for one in older]
        trades = [trade for batch in _past_decoder.decode(found.data) for trade in batch.data]
        return _deals(_asked(answer.url), [_Trade(*msgspec.structs.astuple(trade)) for trade in trades])

    def answered(self, answer: Answer, told: Sequence[Told]) -> None:
        if answer.purpose == "trades":
            newest = max((one.id.low for one in told if isinstance(one, Deal)), default=0)
            self._counted.answered(_asked(answer.url), newest + 1, newest, more=False)

    def level_size(self, text: str, decimals: int) -> int:
        if text.startswith("-"):
            return units(text, decimals)
        return cut_units(text, decimals)

    def ask_book(self, symbol: str, not_before_ns: int) -> None:
        topic = f"market.{symbol}.{CHANGES}"
        self.say.append(msgspec.json.encode({"req": topic, "id": topic}))

    def ask_trades(self, symbol: str, from_id: int | None) -> None:
        self.questions.append(Question("trades", f"/market/history/trade?symbol={symbol}&size={PAGE}"))

    def unlisted(self, symbol: str) -> Instrument:
        for quote in QUOTES:
            if symbol.endswith(quote) and len(symbol) > len(quote):
                return ruled(VENUE, symbol, symbol.removesuffix(quote).upper(), quote.upper())
        raise BadFrame(f"symbol {symbol!r} ends in no quote currency that is known without the list of symbols")


def _unpacked(payload: bytes) -> bytes:
    """raises: BadFrame if it is gzip and cannot be unpacked, or is far too large."""
    if payload[:2] != b"\x1f\x8b":
        return payload
    unpacking = zlib.decompressobj(wbits=31)
    try:
        found = unpacking.decompress(payload, UNPACKED_MOST)
    except zlib.error as error:
        raise BadFrame(f"a frame cannot be unpacked: {error}") from None
    if not unpacking.eof:
        raise BadFrame("a frame's end is missing, or it is larger than any there is")
    return found


def _deals(symbol: str, trades: list[_Trade]) -> list[Told]:
    """By rising id; the venue sends them in any order."""
    return [
        Deal(symbol, counted(one.tradeId), number(one.price), number(one.amount), SIDES[one.direction], _ns(one.ts))
        for one in sorted(trades, key=lambda trade: trade.tradeId)
    ]


def _best(bbo: _Bbo) -> Best:
    bid, bid_size = number_or_none(bbo.bid), number_or_none(bbo.bidSize)
    ask, ask_size = number_or_none(bbo.ask), number_or_none(bbo.askSize)
    return Best(bbo.symbol, bid, bid_size, ask, ask_size, _ns(bbo.quoteTime), bbo.seqId)


def _whole(symbol: str, whole: bool, depth: _Depth) -> Change:
    """Some recorders keep of whole books what has changed, and say so."""
    return Change(symbol, whole, _levels(depth.bids, depth.asks), _ns(depth.ts), last=depth.version if whole else 0)


def _numbered(symbol: str, whole: bool, change: _Change) -> Change:
    levels = _levels(change.bids, change.asks)
    return Change(symbol, whole, levels, first=change.prevSeqNum + 1, last=change.seqNum)


def _levels(bids: list[_Level], asks: list[_Level]) -> Levels:
    return [
        (side, number(one.price), number(one.size)) for side, levels in ((BID, bids), (ASK, asks)) for one in levels
    ]


def _listing(one: _Symbol) -> Instrument:
    finer = (2, max((10 if one.pp <= 8 else 6) - one.ap, 0))
    steps = {"tick": step_of(one.pp), "lot": step_of(one.ap), "least": short(number(one.minoa))}
    of = ruled(VENUE, one.symbol, one.bc.upper(), one.qc.upper(), finer=finer, **steps)
    return msgspec.structs.replace(of, min_notional=short(number(one.minov)))


def _ns(milliseconds: int) -> int:
    return milliseconds * MILLISECOND_NS


def _asked(url: str) -> str:
    return parse_qs(urlsplit(url).query).get("symbol", [""])[0]
