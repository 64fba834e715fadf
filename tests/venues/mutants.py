"""Binance's adapter with planted faults. A fault that passes the contract is a hole in it."""

from operator import attrgetter

import msgspec

from ninefold.market.arrays import CLEAR_BOOK
from ninefold.market.numbers import NotExact
from ninefold.market.records import Gap
from ninefold.venues.adapter import Gathered
from ninefold.venues.binance import BinanceSpot
from ninefold.venues.sequence import BookSync, TradeIds

TRADE_PRICE, TRADE_SIZE, TRADE_SIDE = 7, 8, 9  # places in the rows
BOOK_ACTION, BOOK_SIDE, BOOK_PRICE, BOOK_SIZE = 5, 6, 7, 8
EXCHANGE_NS, RECEIVE_NS, SEQ = 1, 2, 3


class Changed(BinanceSpot):
    """Rows are made right and then changed by `spoil`, frame by frame."""

    def frame(self, connection, seq, receive_ns, payload):
        super().frame(connection, seq, receive_ns, payload)
        self.spoil(self.gathered)

    def answer(self, answer, seq, receive_ns):
        super().answer(answer, seq, receive_ns)
        self.spoil(self.gathered)

    def spoil(self, gathered: Gathered) -> None:
        raise NotImplementedError


def put(row: tuple, place: int, value: int) -> tuple:
    return (*row[:place], value, *row[place + 1 :])


class TakerSidesSwapped(Changed):
    def spoil(self, gathered):
        gathered.trades = [put(row, TRADE_SIDE, -row[TRADE_SIDE]) for row in gathered.trades]


class BidsAndAsksSwapped(Changed):
    def spoil(self, gathered):
        gathered.books = [put(row, BOOK_SIDE, -row[BOOK_SIDE]) for row in gathered.books]


class BestBidAndAskSwapped(Changed):
    def spoil(self, gathered):
        gathered.quotes = [(*row[:5], *row[7:9], *row[5:7]) for row in gathered.quotes]


