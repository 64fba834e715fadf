"""Deribit, perpetuals, futures, options and spot: trades, order book, best bid and ask, funding, liquidations.

After docs.deribit.com: subscriptions trades, book, quote and ticker (`.100ms`; `.raw` needs a key today and is in recordings),
heartbeats, public/get_instrument, get_last_trades_by_instrument, get_time, as of 2026-11.
Book rule: a snapshot, then changes of which each names the id of the one before it (0: the book was empty until then).
Trades: `trade_seq` is contiguous per instrument, so that is the id that is kept; a hole is asked for by REST. Trades tell of
liquidations. Funding is paid all the time; the ticker tells the rate. Best bid and ask come by quote, not by ticker.
Sizes are amounts as the venue sends them: US dollars of inverse perpetuals and futures, coins of all others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal
from urllib.parse import parse_qs, urlsplit

import msgspec

from ninefold.journal.inputs import Answer
from ninefold.market.arrays import ASK, BID, BUY, SELL
from ninefold.market.instruments import Instrument
from ninefold.market.numbers import to_units
from ninefold.market.time import UNKNOWN_NS
from ninefold.venues.adapter import BadFrame, Line, Question
from ninefold.venues.listing import contract, ruled
from ninefold.venues.market_adapter import NOTHING, Heard, MarketAdapter
from ninefold.venues.told import (
    MILLISECOND_NS,
    Best,
    Change,
    Count,
    Deal,
    Due,
    Forced,
    Levels,
    Milliseconds,
    Told,
    counted,
    day_of,
    number,
    number_or_none,
    short,
)

VENUE = "deribit"
STREAMS = ("trades", "book", "quote", "ticker")
REST_URL = "https://www.deribit.com"
STREAM_URL = "wss://www.deribit.com"
TEST, TEST_S = b'{"jsonrpc":"2.0","id":2,"method":"public/test","params":{}}', 15.0
PAGE = 1000
MOST_MS = 253_402_300_799_999  # the year 9999; what never expires does in the year 3000
SIDES = {"buy": BUY, "sell": SELL}
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DATE = re.compile(r"([0-9]{1,2})([A-Z]{3})([0-9]{2})", re.ASCII)


class _Params(msgspec.Struct, gc=False):
    channel: str = ""
    data: msgspec.Raw = msgspec.Raw(b"{}")
    type: str = ""


class _Error(msgspec.Struct, gc=False):
    code: int
    message: str


class _Frame(msgspec.Struct, gc=False):
    method: str = ""
    params: _Params | None = None
    result: msgspec.Raw = msgspec.Raw(b"")
    error: _Error | None = None


class _Trade(msgspec.Struct, gc=False):
    """liquidation: who was under it, T the taker, M the maker."""

    instrument_name: str
    trade_seq: Count
    timestamp: Milliseconds
    price: msgspec.Raw
    amount: msgspec.Raw
    direction: Literal["buy", "sell"]
    liquidation: Literal["", "T", "M", "MT"] = ""


class _Level(msgspec.Struct, array_like=True, gc=False):
    action: Literal["new", "change", "delete"]
    price: msgspec.Raw
    amount: msgspec.Raw


class _Book(msgspec.Struct, gc=False):
    instrument_name: str
    timestamp: Milliseconds
    change_id: Count
    bids: list[_Level]
    asks: list[_Level]
    prev_change_id: Count | None = None
    type: Literal["snapshot", "change", ""] = ""


class _Quote(msgspec.Struct, gc=False):
    instrument_name: str
    timestamp: Milliseconds
    best_bid_price: msgspec.Raw
    best_bid_amount: msgspec.Raw
    best_ask_price: msgspec.Raw
    best_ask_amount: msgspec.Raw


class _Ticker(msgspec.Struct, gc=False):
    instrument_name: str
    timestamp: Milliseconds
    mark_price: msgspec.Raw
    current_funding: msgspec.Raw = msgspec.Raw(b"null")


class _Instrument(msgspec.Struct, gc=False):
    instrument_name: str
    kind: str
    base_currency: str
    quote_currency: str
    tick_size: msgspec.Raw
    min_trade_amount: msgspec.Raw
    settlement_period: str = ""
    expiration_timestamp: Annotated[int, msgspec.Meta(ge=0, le=MOST_MS)] = 0
    counter_currency: str = ""
    settlement_currency: str = ""
    strike: msgspec.Raw = msgspec.Raw(b"0")
    option_type: str = ""


class _Past(msgspec.Struct, gc=False):
    trades: list[_Trade]
    has_more: bool = False


class _Answer(msgspec.Struct, gc=False):
    result: msgspec.Raw


_frame_decoder = msgspec.json.Decoder(_Frame)
_trades_decoder = msgspec.json.Decoder(list[_Trade])
_book_decoder = msgspec.json.Decoder(_Book)
_quote_decoder = msgspec.json.Decoder(_Quote)
_ticker_decoder = msgspec.json.Decoder(_Ticker)
_answer_decoder = msgspec.json.Decoder(_Answer)
_past_decoder = msgspec.json.Decoder(_Past)
_instrument_decoder = msgspec.json.Decoder(_Instrument)
_instruments_decoder = msgspec.json.Decoder(list[_Instrument])
_time_decoder = msgspec.json.Decoder(Milliseconds)


def line(symbols: list[str], streams: tuple[str, ...] = STREAMS) -> Line:
    """One websocket, one message for all channels ("BTC-PERPETUAL"); asked now and then, the venue keeps it open."""
    return Line("/ws/api/v2", (_subscription("subscribe", streams, symbols),), TEST, TEST_S)


def purpose(url: str) -> str:
    """What a recorded REST question was for."""
    return urlsplit(url).path.rpartition("/")[2]


def read_clock(body: bytes) -> float:
    """The venue's time, in seconds, from its answer. raises: msgspec.DecodeError."""
    return _time_decoder.decode(_answer_decoder.decode(body).result) / 1000


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
    day, month, year = int(more[0][4:6]), MONTHS[int(more[0][2:4]) - 1], more[0][:2]
    return "-".join([name, f"{day}{month}{year}", *(part.replace(".", "d") for part in more[1:])])


