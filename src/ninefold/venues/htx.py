"""HTX (Huobi), spot: trades, order book, best bid and ask.

After www.htx.com/en-us/opend, "Websocket Market Data" (trade.detail, bbo, depth.step0, mbp, heartbeat) and "Reference Data"
(market-symbols, timestamp), "Market Data" (history/trade), as of 2026-11. Recordings of 2021 speak the same protocol; only the
list of symbols had another form (common/symbols), which is read too. Frames are gzipped; the journal holds them so, and what
other recorders have unpacked is read as well.
Two addresses: /ws for all but the numbered changes of books (mbp), /feed for these alone: a websocket each. With the streams
of this file books come from /ws, whole, once a second; with mbp.150 instead of depth.step0 from /feed, every 100 ms.
Book rules: depth.step0 is a whole book. mbp: changes wait for the book that is asked for on the websocket; each names the one
before it, the first at most that of the book.
Trade ids count the trades of a pair without a hole as far as recordings show (51 trades of ten pairs); no page says so. A hole is
asked for by REST, which tells the latest 2000 trades. Sizes of levels are doubles whose last digits are those of its sums: of them
ten decimals are kept, six of coins that cost next to nothing; of trades all or none.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import ClassVar

import msgspec

from ninefold.journal.inputs import Answer
from ninefold.journal.recordings import Recorded
from ninefold.market.arrays import ASK, BID, BUY, SELL
from ninefold.market.instruments import Instrument
from ninefold.venues import htx_wire as wire
from ninefold.venues.adapter import BadFrame, Line, Question
from ninefold.venues.asked import asked, purpose_of
from ninefold.venues.entry import Proof, VenueEntry
from ninefold.venues.lines import numbered
from ninefold.venues.market_adapter import NOTHING, Heard, MarketAdapter
from ninefold.venues.told import (
    MILLISECOND_NS,
    Best,
    Change,
    Deal,
    Levels,
    Told,
    counted,
    cut_units,
    number,
    number_or_none,
    units,
)

STREAMS = ("trade.detail", "bbo", "depth.step0")
CHANGES = "mbp.150"
BOOKS = ("depth", "mbp")
UNPACKED_MOST = 16 * 2**20
PAGE = 2000
SIDES = {"buy": BUY, "sell": SELL}
NOT_WANTED = ("kline", "detail", "ticker", "depth.step")


def lines(symbols: list[str], streams: tuple[str, ...] = STREAMS) -> tuple[Line, ...]:
    """A message for each topic ("btcusdt") at its address. The venue pings and wants its numbers back. raises: ValueError."""
    if len([stream for stream in streams if stream.startswith(BOOKS)]) > 1:
        raise ValueError(f"htx tells a book in several ways; name one of {', '.join(streams)} that tells it")
    fed = tuple(stream for stream in streams if _is_fed(stream))
    other = tuple(stream for stream in streams if stream not in fed)
    made = [("/ws", other)] if other or not fed else []
    made += [("/feed", fed)] if fed else []
    return numbered(_line(path, symbols, kinds) for path, kinds in made)


def _is_fed(stream: str) -> bool:
    return stream.startswith("mbp.") and not stream.startswith("mbp.refresh")


def _line(path: str, symbols: list[str], streams: tuple[str, ...]) -> Line:
    topics = (f"market.{symbol}.{stream}" for symbol in symbols for stream in streams)
    say = tuple(msgspec.json.encode({"sub": topic, "id": topic}) for topic in topics)
    return Line(path, tuple(symbols), streams, say, trades="trade.detail" in streams)


def purpose(url: str) -> str:
    """What a recorded REST question was for; "symbols" is the older list."""
    last = purpose_of(url)
    return "trades" if last == "trade" else last


def read_clock(body: bytes) -> float:
    """The venue's time, in seconds, from its answer. raises: msgspec.DecodeError."""
    return wire.time_decoder.decode(wire.answer_decoder.decode(body).data) / 1000


def venue_symbol(symbol: str) -> str:
    """'BTC/USDT' to 'btcusdt'."""
    return symbol.replace("/", "").lower()


