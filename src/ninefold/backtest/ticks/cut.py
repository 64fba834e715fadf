"""A part of a session, as if recording had begun there with the book as it stood.

In:  a session, rows of its events. Out: a `Session`: the levels that stood, told at the time of the first event, then the events.

Who traded at a level before the part began, and what was ahead of whom, is forgotten.
"""

from __future__ import annotations

import numpy as np

from ninefold.backtest.ticks.events import EVENTS, LEVEL, Session
from ninefold.backtest.ticks.market import book_at


def part_of(session: Session, start: int, stop: int) -> Session:
    """The events from row `start` up to row `stop`, at least one, behind the book that they meet.

    >>> told = np.array([(0, 0, LEVEL, 1, 99, 5), (1, 1, LEVEL, 1, 98, 7), (2, 2, LEVEL, 1, 99, 0)], EVENTS)
    >>> part_of(Session(told), 2, 3).events[["exchange_ns", "price", "size"]].tolist()
    [(2, 98, 7), (2, 99, 5), (2, 99, 0)]
    """
    shown = book_at(session, start)
    index, place = np.nonzero(shown)
    standing, first = np.zeros(len(place), EVENTS), session.events[start]
    standing["exchange_ns"], standing["known_ns"], standing["kind"] = first["exchange_ns"], first["known_ns"], LEVEL
    standing["side"], standing["price"], standing["size"] = 1 - 2 * index, session.low + place, shown[index, place]
    return Session(np.concatenate([standing, session.events[start:stop]]), session.tick, session.lot)
