"""Strategies that quote, in the pipeline: what they want on both sides at each bar's close.

In:  closed bars, with the best quote as it was known then; what each strategy holds.
Out: `Quoted`. `rounded` is the rule of back-tests too: a bid down and an ask up to a whole tick, sizes down to whole lots; what is
     unknown or not above 0 is not quoted. Neither side is where a bid would not lie below its ask. On spot an ask is cut to what is
     held, and a bid so that not more than `most` comes to be held.

After a restart all bars so far are played again with what was held at each, so windows over the position go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ninefold.formula import SIZE, Evaluator
from ninefold.market.chunk import Chunk
from ninefold.market.columns import closed_of, columns, told_too
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.quoted import Quoted
from ninefold.market.values import known_of, told_of
from ninefold.strategy.forms import Quoting
from ninefold.strategy.own import Holding, Holdings
from ninefold.strategy.plan import Plan
from ninefold.strategy.series import scale_of

NEAR = 1e-9  # a price so near to a whole tick is that tick
BEST = ("bid", "ask", "bid_size", "ask_size")
Held = Callable[[str, int], Holding | None]  # by strategy and instrument
HeldEach = Callable[[str, int, np.ndarray], Holdings]  # and at inputs, by their seq


def rounded(prices: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """prices, sizes: of bid and ask, in ticks and lots, shape (2, ...). returns: both whole, float64; NaN stays NaN.

    >>> prices, sizes = rounded(np.array([10.7, 11.2]), np.array([1.9, 0.3]))
    >>> prices.tolist(), sizes.tolist()
    ([10.0, 12.0], [1.0, 0.0])
    """
    return np.stack([np.floor(prices[0] + NEAR), np.ceil(prices[1] - NEAR)]), np.floor(sizes + NEAR)


class QuotesWanted:
    """plans: those that quote, all of the traded venue's instruments. registry: of the instruments, as they become known."""

    def __init__(self, plans: Sequence[Plan], venue: str, registry: Registry) -> None:
        self._plans = [(plan, plan.wants) for plan in plans if isinstance(plan.wants, Quoting)]
        self._venue = venue
        self._registry = registry
        self._evaluators: dict[tuple[str, int], Evaluator] = {}

    def take(self, chunk: Chunk, held: Held) -> list[Quoted]:
        """What they want at the bars of a chunk. held: as it is at its tick."""
        bars, read = closed_of(chunk) if self._plans else (chunk.rows("bars")[:0], [])
        found = []
        for bar, row in zip(bars, told_too(bars, read, known_of(chunk.rows("values"))), strict=True):
            of = self._registry[int(bar["instrument"])]
            for plan, wants in self._plans:
                if plan.width_ns == int(bar["width_ns"]) and of.venue == self._venue:
                    mine = held(plan.name, of.id)
                    best = {name: float(bar[name]) or np.nan for name in BEST}
                    position = mine.position if mine is not None else 0.0
                    shown = {**row, **best, "tick": float(of.tick_size), "position": position}
                    values = self._evaluator_of(plan.name, wants, of).update(shown)
                    found.append(_quoted(plan.name, wants, of, int(bar["seq"]), values, position))
        return found

    def warm(self, bars: np.ndarray, values: np.ndarray, held: HeldEach) -> None:
        """Catch up with all bars so far."""
        bars, known = bars[bars["revision"] == 0], known_of(values) if self._plans else {}
        for plan, wants in self._plans:
            for of in [one for one in self._registry if one.venue == self._venue]:
                mine = bars[(bars["instrument"] == of.id) & (bars["width_ns"] == plan.width_ns)]
                best = {name: np.where(mine[name] > 0, mine[name].astype(np.float64), np.nan) for name in BEST}
                own = {
                    "tick": np.full(len(mine), float(of.tick_size)),
                    "position": held(plan.name, of.id, mine["seq"]).position.astype(np.float64),
                }
                shown = columns(mine, told_of(mine, known)) | best | own
                self._evaluator_of(plan.name, wants, of).warm(shown)

    def _evaluator_of(self, name: str, wants: Quoting, of: Instrument) -> Evaluator:
        key = (name, of.id)
        if key not in self._evaluators:
            self._evaluators[key] = Evaluator(list(wants.terms), scale_of(of))
        return self._evaluators[key]


def most_of(plans: Sequence[Plan]) -> Mapping[str, float]:
    """By strategy that quotes, the largest position, in base."""
    return {plan.name: plan.wants.most for plan in plans if isinstance(plan.wants, Quoting)}


def _quoted(name: str, wants: Quoting, of: Instrument, seq: int, values: np.ndarray, position: float) -> Quoted:
    """values: bid, its size, ask, its size, in the instrument's units; sizes that are plain numbers in base. position: what is held; a
    bid is cut to what may be held beside it, an ask to that."""
    base = 10.0**of.size_decimals
    units = [1.0 if term.unit == SIZE else base for term in (wants.bid_size, wants.ask_size)]
    prices, lots = rounded(
        np.array([values[0], values[2]]) / of.tick_size,
        np.minimum([values[1] * units[0], values[3] * units[1]], [wants.most * base - position, position])
        / of.lot_size,
    )
    good = np.isfinite(prices) & np.isfinite(lots) & (prices > 0) & (lots >= 1)
    if good.all() and prices[0] >= prices[1]:
        good[:] = False
    bid, ask = (int(price) * of.tick_size if one else 0 for price, one in zip(prices, good, strict=True))
    bid_size, ask_size = (int(size) * of.lot_size if one else 0 for size, one in zip(lots, good, strict=True))
    return Quoted(name, of.id, seq, bid, bid_size, ask, ask_size)
