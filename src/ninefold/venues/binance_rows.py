"""From what the messages of Binance spot tell to rows, gaps and questions.

In:  texts and numbers of messages that were read whole.
Out: rows and records in `gathered`; what is to be asked in `questions`. Which message tells what: see binance.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ninefold.journal.inputs import Answer
from ninefold.market.arrays import ASK, BID, BUY, ID_AGGREGATE, SELL, SET_LEVEL
from ninefold.market.instruments import Instrument, listed
from ninefold.market.records import Gap
from ninefold.market.time import UNKNOWN_NS
from ninefold.venues.adapter import Question
from ninefold.venues.binance_wire import MILLISECOND_NS, STREAMS, VENUE, Snapshot, split
from ninefold.venues.rows import Rows
from ninefold.venues.sequence import BookSync
from ninefold.venues.told import units
from ninefold.venues.trade_series import TradeSeries

if TYPE_CHECKING:
    from ninefold.venues.quick import Quick

HEAL_LIMIT = 1000
SNAPSHOT_LIMIT = 1000
AGGREGATE = " aggregate"  # the series of aggregate trades, beside the trades of a symbol
WEIGHTS = {"exchangeInfo": 20, "depth": 50, "trades": 25}


class BinanceRows(Rows):
    """What BinanceSpot knows, and what it makes of it; its arguments are those of Rows. Symbols are "BTCUSDT"."""

    venue = VENUE
    default_streams = STREAMS
    quick: Quick | None = None

    def begin(self) -> None:
        self._rules: dict[str, Instrument] = {}
        self._trades = TradeSeries()
        self._last_ns: dict[str, int] = {}
        self._books: dict[str, BookSync] = {}
        self._best_ids: dict[str, int] = {}

    def known_rules(self) -> list[dict[str, Any]]:
        return [self._rules]

    def known_trades(self) -> list[dict[str, Any]]:
        return [self._trades.ids, self._last_ns, self._best_ids]

    def _add_trade(
        self,
        symbol: str,
        seq: int,
        receive_ns: int,
        id_kind: int,
        id: int,
        time_ms: int,
        price: str,
        size: str,
        buyer_is_maker: bool,
        *,
        live: bool = True,
    ) -> None:
        of = self._numbered(symbol)
        price_units, size_units = units(price, of.price_decimals), units(size, of.size_decimals)
        self._settle(symbol)
        self._make_known(of, seq, receive_ns)
        exchange_ns = time_ms * MILLISECOND_NS
        series = symbol
        if id_kind == ID_AGGREGATE:  # counts its own trades
            series += AGGREGATE
            self._trades.told_only.add(series)
        last_ns = self._last_ns.get(symbol, exchange_ns)
        if not self._trades.arrive(series, id, receive_ns, last_ns, exchange_ns, live=live):
            self.gathered.duplicates += 1
            return
        last_ns = self._last_ns[symbol] = max(exchange_ns, self._last_ns.get(symbol, 0))
        if self.quick is not None:
            self.quick.teach(symbol, of, self._trades.certain_id(symbol), last_ns)
        side = SELL if buyer_is_maker else BUY
        self.gathered.trades.append(
            (of.id, exchange_ns, receive_ns, seq, id_kind, 0, id, price_units, size_units, side)
        )

    def _tell(self, seq: int, now_ns: int) -> None:
        """What the trades' numbers have shown, as records and questions."""
        for span in self._trades.told:
            of = self._instruments[span.series.removesuffix(AGGREGATE)]
            times = {"from_ns": span.from_ns, "to_ns": span.to_ns}
            self._gap(of, "trades", span.first, span.last, seq, now_ns, **times, healed=span.healed)
        for symbol, from_id in self._trades.to_ask:
            path = f"/api/v3/historicalTrades?symbol={symbol}&fromId={from_id}&limit={HEAL_LIMIT}"
            self.questions.append(Question("trades", path, WEIGHTS["trades"]))
        self._trades.told.clear()
        self._trades.to_ask.clear()

    def _levels(
        self,
        of: Instrument,
        exchange_ns: int,
        receive_ns: int,
        seq: int,
        update_id: int,
        bids: list[tuple[str, str]],
        asks: list[tuple[str, str]],
    ) -> list[tuple[int, ...]]:
        return [
            (
                of.id,
                exchange_ns,
                receive_ns,
                seq,
                update_id,
                SET_LEVEL,
                side,
                units(price, of.price_decimals),
                units(size, of.size_decimals),
            )
            for side, levels in ((BID, bids), (ASK, asks))
            for price, size in levels
        ]

    def _best_of_snapshot(self, of: Instrument, snapshot: Snapshot, seq: int, receive_ns: int) -> None:
        """Best bid and ask come only when they change: until then the snapshot's are known."""
        if not (snapshot.bids and snapshot.asks) or snapshot.lastUpdateId <= self._best_ids.get(of.venue_symbol, 0):
            return
        (bid, bid_size), (ask, ask_size) = snapshot.bids[0], snapshot.asks[0]
        best = (
            units(bid, of.price_decimals),
            units(bid_size, of.size_decimals),
            units(ask, of.price_decimals),
            units(ask_size, of.size_decimals),
        )
        self.gathered.quotes.append((of.id, UNKNOWN_NS, receive_ns, seq, snapshot.lastUpdateId, *best))

    def _make_known(self, of: Instrument, seq: int, known_ns: int) -> None:
        """List a symbol with the first of its messages that could be read whole."""
        if of.venue_symbol not in self._instruments:
            self._list(of.venue_symbol, seq, known_ns)

    def _listing(self, symbol: str) -> Instrument:
        return self._rules.get(symbol) or listed(VENUE, symbol, *split(symbol))

    def _list(self, symbol: str, seq: int, known_ns: int) -> Instrument:
        instrument, is_new = self._register(symbol, self._listing(symbol), seq, known_ns)
        if is_new and symbol in self._books:
            self._books[symbol].reset()
            self._ask_depth(symbol)
        if self.quick is not None:
            self.quick.forget(symbol)
        return instrument

    def _book(self, symbol: str) -> BookSync:
        return self._books.setdefault(symbol, BookSync())

    def _gap(
        self,
        of: Instrument,
        stream: str,
        from_id: int,
        to_id: int,
        seq: int,
        known_ns: int,
        *,
        from_ns: int | None = None,
        to_ns: int | None = None,
        healed: bool = False,
    ) -> None:
        self._settle(of.venue_symbol)
        last_ns = self._last_ns.get(of.venue_symbol, known_ns)
        self.gathered.records.append(
            Gap(
                seq=seq,
                known_ns=known_ns,
                instrument=of.id,
                stream=stream,
                from_id=from_id,
                to_id=to_id,
                from_ns=last_ns if from_ns is None else from_ns,
                to_ns=last_ns if to_ns is None else to_ns,
                healed=healed,
            )
        )

    def _settle(self, symbol: str) -> None:
        """What came of a symbol the short way is known from here on."""
        if self.quick is not None:
            self.quick.settle_one(symbol)

    def _ask_depth(self, symbol: str, not_before_ns: int = 0) -> None:
        path = f"/api/v3/depth?symbol={symbol}&limit={SNAPSHOT_LIMIT}"
        self.questions.append(Question("depth", path, WEIGHTS["depth"], not_before_ns))

    def _ask_again(self, answer: Answer, not_before_ns: int) -> None:
        self.questions.append(Question(answer.purpose, answer.url, WEIGHTS[answer.purpose], not_before_ns))
