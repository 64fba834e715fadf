"""Since when and at which price each strategy holds what it holds.

In:  what each strategy gets and gives, with its price, in the order in which it became known.
Out: of each position its average entry price in whole ticks, rounded down as in back-tests, and the input it began with.

A position begins from nothing, or where it turns round. What is left of one that is given back is nothing if the venue takes
no order for it. What makes a position smaller leaves its average as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ninefold.execution.money import DECIMALS, least_amount
from ninefold.market.instruments import Instrument

Key = tuple[str, int]  # strategy, instrument


@dataclass(slots=True)
class Entry:
    """average, best: in ticks; best: the most favourable price since the entry, kept by who looks at bars. seq: of the input
    it began with. tick: in 10**-8 of the quote asset."""

    average: int
    best: int
    seq: int
    tick: int

    def count_in(self, tick: int) -> None:
        """The instrument's tick has changed."""
        if tick != self.tick:
            self.average, self.best = self.average * self.tick // tick, self.best * self.tick // tick
            self.tick = tick


class Deal(NamedTuple):
    """What several get and give at once. ticks: the price in whole ticks. tick: as of an `Entry`. least: the least amount of base that
    the venue takes an order for."""

    ticks: int
    tick: int
    least: int
    seq: int


def deal_of(instrument: Instrument, price: int, seq: int) -> Deal:
    """price: in the instrument's units."""
    return Deal(price // instrument.tick_size, tick_of(instrument), least_amount(instrument, price), seq)


class Entries:
    def __init__(self) -> None:
        self.of: dict[Key, Entry] = {}

    def add(self, key: Key, before: int, amount: int, deal: Deal) -> None:
        """before, amount: of base, signed."""
        ticks, tick, least, seq = deal
        entry, after = self.of.get(key), before + amount
        if before * after < 0 or (entry is None and abs(after) > abs(before)):
            self.of[key] = Entry(ticks, ticks, seq, tick)
        elif entry is None:
            return
        elif before * amount > 0:
            entry.count_in(tick)
            entry.average = (entry.average * abs(before) + ticks * abs(amount)) // abs(after)
        elif abs(after) < least:
            del self.of[key]

    def relist(self, strategy: str, old: int, new: int) -> None:
        entry = self.of.pop((strategy, old), None)
        if entry is not None:
            self.of[(strategy, new)] = entry


def tick_of(instrument: Instrument) -> int:
    """In 10**-8 of the quote asset."""
    return instrument.tick_size * int(10 ** (DECIMALS - instrument.price_decimals))
