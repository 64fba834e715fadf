"""OKX, spot, perpetuals and futures: trades, order book, best bid and ask, funding, liquidations.

After www.okx.com/docs-v5, "Order Book Trading, Market Data" (trades, all trades, order book, tickers, history trades),
"Public Data" (instruments, funding rate, liquidation orders, system time) and its change log, as of 2026-11. Recordings of
2021 and 2022 speak the same protocol, but without seqId.
Book rule: each change names the last id (seqId) of the one before (prevSeqId); ids may begin anew with a lower one. The
book begins with a snapshot of the stream, or where the venue has ceased to send it with one by REST, which is asked for
after a hole too. Until June 2026 a checksum of the 25 best levels proved it; since then it is 0.
Trade ids are contiguous. A message of `trades` may hold several trades of one order at one price (count), of which it names
the last id; `trades-all`, on another websocket, tells each. Holes are asked for by REST, which tells each too.
The venue tells one liquidation of each second at most.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import msgspec

from ninefold.journal.inputs import Answer
from ninefold.journal.recordings import Recorded
from ninefold.market.arrays import ASK, BID, BUY, SELL
from ninefold.market.instruments import Instrument
from ninefold.market.numbers import to_units
from ninefold.market.time import UNKNOWN_NS
from ninefold.venues import okx_wire as wire
from ninefold.venues.adapter import BadFrame, Line, Question
from ninefold.venues.asked import asked, purpose_of
from ninefold.venues.checked_levels import CheckedAdapter
from ninefold.venues.entry import Proof, VenueEntry
from ninefold.venues.lines import numbered
from ninefold.venues.market_adapter import NOTHING, Heard, MarketAdapter, Numbers
from ninefold.venues.sequence import BookSync, TradeIds
from ninefold.venues.spent_ids import SpentIds
from ninefold.venues.told import Best, Change, Checksum, Deal, Due, Forced, Told, counted

STREAMS = ("trades", "books", "bbo-tbt", "funding-rate", "liquidation-orders")
ONLY = {"funding-rate": (wire.SWAP,), "liquidation-orders": (wire.SWAP, wire.FUTURES)}  # streams that not all have
BUSINESS = frozenset({"trades-all"})  # streams of the other websocket
TRADES = frozenset({"trades", "trades-all"})
MOST_ARGUMENTS = 500  # in one message, which may have 64 KB
QUIET_EVENTS = frozenset({"subscribe", "unsubscribe", "notice", "channel-conn-count"})
PING, PING_S = b"ping", 5.0  # quiet instruments pause longer than a connection may be silent
PAGE = 100  # trades of an answer
LEVELS = 400
MOST_TOGETHER = 10_000  # trades of one message
SIDES = {"buy": BUY, "sell": SELL}
RATE_DECIMALS = 18


class _Own(msgspec.Struct):
    """levels: what the checksums need; spent: ids of trades that were told together with another one."""

    levels: bytes = b""
    funding: dict[str, tuple[str, int]] = {}
    spent: SpentIds = msgspec.field(default_factory=SpentIds)


class Several(Deal):
    """Trades of one order at one price, told as one. first: their first id; the deal's own is the last."""

    first: int


def lines(symbols: list[str], streams: tuple[str, ...] = STREAMS) -> tuple[Line, ...]:
    """The websockets of these streams, of which all is asked for by messages. raises: ValueError."""
    business = tuple(stream for stream in streams if stream in BUSINESS)
    public = tuple(stream for stream in streams if stream not in BUSINESS)
    if business and "trades" in public:
        raise ValueError("okx tells the same trades as trades and as trades-all; name one of them among its streams")
    made = [("/ws/v5/public", public)] if public or not business else []
    made += [("/ws/v5/business", business)] if business else []
    return numbered(_line(path, symbols, kinds) for path, kinds in made)


