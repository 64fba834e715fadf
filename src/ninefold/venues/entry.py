"""What a venue's file says of it to the edges, in one constant: its line in the table of venues.

In:  the venue's adapter, lines, names and addresses. Out: one value that table.py lists by the venue's name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ninefold.journal.recordings import Recorded
from ninefold.market.instruments import Registry
from ninefold.venues.adapter import Adapter, Line


@dataclass(frozen=True)
class Proof:
    """What a venue's messages allow to prove, and how far its adapter is proven.

    trades:     how a missing trade is noticed, and mended.
    books:      how a missing change is noticed.
    documented: when its documentation was read for today's protocol.
    sessions:   recorded sessions that the contract suite holds it against.
    unproven:   what no recording has shown yet; empty if today's protocol was recorded.
    """

    trades: str
    books: str
    documented: str
    sessions: tuple[str, ...]
    unproven: str = ""


@dataclass(frozen=True)
class VenueEntry:
    """What the edges need to know of a venue.

    adapter:      of the wanted venue symbols (None: whatever a recording holds), kinds of streams, and the registry
                  that numbers the instruments of all venues.
    streams:      the kinds that are subscribed where a config names none.
    lines:        venue symbols and kinds of streams to the websockets that give them, at least one. raises: ValueError for what
                  no websockets give together.
    venue_symbol: 'BTC/USDT' as the venue writes it.
    ws_api_url:   where orders are spoken of; empty where none can be sent yet.
    clock:        the path of the REST question for the venue's time, and how its answer is read, in seconds.
    recorded:     the venue's names in recordings, and how recorded REST answers are recognised.
    proof:        see `Proof`.
    opens:        how many websockets may be opened in a minute.
    ids_count:    whether the ids of its public trades, as everybody has them, follow each other in an instrument.
    """

    adapter: Callable[[frozenset[str] | None, tuple[str, ...], Registry | None], Adapter]
    streams: tuple[str, ...]
    lines: Callable[[list[str], tuple[str, ...]], tuple[Line, ...]]
    venue_symbol: Callable[[str], str]
    rest_url: str
    stream_url: str
    ws_api_url: str
    weight_per_minute: int
    clock: tuple[str, Callable[[bytes], float]]
    recorded: tuple[tuple[str, ...], Recorded]
    proof: Proof
    opens: int = 60
    ids_count: bool = False
