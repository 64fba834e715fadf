"""Orders as a back-test on events takes them, and the models of what they meet.

In:  what is sent, at which event. Out: rows for the kernels; `BadOrder` names the order, the rule and the remedy.

Life of an order: GTC rests until it is filled or cancelled; IOC takes what is there and the rest is gone; FOK takes all or
nothing; POST_ONLY rests or is refused, it never takes. A price of 0 is a market order: what it cannot take is gone.
Condition: the order waits until a trade is at or above (ABOVE), or at or below (BELOW), its trigger, and is sent to the book
before the next event. A stop that sells is BELOW, a take-profit that sells ABOVE. With `trail` the trigger follows the best
trade since the order arrived at that distance. Of orders of one `group` (OCO) the first that is filled, in whole or in part,
cancels the others.
Margin: where it is asked for, an order that opens is refused whole unless the equity covers its part of what the position and all
        orders that rest on its side would be worth together, and its fee. Funding is paid by what is held then, at the price of
        the last trade. Equity down to the maintenance margin of the position at the last trade liquidates it: whole, at that price,
        and every order, resting or under way, is cancelled.
Queue:  BACK_OF_QUEUE: who leaves was behind us, unless the level shows fewer than are ahead. PROPORTIONAL: who leaves stood
        anywhere, so as large a part of those ahead leaves as of the level; what was traded meanwhile has not left.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from ninefold.backtest.fee_tiers import Tier
from ninefold.backtest.ticks.events import Session


class Life(IntEnum):
    GTC = 0
    IOC = 1
    FOK = 2
    POST_ONLY = 3


class Queue(IntEnum):
    BACK_OF_QUEUE = 0
    PROPORTIONAL = 1


NOW, ABOVE, BELOW = 0, 1, -1  # condition
SUBMIT, CANCEL = 0, 1
ASKED = np.dtype(
    [
        (name, "<i8")
        for name in ("event", "what", "order", "side", "size", "price", "life", "when", "trigger", "trail", "group")
    ]
)
FUNDED, LIQUIDATED = (
    -1,
    -2,
)  # of FILLED, in place of an order; a funding has size 0, and what was paid in place of a fee
FILLED = np.dtype([(name, "<i8") for name in ("event", "at_ns", "order", "price", "size", "fee", "maker")])


@dataclass(frozen=True, slots=True)
class Account:
    """Where it starts, in units; fees in 10**-8, as are margins; initial 0: a venue lends what is missing. funding: when, and
    the rate in 10**-8."""

    queue: Queue
    cash: int
    maker: int
    taker: int
    tiers: tuple[Tier, ...] = ()
    initial: int = 0
    maintenance: int = 0
    liquidation_fee: int = 0
    funding: tuple[tuple[int, int], ...] = ()


class BadOrder(ValueError):
    """An order that cannot be sent: which one, what was found, what is allowed."""


@dataclass(frozen=True, slots=True)
class Order:
    """event: the row at which it is decided. side: 1 buys, -1 sells. size: lots. price, trigger, trail: ticks; 0: none.
    group: of orders of which one cancels the others; 0: none."""

    event: int
    side: int
    size: int
    price: int = 0
    life: Life = Life.GTC
    when: int = NOW
    trigger: int = 0
    trail: int = 0
    group: int = 0


@dataclass(frozen=True, slots=True)
class Cancel:
    """order: its place among the orders by their events, cancels not counted."""

    event: int
    order: int


def asked(wanted: list[Order | Cancel], session: Session) -> np.ndarray:
    """ASKED rows, in the order of their events. raises: BadOrder."""
    rows: list[tuple[int, ...]] = []
    orders = 0
    for one in sorted(wanted, key=lambda one: one.event):
        if not 0 <= one.event < len(session):
            raise BadOrder(f"{one} is decided at an event that is not there; events go from 0 to {len(session) - 1}")
        if isinstance(one, Cancel):
            if not 0 <= one.order < orders:
                raise BadOrder(f"{one} cancels an order that was not sent before; {orders} were")
            rows.append((one.event, CANCEL, one.order, 0, 0, 0, 0, 0, 0, 0, 0))
            continue
        _check(one, session)
        rows.append((one.event, SUBMIT, orders, one.side, one.size, one.price, *_rest(one)))
        orders += 1
    return np.array(rows, ASKED)


def _rest(one: Order) -> tuple[int, ...]:
    return int(one.life), one.when, one.trigger, one.trail, one.group


def _check(one: Order, session: Session) -> None:
    kept = range(session.low, session.highest + 1)
    if abs(one.side) != 1 or one.size < 1:
        raise BadOrder(f"{one}: side is 1 (buy) or -1 (sell), size at least 1 lot")
    if one.price and one.price not in kept:
        raise BadOrder(
            f"{one}: a limit lies from {kept[0]} to {kept[-1]} ticks, near what was shown; 0 is a market order"
        )
    if one.life == Life.POST_ONLY and not one.price:
        raise BadOrder(f"{one}: a market order cannot be post-only; give a price")
    if (one.when == NOW) != (not one.trigger and not one.trail) or (one.trigger and one.trail):
        raise BadOrder(
            f"{one}: a condition (ABOVE, BELOW) has a trigger or a trail, and an order without one has neither"
        )
    if one.trail < 0 or one.trigger < 0 or one.group < 0:
        raise BadOrder(f"{one}: trigger, trail and group are at least 0")