def _line(path: str, symbols: list[str], streams: tuple[str, ...]) -> Line:
    wanted = [
        {"channel": stream, "instType": wire.type_of(symbol)}
        if stream == "liquidation-orders"
        else {"channel": stream, "instId": symbol}
        for symbol in symbols
        for stream in _streams_of(symbol, streams)
    ]
    args = list({str(one): one for one in wanted}.values())
    said = (args[at : at + MOST_ARGUMENTS] for at in range(0, len(args), MOST_ARGUMENTS))
    say = (msgspec.json.encode({"op": "subscribe", "args": one}) for one in said)
    trades = not TRADES.isdisjoint(streams)
    return Line(path, tuple(symbols), streams, tuple(say), PING, PING_S, trades)


def read_clock(body: bytes) -> float:
    """The venue's time, in seconds, from its answer. raises: msgspec.DecodeError, BadFrame."""
    [time] = wire.times_decoder.decode(wire.answered_decoder.decode(body).data)
    return wire.whole(time.ts) / 1000


class Okx(CheckedAdapter):
    """wanted: the venue symbols that were subscribed ("BTC-USDT-SWAP"); None takes whatever a recording holds.
    streams: the kinds that were subscribed for each."""

    venue = wire.VENUE
    default_streams = STREAMS
    books_wait = True
    weights: ClassVar[dict[str, int]] = {"instruments": 1, "books": 1, "history-trades": 1}

    def begin(self) -> None:
        super().begin()
        self._own = _Own()

    def start_questions(self) -> list[Question]:
        """What to ask once before the first stream: the rules of each wanted instrument."""
        asked = "/api/v5/public/instruments?instType={}&instId={}"
        return [
            Question("instruments", asked.format(wire.type_of(symbol), symbol)) for symbol in sorted(self._wanted or ())
        ]

    def unlisted(self, symbol: str) -> Instrument:
        return wire.unlisted(symbol)

    def streams_of(self, symbol: str) -> Sequence[str]:
        return _streams_of(symbol, self._streams)

    def mark(self) -> bytes:
        self._own.levels = super().mark()
        return msgspec.msgpack.encode(self._own, order="deterministic")

    def unmark(self, own: bytes) -> None:
        self._own = msgspec.msgpack.decode(own, type=_Own)
        super().unmark(self._own.levels)

    # frames

    def read(self, payload: bytes) -> Heard:
        if payload == b"pong":
            return NOTHING
        frame = wire.frame_decoder.decode(payload)
        if frame.event:
            if frame.event not in QUIET_EVENTS:
                raise BadFrame(f"the venue says {frame.event}: {frame.msg or 'without a reason'}")
            return NOTHING
        channel = frame.arg.channel
        match channel:
            case "trades" | "trades-all":
                deals = [_deal(one) for one in wire.trades_decoder.decode(frame.data)]
                return Heard(deals, channel, max((deal.time_ns for deal in deals), default=UNKNOWN_NS))
            case "books" | "books-l2-tbt" | "books50-l2-tbt":
                return _heard_books(frame)
            case "bbo-tbt":
                return Heard([_best(frame.arg.instId, one) for one in wire.books_decoder.decode(frame.data)], channel)
            case "tickers":
                return Heard([_ticker(one) for one in wire.tickers_decoder.decode(frame.data)], channel)
            case "funding-rate":
                return Heard(list(self._funding(wire.funding_decoder.decode(frame.data))), channel)
            case "liquidation-orders":
                return Heard(list(self._forced(wire.forced_decoder.decode(frame.data))), channel)
        raise BadFrame(f"channel {channel!r} is none of {', '.join((*STREAMS, 'tickers', *sorted(BUSINESS)))}")

    def _funding(self, found: list[wire.FundingRate]) -> Iterator[Told]:
        """Told when it changes."""
        for one in found:
            due_ns, at_ns = wire.time_ns(one.fundingTime), wire.time_ns(one.ts) if one.ts else UNKNOWN_NS
            if one.fundingRate and self._own.funding.get(one.instId) != (one.fundingRate, due_ns):
                to_units(one.fundingRate, RATE_DECIMALS)
                yield Due(one.instId, one.fundingRate, due_ns, at_ns)

    def _forced(self, found: list[wire.ForcedOrders]) -> Iterator[Told]:
        """The channel is of all instruments of a type."""
        for of in found:
            if self._wanted is None or of.instId in self._wanted:
                for one in of.details:
                    yield Forced(of.instId, SIDES[one.side], one.bkPx, one.sz, wire.time_ns(one.ts))

    # answers

    def read_answer(self, answer: Answer) -> Sequence[Told]:
        answered = wire.answered_decoder.decode(answer.body)
        if answered.code != "0":
            raise BadFrame(f"the venue says {answered.code}: {answered.msg}")
        symbol = asked(answer.url, "instId")
        match answer.purpose:
            case "instruments":
                found = [wire.listing(one) for one in wire.listed_decoder.decode(answered.data)]
                if symbol and not found:
                    raise BadFrame(f"the venue lists no {symbol!r}")
                return found
            case "books":
                return [_change(symbol, one, True) for one in wire.books_decoder.decode(answered.data)]
        from_id = _from_id(answer)
        deals = (_deal(one) for one in wire.trades_decoder.decode(answered.data))
        return sorted((deal for deal in deals if deal.id.low >= from_id), key=lambda deal: deal.id.low)

    def answered(self, answer: Answer, told: Sequence[Told]) -> None:
        """A page holds the 100 ids from the one that was asked for; if it is full there may be more."""
        if answer.purpose == "history-trades":
            symbol, from_id = asked(answer.url, "instId"), _from_id(answer)
            last = max((one.id.low for one in told if isinstance(one, Deal)), default=from_id - 1)
            self._counted.answered(symbol, from_id, last, more=last >= from_id + PAGE - 1)

    # parts

    def ask_book(self, symbol: str, not_before_ns: int) -> None:
        path = f"/api/v5/market/books?instId={symbol}&sz={LEVELS}"
        self.questions.append(Question("books", path, not_before_ns=not_before_ns))

    def ask_trades(self, symbol: str, from_id: int | None) -> None:
        """Pages are of ids below `after`."""
        path = f"/api/v5/market/history-trades?instId={symbol}&type=1&after={(from_id or 0) + PAGE}&limit={PAGE}"
        self.questions.append(Question("history-trades", path))

    def covered(self, book: BookSync, change: Change) -> tuple[int, int]:
        """Numbers that begin anew are those of a change that names the last one and has a lower one itself."""
        if change.last and change.last < change.first - 1 == book.last_id:
            book.last_id = change.last - 1
            return change.last, change.last
        return super().covered(book, change)

    def _change(self, of: Instrument, change: Change, levels: Numbers, seq: int, receive_ns: int) -> None:
        """Levels are kept for checksums only where there are any."""
        if change.texts or not change.levels:
            super()._change(of, change, levels, seq, receive_ns)
        else:
            MarketAdapter._change(self, of, change, levels, seq, receive_ns)

    def _take(self, one: Told, numbers: Numbers, seq: int, receive_ns: int, *, live: bool = True) -> None:
        super()._take(one, numbers, seq, receive_ns, live=live)
        if isinstance(one, Due):
            self._own.funding[one.symbol] = (one.rate, one.due_ns)

    def _deal(
        self, of: Instrument, deal: Deal, numbers: tuple[int, int, int], seq: int, receive_ns: int, *, live: bool
    ) -> None:
        """Of several that are told together none may be known: what is left of them is a hole, and told one by one."""
        symbol, last_ns = deal.symbol, self._last_ns.get(deal.symbol, deal.time_ns)
        first = deal.first if isinstance(deal, Several) else deal.id.low
        ids = self._counted.ids.get(symbol, TradeIds())
        if any(_is_known(ids, id) for id in range(first, deal.id.low)):
            self.gathered.duplicates += 1
            return
        if first < deal.id.low:
            for id in range(first, deal.id.low):
                self._counted.arrive(symbol, id, receive_ns, last_ns, deal.time_ns, live=live)
            self._own.spent.spend(symbol, first, deal.id.low - 1, receive_ns)
        super()._deal(of, deal, numbers, seq, receive_ns, live=live)

    def _tell(self, seq: int, now_ns: int) -> None:
        self._own.spent.tell(self._counted, now_ns)
        super()._tell(seq, now_ns)


