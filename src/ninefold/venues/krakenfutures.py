"""Kraken Futures: trades, order book, best bid and ask, funding, liquidations.

After docs.kraken.com, "Futures WebSocket API" (trade, book, ticker, heartbeat) and "Futures REST" (instruments), as of
2026-11. Recordings of 2021 speak the same protocol; their feed of best prices (ticker_lite) is read too.
Book rule: a snapshot, then single levels whose numbers follow each other; after a hole the book is subscribed anew.
Trades have UUIDs, and numbers in the feed that follow each other until the venue's engine starts anew. A subscription
begins with the last 100: so a hole is healed by subscribing anew, and so is what a lost connection cost. Numbers that
start anew leave it unknown what came before them.
A trade may be a forced closing (liquidation); the ticker tells the relative funding rate, or none if it is 0.
The venue wants a websocket ping each minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import msgspec

from ninefold.journal.inputs import Answer, ConnectionChange
from ninefold.journal.recordings import Recorded
from ninefold.market.arrays import ASK, BID, BUY, SELL
from ninefold.market.instruments import Instrument
from ninefold.market.records import Liquidation
from ninefold.market.time import SECOND_NS, UNKNOWN_NS
from ninefold.venues import krakenfutures_wire as wire
from ninefold.venues import told
from ninefold.venues.adapter import BadFrame, Line, Question
from ninefold.venues.asked import purpose_of
from ninefold.venues.entry import Proof, VenueEntry
from ninefold.venues.listing import MOST_DECIMALS
from ninefold.venues.market_adapter import NOTHING, Heard, MarketAdapter, Numbers
from ninefold.venues.sequence import TradeIds
from ninefold.venues.told import MILLISECOND_NS, Best, Change, Deal, Due, Missed, Told, number

STREAMS = ("trade", "book", "ticker")
PING_S = 30.0
QUIET_EVENTS = frozenset({"info", "subscribed", "unsubscribed"})
SIDES = {"buy": BUY, "sell": SELL}


class _Own(msgspec.Struct):
    """funding: what was told last of a product."""

    funding: dict[str, tuple[str, int]] = {}


class Numbered(Deal):
    """A trade with its number in the feed. live: it came by itself, not in a page of the latest trades."""

    number: int
    live: bool
    forced: bool


class Page(Missed):
    """Begins and ends a page of the latest trades: their first and last number, and when each came."""

    times: dict[int, int]
    ends: bool


def lines(symbols: list[str], streams: tuple[str, ...] = STREAMS) -> tuple[Line, ...]:
    """One websocket of which all products are asked for by messages, and a heartbeat, for quiet products pause long."""
    words = (subscription("subscribe", stream, symbols) for stream in streams)
    say = (*words, b'{"event":"subscribe","feed":"heartbeat"}')
    return (Line("", tuple(symbols), streams, say, ping_s=PING_S),)


def subscription(event: str, feed: str, symbols: list[str]) -> bytes:
    return msgspec.json.encode({"event": event, "feed": feed, "product_ids": symbols})


def read_clock(body: bytes) -> float:
    """The venue's time, in seconds, which every answer tells. raises: msgspec.DecodeError, ValueError."""
    return told.time_ns(msgspec.json.decode(body, type=wire.Time).serverTime) / SECOND_NS


