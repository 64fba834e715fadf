"""Deribit, perpetuals, futures, options and spot: trades, order book, best bid and ask, funding, liquidations.

After docs.deribit.com: subscriptions trades, book, quote and ticker (`.100ms`; `.raw` needs a key today and is in recordings),
heartbeats, public/get_instrument, get_last_trades_by_instrument, get_time, as of 2026-11.
Book rule: a snapshot, then changes of which each names the id of the one before it (0: the book was empty until then).
Trades: `trade_seq` is contiguous per instrument, so that is the id that is kept; a hole is asked for by REST. Trades tell of
liquidations. Funding is paid all the time; the ticker tells the rate. Best bid and ask come by quote, not by ticker.
Sizes are amounts as the venue sends them: US dollars of inverse perpetuals and futures, coins of all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec

from ninefold.journal.inputs import Answer
from ninefold.journal.recordings import Recorded
from ninefold.market.arrays import ASK, BID, BUY, SELL
from ninefold.market.instruments import Instrument
from ninefold.market.numbers import to_units
from ninefold.market.time import UNKNOWN_NS
from ninefold.venues import deribit_wire as wire
from ninefold.venues.adapter import BadFrame, Line, Question
from ninefold.venues.asked import asked, purpose_of
from ninefold.venues.entry import Proof, VenueEntry
from ninefold.venues.market_adapter import NOTHING, Heard, MarketAdapter
from ninefold.venues.told import (
    MILLISECOND_NS,
    Best,
    Change,
    Deal,
    Due,
    Forced,
    Levels,
    Told,
    counted,
    number,
    number_or_none,
)

STREAMS = ("trades", "book", "quote", "ticker")
TEST, TEST_S = b'{"jsonrpc":"2.0","id":2,"method":"public/test","params":{}}', 5.0
PAGE = 1000
SIDES = {"buy": BUY, "sell": SELL}


def lines(symbols: list[str], streams: tuple[str, ...] = STREAMS) -> tuple[Line, ...]:
    """One websocket, one message for all channels ("BTC-PERPETUAL"); asked now and then, the venue keeps it open."""
    say = (_subscription("subscribe", streams, symbols),)
    return (Line("/ws/api/v2", tuple(symbols), streams, say, TEST, TEST_S),)


def read_clock(body: bytes) -> float:
    """The venue's time, in seconds, from its answer. raises: msgspec.DecodeError."""
    return wire.time_decoder.decode(wire.answer_decoder.decode(body).result) / 1000


def venue_symbol(symbol: str) -> str:
    """As the venue writes ccxt's symbols.

    >>> [venue_symbol(one) for one in ("BTC/USD:BTC", "ETH/USDC:USDC", "BTC/USDC", "BTC/USD:BTC-261225-100000-C")]
    ['BTC-PERPETUAL', 'ETH_USDC-PERPETUAL', 'BTC_USDC', 'BTC-25DEC26-100000-C']
    """
    pair, _, rest = symbol.partition(":")
    base, _, quote = pair.partition("/")
    settle, *more = rest.split("-")
    if not settle:
        return f"{base}_{quote}"
    name = base if settle == base else f"{base}_{quote}"
    if not more:
        return name + "-PERPETUAL"
    day, month, year = int(more[0][4:6]), wire.MONTHS[int(more[0][2:4]) - 1], more[0][:2]
    return "-".join([name, f"{day}{month}{year}", *(part.replace(".", "d") for part in more[1:])])