def _deal(one: wire.Trade) -> Several:
    id, count = wire.whole(one.tradeId), wire.whole(one.count or "1", MOST_TOGETHER)
    if not 1 <= count <= id + 1:
        raise BadFrame(f"trade {id} stands for {count} trades")
    made = Several(one.instId, counted(id), one.px, one.sz, SIDES[one.side], wire.time_ns(one.ts))
    made.first = id - count + 1
    return made


def _heard_books(frame: wire.Frame) -> Heard:
    if frame.action not in ("snapshot", "update"):
        raise BadFrame(f"a book with action {frame.action!r}; known are snapshot and update")
    symbol, told = frame.arg.instId, list[Told]()
    at_ns = UNKNOWN_NS
    for one in wire.books_decoder.decode(frame.data):
        change = _change(symbol, one, frame.action == "snapshot")
        told.append(change)
        at_ns = change.time_ns
        if one.checksum:
            told.append(Checksum(symbol, one.checksum, at_ns))
    return Heard(told, "books", at_ns)


def _change(symbol: str, one: wire.Book, snapshot: bool) -> Change:
    sides = ((BID, one.bids), (ASK, one.asks))
    levels = [(side, level[0], level[1]) for side, levels in sides for level in levels]
    texts = [f"{price}:{size}" for _, price, size in levels] if one.checksum else []
    first = 0 if snapshot or not one.seqId else one.prevSeqId + 1
    return Change(symbol, snapshot, levels, wire.time_ns(one.ts), first, max(one.seqId, 0), texts)


