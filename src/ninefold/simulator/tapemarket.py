"""Own orders against a recorded market.

In:  snapshots, diffs and trades of a tape up to the current position; own orders.
Out: fills of incoming orders against the sizes shown now (never more than shown; what we took is remembered until that
     level is updated), and of resting ones when the tape trades through them, or at their price beyond the queue that
     was ahead. Own orders do not change what the tape shows.
"""

import asyncio

from ninefold.simulator import ledger
from ninefold.simulator.accounts import OwnOrder
from ninefold.simulator.engine import BUY, SELL, Match
from ninefold.simulator.exchange import Exchange, Rows
from ninefold.simulator.tape import Depth, Diff, Tape
from ninefold.simulator.texts import e8_of

OWN_TRADE_IDS = 10**15  # own fills are no public trades of the tape; their ids begin here


class Waiting:
    """A resting own order and the size shown ahead of it when it came."""

    def __init__(self, order: OwnOrder, ahead_lots: int) -> None:
        self.order = order
        self.ahead_lots = ahead_lots


class TapeBook:
    """The book of one symbol as the tape shows it, and our own orders beside it. Ticks and lots are 1e-8."""

    def __init__(self, snapshot: Depth | None) -> None:
        self.levels: dict[int, dict[int, int]] = {BUY: {}, SELL: {}}
        self.taken: dict[tuple[int, int], int] = {}
        self.waiting: dict[int, Waiting] = {}
        self.last_id = 0
        if snapshot is not None:
            self.last_id = snapshot.last_id
            self._set(BUY, snapshot.bids)
            self._set(SELL, snapshot.asks)

    def apply(self, diff: Diff) -> None:
        """Take over a diff, unless the snapshot is younger."""
        if diff.last_id > self.last_id:
            self.last_id = diff.last_id
            self._set(BUY, diff.bids)
            self._set(SELL, diff.asks)

    def rows(self, side: int, limit: int) -> Rows:
        """(ticks, lots) as shown, best first."""
        levels = self.levels[side]
        return [(price, levels[price]) for price in sorted(levels, reverse=side == BUY)[:limit]]

    def walk(self, side: int, price_ticks: int | None, lots: int) -> Rows:
        """What an order would get: the shown sizes less what we have taken of them."""
        got = []
        for price, shown in self.rows(-side, len(self.levels[-side])):
            if lots == 0 or (price_ticks is not None and (price - price_ticks) * side > 0):
                break
            size = min(shown - self.taken.get((-side, price), 0), lots)
            if size > 0:
                got.append((price, size))
                lots -= size
        return got

    def queue(self, side: int, price_ticks: int) -> int:
        return self.levels[side].get(price_ticks, 0) - self.taken.get((side, price_ticks), 0)

    def _set(self, side: int, rows: list[tuple[str, str]]) -> None:
        levels = self.levels[side]
        for price_text, size_text in rows:
            price, size = e8_of(price_text), e8_of(size_text)
            self.taken.pop((side, price), None)
            if size:
                levels[price] = size
            else:
                levels.pop(price, None)
            for each in self.waiting.values():
                if each.order.side == side and each.order.price_ticks == price:
                    each.ahead_lots = min(each.ahead_lots, size)


class TapeMarket:
    """Implements `exchange.Market`."""

    def __init__(self, exchange: Exchange, tape: Tape) -> None:
        self.exchange = exchange
        self.depth_asked = asyncio.Event()
        self.books = {each.symbol: TapeBook(tape.snapshots.get(each.symbol)) for each in tape.instruments}
        self._fill_id = ledger.last_fill_id(exchange.store, OWN_TRADE_IDS)

    def rest_again(self) -> None:
        """After a restart, when the books are where they were: own orders queue up anew."""
        for order in self.exchange.open_orders.values():
            if not order.waits:
                self._wait(order)

    def depth(self, symbol: str, limit: int) -> tuple[int, Rows, Rows]:
        if limit > 1:
            self.depth_asked.set()
        book = self.books[symbol]
        return book.last_id, book.rows(BUY, limit), book.rows(SELL, limit)

    def walk(self, symbol: str, side: int, price_ticks: int | None, lots: int) -> Rows:
        return self.books[symbol].walk(side, price_ticks, lots)

    def submit(self, order: OwnOrder, price_ticks: int | None, rest: bool) -> None:
        book = self.books[order.symbol]
        for price, lots in book.walk(order.side, price_ticks, order.lots):
            book.taken[(-order.side, price)] = book.taken.get((-order.side, price), 0) + lots
            self._fill(order, price, lots, is_maker=False)
        if rest and order.open:
            self._wait(order)

    def cancel(self, order: OwnOrder) -> None:
        self.books[order.symbol].waiting.pop(order.order_id, None)

    def traded(self, symbol: str, price_ticks: int, lots: int, buyer_is_maker: bool) -> None:
        """A trade of the tape: fill what of ours it reached."""
        book = self.books[symbol]
        side = BUY if buyer_is_maker else SELL
        for each in list(book.waiting.values()):
            order = each.order
            if order.side != side or (order.price_ticks - price_ticks) * side < 0:
                continue
            if order.price_ticks != price_ticks:
                self._fill(order, order.price_ticks, order.left_lots, is_maker=True)  # traded through
                continue
            passed = min(each.ahead_lots, lots)
            each.ahead_lots -= passed
            lots -= passed
            size = min(order.left_lots, lots)
            if size:
                lots -= size
                self._fill(order, order.price_ticks, size, is_maker=True)

    def _wait(self, order: OwnOrder) -> None:
        book = self.books[order.symbol]
        book.waiting[order.order_id] = Waiting(order, book.queue(order.side, order.price_ticks))

    def _fill(self, order: OwnOrder, price_ticks: int, lots: int, is_maker: bool) -> None:
        self._fill_id += 1
        match = Match(0, price_ticks, lots, 0)
        self.exchange.fill_own(order.order_id, self._fill_id, match, self.exchange.now_ms(), is_maker)
        if not order.open:
            self.books[order.symbol].waiting.pop(order.order_id, None)
