"""What reads the inputs of a config: its venues' messages, what they say of our account, headlines.

In:  a config. Out: a collector.
"""

from __future__ import annotations

from ninefold.config import Config
from ninefold.journal.inputs import AccountEvent
from ninefold.market.instruments import Registry
from ninefold.market.records import AnyRecord
from ninefold.services import headlines_told
from ninefold.venues.adapter import Adapter, UnknownVenue
from ninefold.venues.binance_orders import parse_account
from ninefold.venues.collector import Collector
from ninefold.venues.order_table import ORDER_ENTRIES
from ninefold.venues.table import VENUES


def collector_of(config: Config, replay: bool = False) -> Collector:
    """The parser of the config's venues; a replay takes every venue and symbol that the recording holds."""
    wanted = {} if replay else {venue.name: venue for venue in config.venues}

    def adapter(name: str, registry: Registry) -> Adapter:
        entry = VENUES.get(name)
        if entry is None:
            raise UnknownVenue(f"venue {name!r} has no adapter; there are {', '.join(VENUES)}")
        venue = wanted.get(name)
        if venue is None:  # also one that the config named in an earlier run
            return entry.adapter(None, entry.streams, registry)
        symbols = frozenset(entry.venue_symbol(pair) for pair in venue.pairs)
        return entry.adapter(symbols, venue.streams or entry.streams, registry)

    def account(event: AccountEvent, registry: Registry, seq: int, known_ns: int) -> list[AnyRecord]:
        if replay:  # a replay trades on paper: what the venue said about the real account is not its own
            return []
        return parse_event(event, registry, seq, known_ns)

    return Collector(adapter, account, headlines_told.parse, wanted)


def parse_event(event: AccountEvent, registry: Registry, seq: int, known_ns: int) -> list[AnyRecord]:
    """What a venue said about our orders and our account, read as that venue writes it."""
    parse = ORDER_ENTRIES[event.venue].reading.parse if event.venue in ORDER_ENTRIES else parse_account
    return parse(event.kind, event.body, registry, seq, known_ns)
