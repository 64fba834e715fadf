"""Hyperliquid, perpetuals and spot: trades, order book, best bid and ask, funding.

After hyperliquid.gitbook.io/hyperliquid-docs, "Websocket" (Subscriptions: trades, l2Book, bbo, activeAssetCtx; Post requests;
Timeouts and heartbeats), "Info endpoint" (meta, spotMeta) and "Tick and lot size", as of 2026-11.
The venue is asked on the websocket only, for its REST takes no GET: the rules come with the first frames.
Book rule: every frame is a whole book of twenty levels a side.
Trade ids are hashes, so none can be counted. A subscription begins with the latest trades: after a lost connection nothing is
missing if one is among them that came before.
Names are coins: "BTC" is the perpetual, "xyz:TSLA" that of another builder, "@107" or "PURR/USDC" a spot pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import msgspec

from ninefold.journal.inputs import Answer
from ninefold.journal.recordings import Recorded
from ninefold.market.arrays import ASK, BID, BUY, SELL
from ninefold.market.instruments import Instrument
from ninefold.market.numbers import to_units
from ninefold.market.time import HOUR_NS, UNKNOWN_NS
from ninefold.venues import hyperliquid_wire as wire
from ninefold.venues.adapter import BadFrame, Line, Question
from ninefold.venues.entry import Proof, VenueEntry
from ninefold.venues.market_adapter import NOTHING, Heard, MarketAdapter, key_of
from ninefold.venues.told import MILLISECOND_NS, Best, Change, Deal, Due, Levels, Told, sparse

STREAMS = ("trades", "l2Book", "bbo", "activeAssetCtx")
PING, PING_S = b'{"method":"ping"}', 5.0  # quiet coins pause longer than a connection may be silent
SUBSCRIPTIONS_MOST = 1000  # of an address ("Rate limits and user limits")
SIDES = {"B": BUY, "A": SELL}
THOUSANDS = {name.upper(): name for name in ("kPEPE", "kSHIB", "kBONK", "kLUNC", "kFLOKI", "kDOGS", "kNEIRO")}
TELL_NOTHING = frozenset({"subscriptionResponse", "pong"})


def lines(symbols: list[str], streams: tuple[str, ...] = STREAMS) -> tuple[Line, ...]:
    """One websocket: first the rules are asked for, then a message subscribes each stream of each coin ("BTC"). The venue
    counts subscriptions by address, so that more lines would bring no more. raises: ValueError.
    """
    dexes = sorted(
        {symbol.partition(":")[0] if ":" in symbol else "" for symbol in symbols if not wire.is_spot(symbol)}
    )
    wanted: list[dict[str, object]] = [{"type": "meta", "dex": dex} for dex in dexes]
    wanted += [{"type": "spotMeta"}] if any(map(wire.is_spot, symbols)) else []
    asked: list[dict[str, object]] = [
        {"method": "post", "id": id, "request": {"type": "info", "payload": payload}}
        for id, payload in enumerate(wanted, 1)
    ]
    asked += [
        {"method": "subscribe", "subscription": {"type": stream, "coin": symbol}}
        for symbol in symbols
        for stream in streams
        if stream in _streams_of(symbol)
    ]
    if len(asked) > SUBSCRIPTIONS_MOST:
        raise ValueError(
            f"hyperliquid gives {SUBSCRIPTIONS_MOST} subscriptions to an address, and this asks for {len(asked)}; "
            "name fewer pairs or streams"
        )
    return (Line("/ws", tuple(symbols), streams, tuple(map(msgspec.json.encode, asked)), PING, PING_S),)


def _purpose(url: str) -> str:
    """Nothing is asked by REST."""
    return "info"


def read_clock(body: bytes) -> float:
    """The venue's time, in seconds, from a book. raises: msgspec.DecodeError."""
    return wire.book_decoder.decode(body).time / 1000


def _venue_symbol(symbol: str) -> str:
    """The coin; of spot pairs the venue's name must be given, but for the one that it names as all do.

    >>> [_venue_symbol(one) for one in ("BTC/USDC:USDC", "KPEPE/USDC:USDC", "XYZ-TSLA/USDC:USDC", "PURR/USDC", "@107")]
    ['BTC', 'kPEPE', 'xyz:TSLA', 'PURR/USDC', '@107']
    """
    pair, _, settle = symbol.partition(":")
    if not settle:
        return symbol
    name = pair.partition("/")[0]
    dex, _, coin = name.rpartition("-")
    return f"{dex.lower()}:{coin}" if dex else THOUSANDS.get(name, name)


