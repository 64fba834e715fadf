"""One order in two accounts: what its fills did in either, and in which ways they differ.

In:  the order, the fills of the run and of the simulated market, what the feed showed meanwhile. Out: aspects, in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from ninefold.execution.money import text
from ninefold.market.instruments import Instrument
from ninefold.market.records import Fill, Order
from ninefold.market.time import SECOND_NS

SHOWN_WITHIN_NS = SECOND_NS  # the feed may show later than the venue says what an order met


@dataclass(slots=True)
class Traded:
    """One order in both accounts. intended: by side. fills: by side, by trade. ends: by side, how it was over. best: the most
    favourable price that the feed has shown since the decision, None if it could not be seen all the time.
    """

    order: Order
    intended: list[bool] = field(default_factory=lambda: [False, False])
    fills: tuple[dict[str, Fill], dict[str, Fill]] = field(default_factory=lambda: ({}, {}))
    ends: list[str] = field(default_factory=lambda: ["", ""])
    best: int | None = None

    def is_better(self, price: int, than: int) -> bool:
        return price < than if self.order.side > 0 else price > than

    @property
    def does_alike(self) -> bool:
        """Whether it did the same to both accounts so far: sizes, and fees by asset."""
        run, again = ((sum(fill.size for fill in of.values()), _fees(of.values())) for of in self.fills)
        return run == again

    @property
    def is_alike(self) -> bool:
        """Whether it is over in both, and did the same."""
        return all(self.ends) and self.does_alike


def aspects(traded: Traded) -> list[str]:
    """In which ways the fills of one order differ."""
    run, again = ([*_sums(fills.values()), end] for fills, end in zip(traded.fills, traded.ends, strict=True))
    names = ("size", "price", "fee", "latency", "end")
    return [name for name, mine, other in zip(names, run, again, strict=True) if mine != other]


def never_shown(traded: Traded, of: Instrument) -> str:
    """What is wrong with a fill of the run at a better price than the feed showed from the decision on; "" if nothing is. At a
    worse price it may have gone through several levels.
    """
    best = traded.best
    prices = [
        fill.price for fill in traded.fills[0].values() if best is not None and traded.is_better(fill.price, best)
    ]
    if not prices or best is None:
        return ""
    return f"filled at {of.price_text(prices[0])}, and the feed showed nothing better than {of.price_text(best)}"


def is_over(traded: Traded, now_ns: int) -> bool:
    """Whether the run's order is over for so long that the feed has shown what it met."""
    last_ns = max((fill.known_ns for fill in traded.fills[0].values()), default=traded.order.known_ns)
    return now_ns > last_ns + SHOWN_WITHIN_NS and bool(traded.ends[0] or not traded.intended[0])


def _sums(fills: Iterable[Fill]) -> list[object]:
    """Size, prices, fees, and when the last one was known."""
    told = list(fills)
    return [
        sum(fill.size for fill in told),
        _average(told),
        sorted(_fees(told).items()),
        max((fill.known_ns for fill in told), default=0),
    ]


def _average(fills: Sequence[Fill]) -> Fraction:
    size = sum(fill.size for fill in fills)
    return Fraction(sum(fill.price * fill.size for fill in fills), size) if size else Fraction(0)


def _fees(fills: Iterable[Fill]) -> dict[str, int]:
    fees: dict[str, int] = {}
    for fill in fills:
        fees[fill.fee_asset] = fees.get(fill.fee_asset, 0) + fill.fee
    return fees


def told(traded: Traded, side: int, of: Instrument) -> str:
    fills = list(traded.fills[side].values())
    if not fills:
        return f"no fill, {traded.ends[side] or 'not over'}"
    size = of.size_text(sum(fill.size for fill in fills))
    price = of.price_text(round(_average(fills)))
    fee = ", ".join(f"{text(fee, asset)}" for asset, fee in sorted(_fees(fills).items()))
    after_ms = (max(fill.known_ns for fill in fills) - traded.order.known_ns) / 1e6
    return f"{size} {of.base} at {price} {of.quote}, fee {fee}, known {after_ms:.1f} ms after the decision"
