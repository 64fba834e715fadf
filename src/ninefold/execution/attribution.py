"""Who of many strategies on one account has got what: positions, money and fees, to the last unit.

In:  what each strategy wanted of an order (Shared), what they take from each other (Crossed), fills.
Out: amounts by strategy, asset and instrument. Their sums are the account's, always: every fill, its value and its fee are
     split in whole units, and what is crossed sums to nothing.

The rules. What strategies want in opposite directions at one tick is never sent: they take it from each other at the mid of
that tick. The rest of an order's strategies all want the same side; each fill is split in proportion to what they wanted,
units left over going to the greatest fractions, then by name. An order that nobody shared out is its parent's, else all its
strategies' in equal parts. What is below the venue's minima stays with whom it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ninefold.execution.entries import Deal, Entries, deal_of
from ninefold.execution.money import base_amount
from ninefold.market.instruments import Instrument
from ninefold.market.records import Crossed, Fill, Order, Shared

ORDERS_KNOWN = 10_000  # orders whose shares are remembered; the core forgets those that are over long before
_NOTHING: Mapping[str, int] = {}
NOBODY = ""  # whom fills belong to that no strategy asked for


def split(total: int, shares: Mapping[str, int]) -> dict[str, int]:
    """A number in whole parts, in proportion to shares of one sign that are not all 0; the parts sum to it.

    >>> split(10, {"a": 1, "b": 1, "c": 1})
    {'a': 4, 'b': 3, 'c': 3}
    >>> split(-5, {"a": -2, "b": -1})
    {'a': -3, 'b': -2}
    """
    sizes = [abs(share) for share in shares.values()]
    whole, size, sign = sum(sizes), abs(total), 1 if total >= 0 else -1
    wholes = sizes if size == whole else [size * share // whole for share in sizes]
    parts = dict(zip(shares, wholes if sign > 0 else [-part for part in wholes], strict=True))
    lacking = size - sum(wholes)
    if lacking:
        left = [
            part * whole - size * share for part, share in zip(wholes, sizes, strict=True)
        ]  # the greatest comes first
        for _, name in sorted(zip(left, shares, strict=True))[:lacking]:
            parts[name] += sign
    return parts


def net(wants: Mapping[str, int]) -> tuple[dict[str, int], dict[str, int]]:
    """What strategies take from each other, and what is left for an order, all of one sign; both signed, by strategy.

    >>> net({"a": 10, "b": -4, "c": 2})
    ({'a': 3, 'c': 1, 'b': -4}, {'a': 7, 'c': 1})
    """
    moving = sorted([one for one in wants.items() if one[1]])
    buys = {name: want for name, want in moving if want > 0}
    sells = {name: want for name, want in moving if want < 0}
    crossed = min(sum(buys.values()), -sum(sells.values()))
    if crossed == 0:
        return {}, buys or sells
    taken = {**split(crossed, buys), **split(-crossed, sells)}
    rest = {name: wants[name] - amount for name, amount in taken.items() if wants[name] != amount}
    return {name: amount for name, amount in taken.items() if amount}, rest


class Attribution:
    """amounts: by strategy and asset, what came in less what went out. fees: the same, of fees alone (they are in `amounts`
    too). fills: how many each had a part in. entries: since when and at which price each holds what it holds.
    """

    def __init__(self) -> None:
        self.entries = Entries()
        self.amounts: dict[str, dict[str, int]] = {}
        self.fees: dict[str, dict[str, int]] = {}
        self.fills: dict[str, int] = {}
        self._held: dict[int, dict[str, int]] = {}  # by instrument and strategy, signed amounts of base
        self._of: dict[str, set[int]] = {}  # instruments of which a strategy holds or held something
        self._wanted: dict[str, dict[str, int]] = {}  # of orders by client id

    def held(self, strategy: str, instrument: int) -> int:
        """Signed amount of base."""
        return self._held.get(instrument, {}).get(strategy, 0)

    def positions(self, strategy: str) -> dict[int, int]:
        """By instrument, what is not nothing."""
        held = self._held
        return {of: amount for of in self._of.get(strategy, ()) if (amount := held.get(of, _NOTHING).get(strategy, 0))}

    @property
    def held_of_all(self) -> Mapping[int, Mapping[str, int]]:
        """By instrument and strategy, in no order; of some it is nothing."""
        return self._held

    def holders(self, instrument: int) -> dict[str, int]:
        """By strategy, what is not nothing."""
        return {name: amount for name, amount in sorted(self._held.get(instrument, {}).items()) if amount}

    @property
    def strategies(self) -> list[str]:
        return sorted(self.amounts)

    def follow(self, order: Order) -> None:
        """An order is new: who is behind it, until somebody shares it out."""
        if order.client_order_id not in self._wanted:
            self._know(order.client_order_id, self.shares_of(order))

    def parts(self, order: Order, amount: int) -> dict[str, int]:
        """A signed amount of an order, by whose it would be."""
        return split(amount, self._wanted.get(order.client_order_id) or self.shares_of(order))

    def shares_of(self, order: Order) -> dict[str, int]:
        """Of an order that nobody shared out."""
        of_parent = self._wanted.get(order.parent)
        return {
            name: abs(share) for name, share in (of_parent or dict.fromkeys(order.strategies or (NOBODY,), 1)).items()
        }

    def share(self, shared: Shared) -> None:
        self._know(shared.client_order_id, shared.wanted)

    def cross(self, crossed: Crossed, instrument: Instrument) -> None:
        self._book(instrument, crossed.taken, crossed.price, crossed.seq)

    def book(self, fill: Fill, instrument: Instrument, value: int, number: int) -> None:
        """value: what was paid or got of the quote asset. number: of the instrument, now. Call it once a fill."""
        wanted = self._wanted.get(fill.client_order_id) or {NOBODY: 1}
        base = split(fill.side * base_amount(instrument, fill.size), wanted)
        for name, amount in base.items():
            self._add(name, instrument.base, amount)
            self.fills[name] = self.fills.get(name, 0) + 1
        self._enter(number, base, deal_of(instrument, fill.price, fill.seq))
        for name, amount in split(-fill.side * value, wanted).items():
            self._add(name, instrument.quote, amount)
        for name, fee in split(-fill.fee, wanted).items():
            self._add(name, fill.fee_asset, fee)
            if fill.fee_asset:
                of = self.fees.setdefault(name, {})
                of[fill.fee_asset] = of.get(fill.fee_asset, 0) - fee
            if fill.fee_asset == instrument.base:
                self._hold(name, number, fee)

    def relist(self, old: int, new: int) -> None:
        """An instrument goes on under another number."""
        for name, amount in self.holders(old).items():
            self._hold(name, new, amount)
            self.entries.relist(name, old, new)
        self._held.pop(old, None)

    def _book(self, instrument: Instrument, taken: Mapping[str, int], price: int, seq: int) -> None:
        """Takers and givers at one price; the value is split on either side, so that it sums to nothing."""
        takers = {name: amount for name, amount in taken.items() if amount > 0}
        givers = {name: amount for name, amount in taken.items() if amount < 0}
        value = sum(takers.values()) * price // 10**instrument.price_decimals
        paid: dict[str, int] = {**split(-value, takers), **split(value, givers)}
        deal, base, quote = deal_of(instrument, price, seq), instrument.base, instrument.quote
        for name, amount in taken.items():
            of = self.amounts.setdefault(name, {})
            of[base] = of.get(base, 0) + amount
            of[quote] = of.get(quote, 0) + paid[name]
        self._enter(instrument.id, taken, deal)

    def _know(self, order_id: str, wanted: Mapping[str, int]) -> None:
        self._wanted.pop(order_id, None)
        self._wanted[order_id] = dict(wanted)
        if len(self._wanted) > ORDERS_KNOWN:
            del self._wanted[next(iter(self._wanted))]

    def _add(self, strategy: str, asset: str, amount: int) -> None:
        of = self.amounts.setdefault(strategy, {})
        if asset:
            of[asset] = of.get(asset, 0) + amount

    def _enter(self, number: int, amounts: Mapping[str, int], deal: Deal) -> None:
        of, entries, instruments = self._held.setdefault(number, {}), self.entries, self._of
        for strategy, amount in amounts.items():
            before = of.get(strategy, 0)
            entries.add((strategy, number), before, amount, deal)
            of[strategy] = before + amount
            if strategy not in instruments:
                instruments[strategy] = set()
            instruments[strategy].add(number)

    def _hold(self, strategy: str, instrument: int, amount: int) -> None:
        of = self._held.setdefault(instrument, {})
        of[strategy] = of.get(strategy, 0) + amount
        self._of.setdefault(strategy, set()).add(instrument)


def total(amounts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The sum of all, by asset."""
    summed: dict[str, int] = {}
    for one in amounts:
        for asset, amount in one.items():
            summed[asset] = summed.get(asset, 0) + amount
    return summed
