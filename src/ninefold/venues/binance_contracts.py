"""Binance futures, USD-M and COIN-M: trades, order book, best bid and ask, funding, liquidations.

After developers.binance.com, "USD-M Futures" and "COIN-M Futures": WebSocket streams, "How to manage a local order
book correctly", "Important WebSocket Change Notice", REST market data, as of 2026-11.
USD-M gives trades and books at /public, aggregates, marks and liquidations at /market: a websocket each. COIN-M gives all at
one address. `@trade` is not documented, but sent. Its ids are contiguous; REST tells the last 1000 of its trades, and all of 48
hours of the aggregates. An id that REST leaves out, or of another kind (X) than MARKET, was no trade of the market.
Book rule: the change after a snapshot begins before its id or at it, and each names the last id of the one before (pu):
the ids between belong to others, so a change covers all from pu + 1 to u.
The venue tells one liquidation of each second at most.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar

import msgspec

from ninefold.journal.inputs import Answer
from ninefold.journal.recordings import Recorded
from ninefold.market.arrays import ID_AGGREGATE, UNKNOWN_SIDE
from ninefold.market.instruments import Instrument
from ninefold.market.time import SECOND_NS, UNKNOWN_NS
from ninefold.venues import binance_contracts_wire as wire
from ninefold.venues.adapter import BadFrame, Line, Question
from ninefold.venues.asked import asked, purpose_of
from ninefold.venues.binance_contracts_told import READERS, dealt, due, levels
from ninefold.venues.binance_contracts_wire import COINM, USDM, Market
from ninefold.venues.binance_paths import asked_for
from ninefold.venues.binance_wire import past_trades_decoder, read_clock, wrapper_decoder
from ninefold.venues.entry import Proof, VenueEntry
from ninefold.venues.lines import numbered
from ninefold.venues.market_adapter import NOTHING, Heard, MarketAdapter, Numbers
from ninefold.venues.sequence import TradeIds
from ninefold.venues.spent_ids import SpentIds
from ninefold.venues.told import MILLISECOND_NS, Change, Deal, Due, Id, Told, counted

USDM_STREAMS = ("trade", "depth@100ms", "bookTicker", "markPrice", "forceOrder")
COINM_STREAMS = ("aggTrade", "depth@100ms", "bookTicker", "markPrice", "forceOrder")
PUBLIC = frozenset({"trade", "depth", "bookTicker"})  # what USD-M gives at /public; all else is at /market
NOT_WANTED = frozenset({"kline", "continuousKline", "ticker", "miniTicker"})
TRADES = frozenset({"trade", "aggTrade"})
RARE = frozenset({"forceOrder"})  # what may not come for hours
PING, PING_S = b'{"method":"LIST_SUBSCRIPTIONS","id":1}', 5.0  # quiet contracts pause long; this is always answered
PAGE = 1000
BEHIND_NS = SECOND_NS  # REST knows a trade a little later than the stream does


class _Own(msgspec.Struct):
    """kinds: of the trades of a symbol, single ones or aggregates. funding: what was told last of a symbol.
    spent: ids that were no trades.
    """

    kinds: dict[str, int] = {}
    funding: dict[str, tuple[str, int]] = {}
    spent: SpentIds = msgspec.field(default_factory=SpentIds)


def usdm_lines(symbols: list[str], streams: tuple[str, ...] = USDM_STREAMS) -> tuple[Line, ...]:
    """Combined streams of all symbols ("BTCUSDT") at the two entry points. raises: ValueError."""
    public = tuple(stream for stream in streams if _kind(stream) in PUBLIC)
    other = tuple(stream for stream in streams if stream not in public)
    if {_kind(stream) for stream in streams} >= TRADES:
        raise ValueError(
            "binanceusdm tells trades and aggregates of the same; name trade or aggTrade among its streams"
        )
    made = [("/public", public)] if public or not other else []
    made += [("/market", other)] if other else []
    return numbered(one for entry, kinds in made for one in _lines(entry, symbols, kinds))


def coinm_lines(symbols: list[str], streams: tuple[str, ...] = COINM_STREAMS) -> tuple[Line, ...]:
    """Combined streams of all symbols ("BTCUSD_PERP")."""
    return numbered(_lines("", symbols, streams))


def _lines(entry: str, symbols: list[str], streams: tuple[str, ...]) -> Iterator[Line]:
    kinds = {_kind(stream) for stream in streams}
    asked: dict[str, Any] = {"quiet_s": math.inf} if kinds <= RARE else {"ping": PING, "ping_s": PING_S}
    for part, path, say in asked_for(symbols, streams):
        yield Line(entry + path, part, streams, say, trades=not kinds.isdisjoint(TRADES), **asked)


def _purpose(url: str) -> str:
    """What a recorded REST question was for."""
    last = purpose_of(url)
    return "trades" if last == "historicalTrades" else last


class BinanceContracts(MarketAdapter):
    """wanted: the venue symbols that were subscribed ("BTCUSDT"); None takes whatever a recording holds.
    streams: the kinds that were subscribed for each."""

    market: Market
    books_wait = True
    weights: ClassVar[dict[str, int]] = {
        "exchangeInfo": 1,
        "depth": 20,
        "trades": 5,
        "aggTrades": 20,
        "premiumIndex": 1,
    }

    def begin(self) -> None:
        super().begin()
        self._own = _Own()
        self._now_ns = 0

    def start_questions(self) -> list[Question]:
        """What to ask once before the first stream: the rules of all contracts, for fewer cannot be asked for."""
        return [self._question("exchangeInfo")]

    def unlisted(self, symbol: str) -> Instrument:
        return wire.guessed(self.market, symbol)

    def mark(self) -> bytes:
        return msgspec.msgpack.encode(self._own, order="deterministic")

    def unmark(self, own: bytes) -> None:
        self._own = msgspec.msgpack.decode(own, type=_Own)

    # frames

    def read(self, payload: bytes) -> Heard:
        try:
            wrapper = wrapper_decoder.decode(payload)
        except msgspec.DecodeError:
            if payload.startswith(b'{"result":'):  # of what is said here only questions have an answer
                return NOTHING
            raise
        stream = wrapper.stream.partition("@")[2]
        if _kind(stream) in NOT_WANTED:
            return NOTHING
        reader = READERS.get(_kind(stream))
        if reader is None:
            raise BadFrame(f"stream {wrapper.stream!r} is none of {', '.join(READERS)}")
        told, time_ms = reader(wrapper.data)
        return Heard(list(self._changed(told)), stream, time_ms * MILLISECOND_NS)

    def _changed(self, told: Sequence[Told]) -> Iterator[Told]:
        """Funding is told when it changes; what is delivered has no rate."""
        for one in told:
            if not isinstance(one, Due) or (
                one.rate and one.due_ns and self._own.funding.get(one.symbol) != (one.rate, one.due_ns)
            ):
                yield one

    # answers

    def read_answer(self, answer: Answer) -> Sequence[Told]:
        symbol = asked(answer.url, "symbol")
        match answer.purpose:
            case "exchangeInfo":
                return self._rules_told(wire.exchange_info_decoder.decode(answer.body))
            case "depth":
                book = wire.snapshot_decoder.decode(answer.body)
                time_ns = book.T * MILLISECOND_NS or UNKNOWN_NS
                return [Change(symbol, True, levels(book.bids, book.asks), time_ns, last=book.lastUpdateId)]
            case "trades":
                trades = sorted(past_trades_decoder.decode(answer.body), key=lambda trade: trade.id)
                return [
                    dealt(symbol, counted(past.id), past.price, past.qty, past.isBuyerMaker, past.time)
                    for past in trades
                ]
            case "aggTrades":
                return [
                    dealt(symbol, Id(ID_AGGREGATE, 0, past.a), past.p, past.q, past.m, past.T)
                    for past in wire.past_aggregates_decoder.decode(answer.body)
                ]
        one = wire.premium_decoder.decode(answer.body)
        told = due(one.symbol, one.lastFundingRate, one.nextFundingTime, one.markPrice, one.time)
        return list(self._changed([told]))

    def answered(self, answer: Answer, told: Sequence[Told]) -> None:
        symbol = asked(answer.url, "symbol")
        ids = [one.id.low for one in told if isinstance(one, Deal)]
        if answer.purpose == "aggTrades":
            from_id = int(asked(answer.url, "fromId") or 0)
            self._counted.answered(symbol, from_id, max(ids, default=from_id - 1), more=len(ids) >= PAGE)
        elif ids:
            self._close(symbol, min(ids), max(ids))
        elif answer.purpose == "trades":
            self._counted.forget_questions()

    def _close(self, symbol: str, first: int, last: int) -> None:
        """Of first..last all trades are known now: what is still missing of them was no trade of the market."""
        series = self._counted.ids.get(symbol, TradeIds())
        for a, b in series.missing_in(first, last):
            self._own.spent.spend(symbol, a, b, 0)
        outside = (part for a, b in series.missing for part in ((a, min(b, first - 1)), (max(a, last + 1), b)))
        series.missing = [(a, b) for a, b in outside if a <= b]
        self._counted.answered(symbol, last + 1, last, more=False)

    def _rules_told(self, info: wire.ExchangeInfo) -> list[Told]:
        """Of the wanted contracts, or of all. raises: BadFrame if one is not there."""
        told = {contract.symbol: contract for contract in info.symbols}
        names = sorted(told if self._wanted is None else {*self._instruments, *self._wanted})
        for name in names:
            if name not in told:
                raise BadFrame(f"{name!r} is not among the {len(told)} contracts that the venue lists")
        return [wire.listing(self.market, told[name]) for name in names]

    # parts

    def ask_book(self, symbol: str, not_before_ns: int) -> None:
        self.questions.append(self._question("depth", f"symbol={symbol}&limit={PAGE}", not_before_ns))

    def ask_trades(self, symbol: str, from_id: int | None) -> None:
        if self._own.kinds.get(symbol) == ID_AGGREGATE:
            question = self._question("aggTrades", f"symbol={symbol}&fromId={from_id}&limit={PAGE}")
        else:
            question = self._question("trades", f"symbol={symbol}&limit={PAGE}", self._now_ns + BEHIND_NS)
        self.questions.append(question)

    def _take(self, one: Told, numbers: Numbers, seq: int, receive_ns: int, *, live: bool = True) -> None:
        super()._take(one, numbers, seq, receive_ns, live=live)
        if isinstance(one, Due):
            self._own.funding[one.symbol] = (one.rate, one.due_ns)

    def _deal(
        self, of: Instrument, deal: Deal, numbers: tuple[int, int, int], seq: int, receive_ns: int, *, live: bool
    ) -> None:
        """Single trades and aggregates tell the same: whichever a symbol began with counts."""
        symbol, (kind, high, id) = deal.symbol, deal.id
        last_ns = self._last_ns.get(symbol, deal.time_ns)
        if self._own.kinds.setdefault(symbol, kind) != kind or not self._counted.arrive(
            symbol, id, receive_ns, last_ns, deal.time_ns, live=live
        ):
            self.gathered.duplicates += 1
            return
        self._last_ns[symbol] = max(deal.time_ns, last_ns)
        side, price, size = numbers
        if side == UNKNOWN_SIDE:
            self._own.spent.spend(symbol, id, id, receive_ns)
        else:
            row = (of.id, deal.time_ns, receive_ns, seq, kind, high, id, price, size, side)
            self.gathered.trades.append(row)

    def _tell(self, seq: int, now_ns: int) -> None:
        """As for all. Of ids that were no trades it is told once a minute that nothing is missing there."""
        self._now_ns = now_ns
        self._own.spent.tell(self._counted, now_ns)
        super()._tell(seq, now_ns)

    def _question(self, purpose: str, query: str = "", not_before_ns: int = 0) -> Question:
        path = f"{self.market.api}/{purpose}" + (f"?{query}" if query else "")
        return Question(purpose, path, self.weights[purpose], not_before_ns)


def _kind(stream: str) -> str:
    """'depth@100ms' is of the kind depth, 'kline_1m' of the kind kline."""
    return stream.partition("@")[0].partition("_")[0]


class UsdmContracts(BinanceContracts):
    market, venue, default_streams = USDM, USDM.venue, USDM_STREAMS


class CoinmContracts(BinanceContracts):
    market, venue, default_streams = COINM, COINM.venue, COINM_STREAMS


def _entry(
    adapter: type[BinanceContracts],
    lines: Callable[[list[str], tuple[str, ...]], tuple[Line, ...]],
    letter: str,
    recorded: tuple[str, ...],
    symbols: str,
    proof: Proof,
) -> VenueEntry:
    """letter: that the market's addresses begin with; symbols: as recordings of books write them."""
    market = adapter.market
    return VenueEntry(
        adapter=adapter,
        streams=adapter.default_streams,
        lines=lines,
        venue_symbol=partial(wire.venue_symbol, market),
        rest_url=f"https://{letter}api.binance.com",
        stream_url=f"wss://{letter}stream.binance.com",
        ws_api_url="",
        weight_per_minute=2400,
        clock=(f"{market.api}/time", read_clock),
        recorded=(recorded, Recorded(market.venue, _purpose, f"{market.api}/depth?symbol={symbols}")),
        proof=proof,
        ids_count=True,
    )


