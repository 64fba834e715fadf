"""One pair's book as a Kraken subscription of some depth shows it.

In:  the engine's book and which of its levels changed.
Out: the levels that an update has to tell: those that changed within the depth, and those that came back into it because
     better ones went. Levels that leave the depth are not told: the client cuts its book itself.
"""

from ninefold.simulator.engine import BUY, SELL, Book, BookSide
from ninefold.simulator.faces import Watch

Row = tuple[int, int, int]  # side, price in ticks, size in lots now


class ShownBook:
    """depth: levels of a side. Begins with what a snapshot shows."""

    def __init__(self, book: Book, depth: int) -> None:
        self.book = book
        self.depth = depth
        self._watch = Watch(book)
        self._worst = self._worst_keys()

    def take(self) -> list[Row]:
        """What changed since the last call."""
        worst, self._worst = self._worst, self._worst_keys()
        rows: dict[tuple[int, int], int] = {}
        for side, ticks in self._watch.take():
            lots, key = self.book.total(side, ticks), self.book.side(side).sign * ticks
            if _within(key, self._worst[side] if lots else worst[side]):
                rows[side, ticks] = lots
        for side in (BUY, SELL):
            for ticks in self._came_back(self.book.side(side), worst[side]):
                rows[side, ticks] = self.book.total(side, ticks)
        return [(side, ticks, lots) for (side, ticks), lots in rows.items()]

    def end(self) -> None:
        self._watch.end()

    def _came_back(self, side: BookSide, worst: int | None) -> list[int]:
        """Prices that were beyond the depth and are not now."""
        if worst is None:
            return []
        shown = side.keys[: self.depth]
        at = len(shown)
        while at and shown[at - 1] > worst:
            at -= 1
        return [side.sign * key for key in shown[at:]]

    def _worst_keys(self) -> dict[int, int | None]:
        """The key of the last level shown of each side; None while the depth shows all."""
        return {side: self._last(self.book.side(side)) for side in (BUY, SELL)}

    def _last(self, side: BookSide) -> int | None:
        return side.keys[self.depth - 1] if len(side.keys) >= self.depth else None


def _within(key: int, worst: int | None) -> bool:
    return worst is None or key <= worst