class KrakenFutures(MarketAdapter):
    """wanted: the venue symbols that were subscribed ("PF_XBTUSD"); None takes whatever a recording holds.
    streams: the kinds that were subscribed for each."""

    venue = wire.VENUE
    default_streams = STREAMS
    weights: ClassVar[dict[str, int]] = {"instruments": 1}

    def begin(self) -> None:
        super().begin()
        self._own = _Own()
        self._opening = False  # the line itself subscribes to the latest trades

    def start_questions(self) -> list[Question]:
        """What to ask once before the first stream: the rules of all products."""
        return [Question("instruments", "/derivatives/api/v3/instruments")]

    def unlisted(self, symbol: str) -> Instrument:
        return wire.unlisted(symbol)

    def mark(self) -> bytes:
        return msgspec.msgpack.encode(self._own, order="deterministic")

    def unmark(self, own: bytes) -> None:
        self._own = msgspec.msgpack.decode(own, type=_Own)

    # frames

    def read(self, payload: bytes) -> Heard:
        frame = wire.frame_decoder.decode(payload)
        if frame.event:
            if frame.event not in QUIET_EVENTS:
                raise BadFrame(f"the venue says {frame.event}: {frame.message or 'without a reason'}")
            return NOTHING
        match frame.feed:
            case "trade":
                one = wire.trade_decoder.decode(payload)
                return Heard([_deal(one, live=True)], "trade", one.time * MILLISECOND_NS)
            case "trade_snapshot":
                return Heard(list(_page(wire.trades_decoder.decode(payload))), "trade")
            case "book":
                change = wire.change_decoder.decode(payload)
                level = (BID if change.side == "buy" else ASK, number(change.price), number(change.qty))
                at_ns = change.timestamp * MILLISECOND_NS
                made = Change(change.product_id, False, [level], at_ns, _counts(change.seq), change.seq)
                return Heard([made], "book", at_ns)
            case "book_snapshot":
                book = wire.book_decoder.decode(payload)
                sides = ((BID, book.bids), (ASK, book.asks))
                levels = [(side, number(each.price), number(each.qty)) for side, levels in sides for each in levels]
                at_ns = book.timestamp * MILLISECOND_NS
                return Heard([Change(book.product_id, True, levels, at_ns, last=_counts(book.seq))], "book")
            case "ticker" | "ticker_lite":
                return self._ticker(wire.ticker_decoder.decode(payload))
            case "heartbeat":
                return Heard(time_ns=frame.time * MILLISECOND_NS or UNKNOWN_NS)
        raise BadFrame(f"feed {frame.feed!r} is none of {', '.join(STREAMS)} and heartbeat")

    def _ticker(self, one: wire.Ticker) -> Heard:
        """Funding is told when it changes; a rate of 0 is left out by the venue."""
        at_ns = one.time * MILLISECOND_NS or UNKNOWN_NS
        prices = [told.number_or_none(raw) for raw in (one.bid, one.bid_size, one.ask, one.ask_size)]
        bid, bid_size, ask, ask_size = prices
        found: list[Told] = [Best(one.product_id, bid, bid_size, ask, ask_size, at_ns)]
        rate, due_ns = told.number_or_none(one.relative_funding_rate), one.next_funding_rate_time * MILLISECOND_NS
        if due_ns and self._own.funding.get(one.product_id) != (rate, due_ns):
            found.append(Due(one.product_id, rate, due_ns, at_ns, told.number_or_none(one.markPrice)))
        return Heard(found, "ticker", at_ns)

    # answers

    def read_answer(self, answer: Answer) -> list[Told]:
        """Of the wanted products, or of all whose steps can be held. raises: BadFrame if a wanted one is not there."""
        told_of = {product.symbol.upper(): product for product in wire.products_decoder.decode(answer.body).instruments}
        if self._wanted is None:
            return [wire.listing(name, told_of[name]) for name in sorted(told_of) if wire.is_held(told_of[name])]
        names = sorted({*self._instruments, *self._wanted})
        for name in names:
            if name not in told_of:
                raise BadFrame(f"{name!r} is not among the {len(told_of)} products that the venue lists")
            if not wire.is_held(told_of[name]):
                raise BadFrame(
                    f"{name!r} has steps finer than what can be held: prices {MOST_DECIMALS}, sizes {wire.SIZE_DECIMALS} decimals"
                )
        return [wire.listing(name, told_of[name]) for name in names]

    # parts

    def connection(self, change: ConnectionChange, number: int, seq: int, receive_ns: int) -> None:
        self._opening = True
        super().connection(change, number, seq, receive_ns)
        self._opening = False

    def ask_book(self, symbol: str, not_before_ns: int) -> None:
        self._subscribe_anew("book", symbol)

    def ask_trades(self, symbol: str, from_id: int | None) -> None:
        if not self._opening:
            self._subscribe_anew("trade", symbol)

    def _subscribe_anew(self, feed: str, symbol: str) -> None:
        self.say += (subscription(event, feed, [symbol]) for event in ("unsubscribe", "subscribe"))

    def _take(self, one: Told, numbers: Numbers, seq: int, receive_ns: int, *, live: bool = True) -> None:
        if isinstance(one, Page):
            of = self._instrument(one.symbol, seq, receive_ns)
            (self._end_page if one.ends else self._begin_page)(of, one, seq, receive_ns)
            return
        super()._take(one, numbers, seq, receive_ns, live=live)
        if isinstance(one, Due):
            self._own.funding[one.symbol] = (one.rate, one.due_ns)

    def _begin_page(self, of: Instrument, page: Page, seq: int, receive_ns: int) -> None:
        """The first page only says where the feed begins. Numbers that fell have started anew: what came before them
        is not known, and of the page only what is younger than all that is known.
        """
        ids = self._counted.ids.setdefault(page.symbol, TradeIds())
        next_id = max(page.times) + 1
        if not ids.next_id:
            ids.next_id = ids.first_id = next_id
        elif next_id < ids.next_id:
            last_ns = self._last_ns.get(page.symbol, 0)
            first = min((number for number, at_ns in page.times.items() if at_ns > last_ns), default=next_id)
            self._counted.ids[page.symbol] = TradeIds(first, first)
            self._gap(of, "trades", (0, 0), (last_ns, page.times.get(first, receive_ns)), seq, receive_ns, healed=False)

    def _end_page(self, of: Instrument, page: Page, seq: int, receive_ns: int) -> None:
        first_id, newest = self._counted.ids[page.symbol].first_id, max(page.times)
        if first_id <= newest:
            self._counted.answered(page.symbol, max(first_id, min(page.times)), newest, more=False)

    def _deal(
        self, of: Instrument, deal: Deal, numbers: tuple[int, int, int], seq: int, receive_ns: int, *, live: bool
    ) -> None:
        """Counted by its number in the feed, and kept with its UUID. What was before the feed began is not wanted."""
        assert isinstance(deal, Numbered)
        symbol, last_ns = deal.symbol, self._last_ns.get(deal.symbol, deal.time_ns)
        known = self._counted.ids.get(symbol)
        if not deal.live and known is not None and deal.number < known.first_id:
            return
        times = (receive_ns, last_ns, deal.time_ns)
        if not self._counted.arrive(symbol, deal.number, *times, live=deal.live):
            self.gathered.duplicates += 1
            return
        self._last_ns[symbol] = max(deal.time_ns, last_ns)
        side, price, size = numbers
        self.gathered.trades.append((of.id, deal.time_ns, receive_ns, seq, *deal.id, price, size, side))
        if deal.forced:
            forced = {"exchange_ns": deal.time_ns, "side": side, "price": price, "size": size}
            self.gathered.records.append(Liquidation(seq=seq, known_ns=receive_ns, instrument=of.id, **forced))


