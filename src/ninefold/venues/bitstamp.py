"""Bitstamp, spot and perpetuals: trades, order book, funding.

After www.bitstamp.net/websocket/v2 (live_trades, diff_order_book, funding_rate, bts:heartbeat) and www.bitstamp.net/api
(markets, order_book, transactions, ticker), as of 2026-11. Recordings of 2021 and 2022 speak the same protocol; only the
list of markets had another form then (trading-pairs-info), which is read too.
Book rule: changes carry no numbers, only the microsecond as of which they are; those up to that of the REST snapshot are in
it. REST lags behind: a snapshot from before the first change that waits is asked for again. A lost change shows nowhere.
Trade ids are shared by all markets, so none can be counted. After a lost connection the trades of the last hour are asked
for: nothing is missing if one is among them that came before, or if the loss is younger. Best bid and ask are not told.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar, Literal
from urllib.parse import urlsplit

import msgspec

from ninefold.journal.inputs import Answer
from ninefold.journal.recordings import Recorded
from ninefold.market.arrays import ASK, BID, BUY, SELL
from ninefold.market.instruments import Instrument, listed
from ninefold.market.numbers import INT64_MAX, to_units
from ninefold.market.time import HOUR_NS, MINUTE_NS, SECOND_NS
from ninefold.venues.adapter import BadFrame, Line, Question
from ninefold.venues.entry import Proof, VenueEntry
from ninefold.venues.market_adapter import NOTHING, Heard, MarketAdapter
from ninefold.venues.sequence import BookSync
from ninefold.venues.told import MICROSECOND_NS, Change, Count, Deal, Due, Levels, Told, short, sparse, step_of

VENUE = "bitstamp"
STREAMS = ("live_trades", "diff_order_book", "funding_rate")
PING, PING_S = b'{"event":"bts:heartbeat"}', 5.0  # quiet pairs pause longer than a connection may be silent
PERPETUAL = "-perp"
SPOT_STREAMS = ("live_trades", "diff_order_book")
SIDES = {"0": BUY, "1": SELL}
QUOTES = ("usdt", "usdc", "usd", "eurc", "eur", "gbp", "btc", "eth", "pax")
TELL_NOTHING = frozenset(
    {"bts:heartbeat", "bts:subscription_succeeded", "bts:unsubscription_succeeded", "bts:request_reconnect"}
)
FINER, SIZE_DECIMALS = 2, 8  # books hold orders from before a step became coarser
STAMP = re.compile(r"[0-9]{1,16}", re.ASCII)


class _Frame(msgspec.Struct, gc=False):
    event: str
    channel: str = ""
    data: msgspec.Raw = msgspec.Raw(b"{}")


class _Trade(msgspec.Struct, gc=False):
    id: Count
    amount_str: str
    price_str: str
    type: Literal[0, 1]
    microtimestamp: str


class _Book(msgspec.Struct, gc=False):
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]
    microtimestamp: str


class _Funding(msgspec.Struct, gc=False):
    funding_rate: str
    timestamp: str
    next_funding_time: str
    mark_price: str = "0"


class _PastTrade(msgspec.Struct, gc=False):
    date: str
    tid: str
    amount: str
    type: Literal["0", "1"]
    price: str


class _Market(msgspec.Struct, gc=False):
    name: str
    base_decimals: int
    counter_decimals: int
    market_symbol: str = ""
    url_symbol: str = ""  # of the older list
    market_type: str = "SPOT"
    contract_size: str = "1"
    minimum_order_value: str = "0"
    minimum_order_amount: str = "0"


class _Ticker(msgspec.Struct, gc=False):
    timestamp: str


_frame_decoder = msgspec.json.Decoder(_Frame)
_trade_decoder = msgspec.json.Decoder(_Trade)
_book_decoder = msgspec.json.Decoder(_Book)
_funding_decoder = msgspec.json.Decoder(_Funding)
_past_decoder = msgspec.json.Decoder(list[_PastTrade])
_markets_decoder = msgspec.json.Decoder(list[_Market])
_ticker_decoder = msgspec.json.Decoder(_Ticker)


def lines(symbols: list[str], streams: tuple[str, ...] = STREAMS) -> tuple[Line, ...]:
    """One websocket; a message for each channel ("btcusd", "btcusd-perp"), for those must be short."""
    say = tuple(
        msgspec.json.encode({"event": "bts:subscribe", "data": {"channel": f"{stream}_{symbol}"}})
        for symbol in symbols
        for stream in streams
        if symbol.endswith(PERPETUAL) or stream in SPOT_STREAMS
    )
    return (Line("/", tuple(symbols), streams, say, PING, PING_S),)


def purpose(url: str) -> str:
    """What a recorded REST question was for."""
    parts = urlsplit(url).path.strip("/").split("/")
    return "markets" if parts[-1] == "trading-pairs-info" else parts[2] if len(parts) > 2 else parts[-1]


def read_clock(body: bytes) -> float:
    """The venue's time, in whole seconds, from its answer. raises: msgspec.DecodeError, BadFrame."""
    return _stamp(_ticker_decoder.decode(body).timestamp)


