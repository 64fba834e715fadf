"""Orders, fills and equity as the page shows them.

In:  Order, Fill and Equity records.
Out: the latest state of each order, fills in order, equity as columns; the oldest go first when there are too many.
"""

from __future__ import annotations

from collections.abc import Iterator

from ninefold.api.packed import Packed
from ninefold.api.rows import Json, fill_row, money_text, order_row
from ninefold.market.instruments import Instrument
from ninefold.market.records import Equity, Fill, Order

ORDERS_HELD = FILLS_HELD = 2_000  # half an hour at sixty orders a minute; the ledger has all
EQUITY_HELD = 20_000


class Account:
    """`orders_seen` counts every order there was, held or not."""

    def __init__(self) -> None:
        self.orders_seen = 0
        self.quote = ""
        self.equity_units: int | None = None
        self.fills_seen = 0
        self._orders = Packed(ORDERS_HELD)
        self._fills = Packed(FILLS_HELD)
        self._equity: list[tuple[int, int | None]] = []

    def order(self, order: Order, instrument: Instrument) -> Json:
        """Keep an order's newest state; `created_ns` is when its first was known."""
        held = self._orders.get(order.client_order_id)
        row = order_row(order, instrument, int(held["created_ns"]) if held else order.known_ns)
        self._orders.put(order.client_order_id, row)
        self.orders_seen += held is None
        return row

    def orders(self) -> Iterator[Json]:
        """Each order that is held in its newest state, newest order first."""
        return self._orders.newest_first()

    def fill(self, fill: Fill, instrument: Instrument) -> Json:
        row = fill_row(fill, instrument)
        self.fills_seen += 1
        self._fills.put(str(self.fills_seen), row)
        return row

    def fills(self) -> Iterator[Json]:
        """The fills that are held, newest first."""
        return self._fills.newest_first()

    def equity(self, equity: Equity) -> Json:
        """Keep a point; when there are too many, every second one of the older half goes."""
        self.quote, self.equity_units = equity.quote, equity.value
        self._equity.append((equity.known_ns, equity.value))
        if len(self._equity) > EQUITY_HELD:
            half = len(self._equity) // 2
            self._equity = self._equity[:half:2] + self._equity[half:]
        return {"known_ns": str(equity.known_ns), "equity": _text(equity.value), "quote": equity.quote}

    def equity_columns(self, limit: int) -> Json:
        """The newest points, oldest first."""
        points = self._equity[-limit:]
        columns = {"known_ns": [str(at) for at, _ in points], "equity": [_text(value) for _, value in points]}
        return {"columns": columns, "quote": self.quote}

    def equity_text(self) -> str | None:
        return _text(self.equity_units)


def _text(units: int | None) -> str | None:
    return None if units is None else money_text(units)