USDM_ENTRY = _entry(
    UsdmContracts,
    usdm_lines,
    letter="f",
    recorded=("binance-usdm", "BINANCE_FUTURES"),
    symbols="{}",
    proof=Proof(
        trades="contiguous ids; the last 1000 trades, or 48 hours of aggregates, fetched by REST",
        books="each change names the one before, a new snapshot by REST",
        documented="2026-11-22",
        sessions=(
            "raw/cryptofeed/BINANCE_FUTURES_2021-04-05.jsonl.gz",
            "orderbook/binance_usdm_btcusdt_20240808.jsonl.gz",
        ),
        unproven="entry points /public and /market, ids that were no trades, markPrice, forceOrder, REST of trades",
    ),
)
COINM_ENTRY = _entry(
    CoinmContracts,
    coinm_lines,
    letter="d",
    recorded=("binance-coinm", "BINANCE_DELIVERY"),
    symbols="{}_PERP",
    proof=Proof(
        trades="contiguous ids of aggregates, 48 hours of them fetched by REST",
        books="each change names the one before, a new snapshot by REST",
        documented="2026-11-22",
        sessions=(
            "raw/cryptofeed/BINANCE_DELIVERY_2021-07-22.jsonl.gz",
            "orderbook/binance_cm_btcusd_perp_20240808.jsonl.gz",
        ),
        unproven="markPrice, forceOrder, REST of trades",
    ),
)
