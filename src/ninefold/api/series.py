"""The newest bars of one instrument and width, and the bar that is still open.

In:  finished bars (a higher revision replaces a lower one), trades, each with the number of the change.
Out: bars oldest first; those that changed after a number. The open bar is a preview from trades, always marked as open.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from struct import Struct

import numpy as np

from ninefold.market.arrays import BAR_OK, BARS, BUY
from ninefold.market.time import bar_open

HELD = 2_000
_NAMES = BARS.names or ()
_PACK = Struct(f"{len(_NAMES)}q")
_OPEN_NS, _REVISION = _NAMES.index("open_ns"), _NAMES.index("revision")
BarTuple = tuple[int, ...]


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

    def preview(self, trades: np.ndarray, number: int) -> None:
        """Fold trades of this instrument, in order, into the open bar; those of finished bars are left to `bars`."""
        open_ns = bar_open(int(trades["exchange_ns"].max()), self.width_ns)
        if self._opens and open_ns <= self._opens[-1]:
            return
        if self.open_bar is not None and open_ns < self.open_bar[_OPEN_NS]:
            return
        mine = trades[trades["exchange_ns"] >= open_ns]
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

    def _folded(self, trades: np.ndarray, open_ns: int, held: BarTuple | None) -> BarTuple:
        price, size = trades["price"], trades["size"]
        cells = dict.fromkeys(_NAMES, 0) if held is None else dict(zip(_NAMES, held, strict=True))
        first = int(price[0]) if held is None else cells["open"]
        cells |= {
            "instrument": self.instrument_id,
            "width_ns": self.width_ns,
            "open_ns": open_ns,
            "close_ns": open_ns + self.width_ns,
            "open": first,
            "high": max(int(price.max()), first if held is None else cells["high"]),
            "low": min(int(price.min()), first if held is None else cells["low"]),
            "close": int(price[-1]),
            "volume": cells["volume"] + int(size.sum()),
            "buy_volume": cells["buy_volume"] + int(size[trades["taker_side"] == BUY].sum()),
            "trades": cells["trades"] + len(trades),
            "state": BAR_OK,
            "known_ns": int(trades["receive_ns"][-1]),
            "seq": int(trades["seq"][-1]),
        }
        return tuple(cells.values())
