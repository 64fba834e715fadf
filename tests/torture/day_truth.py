"""What the exchange did, by its own reports and accounts, against what our books say.

In:  every report of the exchange as it leaves its books, before any fault; a life of the pipeline, and what it made.
Out: AssertionErrors that say what does not add up: at every step what was told, at rest everything there is.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ninefold.execution.asked import HAND
from ninefold.execution.attribution import total
from ninefold.execution.desk import RESTS
from ninefold.execution.held import EXITS
from ninefold.execution.money import base_amount, quote_amount
from ninefold.market.records import Fill, Order

from .day_life import Kept, Life
from .simulated_time import Venue

ENDS = {
    "NEW": "working", "PARTIALLY_FILLED": "partly_filled", "FILLED": "filled", "CANCELED": "cancelled",
    "EXPIRED": "expired",
}  # fmt: skip
Money = tuple[int, int, int, str]  # amount of base, value, fee, asset of the fee


@dataclass
class Theirs:
    """An order by the exchange's reports; amounts of base."""

    symbol: str
    side: int
    size: int
    status: str
    filled: int = 0


class Truth:
    """orders, fills: all there ever were, by client id and trade."""

    def __init__(self, venue: Venue, kept: Kept) -> None:
        self.orders: dict[str, Theirs] = {}
        self.fills: dict[tuple[str, str], Money] = {}
        self.position: Counter[str] = Counter()
        self.opening = venue.balances()
        self._venue, self._kept = venue, kept
        self._same: set[str] = set()  # orders that were over, and the same on both sides
        self._roots: dict[str, str] = {}  # exit to what it protects
        self._let_go: set[str] = set()  # whose exits somebody cancelled
        self._decided: dict[tuple[int, int, int], str] = {}
        self._hand: dict[tuple[int, int], str] = {}  # instrument and size of what was asked for: no two are of one size
        self.refused: Counter[str] = Counter()
        venue.exchange.user_listeners[self._heard] = None

    def begin(self, life: Life) -> None:
        """A life restores its books from the ledger; so do we."""
        self._known: dict[tuple[str, str], Fill] = {}
        self._sums: Counter[str] = Counter()
        self._newest: dict[str, Order] = {}
        for record in self._kept.events():
            if isinstance(record, Order):
                self._newest[record.client_order_id] = record
            elif isinstance(record, Fill):
                self._add(record, life)

    def let_go(self, what: str) -> None:
        """An exit or an entry that somebody cancelled, or "" for all there are."""
        self._let_go |= {what, self._roots.get(what, what)} if what else set(self._roots.values())

    def check(self, life: Life) -> None:
        """At any step: what we know is true, and adds up."""
        for one in life.take_made():
            if isinstance(one, Fill):
                self._check_fill(one, life)
            else:
                self._check_order(one, life)
        account = life.core.account
        assert not life.core.contradictions, life.core.contradictions[-1]
        booked = {asset: account.booked.get(asset, 0) for asset in account.booked}
        assert booked == {asset: self.opening[asset] + self._sums[asset] for asset in booked}, (
            "booked is not what was told"
        )
        shared = total(account.attribution.amounts.values())
        assert _plain(shared) == _plain(self._sums), "the strategies' parts are not the account's"
        held = {one.id: sum(account.attribution.holders(one.id).values()) for one in life.registry}
        assert _plain(held) == _plain(account.positions), "the strategies' positions are not the account's"
        assert min(self.position.values(), default=0) >= 0, f"more was sold than was bought: {self._short(life)}"

    def check_at_rest(self, life: Life) -> None:
        """Everything was asked and answered: both sides are the same to the last unit."""
        self.check(life)
        account, theirs = life.core.account, self._venue.exchange.account.balances
        assert {asset: (account.free[asset], account.locked[asset]) for asset in account.free} == {
            asset: (held.free_e8, held.locked_e8) for asset, held in theirs.items() if asset in account.free
        }
        assert account.differences() == {}
        assert set(self._known) == set(self.fills), "fills are not the same"
        assert {asset: self.opening[asset] + self._sums[asset] for asset in theirs} == self._venue.balances()
        for order_id in self.orders.keys() - self._same:
            self._check_same(order_id, life)
        for root in set(self._roots.values()) - self._let_go:
            self._check_protected(root, life)

    def _short(self, life: Life) -> list[str]:
        """The newest orders of what is short."""
        symbols = {symbol for symbol, held in self.position.items() if held < 0}
        newest = [name for name, one in self.orders.items() if one.symbol in symbols][-6:]
        return [f"{self.orders[name]} as {self._order(name, life)}" for name in newest]

    def _check_same(self, order_id: str, life: Life) -> None:
        there, here = self.orders[order_id], self._order(order_id, life)
        size = base_amount(life.registry[here.instrument], here.filled)
        assert (here.status, size) == (ENDS[there.status], there.filled), f"{here} is {there} at the exchange"
        if there.status not in ("NEW", "PARTIALLY_FILLED"):
            self._same.add(order_id)

    def _check_protected(self, root: str, life: Life) -> None:
        """What an entry got and its exits did not give back is held by an exit, or too little for any."""
        if root not in self.orders or self.orders[root].side < 0:
            return  # it never arrived; or is an exit by itself, and what follows it
        exits = [one for one, of in self._roots.items() if of == root]
        got, gave = self._net(root), -sum(self._net(one, fees=False) for one in exits)
        assert gave <= got, f"the exits of {root} gave {gave} back, and it got {got}"
        of = life.registry[self._order(root, life).instrument]
        quote = life.core.shown.quote(of.id)
        units = (got - gave) // base_amount(of, 1) // of.lot_size * of.lot_size
        dust = quote is None or quote_amount(of, quote.bid, units) < Decimal(of.min_notional) * 10**8
        guarded = any(one in life.core.desk.held or not self._settled(one, life) for one in exits)
        guarded = guarded or root in life.core.desk.families.of  # the next tick makes another
        last = [self._newest[one] for one in exits if one in self._newest]
        guarded = guarded or any(
            one.reason.startswith("reduce-only") for one in last
        )  # sold by hand or flatten before it
        if not dust and not guarded and root in life.core.orders:
            raise AssertionError(
                f"{root} holds {got - gave} of {of.base} that no exit protects: {[self._newest.get(x) for x in exits]}"
            )

    def _settled(self, order_id: str, life: Life) -> bool:
        known = life.core.orders.get(order_id)
        return known is None or known.settled

    def _net(self, order_id: str, fees: bool = True) -> int:
        """Amount of base that an order brought, of which its fees may be taken off."""
        order = self.orders.get(order_id)
        if order is None:
            return 0
        base = self._venue.exchange.listings[order.symbol].instrument.base
        fee = sum(one[2] for (of, _), one in self.fills.items() if of == order_id and one[3] == base)
        return order.side * order.filled - (fee if fees else 0)

    def _order(self, order_id: str, life: Life) -> Order:
        known = life.core.orders.get(order_id)
        return known.order if known is not None else self._newest[order_id]

    def _check_fill(self, fill: Fill, life: Life) -> None:
        key = (fill.client_order_id, fill.trade_id)
        of = life.registry[fill.instrument]
        told = base_amount(of, fill.size), quote_amount(of, fill.price, fill.size), fill.fee, fill.fee_asset
        assert self.fills.get(key) == told, f"{fill} is {self.fills.get(key)} at the exchange"
        self._add(fill, life)

    def _check_order(self, order: Order, life: Life) -> None:
        self._newest[order.client_order_id] = order
        there = self.orders.get(order.client_order_id)
        filled = base_amount(life.registry[order.instrument], order.filled)
        assert filled <= (there.filled if there is not None else 0), f"{order} is {there} at the exchange"
        if order.status == "refused":
            self.refused[order.reason.partition(":")[0]] += 1
        if order.order_type in EXITS and order.reduce_only and order.parent:
            self._roots[order.client_order_id] = order.parent
        elif order.status == "intended" and order.strategies != (HAND,):
            decision = (order.seq, order.known_ns, order.instrument)
            same = self._decided.setdefault(decision, order.client_order_id)
            assert same == order.client_order_id, f"one decision made {same} and {order.client_order_id}"
        elif order.status == "intended" and order.order_type not in EXITS and not order.parent:
            same = self._hand.setdefault((order.instrument, order.size), order.client_order_id)
            assert same == order.client_order_id, f"one request made {same} and {order.client_order_id}"

    def _add(self, fill: Fill, life: Life) -> None:
        key = (fill.client_order_id, fill.trade_id)
        if key in self._known:
            return
        self._known[key] = fill
        of = life.registry[fill.instrument]
        base, value, fee, asset = self.fills[key]
        self._sums.update({of.base: fill.side * base})
        self._sums.update({of.quote: -fill.side * value})
        self._sums.update({asset: -fee})

    def _heard(self, event: dict[str, Any]) -> None:
        if event["e"] != "executionReport":
            return
        order_id = event["C"] if event["x"] == "CANCELED" else event["c"]
        if event["x"] == "NEW":
            assert order_id not in self.orders, (
                f"{order_id} is there twice: {self.orders[order_id]}, {self._newest.get(order_id)}"
            )
            assert order_id in self._kept.sent, f"{order_id} is at the exchange, and not in the ledger"
            self.orders[order_id] = Theirs(event["s"], 1 if event["S"] == "BUY" else -1, _e8(event["q"]), "NEW")
        order = self.orders[order_id]
        order.status, order.filled = event["X"], _e8(event["z"])
        if event["x"] == "TRADE":
            money = _e8(event["l"]), _e8(event["Y"]), _e8(event["n"]), event["N"]
            self.fills[(order_id, str(event["t"]))] = money
            fee = money[2] if order.side > 0 else 0
            self.position[order.symbol] += order.side * money[0] - fee


def resting(order: Order) -> bool:
    """Whether an order may stay as it is for long."""
    return order.order_type in RESTS and order.status in ("working", "partly_filled")


def _e8(text: str) -> int:
    return int(Decimal(text) * 10**8)


def _plain(amounts: dict[Any, int]) -> dict[Any, int]:
    return {name: amount for name, amount in amounts.items() if amount}