class Hyperliquid(MarketAdapter):
    venue = wire.VENUE
    default_streams = STREAMS

    def start_questions(self) -> list[Question]:
        return []

    def read(self, payload: bytes) -> Heard:
        frame = wire.frame_decoder.decode(payload)
        match frame.channel:
            case "trades":
                deals = [_deal(trade) for trade in wire.trades_decoder.decode(frame.data)]
                newest = max((deal.time_ns for deal in deals), default=UNKNOWN_NS)
                return Heard(deals, "trades", newest, deals)
            case "l2Book":
                book = wire.book_decoder.decode(frame.data)
                return Heard([_whole(book)], "l2Book", book.time * MILLISECOND_NS)
            case "bbo":
                best = _best(wire.bbo_decoder.decode(frame.data))
                return Heard([best], "bbo", best.time_ns)
            case "activeAssetCtx" | "activeSpotAssetCtx":
                return Heard(_funding(wire.context_decoder.decode(frame.data)), "activeAssetCtx")
            case "post":
                return Heard(self._rules_in(wire.post_decoder.decode(frame.data).response))
            case "error":
                raise BadFrame(f"the venue says: {bytes(frame.data)[:300].decode('utf-8', 'replace')}")
        if frame.channel in TELL_NOTHING:
            return NOTHING
        raise BadFrame(f"channel {frame.channel!r} is none of {', '.join(STREAMS)}")

    def noted(self, note: object, seq: int, receive_ns: int) -> None:
        """Trades that come first on a new connection reach back, far enough or not."""
        assert isinstance(note, list)
        for symbol, deals in groupby(note, key=lambda deal: str(deal.symbol)):
            self._overlap.settle(symbol, [(key_of(deal), deal.time_ns) for deal in deals], None, receive_ns)

    def _rules_in(self, response: wire.Response) -> list[Told]:
        if response.type == "error":
            raise BadFrame(f"the venue says: {bytes(response.payload)[:300].decode('utf-8', 'replace')}")
        payload = wire.payload_decoder.decode(response.payload)
        if payload.type == "spotMeta":
            found = wire.spot_decoder.decode(payload.data)
            tokens = {token.index: token for token in found.tokens}
            return [wire.spot_listing(one, tokens) for one in found.universe if self.is_wanted(one.name)]
        perpetuals = [one for one in wire.meta_decoder.decode(payload.data).universe if self.is_wanted(one.name)]
        return [wire.listing(one.name, one.szDecimals) for one in perpetuals]

    def read_answer(self, answer: Answer) -> Sequence[Told]:
        return []

    def ask_book(self, symbol: str, not_before_ns: int) -> None:
        """The next frame is a whole book."""

    def streams_of(self, symbol: str) -> Sequence[str]:
        return [stream for stream in self._streams if stream in _streams_of(symbol)]

    def unlisted(self, symbol: str) -> Instrument:
        return wire.unlisted(symbol)

    def _take_due(self, of: Instrument, due: Due, mark: int, seq: int, receive_ns: int) -> None:
        """It is paid at every full hour; the venue tells no time."""
        paid_ns = (receive_ns // HOUR_NS + 1) * HOUR_NS
        super()._take_due(of, due._replace(due_ns=paid_ns), mark, seq, receive_ns)


def _deal(trade: wire.Trade) -> Deal:
    return Deal(trade.coin, sparse(trade.tid), trade.px, trade.sz, SIDES[trade.side], trade.time * MILLISECOND_NS)


def _whole(book: wire.Book) -> Change:
    levels: Levels = [
        (side, level.px, level.sz) for side, found in zip((BID, ASK), book.levels, strict=True) for level in found
    ]
    return Change(book.coin, True, levels, book.time * MILLISECOND_NS)


def _best(best: wire.Bbo) -> Best:
    bid, ask = (level or wire.Level("0", "0") for level in best.bbo)
    return Best(best.coin, bid.px, bid.sz, ask.px, ask.sz, best.time * MILLISECOND_NS)


def _funding(context: wire.ActiveContext) -> list[Told]:
    if not context.ctx.funding:  # a spot pair
        return []
    to_units(context.ctx.funding, 18)
    return [Due(context.coin, context.ctx.funding, 0, UNKNOWN_NS, context.ctx.markPx)]


def _streams_of(symbol: str) -> Sequence[str]:
    """Only perpetuals have funding."""
    return STREAMS[:3] if wire.is_spot(symbol) else STREAMS


ENTRY = VenueEntry(
    adapter=Hyperliquid,
    streams=STREAMS,
    lines=lines,
    venue_symbol=_venue_symbol,
    rest_url="https://api.hyperliquid.xyz",
    stream_url="wss://api.hyperliquid.xyz",
    ws_api_url="",
    weight_per_minute=1200,
    clock=("/info", read_clock),
    recorded=(("hyperliquid",), Recorded(wire.VENUE, _purpose)),
    proof=Proof(
        trades="cannot tell while connected: ids are hashes; a lost connection is healed if the latest trades reach back",
        books="every frame is a whole book",
        documented="2026-11-22",
        sessions=("orderbook/hyperliquid_btcusd_20250126.jsonl.gz",),
        unproven="bbo, activeAssetCtx, meta by websocket (the session has l2Book and trades); REST, which takes POST only",
    ),
)
