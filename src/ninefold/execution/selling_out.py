"""What somebody asked to be sold out: it is asked for until nothing of it is left that the venue would take.

In:  Flatten, Flattened and Resumed records; positions. Out: which instruments to sell; what stays, and why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ninefold.execution.money import quote_amount, size_of, text
from ninefold.execution.shown import Quote
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.records import AnyRecord, Flatten, Flattened, Resumed, Tick
from ninefold.market.time import SECOND_NS


class SellingOut:
    """asked: who wants it, by instrument name, "" for all."""

    def __init__(self) -> None:
        self.asked: dict[str, Flatten] = {}
        self._told = True  # whether it has been said that nothing more can be sold
        self._second = -1  # of the last try

    def fold(self, record: AnyRecord) -> None:
        match record:
            case Flatten():
                self.asked[record.instrument] = record
                self._told, self._second = False, -1
            case Flattened():
                self._told = True
            case Resumed():
                self.asked, self._told = {}, True

    def due(self, tick: Tick) -> bool:
        """Whether to try now: at the first tick, then once a second, so that refusals do not fill the ledger."""
        second = tick.exchange_ns // SECOND_NS
        if self._told or second == self._second:
            return False
        self._second = second
        return True

    def wants(self, instrument: Instrument) -> bool:
        return instrument.name in self.asked or "" in self.asked

    def held(self, positions: Mapping[int, int], registry: Registry) -> list[int]:
        """What there is to sell, by instrument."""
        return [of for of, amount in sorted(positions.items()) if amount > 0 and self.wants(registry[of])]

    def end(self, tick: Tick, left: Iterable[str]) -> Flattened:
        self._told = True
        by = ", ".join(sorted({asked.by for asked in self.asked.values()}))
        return Flattened(seq=tick.seq, known_ns=tick.known_ns, by=by, left=tuple(left))


def why_left(instrument: Instrument, amount: int, quote: Quote | None) -> str:
    """Why an amount that is held cannot be sold."""
    held = text(amount, instrument.base)
    size = size_of(instrument, amount) // instrument.lot_size * instrument.lot_size
    if size < max(instrument.min_size, 1):
        least = max(instrument.min_size, instrument.lot_size)
        return f"{instrument.name}: {held} is less than the venue's least size, {instrument.size_text(least)} {instrument.base}"
    worth = "" if quote is None else f", worth {text(quote_amount(instrument, quote.bid, size), instrument.quote)},"
    return f"{instrument.name}: {held}{worth} is less than the venue's least order, {instrument.min_notional} {instrument.quote}"
