"""What became of the legs of strategies in a run, move by move.

In:  the ledger's events, oldest first.
Out: by strategy, a `Moved` for each time its targets changed: what was wanted of each leg, what left for it, how it ended.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from ninefold.execution import legs_rule
from ninefold.market.records import AnyRecord, Crossed, Fill, Order, Shared
from ninefold.market.strategy_records import LegsMoved

HELD, REFUSED, BACK, UNDER_WAY = "held", "refused", "brought back", "under way"
_ENDS = {legs_rule.HELD: HELD, legs_rule.REFUSED: REFUSED, legs_rule.UNWINDING: BACK, legs_rule.UNWOUND: BACK}


@dataclass(slots=True)
class Moved:
    """first: the record of the targets; last: the newest one. sent_seq: of the first orders, 0 if none left. sent, back: order ids by
    instrument, of what was asked for, and of what brought the legs back."""

    first: LegsMoved
    last: LegsMoved
    sent_seq: int = 0
    sent: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    back: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))

    @property
    def end(self) -> str:
        """Legs that are brought back without having left were refused, on top of a move before."""
        found = _ENDS.get(self.last.state, UNDER_WAY)
        return REFUSED if found == BACK and not self.sent_seq else found

    @property
    def is_risk(self) -> bool:
        return self.end == REFUSED and self.last.why.startswith("risk")

    def see(self, moved: LegsMoved) -> None:
        self.last = moved
        if moved.state == legs_rule.SENT:
            self.sent_seq = self.sent_seq or moved.seq
        if moved.state in (legs_rule.SENT, legs_rule.UNWINDING):
            kept = self.sent if moved.state == legs_rule.SENT else self.back
            for of, order in moved.orders.items():
                if order not in kept[of]:
                    kept[of].append(order)


@dataclass(slots=True)
class LegsBooked:
    """moves: by strategy, oldest first. orders: as they stood last. fills: by order, each once. shares: by order, amounts of base that each
    strategy wanted of it. crossed: all, oldest first."""

    moves: dict[str, list[Moved]] = field(default_factory=lambda: defaultdict(list))
    orders: dict[str, Order] = field(default_factory=dict)
    fills: dict[str, dict[str, Fill]] = field(default_factory=lambda: defaultdict(dict))
    shares: dict[str, dict[str, int]] = field(default_factory=dict)
    crossed: list[Crossed] = field(default_factory=list)

    @classmethod
    def of(cls, events: Iterable[AnyRecord]) -> LegsBooked:
        found = cls()
        for event in events:
            match event:
                case LegsMoved():
                    found._move(event)
                case Order():
                    found.orders[event.client_order_id] = event
                case Fill():
                    found.fills[event.client_order_id].setdefault(event.trade_id, event)
                case Shared():
                    found.shares[event.client_order_id] = event.wanted
                case Crossed():
                    found.crossed.append(event)
        return found

    def _move(self, event: LegsMoved) -> None:
        moves = self.moves[event.strategy]
        if not moves or moves[-1].last.targets != event.targets:
            moves.append(Moved(event, event))
        moves[-1].see(event)

    def part(self, strategy: str, order: str) -> Fraction:
        """Of an order, what a strategy has of it."""
        wanted = self.shares.get(order, {})
        return Fraction(abs(wanted.get(strategy, 0)), sum(map(abs, wanted.values())) or 1)

    def is_whole(self, orders: Iterable[str]) -> bool:
        """Whether the first of a leg's orders was filled; a leg without one took what it wanted from other strategies."""
        first = next(iter(orders), None)
        return first is None or self.orders[first].status == "filled"