def _best(symbol: str, one: wire.Book) -> Best:
    (bid, bid_size), (ask, ask_size) = (levels[0][:2] if levels else ("0", "0") for levels in (one.bids, one.asks))
    return Best(symbol, bid, bid_size, ask, ask_size, wire.time_ns(one.ts), max(one.seqId, 0))


def _ticker(one: wire.Ticker) -> Best:
    bid, bid_size, ask, ask_size = (text or "0" for text in (one.bidPx, one.bidSz, one.askPx, one.askSz))
    return Best(one.instId, bid, bid_size, ask, ask_size, wire.time_ns(one.ts))


def _is_known(ids: TradeIds, id: int) -> bool:
    return ids.first_id <= id < ids.next_id and not ids.missing_in(id, id)


def _streams_of(symbol: str, streams: Sequence[str]) -> Sequence[str]:
    kind = wire.type_of(symbol)
    return [stream for stream in streams if kind in ONLY.get(stream, (kind,))]


def _from_id(answer: Answer) -> int:
    return int(asked(answer.url, "after") or PAGE) - PAGE


ENTRY = VenueEntry(
    adapter=Okx,
    streams=STREAMS,
    lines=lines,
    venue_symbol=wire.venue_symbol,
    rest_url="https://www.okx.com",
    stream_url="wss://ws.okx.com:8443",
    ws_api_url="",
    weight_per_minute=300,
    clock=("/api/v5/public/time", read_clock),
    recorded=(("okx", "OKX", "OKEX"), Recorded(wire.VENUE, purpose_of)),
    proof=Proof(
        trades="contiguous ids, fetched by REST",
        books="each change names the one before, a new snapshot by REST; checksums in what was recorded before 2026",
        documented="2026-11-22",
        sessions=(
            "raw/cryptofeed/OKEX_2021-07-22.jsonl.gz",
            "raw/cryptofeed/OKX_2022-05-13.jsonl.gz",
        ),
        unproven="seqId, snapshots by REST, several trades told as one, funding, liquidations",
    ),
    ids_count=True,
)
