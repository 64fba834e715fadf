"""One limit order book with price-time priority. Pure: no clock, no sockets, no money.

In:  orders (id, side, price in ticks, size in lots) and cancels.
Out: matches, best price first and oldest first within a price; the levels that changed; an update id that grows by one
     with every changed level. The book is never crossed.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import NamedTuple

BUY = 1
SELL = -1


class Match(NamedTuple):
    """A resting order met an incoming one, at the resting order's price."""

    maker_id: int
    price_ticks: int
    size_lots: int
    maker_left_lots: int


class Resting:
    """An order in the book."""

    __slots__ = ("left_lots", "order_id", "price_ticks", "side")

    def __init__(self, order_id: int, side: int, price_ticks: int, left_lots: int) -> None:
        self.order_id = order_id
        self.side = side
        self.price_ticks = price_ticks
        self.left_lots = left_lots


class Level:
    """Orders at one price, oldest first, and their sum."""

    __slots__ = ("orders", "total_lots")

    def __init__(self) -> None:
        self.orders: dict[int, Resting] = {}
        self.total_lots = 0


class BookSide:
    """Levels of one side. `keys` is sorted so that the best price comes first: -price for bids, price for asks."""

    __slots__ = ("keys", "levels", "sign")

    def __init__(self, side: int) -> None:
        self.sign = -side
        self.keys: list[int] = []
        self.levels: dict[int, Level] = {}

    def best(self) -> int | None:
        return self.sign * self.keys[0] if self.keys else None

    def level(self, price_ticks: int) -> Level:
        found = self.levels.get(price_ticks)
        if found is None:
            found = self.levels[price_ticks] = Level()
            insort(self.keys, self.sign * price_ticks)
        return found

    def drop(self, price_ticks: int) -> None:
        del self.levels[price_ticks]
        del self.keys[bisect_left(self.keys, self.sign * price_ticks)]

    def rows(self) -> Iterator[tuple[int, int]]:
        """(price, total size), best first."""
        for key in self.keys:
            price = self.sign * key
            yield price, self.levels[price].total_lots


class Book:
    """Both sides of one instrument."""

    def __init__(self, update_id: int = 0) -> None:
        self.bids = BookSide(BUY)
        self.asks = BookSide(SELL)
        self.resting: dict[int, Resting] = {}
        self.update_id = update_id
        self.changed: dict[tuple[int, int], None] = {}  # (side, price), since `take_changed`
        self.watched: list[dict[tuple[int, int], None]] = []  # the same for others, who empty theirs themselves

    def side(self, side: int) -> BookSide:
        return self.bids if side == BUY else self.asks

    def submit(self, order_id: int, side: int, price_ticks: int | None, size_lots: int, rest: bool) -> list[Match]:
        """Match an order, then let what is left rest (if `rest` and it has a price).

        price_ticks: None takes any price. raises: ValueError for a size below 1 or an id that is resting.
        """
        if size_lots < 1 or order_id in self.resting:
            raise ValueError(f"engine: order {order_id} has size {size_lots} lots or is in the book already.")
        matches, left = self._match(side, price_ticks, size_lots)
        if left and rest and price_ticks is not None:
            order = Resting(order_id, side, price_ticks, left)
            level = (self.bids if side == BUY else self.asks).level(price_ticks)
            level.orders[order_id] = order
            level.total_lots += left
            self.resting[order_id] = order
            self._touch(side, price_ticks)
        return matches

    def cancel(self, order_id: int) -> int | None:
        """Take an order out; returns the size that was left, or None if it does not rest here."""
        order = self.resting.pop(order_id, None)
        if order is None:
            return None
        self._remove(order)
        self._touch(order.side, order.price_ticks)
        return order.left_lots

    def walk(self, side: int, price_ticks: int | None, size_lots: int) -> list[tuple[int, int]]:
        """What an incoming order would get now, as (price, size); nothing is changed."""
        got = []
        for price, total in self.side(-side).rows():
            if size_lots == 0 or (price_ticks is not None and (price - price_ticks) * side > 0):
                break
            size = min(total, size_lots)
            got.append((price, size))
            size_lots -= size
        return got

    def total(self, side: int, price_ticks: int) -> int:
        """Size at a price; 0 if nothing rests there."""
        level = self.side(side).levels.get(price_ticks)
        return level.total_lots if level else 0

    def take_changed(self) -> list[tuple[int, int, int]]:
        """(side, price, total size now; 0 when gone) for the levels that changed since the last call."""
        rows = [(side, price, self.total(side, price)) for side, price in self.changed]
        self.changed.clear()
        return rows

    def _match(self, side: int, price_ticks: int | None, left: int) -> tuple[list[Match], int]:
        other = self.asks if side == BUY else self.bids
        matches: list[Match] = []
        while left and other.keys:
            best = other.sign * other.keys[0]
            if price_ticks is not None and (best - price_ticks) * side > 0:
                break
            level = other.levels[best]
            for maker in list(level.orders.values()):
                size = min(left, maker.left_lots)
                maker.left_lots -= size
                level.total_lots -= size
                left -= size
                matches.append(Match(maker.order_id, best, size, maker.left_lots))
                if maker.left_lots == 0:
                    del level.orders[maker.order_id]
                    del self.resting[maker.order_id]
                if left == 0:
                    break
            if not level.orders:
                other.drop(best)
            self._touch(-side, best)
        return matches, left

    def _remove(self, order: Resting) -> None:
        book_side = self.bids if order.side == BUY else self.asks
        level = book_side.levels[order.price_ticks]
        del level.orders[order.order_id]
        level.total_lots -= order.left_lots
        if not level.orders:
            book_side.drop(order.price_ticks)

    def _touch(self, side: int, price_ticks: int) -> None:
        self.update_id += 1
        self.changed[(side, price_ticks)] = None
        for watched in self.watched:
            watched[(side, price_ticks)] = None
