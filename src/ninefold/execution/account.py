"""The account: what the venue says we own, what our own fills add up to, and our position in each instrument.

In:  Balance and Fill records, in the order in which they became known.
Out: amounts in units of 10**-8 of the asset. `free` and `locked` are the venue's word; `booked` is the opening balance
     and our fills and fees, so the two must agree to the last unit whenever nothing is under way. `traded` is fills and
     fees alone, which `attribution` has by strategy.
"""

from __future__ import annotations

from ninefold.execution.asked import HAND
from ninefold.execution.attribution import Attribution
from ninefold.execution.money import base_amount, quote_amount
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.records import Balance, Fill

SEEN_MOST = 100_000  # trades remembered to know a repeated one; a repeat comes within seconds, or after a restart


class Account:
    def __init__(self) -> None:
        self.free: dict[str, int] = {}
        self.locked: dict[str, int] = {}
        self.booked: dict[str, int] = {}
        self.traded: dict[str, int] = {}
        self.attribution = Attribution()
        self.positions: dict[int, int] = {}  # instrument id to signed amount of its base asset, fees in base taken off
        self._seen: dict[tuple[str, str], None] = {}
        self._now: dict[int, int] = {}  # instrument to what it is numbered now

    def show(self, balance: Balance) -> None:
        """Take the venue's word for one asset."""
        self.free[balance.asset] = balance.free
        self.locked[balance.asset] = balance.locked
        self.booked.setdefault(balance.asset, balance.free + balance.locked)

    def book(self, fill: Fill, instrument: Instrument) -> bool:
        """Add one fill; False if it is booked already. Where two of our orders meet, one trade is a fill of each."""
        key = (fill.client_order_id, fill.trade_id)
        if key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > SEEN_MOST:
            del self._seen[next(iter(self._seen))]
        base = fill.side * base_amount(instrument, fill.size)
        value = quote_amount(instrument, fill.price, fill.size)
        self._add(instrument.base, base)
        self._add(instrument.quote, -fill.side * value)
        self._add(fill.fee_asset, -fill.fee)
        held = base - (fill.fee if fill.fee_asset == instrument.base else 0)
        number = self.number_of(instrument.id)
        self.positions[number] = self.positions.get(number, 0) + held
        self.attribution.book(fill, instrument, value, number)
        return True

    def number_of(self, instrument: int) -> int:
        """What an instrument is numbered now."""
        return self._now.get(instrument, instrument)

    def of_strategies(self, instrument: int) -> int:
        """What is held less what people bought by hand."""
        return self.positions.get(instrument, 0) - max(0, self.attribution.held(HAND, instrument))

    def relist_to(self, instrument: Instrument, registry: Registry) -> None:
        """What is held of an instrument is held of its next version too."""
        for one in list(registry) if instrument.version > 1 else ():
            if (one.venue, one.venue_symbol) == (instrument.venue, instrument.venue_symbol) and one.id < instrument.id:
                self.relist(one.id, instrument.id)

    def relist(self, old: int, new: int) -> None:
        """An instrument goes on under another number, with other rules: so does what is held of it."""
        if old == new or old in self._now:
            return
        self._now = {**{one: new if now == old else now for one, now in self._now.items()}, old: new}
        if old in self.positions:
            self.positions[new] = self.positions.get(new, 0) + self.positions.pop(old)
        self.attribution.relist(old, new)

    def total(self, asset: str) -> int:
        return self.free.get(asset, 0) + self.locked.get(asset, 0)

    def differences(self) -> dict[str, tuple[int, int]]:
        """Assets where the venue's total and our books differ: asset to (venue, books)."""
        return {
            asset: (self.total(asset), booked)
            for asset, booked in sorted(self.booked.items())
            if booked != self.total(asset)
        }

    def _add(self, asset: str, amount: int) -> None:
        if asset and amount:
            self.booked[asset] = self.booked.get(asset, 0) + amount
            self.traded[asset] = self.traded.get(asset, 0) + amount