def _deal(one: wire.Trade, *, live: bool) -> Numbered:
    made = Numbered(
        one.product_id,
        told.named(one.uid),
        number(one.price),
        number(one.qty),
        SIDES[one.side],
        one.time * MILLISECOND_NS,
    )
    made.number, made.live, made.forced = _counts(one.seq), live, one.type == "liquidation"
    return made


def _page(page: wire.Trades) -> Iterator[Told]:
    """The venue tells the newest first."""
    deals = sorted((_deal(one, live=False) for one in page.trades), key=lambda deal: deal.number)
    if any(deal.symbol != page.product_id for deal in deals):
        raise BadFrame(f"a page of trades of {page.product_id} holds those of another product")
    if deals:
        begin, end = Page(page.product_id), Page(page.product_id)
        begin.times = end.times = {deal.number: deal.time_ns for deal in deals}
        begin.ends, end.ends = False, True
        yield begin
        yield from deals
        yield end


def _counts(seq: int) -> int:
    if not seq:
        raise BadFrame("number 0 in a feed; they begin at 1")
    return seq


ENTRY = VenueEntry(
    adapter=KrakenFutures,
    streams=STREAMS,
    lines=lines,
    venue_symbol=wire.venue_symbol,
    rest_url="https://futures.kraken.com",
    stream_url="wss://futures.kraken.com/ws/v1",
    ws_api_url="",
    weight_per_minute=300,
    clock=("/derivatives/api/v3/tickers/PF_XBTUSD", read_clock),
    recorded=(("krakenfutures", "KRAKEN_FUTURES"), Recorded(wire.VENUE, purpose_of)),
    proof=Proof(
        trades="ids are UUIDs; frames are numbered: holes are told, healed from the last 100 by subscribing again",
        books="contiguous numbers, a new snapshot by subscribing again",
        documented="2026-11-22",
        sessions=("raw/cryptofeed/KRAKEN_FUTURES_2021-07-22.jsonl.gz",),
        unproven="ticker with sizes and funding, linear contracts (PF_), liquidations, heartbeat",
    ),
)
