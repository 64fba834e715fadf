"""The account: what the venue says we own, what our own fills add up to, and our position in each instrument.

In:  Balance and Fill records, in the order in which they became known.
Out: amounts in units of 10**-8 of the asset. `free` and `locked` are the venue's word; `booked` is the opening balance
     and our fills and fees, so the two must agree to the last unit whenever nothing is under way.
"""

from __future__ import annotations

from ninefold.execution.money import base_amount, quote_amount
from ninefold.market.instruments import Instrument
from ninefold.market.records import Balance, Fill

SEEN_MOST = 100_000  # trades remembered to know a repeated one; a repeat comes within seconds, or after a restart


class Account:
    def __init__(self) -> None:
        self.free: dict[str, int] = {}
        self.locked: dict[str, int] = {}
        self.booked: dict[str, int] = {}
        self.positions: dict[int, int] = {}  # instrument id to signed amount of its base asset, fees in base taken off
        self._seen: dict[tuple[str, str], None] = {}

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
        self._add(instrument.base, base)
        self._add(instrument.quote, -fill.side * quote_amount(instrument, fill.price, fill.size))
        self._add(fill.fee_asset, -fill.fee)
        held = base - (fill.fee if fill.fee_asset == instrument.base else 0)
        self.positions[instrument.id] = self.positions.get(instrument.id, 0) + held
        return True

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
