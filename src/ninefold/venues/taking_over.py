"""What the reader of a line takes over from those of the venue's other lines when it opens.

In:  the readers by line, and what comes over the line. Out: they are changed. With one line there is nothing to do.
Rules are asked for once, by the first line. Another config may split the same pairs otherwise: what is known of their trades
goes along, so that what was missed meanwhile is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping

from ninefold.journal.inputs import ConnectionChange
from ninefold.venues.adapter import Adapter


def take_over(adapter: Adapter, others: Mapping[str, Adapter], change: ConnectionChange) -> None:
    first = others.get(change.venue)
    if first is not None:
        adapter.learn(first)
    if change.trades:
        known = adapter.registry.current() if others and change.symbols is None else ()
        symbols = [one.venue_symbol for one in known] if change.symbols is None else change.symbols
        for other in others.values():
            adapter.adopt(other, symbols)


def forget_seen(adapter: Adapter, others: Mapping[str, Adapter], opened_ns: int) -> None:
    """Streams that come over this line from now on are not silent because they came over another one before."""
    subscribed = [stream for stream, last_ns in adapter.seen.items() if last_ns == opened_ns] if others else []
    for other in others.values():
        for stream in subscribed:
            other.seen.pop(stream, None)
