"""Legs: instruments of one strategy that are filled together, or brought back.

In:  the rules by strategy; at a tick, the targets that came, what each strategy holds, orders as they stand.
Out: at a tick `LegsMoved` records of what changed, and what each strategy with legs wants now of each instrument: what it holds,
     except at the ticks at which its legs move (`moves`).

The rule is that of back-tests (`legs_rule`). Other targets decide all legs anew. They wait until no leg has an order
under way; then all leave at one tick, or none: not if one would open less than the venue takes, or if the risk gate refuses one.
When all orders are over: if one got less than it asked for, and was to open something, all legs go back to what was held before
(unwind); what only closes is asked for again, a second later. Legs that wait are not sent before the quotes show the whole size
of each, and are not brought back: what is left is asked for again.

Like an exit, this changes what its strategy wants: netting, gate and attribution do the rest. All of it follows from the
ledger's events, so after a restart the same legs belong together and the same is still to be brought back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
import numpy as np

from ninefold.execution.families import AGAIN_NS
from ninefold.execution.legs_rule import HELD, MOVES, REFUSED, SENT, UNWINDING, UNWOUND, WAITING, LegsRule, breaks
from ninefold.execution.legs_seen import Amounts, LegsSeen
from ninefold.execution.money import ONE
from ninefold.market.instruments import Instrument
from ninefold.market.records import Order, Tick
from ninefold.market.strategy_records import LegsMoved

Wants = Mapping[int, Mapping[str, int]]  # by instrument and strategy


class Legs:
    """stands: by strategy, where its legs stand. moves: of strategies that move at this tick, what they want. sized: by instrument,
    the size that all strategies want at this tick, where legs had a part in it. seen: what their orders lack and what is quoted."""

    def __init__(self, seen: LegsSeen) -> None:
        self.seen = seen
        self.rules = seen.rules
        self.stands: dict[str, LegsMoved] = {}
        self.moves: dict[str, Amounts] = {}
        self.sized: dict[int, int] = {}
        self._tried_ns: dict[str, int] = {}
        self._before: dict[str, Amounts] = {}  # of who moves, what it held

    def fold(self, moved: LegsMoved) -> None:
        if moved.strategy in self.rules:
            self.stands[moved.strategy] = moved

    def relist_to(self, instrument: Instrument) -> None:
        """A leg goes on under another number."""
        for one in list(self.seen.registry) if instrument.version > 1 and self.stands else ():
            if (one.venue, one.venue_symbol) == (instrument.venue, instrument.venue_symbol) and one.id < instrument.id:
                for name, stand in self.stands.items():
                    self.stands[name] = _renumbered(stand, one.id, instrument.id)

    def look(self, tick: Tick, targets: np.ndarray, wants: Wants, busy: frozenset[int] | None) -> list[LegsMoved]:
        """What changes at a tick, and who moves. targets: TARGETS rows. busy: instruments that may have no other order now; None:
        nothing may leave at all."""
        self.moves, self.sized = {}, {}
        made: list[LegsMoved] = []
        for name, rule in self.rules.items():
            legs = self.seen.instruments(rule)
            if legs is None:
                continue
            made += self._settled(name, tick)
            made += self._told(name, legs, targets, wants, tick)
            stand = self.stands.get(name)
            if stand is None or stand.state not in MOVES or busy is None or not busy.isdisjoint(legs):
                continue
            if self._is_late(name, stand, tick):
                made += self._move(name, rule, stand, tick)
        return made

    def refused(self, orders: Iterable[Order], tick: Tick) -> list[LegsMoved]:
        """The gate refused orders. What was to open goes as a whole; what only closes or is brought back, leg by leg."""
        made: list[LegsMoved] = []
        for order in orders:
            for name in self.movers(order.instrument):
                stand, wants = self.stands[name], self.moves[name]
                held = {of: self.seen.held(name, of) for of in wants}
                if stand.state == WAITING and breaks((held[of], wants[of]) for of in wants):
                    del self.moves[name]
                    why = f"risk refused {self.seen.leg(name, order.instrument)}: {order.reason}"
                    made.append(self._give_up(name, stand, tick, why))
                else:
                    del wants[order.instrument]
        return made

    def sent(self, left: Iterable[Order], tick: Tick) -> list[LegsMoved]:
        """Orders left that strategies share."""
        made = []
        orders = {order.instrument: order.client_order_id for order in left} if self.moves else {}
        for name, wants in self.moves.items():
            stand = self.stands[name]
            mine = {of: orders[of] for of in wants if of in orders}
            if stand.state == WAITING and len(wants) == len(stand.wanted):
                before = stand.before if self.seen.is_half(stand) else self._before[name]
                made.append(self._become(stand, tick, SENT, before=before, orders=mine, whole=True))
            elif mine:
                made.append(self._become(stand, tick, stand.state, stand.why, orders={**stand.orders, **mine}))
        return made

    def wants_of(self, instrument: int) -> dict[str, int]:
        """What each strategy with legs wants of an instrument now: what it holds, unless its legs move."""
        found = {}
        for name, rule in self.rules.items():
            if self.seen.registry[instrument].name in [of for _, of in rule.legs]:
                held = self.seen.held(name, instrument)
                found[name] = self.moves.get(name, {}).get(instrument, held)
        return found

    def standing(self, instrument: int) -> dict[str, str]:
        """Of strategies with a leg there, where their legs stand."""
        return {name: stand.state for name, stand in self.stands.items() if instrument in stand.wanted}

    def movers(self, instrument: int) -> tuple[str, ...]:
        return tuple(name for name, wants in self.moves.items() if instrument in wants)

    def why(self, name: str) -> str:
        """Of its orders at this tick."""
        stand = self.stands[name]
        return f"the legs of {name} are unwound: {stand.why}" if stand.state == UNWINDING else f"the legs of {name}"

    def _settled(self, name: str, tick: Tick) -> list[LegsMoved]:
        """What has become of orders that left."""
        stand = self.stands.get(name)
        if stand is None or stand.state not in (SENT, UNWINDING):
            return []
        missing = self.seen.missing(stand)
        if not self.seen.are_over(stand):
            return []
        if not missing:
            state = HELD if stand.state == SENT else UNWOUND
            return [self._become(stand, tick, state, stand.why, orders={}, whole=True)]
        if stand.state == SENT and self.seen.is_half(stand):
            why = f"{', '.join(self.seen.leg(name, of) for of in missing)} could not be filled"
            return [self._become(stand, tick, UNWINDING, why, orders={}, whole=False)]
        return []

    def _give_up(self, name: str, stand: LegsMoved, tick: Tick, why: str) -> LegsMoved:
        """What waits cannot be sent: if a leg was missed before, all go back to what was held before that."""
        if not self.seen.is_half(stand):
            return self._become(stand, tick, REFUSED, why, orders={})
        missing = ", ".join(self.seen.leg(name, of) for of in self.seen.missing(stand))
        said = f"{missing} could not be filled" if missing else why
        return self._become(stand, tick, UNWINDING, said, orders={}, whole=False)

    def _told(self, name: str, legs: Amounts, targets: np.ndarray, wants: Wants, tick: Tick) -> list[LegsMoved]:
        """Other targets decide all legs anew."""
        mine = targets[targets["strategy"] == name.encode()] if len(targets) else targets
        said = {of: 0 if t != t else round(t * ONE) for of, t in mine[["instrument", "target"]].tolist()}
        stand = self.stands.get(name)
        known = stand.targets if stand is not None else dict.fromkeys(legs, 0)
        if said.keys() != legs.keys() or said == known or any(name not in wants.get(of, ()) for of in legs):
            return []
        wanted = {of: wants[of][name] for of in legs}
        why = ""
        if short := [of for of in legs if said[of] < 0]:
            why = f"{self.seen.leg(name, short[0])} would be short, which spot cannot be, so all are flat"
            wanted = dict.fromkeys(legs, 0)
        self._tried_ns.pop(name, None)
        fresh = LegsMoved(
            seq=tick.seq, known_ns=tick.known_ns, strategy=name, state=WAITING, targets=said, wanted=wanted
        )
        apart = {of: amount - self.seen.held(name, of) for of, amount in wanted.items()}
        is_there = not any(self.seen.can_be_ordered(of, amount) for of, amount in apart.items())
        if is_there and not any(wanted.values()):
            return [self._become(fresh, tick, HELD, why)]
        if stand is not None:
            orders = stand.orders if stand.state in (WAITING, SENT) else {}
            fresh = msgspec.structs.replace(fresh, before=stand.before, orders=orders, whole=stand.whole)
        return [self._become(fresh, tick, WAITING, why)]

    def _move(self, name: str, rule: LegsRule, stand: LegsMoved, tick: Tick) -> list[LegsMoved]:
        """Its legs move at this tick, if they can be sent."""
        aim = stand.before if stand.state == UNWINDING else stand.wanted
        if stand.state == WAITING:
            why = self.seen.unsendable(stand)
            if why is not None:
                return [self._give_up(name, stand, tick, why)] if why else []
        else:
            aim = {of: aim[of] for of in self.seen.missing(stand)}
        if rule.waits and not all(self.seen.is_shown(name, of, amount) for of, amount in aim.items()):
            return []
        self._tried_ns[name] = tick.known_ns
        self.moves[name], self._before[name] = dict(aim), {of: self.seen.held(name, of) for of in aim}
        return []

    def _is_late(self, name: str, stand: LegsMoved, tick: Tick) -> bool:
        """Whether it is time: what was just tried is tried again a second later."""
        if stand.state == SENT and not self.seen.missing(stand):
            return False
        return tick.known_ns - self._tried_ns.get(name, -AGAIN_NS) >= AGAIN_NS

    def _become(self, stand: LegsMoved, tick: Tick, state: str, why: str = "", **how: object) -> LegsMoved:
        if state != stand.state:
            self._tried_ns.pop(stand.strategy, None)
        text = (
            f"the legs of {stand.strategy} are {state}" + (f": {why}" if why else "") + f" ({self.seen.named(stand)})"
        )
        given = {"seq": tick.seq, "known_ns": tick.known_ns, "state": state, "why": why, "text": text, **how}
        moved: LegsMoved = msgspec.structs.replace(stand, **given)
        self.fold(moved)
        return moved


def _renumbered(stand: LegsMoved, old: int, new: int) -> LegsMoved:
    def moved(of: dict[int, int]) -> dict[int, int]:
        return {new if one == old else one: amount for one, amount in of.items()}

    orders = {new if one == old else one: order for one, order in stand.orders.items()}
    return msgspec.structs.replace(
        stand, targets=moved(stand.targets), wanted=moved(stand.wanted), before=moved(stand.before), orders=orders
    )