class Deribit(MarketAdapter):
    venue = VENUE
    default_streams = STREAMS
    weights: ClassVar[dict[str, int]] = {"get_instrument": 1, "get_instruments": 1, "get_last_trades_by_instrument": 1}

    def start_questions(self) -> list[Question]:
        path = "/api/v2/public/get_instrument?instrument_name="
        return [Question("get_instrument", path + symbol) for symbol in sorted(self._wanted or ())]

    def read(self, payload: bytes) -> Heard:
        frame = _frame_decoder.decode(payload)
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
                trades = _trades_decoder.decode(data)
                at_ns = max((trade.timestamp for trade in trades), default=0) * MILLISECOND_NS or UNKNOWN_NS
                return Heard(_deals(trades), stream, at_ns)
            case "book":
                change = _change(_book_decoder.decode(data))
                return Heard([change], stream, change.time_ns)
            case "quote":
                best = _best(_quote_decoder.decode(data))
                return Heard([best], stream, best.time_ns)
            case "ticker":
                ticker = _ticker_decoder.decode(data)
                return Heard(_funding(ticker), stream, ticker.timestamp * MILLISECOND_NS)
        raise BadFrame(f"channel {frame.params.channel!r} is none of {', '.join(STREAMS)}")

    def noted(self, note: object, seq: int, receive_ns: int) -> None:
        """The venue asks whether we are there."""
        self.say.append(TEST)

    def read_answer(self, answer: Answer) -> Sequence[Told]:
        result = _answer_decoder.decode(answer.body).result
        if answer.purpose == "get_instrument":
            return _listings([_instrument_decoder.decode(result)])
        if answer.purpose == "get_instruments":
            return _listings(_instruments_decoder.decode(result))
        return [one for one in _deals(_past_decoder.decode(result).trades) if isinstance(one, Deal)]

    def answered(self, answer: Answer, told: Sequence[Told]) -> None:
        if answer.purpose == "get_last_trades_by_instrument":
            query = parse_qs(urlsplit(answer.url).query)
            symbol, first = query.get("instrument_name", [""])[0], int(query.get("start_seq", ["0"])[0])
            last = max((one.id.low for one in told if isinstance(one, Deal)), default=first - 1)
            self._counted.answered(symbol, first, last, more=len(told) >= PAGE)

    def ask_trades(self, symbol: str, from_id: int | None) -> None:
        asked = f"instrument_name={symbol}&start_seq={from_id}&count={PAGE}&sorting=asc"
        path = f"/api/v2/public/get_last_trades_by_instrument?{asked}"
        self.questions.append(Question("get_last_trades_by_instrument", path))

    def ask_book(self, symbol: str, not_before_ns: int) -> None:
        self.say += (_subscription(method, ("book",), [symbol]) for method in ("unsubscribe", "subscribe"))

    def unlisted(self, symbol: str) -> Instrument:
        """What its name says. Combinations of several instruments are none."""
        name, *more = symbol.split("-")
        base, _, quote = name.partition("_")
        settle = quote or base
        of = ruled(VENUE, symbol, base, quote or "USD")
        if not more:
            return of
        if more == ["PERPETUAL"]:
            return contract(of, "swap", settle)
        date = DATE.fullmatch(more[0])
        if date is None or date[2] not in MONTHS or len(more) not in (1, 3):
            raise BadFrame(f"instrument {symbol!r} is no spot pair, perpetual, future or option by its name")
        day = f"{date[3]}{MONTHS.index(date[2]) + 1:02}{int(date[1]):02}"
        strike = [part.replace("d", ".") for part in more[1:]]
        return contract(of, "option" if strike else "future", settle, "-".join([day, *strike]))


