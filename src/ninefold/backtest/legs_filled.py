"""What one leg got at one move of its strategy: in the run, and in a back-test at the next opens.

In:  the back-test's fills, the run's orders and theirs. Out: whether they are the same, else why not.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from ninefold.execution.legs_moved import BACK, REFUSED, UNDER_WAY, LegsBooked, Moved
from ninefold.execution.money import is_orderable, size_of
from ninefold.execution.reasons import FILL, NETTING, RISK, UNEXPLAINED
from ninefold.market.instruments import Instrument
from ninefold.market.records import Fill, Order

BPS = 10_000
ROUNDED = 2  # lots, by which amounts cut to lots on either side may differ


class Filled(NamedTuple):
    """One order of the run, with its fills and the part that the strategy has of them."""

    order: Order
    part: Fraction
    fills: Sequence[Fill]


class Both(NamedTuple):
    """again: LEG_FILLS rows of the leg. end: how the back-test's move ended. is_back: whether they bring it back. lacks: how much
    less the run held before, in the instrument's units, as is what the leg took from other strategies (crossed, signed). unsized: why
    the run's sizes are not the plain part of the capital, "" if they are."""

    leg: int
    of: Instrument
    name: str
    again: np.ndarray
    move: Moved | None
    end: str
    is_back: bool
    lacks: int
    unsized: str
    orders: Sequence[Filled] = ()
    crossed: int = 0

    @property
    def fills(self) -> list[Fill]:
        return [fill for one in self.orders for fill in one.fills]

    @property
    def size(self) -> tuple[int, int]:
        """Of the run and of the back-test, signed, in the instrument's units."""
        parts = [one.order.side * one.part * fill.size for one in self.orders for fill in one.fills]
        return round(sum(parts)), int(self.again["size"].sum()) * self.of.lot_size

    @property
    def price(self) -> tuple[Fraction, Fraction]:
        """On average, in the instrument's units; 0 without a fill."""
        run = [(one.price, one.size) for one in self.fills]
        again = list(zip(self.again["price"].tolist(), np.abs(self.again["size"]).tolist(), strict=True))
        return _average(run), _average(again)

    @property
    def others(self) -> list[str]:
        """Strategies that share the run's orders."""
        return sorted({name for one in self.orders for name in one.order.strategies} - {self.name})

    @property
    def is_same(self) -> bool:
        return self.size[0] == self.size[1] and self.price[0] == self.price[1] and not self.others

    @property
    def words(self) -> tuple[str, str]:
        run, again = (self._said(size, price) for size, price in zip(self.size, self.price, strict=True))
        return run, f"{again}, at the next open" if len(self.again) else again

    def _said(self, size: int, price: Fraction) -> str:
        if not size:
            return "nothing"
        side = "buy" if size > 0 else "sell"
        return f"{side} {self.of.size_text(abs(size))} {self.of.base} at {float(price / 10**self.of.price_decimals):g} {self.of.quote}"


def with_filled(both: Both, booked: LegsBooked, span: tuple[int, int]) -> Both:
    """With the run's orders of a leg at a move that were filled, and what it took from others. span: seq of the move and of the next."""
    if both.move is None:
        return both
    ids = (both.move.back if both.is_back else both.move.sent).get(both.of.id, ())
    parts = {one: booked.part(both.name, one) for one in ids if booked.fills.get(one)}
    orders = [Filled(booked.orders[one], of, list(booked.fills[one].values())) for one, of in parts.items() if of]
    taken = sum(
        one.taken.get(both.name, 0)
        for one in booked.crossed
        if one.instrument == both.of.id and span[0] <= one.seq < span[1] and not both.is_back
    )
    return both._replace(orders=orders, crossed=size_of(both.of, taken))


def how_it_differs(both: Both, apart: str) -> tuple[str, str] | None:
    """Reason and words, None if it is the same. apart: an earlier move that ended otherwise on both sides, "" if there is none."""
    run, again = both.size
    if run and again:
        if both.is_same:
            return None
        found = _at_other_prices(both)
    else:
        found = _only_again(both) if again else _only_run(both)
    if found is not None:
        return found
    return (FILL, apart) if apart else (UNEXPLAINED, "no rule explains it")


def _at_other_prices(both: Both) -> tuple[str, str] | None:
    (run, again), prices, others = both.size, both.price, both.others
    if both.move is None or run * again < 0:
        return UNEXPLAINED, "the run traded the other side"
    apart = float((prices[0] - prices[1]) / prices[1]) * BPS if prices[1] else 0.0
    known_ms = (max(fill.known_ns for fill in both.fills) - both.move.first.known_ns) / 1e6
    why = f"at quotes {apart:+.2f} bps from the next open, known {known_ms:.1f} ms after the decision"
    shared = f"the order is netted with {', '.join(others)}" if others else ""
    of_size = "" if run == again else _of_size(both)
    return None if of_size is None else (FILL, "; ".join(filter(None, (why, shared, of_size))))


def _of_size(both: Both) -> str | None:
    """Why the run has another size than the back-test, None if nothing says so."""
    if both.unsized:
        return f"sized {both.unsized}"
    if any(sum(fill.size for fill in one.fills) < one.order.size for one in both.orders):
        return "a part of the size was shown"
    if both.is_back:
        return "it brings back what the run had bought"
    apart = both.size[0] + both.crossed - both.size[1] - both.lacks
    if abs(apart) > ROUNDED * both.of.lot_size:
        return None
    took = _crossed(both) if both.crossed else ""
    return ", ".join(filter(None, (took, "it held less, by fees and by what was left over" if both.lacks else "")))


def _crossed(both: Both) -> str:
    way = "taken from" if both.crossed > 0 else "given to"
    return f"{both.of.size_text(abs(both.crossed))} {both.of.base} were {way} other strategies at the mid"


def _only_again(both: Both) -> tuple[str, str] | None:
    """Why the run got nothing where the back-test did."""
    move, of = both.move, both.of
    size, price = abs(both.size[1]), int(both.price[1])
    if move is None:
        return None
    if both.is_back:
        return (
            (FILL, "a bar without trades of another leg brought it back; the run fills at quotes")
            if both.end == BACK
            else None
        )
    if move.is_risk:
        return RISK, move.last.why
    if both.crossed * both.size[1] > 0:
        return NETTING, f"{_crossed(both)}, not sent"
    if move.sent.get(of.id):
        return FILL, "the market showed no size in time"
    if move.end == UNDER_WAY:
        return FILL, "latency: what was on order before was still under way, or its size was not shown"
    if not is_orderable(of, size, price):
        return NETTING, "less than the venue takes an order for"
    return (FILL, move.last.why) if move.end == REFUSED and both.end != REFUSED and move.last.why else None


def _only_run(both: Both) -> tuple[str, str] | None:
    """Why the back-test got nothing where the run did."""
    if both.is_back:
        return (FILL, "a leg that no quote filled in time had trades in its bar") if both.end != BACK else None
    if both.end == UNDER_WAY:
        return FILL, "no trades in a bar, and the run fills at quotes"
    return None


def _average(pairs: Sequence[tuple[int, int]]) -> Fraction:
    size = sum(size for _, size in pairs)
    return Fraction(sum(price * size for price, size in pairs), size) if size else Fraction(0)
