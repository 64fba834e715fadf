"""The newest bars of one instrument and width, and the bar that is still open.

In:  finished bars (a higher revision replaces a lower one), trades, each with the number of the change.
Out: bars oldest first; those that changed after a number. The open bar is a preview from trades, always marked as open.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from struct import Struct
from typing import NamedTuple

import numpy as np

from ninefold.market.arrays import BAR_OK, BARS, BUY
from ninefold.market.time import bar_open

HELD = 2_000
_NAMES = BARS.names or ()
_PACK = Struct(f"{len(_NAMES)}q")
_OPEN_NS, _REVISION = _NAMES.index("open_ns"), _NAMES.index("revision")
_OPEN, _HIGH, _LOW, _VOLUME, _BUY_VOLUME, _TRADES = (
    _NAMES.index(name) for name in ("open", "high", "low", "volume", "buy_volume", "trades")
)
BarTuple = tuple[int, ...]


class Traded(NamedTuple):
    """What some trades come to. first_ns, last_ns: the earliest and the latest of them."""

    first_ns: int
    last_ns: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    buy_volume: int
    trades: int
    known_ns: int
    seq: int


def traded(trades: np.ndarray) -> Traded:
    """Of TRADES rows of one instrument, in order, at least one."""
    times, price, size = trades["exchange_ns"], trades["price"], trades["size"]
    return Traded(
        int(times.min()),
        int(times.max()),
        int(price[0]),
        int(price.max()),
        int(price.min()),
        int(price[-1]),
        int(size.sum()),
        int(size[trades["taker_side"] == BUY].sum()),
        len(trades),
        int(trades["receive_ns"][-1]),
        int(trades["seq"][-1]),
    )


class BarSeries:
    """Rows are tuples in the order of BARS; finished ones are held packed, in a quarter of the memory."""

    def __init__(self, instrument_id: int, width_ns: int) -> None:
        self.instrument_id = instrument_id
        self.width_ns = width_ns
        self.open_bar: BarTuple | None = None
        self._opens: list[int] = []  # sorted
        self._rows: dict[int, bytes] = {}
        self._changed: dict[int, int] = {}  # open_ns to the number of its last change, oldest change first
        self._open_changed = 0

    def __len__(self) -> int:
        return len(self._opens)

    def put(self, row: BarTuple, number: int) -> None:
        """Keep a finished bar; an older revision than the one held changes nothing."""
        open_ns = row[_OPEN_NS]
        held = self._rows.get(open_ns)
        if held is not None and _PACK.unpack(held)[_REVISION] > row[_REVISION]:
            return
        if held is None:
            insort(self._opens, open_ns)
        self._rows[open_ns] = _PACK.pack(*row)
        self._changed.pop(open_ns, None)
        self._changed[open_ns] = number
        if self.open_bar is not None and self.open_bar[_OPEN_NS] <= open_ns:
            self.open_bar = None
        if len(self._opens) > HELD:
            oldest = self._opens.pop(0)
            del self._rows[oldest]
            del self._changed[oldest]

    def preview(self, trades: np.ndarray, whole: Traded, number: int) -> None:
        """Fold trades of this instrument, in order, into the open bar; those of finished bars are left to `bars`.

        whole: of all of them. One bar holds them all, most times.
        """
        open_ns = bar_open(whole.last_ns, self.width_ns)
        if self._opens and open_ns <= self._opens[-1]:
            return
        if self.open_bar is not None and open_ns < self.open_bar[_OPEN_NS]:
            return
        mine = whole if whole.first_ns >= open_ns else traded(trades[trades["exchange_ns"] >= open_ns])
        same = self.open_bar is not None and self.open_bar[_OPEN_NS] == open_ns
        self.open_bar = self._folded(mine, open_ns, self.open_bar if same else None)
        self._open_changed = number

    def between(self, start_ns: int | None = None, end_ns: int | None = None) -> list[BarTuple]:
        """Finished bars that open in [start_ns, end_ns), oldest first."""
        first = 0 if start_ns is None else bisect_left(self._opens, start_ns)
        last = len(self._opens) if end_ns is None else bisect_left(self._opens, end_ns)
        return [_PACK.unpack(self._rows[open_ns]) for open_ns in self._opens[first:last]]

    def changed_since(self, number: int) -> list[tuple[int, BarTuple, bool]]:
        """(number of the change, bar, whether it is the open one) of what changed after `number`."""
        found: list[tuple[int, BarTuple, bool]] = []
        for open_ns in reversed(self._changed):
            if self._changed[open_ns] <= number:
                break
            found.append((self._changed[open_ns], _PACK.unpack(self._rows[open_ns]), False))
        if self.open_bar is not None and self._open_changed > number:
            found.append((self._open_changed, self.open_bar, True))
        return found

    def _folded(self, more: Traded, open_ns: int, held: BarTuple | None) -> BarTuple:
        if held is not None:
            more = more._replace(
                open=held[_OPEN],
                high=max(more.high, held[_HIGH]),
                low=min(more.low, held[_LOW]),
                volume=held[_VOLUME] + more.volume,
                buy_volume=held[_BUY_VOLUME] + more.buy_volume,
                trades=held[_TRADES] + more.trades,
            )
        begins = (self.instrument_id, self.width_ns, open_ns, open_ns + self.width_ns)
        prices = more[2:9]  # open to trades, in the order of BARS
        no_quote, revision = (0, 0, 0, 0), 0
        return (*begins, *prices, *no_quote, BAR_OK, revision, more.known_ns, more.seq)