def _deals(trades: list[_Trade]) -> list[Told]:
    """Trades by rising id, and the positions that were closed by force in them."""
    told: list[Told] = []
    for trade in sorted(trades, key=lambda trade: trade.trade_seq):
        symbol, price, size = trade.instrument_name, number(trade.price), number(trade.amount)
        side, at_ns = SIDES[trade.direction], trade.timestamp * MILLISECOND_NS
        told.append(Deal(symbol, counted(trade.trade_seq), price, size, side, at_ns))
        told += (Forced(symbol, side if who == "T" else -side, price, size, at_ns) for who in trade.liquidation)
    return told


def _change(book: _Book) -> Change:
    levels: Levels = [
        (side, number(one.price), "0" if one.action == "delete" else number(one.amount))
        for side, levels in ((BID, book.bids), (ASK, book.asks))
        for one in levels
    ]
    before, at_ns = book.prev_change_id or 0, book.timestamp * MILLISECOND_NS
    return Change(
        book.instrument_name, book.type == "snapshot" or not before, levels, at_ns, before + 1, book.change_id
    )


def _best(quote: _Quote) -> Best:
    bid, bid_size = number_or_none(quote.best_bid_price), number_or_none(quote.best_bid_amount)
    ask, ask_size = number_or_none(quote.best_ask_price), number_or_none(quote.best_ask_amount)
    return Best(quote.instrument_name, bid, bid_size, ask, ask_size, quote.timestamp * MILLISECOND_NS)


def _funding(ticker: _Ticker) -> list[Told]:
    if bytes(ticker.current_funding) == b"null":  # no perpetual
        return []
    rate, at_ns = number(ticker.current_funding), ticker.timestamp * MILLISECOND_NS
    to_units(rate, 18)
    return [Due(ticker.instrument_name, rate, 0, at_ns, number(ticker.mark_price))]


def _listings(found: list[_Instrument]) -> list[Told]:
    """Combinations of several instruments are left out."""
    told: list[Told] = []
    for one in found:
        tick, lot = number(one.tick_size), number(one.min_trade_amount)
        base, quote = one.base_currency, one.counter_currency or one.quote_currency
        quote = "USD" if quote == base else quote  # as older lists of options have it
        settle = one.settlement_currency or base
        of = ruled(VENUE, one.instrument_name, base, quote, tick=short(tick), lot=short(lot), least=short(lot))
        if one.kind == "spot":
            told.append(of)
        elif one.settlement_period == "perpetual":
            told.append(contract(of, "swap", settle))
        elif one.kind == "future":
            told.append(contract(of, "future", settle, day_of(one.expiration_timestamp)))
        elif one.kind == "option":
            end = f"-{short(number(one.strike))}-{'C' if one.option_type == 'call' else 'P'}"
            told.append(contract(of, "option", settle, day_of(one.expiration_timestamp) + end))
    return told


def _subscription(method: str, streams: Sequence[str], symbols: Sequence[str]) -> bytes:
    channels = [f"{one}.{of}" + ("" if one == "quote" else ".100ms") for of in symbols for one in streams]
    params = {"channels": channels}
    return msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": f"public/{method}", "params": params})