def venue_symbol(symbol: str) -> str:
    """'BTC/USD' to 'btcusd', 'BTC/USD:USD' to 'btcusd-perp'."""
    pair, _, settle = symbol.partition(":")
    return pair.replace("/", "").lower() + (PERPETUAL if settle else "")


class Bitstamp(MarketAdapter):
    venue = VENUE
    default_streams = STREAMS
    books_wait = True
    weights: ClassVar[dict[str, int]] = {"markets": 1, "order_book": 1, "transactions": 1}
    page_purpose = "transactions"

    def start_questions(self) -> list[Question]:
        return [Question("markets", "/api/v2/markets/")]

    def read(self, payload: bytes) -> Heard:
        frame = _frame_decoder.decode(payload)
        if frame.event in TELL_NOTHING:
            return NOTHING
        if frame.event == "bts:error":
            raise BadFrame(f"the venue says: {bytes(frame.data)[:200].decode('utf-8', 'replace')}")
        stream, _, symbol = frame.channel.rpartition("_")
        if not symbol:
            raise BadFrame(f"channel {frame.channel!r} names no market")
        match frame.event, stream:
            case "trade", "live_trades":
                trade = _trade_decoder.decode(frame.data)
                at_ns = _stamp(trade.microtimestamp) * MICROSECOND_NS
                side = SIDES[str(trade.type)]
                told: Told = Deal(symbol, sparse(trade.id), trade.price_str, trade.amount_str, side, at_ns)
            case "data", "diff_order_book":
                book = _book_decoder.decode(frame.data)
                at_us = _stamp(book.microtimestamp)
                at_ns = at_us * MICROSECOND_NS
                told = Change(symbol, False, _levels(book), at_ns, at_us, at_us)
            case "funding_rate_saved", "funding_rate":
                due = _funding_decoder.decode(frame.data)
                at_ns = _stamp(due.timestamp, most=10) * SECOND_NS
                due_ns = _stamp(due.next_funding_time, most=10) * SECOND_NS
                told = Due(symbol, _rate(due.funding_rate), due_ns, at_ns, due.mark_price)
            case _:
                raise BadFrame(f"event {frame.event!r} on {frame.channel!r} is none of {', '.join(STREAMS)}")
        return Heard([told], stream, at_ns)

    def read_answer(self, answer: Answer) -> Sequence[Told]:
        if answer.purpose == "markets":
            found = _markets_decoder.decode(answer.body)
            return [_listing(one) for one in found if self.is_wanted(one.market_symbol or one.url_symbol)]
        symbol = _symbol_in(answer.url)
        if answer.purpose == "order_book":
            book = _book_decoder.decode(answer.body)
            return [Change(symbol, True, _levels(book), last=_stamp(book.microtimestamp))]
        return [
            Deal(symbol, sparse(_stamp(past.tid, most=19)), past.price, past.amount, SIDES[past.type], _date(past))
            for past in reversed(_past_decoder.decode(answer.body))
        ]

    def streams_of(self, symbol: str) -> Sequence[str]:
        return [one for one in self._streams if one in SPOT_STREAMS or symbol.endswith(PERPETUAL)]

    def page(self, answer: Answer, told: Sequence[Told], receive_ns: int) -> tuple[str, int | None]:
        """All of the last hour by the venue's clock; a minute is left for ours to be wrong by."""
        return _symbol_in(answer.url), receive_ns - HOUR_NS + MINUTE_NS

    def covered(self, book: BookSync, change: Change) -> tuple[int, int]:
        """The first that waits needs a snapshot that is not older; of the others nothing is known to be missing."""
        return (change.last + 1 if not (book.last_id or book.waiting) else 0), change.last

    def unlisted(self, symbol: str) -> Instrument:
        pair = symbol.removesuffix(PERPETUAL)
        for quote in QUOTES:
            if pair.endswith(quote) and len(pair) > len(quote):
                base, quote = pair[: -len(quote)].upper(), quote.upper()
                return _kind(listed(VENUE, symbol, base, quote))
        raise BadFrame(f"market {symbol!r} ends in no quote currency that is known without the list of markets")

    def ask_book(self, symbol: str, not_before_ns: int) -> None:
        self.questions.append(
            Question("order_book", f"/api/v2/order_book/{symbol}/?group=1", not_before_ns=not_before_ns)
        )

    def ask_trades(self, symbol: str, from_id: int | None) -> None:
        self.questions.append(Question("transactions", f"/api/v2/transactions/{symbol}/?time=hour"))