class TimesInMilliseconds(Changed):
    def spoil(self, gathered):
        gathered.trades = [put(row, EXCHANGE_NS, row[EXCHANGE_NS] // 10**6) for row in gathered.trades]


class BookTimesOfReceipt(Changed):
    def spoil(self, gathered):
        gathered.books = [put(row, EXCHANGE_NS, row[RECEIVE_NS]) for row in gathered.books]


class RowsOfTheWrongInstrument(Changed):
    def spoil(self, gathered):
        gathered.trades = [put(row, 0, 1) for row in gathered.trades]


class RemovedLevelsKept(Changed):
    def spoil(self, gathered):
        gathered.books = [row for row in gathered.books if row[BOOK_SIZE] or row[BOOK_ACTION] == CLEAR_BOOK]


class SnapshotsOnTopOfTheOldBook(Changed):
    def spoil(self, gathered):
        gathered.books = [row for row in gathered.books if row[BOOK_ACTION] != CLEAR_BOOK]


class LastLevelOfAFrameForgotten(Changed):
    def spoil(self, gathered):
        del gathered.books[-1:]


class WaitingChangesKeepTheirSeq(Changed):
    def spoil(self, gathered):
        gathered.books = [put(row, SEQ, row[SEQ] - 1) if row[EXCHANGE_NS] > 0 else row for row in gathered.books]


class GapsNotTold(Changed):
    def spoil(self, gathered):
        gathered.records = [one for one in gathered.records if not isinstance(one, Gap)]


class OnlyGapsOfTradesTold(Changed):
    def spoil(self, gathered):
        gathered.records = [one for one in gathered.records if not isinstance(one, Gap) or one.stream == "trades"]


class GapsAlwaysTold(Changed):
    def spoil(self, gathered):
        for row in gathered.trades[:1]:
            gap = Gap(
                seq=row[SEQ],
                known_ns=row[2],
                instrument=row[0],
                stream="trades",
                from_id=1,
                to_id=2,
                from_ns=0,
                to_ns=0,
            )
            gathered.records.append(gap)


class GapsTooWide(Changed):
    def spoil(self, gathered):
        gathered.records = [
            msgspec.structs.replace(one, to_id=one.to_id + 1) if isinstance(one, Gap) else one
            for one in gathered.records
        ]


class LastDigitDropped(BinanceSpot):
    """Of prices."""

    def _add_trade(self, symbol, seq, receive_ns, id_kind, id, time_ms, price, *rest, live=True):
        super()._add_trade(symbol, seq, receive_ns, id_kind, id, time_ms, price[:-1] or price, *rest, live=live)


class SizesThroughFloat(Changed):
    def spoil(self, gathered):
        gathered.trades = [put(row, TRADE_SIZE, int(float(row[TRADE_SIZE]))) for row in gathered.trades]


class SizesThroughFloatCut(Changed):
    """As 0.29 becomes 28 hundredths."""

    def spoil(self, gathered):
        gathered.trades = [put(row, TRADE_SIZE, int(row[TRADE_SIZE] / 1e8 * 1e8)) for row in gathered.trades]


class DuplicatesLetThrough(BinanceSpot):
    def _add_trade(self, symbol, *rest, live=True):
        self._trades.ids.pop(symbol, None)
        self._trades.ids.pop(f"{symbol} aggregate", None)
        super()._add_trade(symbol, *rest, live=live)


class NothingIsOld(BookSync):
    """A change that was there already is taken for one that is out of order."""

    def change(self, first, last, body):
        if last <= self.last_id:
            self.reset()
            return "gap"
        return super().change(first, last, body)


class GapOfOneOverlooked(BookSync):
    def change(self, first, last, body):
        if self.last_id and first == self.last_id + 2:
            first -= 1
        return super().change(first, last, body)


class AfterAGapAppliedOn(BookSync):
    def change(self, first, last, body):
        told = super().change(first, last, body)
        if told == "gap":
            self.last_id, self.waiting = last, []
        return told


class WaitingForgotten(BookSync):
    def snapshot(self, last_id):
        self.waiting = []
        return super().snapshot(last_id)


class WaitingNotDropped(BookSync):
    """Changes from before the snapshot are applied on top of it."""

    def snapshot(self, last_id):
        waited = [body for _, _, body in self.waiting]
        super().snapshot(last_id)
        return waited


def with_books(kind: type[BookSync]) -> type[BinanceSpot]:
    return type(kind.__name__, (BinanceSpot,), {"_book": lambda self, symbol: self._books.setdefault(symbol, kind())})


class BooksOutliveTheirConnection(BinanceSpot):
    def connection(self, change, number, seq, receive_ns):
        books, self._books = self._books, {}
        super().connection(change, number, seq, receive_ns)
        self._books = books


class Forgetful(BinanceSpot):
    """What is loaded lacks `forgets`."""

    forgets = ""

    def load(self, state):
        super().load(state)
        *path, name = self.forgets.split(".")
        owner = attrgetter(".".join(path))(self) if path else self
        setattr(owner, name, type(getattr(owner, name))())


def forgetful(name: str) -> type[BinanceSpot]:
    return type(f"Forgets{name.replace('.', '_')}", (Forgetful,), {"forgets": name})


class LateTradesForgotten(BinanceSpot):
    def load(self, state):
        super().load(state)
        self._trades.ids = {series: TradeIds(ids.next_id, ids.first_id) for series, ids in self._trades.ids.items()}


class Raised(Exception):
    """Of no kind that an adapter catches."""


class MalformedRaises(BinanceSpot):
    def _malformed(self, seq, known_ns, reason, payload):
        raise Raised(reason)


class MalformedNotTold(BinanceSpot):
    def _malformed(self, seq, known_ns, reason, payload):
        pass


class MalformedToldTwice(BinanceSpot):
    def _malformed(self, seq, known_ns, reason, payload):
        super()._malformed(seq, known_ns, reason, payload)
        super()._malformed(seq, known_ns, reason, payload)


class MalformedFramesAreSeen(BinanceSpot):
    def _malformed(self, seq, known_ns, reason, payload):
        super()._malformed(seq, known_ns, reason, payload)
        self.seen["market"] = known_ns


class MalformedFramesAreStamped(BinanceSpot):
    def _malformed(self, seq, known_ns, reason, payload):
        super()._malformed(seq, known_ns, reason, payload)
        self.gathered.stamps.append((1, 0, known_ns))


class MalformedTradesTakeTheirId(BinanceSpot):
    def _add_trade(self, symbol, seq, receive_ns, id_kind, id, *rest, live=True):
        try:
            super()._add_trade(symbol, seq, receive_ns, id_kind, id, *rest, live=live)
        except NotExact:
            self._trades.ids.setdefault(symbol, TradeIds()).arrive(id)
            raise


class HalfOfAMalformedFrame(BinanceSpot):
    def _levels(self, of, exchange_ns, receive_ns, seq, *rest):
        try:
            return super()._levels(of, exchange_ns, receive_ns, seq, *rest)
        except NotExact:
            self.gathered.books.append((of.id, exchange_ns, receive_ns, seq, 1, 0, 1, 1, 1))
            raise


class UnreadablePricesAreZero(BinanceSpot):
    def _add_trade(self, symbol, seq, receive_ns, id_kind, id, time_ms, price, *rest, live=True):
        readable = price.replace(".", "", 1).isdigit()
        super()._add_trade(symbol, seq, receive_ns, id_kind, id, time_ms, price if readable else "0", *rest, live=live)


class PricesReadAsFloat(BinanceSpot):
    """Takes exponents, spaces and underscores, and rounds to the digits that a float has."""

    def _add_trade(self, symbol, seq, receive_ns, id_kind, id, time_ms, price, *rest, live=True):
        super()._add_trade(symbol, seq, receive_ns, id_kind, id, time_ms, f"{float(price):.8f}", *rest, live=live)


class SizesBeyondTheLayout(Changed):
    def spoil(self, gathered):
        gathered.trades = [put(row, TRADE_SIZE, row[TRADE_SIZE] * 10**6) for row in gathered.trades]
