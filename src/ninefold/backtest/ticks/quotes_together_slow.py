"""The slow, obvious back-test of quotes on several instruments on one account: what the compiled one must equal, fill by fill.

In:  a venue of each instrument (`venue_slow`), their events in one order, what is quoted and when it arrives.
Out: FILLED rows of each, what each made in units, and its position.

An event goes as in `venue_slow`, with one equity for all: what opens must leave what all positions ask for, each at its last trade,
and what all orders that rest do, of each instrument those of the side that asks for more. Where the equity is down to the maintenance
margin of all positions, all are liquidated at that moment, each at the price of its last trade, and all orders are cancelled.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ninefold.backtest.exact import LARGEST
from ninefold.backtest.outcome import TooLarge
from ninefold.backtest.ticks.orders import FILLED
from ninefold.backtest.ticks.quotes import Quotes
from ninefold.backtest.ticks.venue_slow import Quoting, Venue, decisions_of

Made = tuple[np.ndarray, int, int]


def play(
    venues: Sequence[Venue],
    order: Sequence[tuple[int, int]],
    quotes: Sequence[Quotes],
    arrivals: Sequence[np.ndarray],
) -> list[Made]:
    """venues: the cash is the first one's; fees by tier go by the volumes of all. order: instrument and row of its events.

    raises: TooLarge.
    """
    decisions = [decisions_of(*one) for one in zip(quotes, arrivals, strict=True)]
    quoting, events = [Quoting(one) for one in quotes], [venue.session.events.tolist() for venue in venues]
    for step, (of, event) in enumerate(order):
        venue = venues[of]
        exchange_ns, _, kind, side, price, size = events[of][event]
        _stand_beside(venues, of)
        venue.happen(event, exchange_ns, kind, side, price, size)
        if venue.ruined:
            venue.ruined = False
            for other in venues:
                if other is not venue:
                    other.liquidate(exchange_ns)
        if abs(sum(one.cash for one in venues)) > LARGEST:
            raise TooLarge(step)
        if event in decisions[of]:
            quoting[of].renew(venue, *decisions[of][event])
    return [(np.array(venue.fills, FILLED), venue.cash, venue.position) for venue in venues]


def _stand_beside(venues: Sequence[Venue], of: int) -> None:
    """What an instrument's part of the account is told of the others."""
    others = [venue for at, venue in enumerate(venues) if at != of]
    asked = [venue.asked_for() for venue in others]
    mine = venues[of]
    mine.beside = sum(one.cash + one.value for one in others)
    mine.beside_initial, mine.beside_maintenance = (sum(one[which] for one in asked) for which in (0, 1))
    mine.beside_held = any(one.position for one in others)