class Deribit(MarketAdapter):
    venue = wire.VENUE
    default_streams = STREAMS
    weights: ClassVar[dict[str, int]] = {"get_instrument": 1, "get_instruments": 1, "get_last_trades_by_instrument": 1}

    def start_questions(self) -> list[Question]:
        path = "/api/v2/public/get_instrument?instrument_name="
        return [Question("get_instrument", path + symbol) for symbol in sorted(self._wanted or ())]

    def read(self, payload: bytes) -> Heard:
        frame = wire.frame_decoder.decode(payload)
        if frame.error is not None:
            raise BadFrame(f"the venue says: {frame.error.message} ({frame.error.code})")
        if frame.method == "heartbeat":
            return Heard(note="test") if frame.params is not None and frame.params.type == "test_request" else NOTHING
        if bytes(frame.result):
            return NOTHING
        if frame.params is None:
            raise BadFrame(f"method {frame.method!r} came without params")
        stream, data = frame.params.channel.partition(".")[0], frame.params.data
        match stream:
            case "trades":
                trades = wire.trades_decoder.decode(data)
                at_ns = max((trade.timestamp for trade in trades), default=0) * MILLISECOND_NS or UNKNOWN_NS
                return Heard(_deals(trades), stream, at_ns)
            case "book":
                change = _change(wire.book_decoder.decode(data))
                return Heard([change], stream, change.time_ns)
            case "quote":
                best = _best(wire.quote_decoder.decode(data))
                return Heard([best], stream, best.time_ns)
            case "ticker":
                ticker = wire.ticker_decoder.decode(data)
                return Heard(_funding(ticker), stream, ticker.timestamp * MILLISECOND_NS)
        raise BadFrame(f"channel {frame.params.channel!r} is none of {', '.join(STREAMS)}")

    def noted(self, note: object, seq: int, receive_ns: int) -> None:
        """The venue asks whether we are there."""
        self.say.append(TEST)

    def read_answer(self, answer: Answer) -> Sequence[Told]:
        result = wire.answer_decoder.decode(answer.body).result
        if answer.purpose == "get_instrument":
            return wire.listings([wire.instrument_decoder.decode(result)])
        if answer.purpose == "get_instruments":
            return wire.listings(wire.instruments_decoder.decode(result))
        return [one for one in _deals(wire.past_decoder.decode(result).trades) if isinstance(one, Deal)]

    def answered(self, answer: Answer, told: Sequence[Told]) -> None:
        if answer.purpose == "get_last_trades_by_instrument":
            symbol, first = asked(answer.url, "instrument_name"), int(asked(answer.url, "start_seq") or 0)
            last = max((one.id.low for one in told if isinstance(one, Deal)), default=first - 1)
            self._counted.answered(symbol, first, last, more=len(told) >= PAGE)

    def ask_trades(self, symbol: str, from_id: int | None) -> None:
        asked = f"instrument_name={symbol}&start_seq={from_id}&count={PAGE}&sorting=asc"
        path = f"/api/v2/public/get_last_trades_by_instrument?{asked}"
        self.questions.append(Question("get_last_trades_by_instrument", path))

    def ask_book(self, symbol: str, not_before_ns: int) -> None:
        self.say += (_subscription(method, ("book",), [symbol]) for method in ("unsubscribe", "subscribe"))

    def unlisted(self, symbol: str) -> Instrument:
        return wire.unlisted(symbol)


def _deals(trades: list[wire.Trade]) -> list[Told]:
    """Trades by rising id, and the positions that were closed by force in them."""
    told: list[Told] = []
    for trade in sorted(trades, key=lambda trade: trade.trade_seq):
        symbol, price, size = trade.instrument_name, number(trade.price), number(trade.amount)
        side, at_ns = SIDES[trade.direction], trade.timestamp * MILLISECOND_NS
        told.append(Deal(symbol, counted(trade.trade_seq), price, size, side, at_ns))
        told += (Forced(symbol, side if who == "T" else -side, price, size, at_ns) for who in trade.liquidation)
    return told


def _change(book: wire.Book) -> Change:
    levels: Levels = [
        (side, number(one.price), "0" if one.action == "delete" else number(one.amount))
        for side, levels in ((BID, book.bids), (ASK, book.asks))
        for one in levels
    ]
    before, at_ns = book.prev_change_id or 0, book.timestamp * MILLISECOND_NS
    return Change(
        book.instrument_name, book.type == "snapshot" or not before, levels, at_ns, before + 1, book.change_id
    )


def _best(quote: wire.Quote) -> Best:
    bid, bid_size = number_or_none(quote.best_bid_price), number_or_none(quote.best_bid_amount)
    ask, ask_size = number_or_none(quote.best_ask_price), number_or_none(quote.best_ask_amount)
    return Best(quote.instrument_name, bid, bid_size, ask, ask_size, quote.timestamp * MILLISECOND_NS)


def _funding(ticker: wire.Ticker) -> list[Told]:
    if bytes(ticker.current_funding) == b"null":  # no perpetual
        return []
    rate, at_ns = number(ticker.current_funding), ticker.timestamp * MILLISECOND_NS
    to_units(rate, 18)
    return [Due(ticker.instrument_name, rate, 0, at_ns, number(ticker.mark_price))]


def _subscription(method: str, streams: Sequence[str], symbols: Sequence[str]) -> bytes:
    channels = [f"{one}.{of}" + ("" if one == "quote" else ".100ms") for of in symbols for one in streams]
    params = {"channels": channels}
    return msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": f"public/{method}", "params": params})


ENTRY = VenueEntry(
    adapter=Deribit,
    streams=STREAMS,
    lines=lines,
    venue_symbol=venue_symbol,
    rest_url="https://www.deribit.com",
    stream_url="wss://www.deribit.com",
    ws_api_url="",
    weight_per_minute=300,
    clock=("/api/v2/public/get_time", read_clock),
    recorded=(("deribit", "DERIBIT"), Recorded(wire.VENUE, purpose_of)),
    proof=Proof(
        trades="contiguous numbers in each instrument, fetched by REST",
        books="each change names the one before it; a new snapshot by subscribing again",
        documented="2026-11-22",
        sessions=("raw/cryptofeed/DERIBIT_2021-04-17.jsonl.gz",),
        unproven="trades, quote, funding (the session has none)",
    ),
)