def _levels(book: _Book) -> Levels:
    return [(side, *level) for side, levels in ((BID, book.bids), (ASK, book.asks)) for level in levels]


def _date(past: _PastTrade) -> int:
    return _stamp(past.date, most=10) * SECOND_NS


def _stamp(text: str, most: int = 16) -> int:
    """A whole number of at most so many digits. raises: BadFrame."""
    found = int(text) if text.isascii() and text.isdigit() and len(text) <= most else -1
    if not 0 <= found <= INT64_MAX // (MICROSECOND_NS if most == 16 else 1):
        raise BadFrame(f"{text[:40]!r} is no whole number of at most {most} digits")
    return found


def _rate(text: str) -> str:
    """As it was written, if it is a number."""
    to_units(text, 18)
    return text


def _symbol_in(url: str) -> str:
    parts = urlsplit(url).path.strip("/").split("/")
    if len(parts) != 4:
        raise BadFrame(f"{url!r} names no market")
    return parts[3]


def _listing(market: _Market) -> Instrument:
    """raises: BadFrame, NotExact."""
    symbol = market.market_symbol or market.url_symbol
    base, _, quote = market.name.removesuffix("-PERP").partition("/")
    if not (symbol and base and quote and -8 <= market.counter_decimals <= 15 and 0 <= market.base_decimals <= 15):
        raise BadFrame(f"market {market.name!r} has no name BASE/QUOTE or no decimals from 0 to 15")
    held = max(market.counter_decimals, 0) + FINER
    made = listed(
        VENUE,
        symbol,
        base,
        quote,
        price_decimals=held,
        size_decimals=max(market.base_decimals, SIZE_DECIMALS),
        tick_size=to_units(step_of(market.counter_decimals), held),
        lot_size=10 ** max(SIZE_DECIMALS - market.base_decimals, 0),
        min_size=to_units(market.minimum_order_amount, max(market.base_decimals, SIZE_DECIMALS)),
        min_notional=market.minimum_order_value,
        contract_size=short(market.contract_size),
        rules_known=True,
    )
    return _kind(made)


def _kind(spot: Instrument) -> Instrument:
    """A perpetual is settled in its quote currency."""
    if not spot.venue_symbol.endswith(PERPETUAL):
        return spot
    symbol = f"{spot.symbol}:{spot.quote}"
    return msgspec.structs.replace(spot, symbol=symbol, kind="swap", settle=spot.quote)


ENTRY = VenueEntry(
    adapter=Bitstamp,
    streams=STREAMS,
    lines=lines,
    venue_symbol=venue_symbol,
    rest_url="https://www.bitstamp.net",
    stream_url="wss://ws.bitstamp.net",
    ws_api_url="",
    weight_per_minute=600,
    clock=("/api/v2/ticker/btcusd/", read_clock),
    recorded=(("bitstamp", "BITSTAMP"), Recorded(VENUE, purpose)),
    proof=Proof(
        trades="cannot tell while connected: ids do not count; a lost connection is healed from the last hour by REST",
        books="cannot tell: changes carry a time and no number; a REST snapshot for each connection",
        documented="2026-11-22",
        sessions=(
            "raw/cryptofeed/BITSTAMP_2021-04-17.jsonl.gz",
            "raw/cryptofeed/BITSTAMP_2022-01-05.jsonl.gz",
        ),
        unproven="funding_rate, perpetuals, the list of markets of today",
    ),
)
