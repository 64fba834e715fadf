"""Gate, spot: trades, order book, best bid and ask.

After www.gate.com/docs/developers/apiv4/ws: spot.trades, spot.obu (order book V2, levels of 400), spot.order_book_update,
spot.book_ticker, spot.ping, and apiv4 spot/currency_pairs, order_book, trades, time, as of 2026-11. The documentation wants a
`time` in requests; the venue accepts them without. Recordings of 2021 have spot.order_book_update, whose snapshot comes by
REST, and trades without `id_market`. Websocket v3 (method, params) has ended and is not read.
Book rules: spot.obu begins with a full book, then each change begins with the number after the last one; if not, it is
subscribed again. spot.order_book_update: changes wait for the REST book; the first applied has U <= id+1 <= u, then the same.
Trades: `id_market` is contiguous per pair, REST calls it `sequence_id` and is asked by time: pages overlap, ids tell. An
older `id` counts the trades of all pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar
from urllib.parse import urlsplit

import msgspec

from ninefold.journal.inputs import Answer
from ninefold.journal.recordings import Recorded
from ninefold.market.arrays import ASK, BID, BUY, SELL
from ninefold.market.instruments import Instrument
from ninefold.market.numbers import to_units
from ninefold.market.time import SECOND_NS
from ninefold.venues import gate_wire as wire
from ninefold.venues.adapter import BadFrame, Line, Question
from ninefold.venues.asked import asked, purpose_of
from ninefold.venues.entry import Proof, VenueEntry
from ninefold.venues.market_adapter import NOTHING, Heard, MarketAdapter
from ninefold.venues.told import MILLISECOND_NS, Best, Change, Deal, Levels, Told, counted, named, sparse, whole

STREAMS = ("spot.trades", "spot.obu", "spot.book_ticker")
PING, PING_S = b'{"channel":"spot.ping"}', 5.0  # quiet pairs pause longer than a connection may be silent
LEVELS = 400
PAGE, MOST_PAGES = 1000, 100
SIDES = {"buy": BUY, "sell": SELL}
NOT_WANTED = frozenset({"spot.tickers", "spot.candlesticks", "spot.pong"})
PAIRS = "/api/v4/spot/currency_pairs/"

_newest_decoder = msgspec.msgpack.Decoder(dict[str, int])


def lines(symbols: list[str], streams: tuple[str, ...] = STREAMS) -> tuple[Line, ...]:
    """One websocket of which all pairs ("BTC_USDT") are asked for by messages; some channels take one pair each."""
    say: list[bytes] = []
    for stream in streams:
        if stream in ("spot.obu", "spot.order_book_update"):
            say += (_request("subscribe", stream, _payload(stream, symbol)) for symbol in symbols)
        else:
            say.append(_request("subscribe", stream, symbols))
    return (Line("/ws/v4/", tuple(symbols), streams, tuple(say), PING, PING_S),)


def purpose(url: str) -> str:
    """What a recorded REST question was for."""
    return "currency_pairs" if "/currency_pairs" in urlsplit(url).path else purpose_of(url)


def read_clock(body: bytes) -> float:
    """The venue's time, in seconds, from its answer. raises: msgspec.DecodeError."""
    return wire.time_decoder.decode(body).server_time / 1000


def venue_symbol(symbol: str) -> str:
    """'BTC/USDT' to 'BTC_USDT'."""
    return symbol.replace("/", "_")


