"""Orders that we hold until their time has come, and send as market orders then: stop, take-profit, trailing, slice.

In:  an order, the prices traded since the last look, oldest first; the venue's time.
Out: the order as it stands after them. What set it off is in it, so whoever reads the ledger again holds the same.

A stop that sells goes off at or below its trigger, a take-profit that sells at or above; those that buy the other way round.
A trailing one goes off when trades are its distance (`trigger`) from the best price since it was placed, which `price` keeps;
from then on it is a stop. Prices are those of trades, as in back-tests on ticks and at venues that hold stops themselves.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np

from ninefold.market.records import Order

EXITS = frozenset({"stop", "take_profit", "trailing"})
HELD = EXITS | {"slice"}
KEPT = frozenset({"kept_stop", "kept_take_profit"})  # at the venue, for one of these (kept.py)


def is_held(order: Order) -> bool:
    """Whether an order is with us still, and not at the venue."""
    return order.status == "intended" and order.order_type in HELD


def look(order: Order, prices: np.ndarray) -> Order:
    """The order after trades at these prices, shape (n,), oldest first; the same object if they changed nothing.

    >>> stop = Order(seq=1, known_ns=1, client_order_id="nf-a", instrument=1, side=-1, size=5, status="intended",
    ...              order_type="stop", trigger=90)
    >>> look(stop, np.array([95, 91])) is stop, look(stop, np.array([95, 89, 93])).price
    (True, 89)
    """
    if order.order_type == "slice" or not len(prices) or gone_off(order):
        return order
    if order.order_type == "trailing":
        return _trailed(order, prices)
    above = (order.order_type == "take_profit") == (order.side < 0)
    reached = prices >= order.trigger if above else prices <= order.trigger
    first = int(np.argmax(reached))
    return msgspec.structs.replace(order, price=int(prices[first])) if reached[first] else order


def gone_off(order: Order) -> bool:
    """Whether a price has set a stop or take-profit off."""
    return order.order_type in ("stop", "take_profit") and order.price != 0


def is_due(order: Order, exchange_ns: int) -> bool:
    """Whether a held order should leave now."""
    return order.trigger <= exchange_ns if order.order_type == "slice" else gone_off(order)


def _trailed(order: Order, prices: np.ndarray) -> Order:
    """Best prices are the highest for what sells, the lowest for what buys; signed, both are the highest."""
    sign = -order.side
    signed = sign * prices.astype(np.int64)
    best = np.maximum.accumulate(signed if order.price == 0 else np.maximum(signed, sign * order.price))
    away = best - signed >= order.trigger
    first = int(np.argmax(away))
    if away[first]:
        level = sign * (int(best[first]) - order.trigger)
        return msgspec.structs.replace(order, order_type="stop", trigger=level, price=int(prices[first]))
    best_price = sign * int(best[-1])
    return order if best_price == order.price else msgspec.structs.replace(order, price=best_price)


class Prices:
    """Prices traded since the last tick, by instrument; the same however rows are cut into chunks."""

    def __init__(self) -> None:
        self._rows: dict[int, list[np.ndarray]] = {}

    def fold(self, trades: np.ndarray, instruments: Iterable[int]) -> None:
        """trades: rows of one chunk. instruments: those of which an order is held."""
        if not len(trades):
            return
        for instrument in set(instruments):
            mine = trades[trades["instrument"] == instrument]
            if len(mine):
                self._rows.setdefault(instrument, []).append(mine)

    def since(self, instrument: int, seq: int) -> np.ndarray:
        """Prices of inputs behind `seq`, shape (n,), oldest first."""
        rows = [each["price"][each["seq"] > seq] for each in self._rows.get(instrument, ())]
        return np.concatenate(rows) if rows else np.empty(0, np.int64)

    def clear(self) -> None:
        self._rows.clear()