class Htx(MarketAdapter):
    venue = wire.VENUE
    default_streams = STREAMS
    books_wait = True
    weights: ClassVar[dict[str, int]] = {"market-symbols": 1, "symbols": 1, "trades": 1}

    def start_questions(self) -> list[Question]:
        names = ",".join(sorted(self._wanted or ()))
        return [Question("market-symbols", f"/v1/settings/common/market-symbols?symbols={names}")]

    def read(self, payload: bytes) -> Heard:
        frame = wire.frame_decoder.decode(_unpacked(payload))
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
            told = [_numbered(symbol, True, wire.change_decoder.decode(frame.data))]
        elif kind == "trade.detail":
            told = _deals(symbol, wire.trades_decoder.decode(frame.tick).data)
        elif kind == "bbo":
            told = [_best(wire.bbo_decoder.decode(frame.tick))]
        elif kind == "depth.step0":
            told = [_whole(symbol, not frame.update, wire.depth_decoder.decode(frame.tick))]
        elif kind.startswith("mbp."):
            told = [_numbered(symbol, kind.startswith("mbp.refresh"), wire.change_decoder.decode(frame.tick))]
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
        found = wire.answer_decoder.decode(answer.body)
        if found.status != "ok":
            raise BadFrame(f"the venue says: {found.err_msg or found.status}")
        if answer.purpose == "market-symbols":
            return [wire.listing(one) for one in wire.symbols_decoder.decode(found.data) if self.is_wanted(one.symbol)]
        if answer.purpose == "symbols":
            older = [one for one in wire.old_symbols_decoder.decode(found.data) if self.is_wanted(one.symbol)]
            return [wire.listing(wire.Symbol(*msgspec.structs.astuple(one))) for one in older]
        trades = [trade for batch in wire.past_decoder.decode(found.data) for trade in batch.data]
        return _deals(asked(answer.url, "symbol"), [wire.Trade(*msgspec.structs.astuple(trade)) for trade in trades])

    def answered(self, answer: Answer, told: Sequence[Told]) -> None:
        if answer.purpose == "trades":
            newest = max((one.id.low for one in told if isinstance(one, Deal)), default=0)
            self._counted.answered(asked(answer.url, "symbol"), newest + 1, newest, more=False)

    def level_size(self, text: str, decimals: int) -> int:
        if text.startswith("-"):
            return units(text, decimals)
        return cut_units(text, decimals)

    def ask_book(self, symbol: str, not_before_ns: int) -> None:
        topic = f"market.{symbol}.{next(filter(_is_fed, self._streams), CHANGES)}"
        self.say.append(msgspec.json.encode({"req": topic, "id": topic}))

    def ask_trades(self, symbol: str, from_id: int | None) -> None:
        self.questions.append(Question("trades", f"/market/history/trade?symbol={symbol}&size={PAGE}"))

    def unlisted(self, symbol: str) -> Instrument:
        return wire.unlisted(symbol)


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


def _deals(symbol: str, trades: list[wire.Trade]) -> list[Told]:
    """By rising id; the venue sends them in any order."""
    return [
        Deal(symbol, counted(one.tradeId), number(one.price), number(one.amount), SIDES[one.direction], _ns(one.ts))
        for one in sorted(trades, key=lambda trade: trade.tradeId)
    ]


def _best(bbo: wire.Bbo) -> Best:
    bid, bid_size = number_or_none(bbo.bid), number_or_none(bbo.bidSize)
    ask, ask_size = number_or_none(bbo.ask), number_or_none(bbo.askSize)
    return Best(bbo.symbol, bid, bid_size, ask, ask_size, _ns(bbo.quoteTime), bbo.seqId)


def _whole(symbol: str, whole: bool, depth: wire.Depth) -> Change:
    """Some recorders keep of whole books what has changed, and say so."""
    return Change(symbol, whole, _levels(depth.bids, depth.asks), _ns(depth.ts), last=depth.version if whole else 0)


def _numbered(symbol: str, whole: bool, change: wire.Change) -> Change:
    levels = _levels(change.bids, change.asks)
    return Change(symbol, whole, levels, first=change.prevSeqNum + 1, last=change.seqNum)


def _levels(bids: list[wire.Level], asks: list[wire.Level]) -> Levels:
    return [
        (side, number(one.price), number(one.size)) for side, levels in ((BID, bids), (ASK, asks)) for one in levels
    ]


def _ns(milliseconds: int) -> int:
    return milliseconds * MILLISECOND_NS


ENTRY = VenueEntry(
    adapter=Htx,
    streams=STREAMS,
    lines=lines,
    venue_symbol=venue_symbol,
    rest_url="https://api.huobi.pro",
    stream_url="wss://api.huobi.pro",
    ws_api_url="",
    weight_per_minute=300,
    clock=("/v1/common/timestamp", read_clock),
    recorded=(("htx", "huobi", "HUOBI"), Recorded(wire.VENUE, purpose)),
    proof=Proof(
        trades="ids that recordings show to be contiguous (no page says so), the latest 2000 by REST",
        books="whole books each second; of mbp each change names the one before it",
        documented="2026-11-22",
        sessions=("raw/cryptofeed/HUOBI_2021-04-17_first_half.jsonl.gz",),
        unproven="mbp, bbo (the session has neither); needs binary frames at the edge",
    ),
    ids_count=True,
)