class Gate(MarketAdapter):
    venue = wire.VENUE
    default_streams = STREAMS
    books_wait = True
    weights: ClassVar[dict[str, int]] = {"currency_pairs": 1, "order_book": 1, "trades": 1}

    def begin(self) -> None:
        super().begin()
        self._newest: dict[str, int] = {}  # ids that an answer of several pages has reached

    def start_questions(self) -> list[Question]:
        return [Question("currency_pairs", PAIRS + symbol) for symbol in sorted(self._wanted or ())]

    def read(self, payload: bytes) -> Heard:
        frame = wire.frame_decoder.decode(payload)
        if frame.error is not None:
            raise BadFrame(f"the venue says to {frame.event} {frame.channel}: {frame.error.message}")
        if frame.channel in NOT_WANTED or frame.event in ("subscribe", "unsubscribe"):
            return NOTHING
        told: Told
        match frame.channel:
            case "spot.trades":
                trade = wire.trade_decoder.decode(frame.result)
                id = counted(trade.id_market) if trade.id_market else sparse(trade.id)
                at_ns = _nanoseconds(trade.create_time_ms)
                told = Deal(trade.currency_pair, id, trade.price, trade.amount, SIDES[trade.side], at_ns)
            case "spot.obu" | "spot.order_book_update":
                change = wire.change_decoder.decode(frame.result)
                at_ns = change.t * MILLISECOND_NS
                told = Change(
                    _pair_of(change.s), change.full, _levels(change.b or [], change.a or []), at_ns, change.U, change.u
                )
            case "spot.book_ticker":
                best = wire.ticker_decoder.decode(frame.result)
                at_ns = best.t * MILLISECOND_NS
                prices = (best.b or "0", best.B or "0", best.a or "0", best.A or "0")  # an empty side is empty texts
                told = Best(best.s, *prices, at_ns, best.u)
            case _:
                raise BadFrame(f"channel {frame.channel!r} is none of {', '.join(STREAMS)}")
        return Heard([told], frame.channel, at_ns)

    def read_answer(self, answer: Answer) -> Sequence[Told]:
        symbol = asked(answer.url, "currency_pair")
        if answer.purpose == "currency_pairs":
            single = answer.body.lstrip()[:1] == b"{"
            found = [wire.pair_decoder.decode(answer.body)] if single else wire.pairs_decoder.decode(answer.body)
            return list(map(wire.listing, found))
        if answer.purpose == "order_book":
            book = wire.book_decoder.decode(answer.body)
            return [Change(symbol, True, _levels(book.bids, book.asks), last=book.id)]
        trades = [_past_deal(symbol, past) for past in wire.past_decoder.decode(answer.body)]
        return sorted(trades, key=lambda deal: deal.id)

    def answered(self, answer: Answer, told: Sequence[Told]) -> None:
        if answer.purpose != "trades":
            return
        symbol, page = asked(answer.url, "currency_pair"), int(asked(answer.url, "page") or 1)
        ids = self._counted.ids.get(symbol)
        known = self._newest.get(symbol) or (ids.next_id - 1 if ids else 0)
        self._newest[symbol] = max((one.id.low for one in told if isinstance(one, Deal)), default=known)
        self._newest[symbol] = max(self._newest[symbol], known if page > 1 else 0)
        if len(told) >= PAGE and page < MOST_PAGES:
            path = answer.url.rpartition("&page=")[0] if "&page=" in answer.url else answer.url
            self.questions.append(Question("trades", f"{path}&page={page + 1}"))
            return
        newest = self._newest.pop(symbol)
        self._counted.answered(symbol, newest + 1, newest, more=False)

    def ask_book(self, symbol: str, not_before_ns: int) -> None:
        if "spot.order_book_update" in self._streams:
            path = f"/api/v4/spot/order_book?currency_pair={symbol}&limit={LEVELS}&with_id=true"
            self.questions.append(Question("order_book", path, not_before_ns=not_before_ns))
            return
        payload = _payload("spot.obu", symbol)
        self.say += (_request(event, "spot.obu", payload) for event in ("unsubscribe", "subscribe"))

    def ask_trades(self, symbol: str, from_id: int | None) -> None:
        since_s = self.since_ns(symbol) // SECOND_NS
        self.questions.append(
            Question("trades", f"/api/v4/spot/trades?currency_pair={symbol}&limit={PAGE}&from={since_s}")
        )

    def opened(self, receive_ns: int) -> None:
        self._newest.clear()

    def mark(self) -> bytes:
        return msgspec.msgpack.encode(self._newest)

    def unmark(self, own: bytes) -> None:
        self._newest = _newest_decoder.decode(own)

    def unlisted(self, symbol: str) -> Instrument:
        return wire.unlisted(symbol)


def _levels(bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> Levels:
    return [(side, *level) for side, levels in ((BID, bids), (ASK, asks)) for level in levels]


def _past_deal(symbol: str, past: wire.PastTrade) -> Deal:
    id = counted(whole(past.sequence_id)) if past.sequence_id else named(past.id)
    return Deal(symbol, id, past.price, past.amount, SIDES[past.side], _nanoseconds(past.create_time_ms))


def _nanoseconds(milliseconds: str) -> int:
    """'1606292218213.4578' in nanoseconds. raises: BadFrame, NotExact."""
    found = to_units(milliseconds, 6)
    if found < 0:
        raise BadFrame(f"{milliseconds!r} is before 1970")
    return found


def _pair_of(subscribed: str) -> str:
    """'ob.BTC_USDT.400' or 'BTC_USDT' to 'BTC_USDT'."""
    return subscribed.removeprefix("ob.").partition(".")[0]


def _payload(stream: str, symbol: str) -> list[str]:
    return [f"ob.{symbol}.{LEVELS}"] if stream == "spot.obu" else [symbol, "100ms"]


def _request(event: str, channel: str, payload: Sequence[str]) -> bytes:
    return msgspec.json.encode({"channel": channel, "event": event, "payload": payload})


ENTRY = VenueEntry(
    adapter=Gate,
    streams=STREAMS,
    lines=lines,
    venue_symbol=venue_symbol,
    rest_url="https://api.gateio.ws",
    stream_url="wss://api.gateio.ws",
    ws_api_url="",
    weight_per_minute=600,
    clock=("/api/v4/spot/time", read_clock),
    recorded=(("gate", "gate-io", "GATEIO"), Recorded(wire.VENUE, purpose)),
    proof=Proof(
        trades="contiguous ids in each pair, fetched by REST",
        books="contiguous numbers, a new snapshot by subscribing again (order_book_update: by REST)",
        documented="2026-11-22",
        sessions=("raw/cryptofeed/GATEIO_2021-04-22.jsonl.gz",),
        unproven="spot.obu, spot.book_ticker, id_market (the session has order_book_update and older ids)",
    ),
)
