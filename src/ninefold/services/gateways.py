"""Which gateway speaks to the venue that is traded, how its answers are read, and what its key may do.

In:  a config. Out: a gateway that is not started; records of what a venue said about the account.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol
from urllib.parse import urlsplit

from ninefold.config import Config, keys_of
from ninefold.execution.risk import Approved
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.records import Order
from ninefold.services.ccxt_client import CcxtClient, Polling
from ninefold.venues.binance_client import BinanceClient
from ninefold.venues.binance_gateway import BinanceGateway
from ninefold.venues.binance_keys import check_keys
from ninefold.venues.ccxt_names import is_name
from ninefold.venues.entry_client import EntryClient
from ninefold.venues.entry_gateway import EntryGateway
from ninefold.venues.entry_lines import EntryLines
from ninefold.venues.key_rights import KeysRefused, check_rights
from ninefold.venues.limiter import Limiter
from ninefold.venues.order_table import ORDER_ENTRIES
from ninefold.venues.table import VENUES

BINANCE = "binance"
Placed = tuple[Order, Instrument]


class Gateway(Protocol):
    """Orders to one venue, and the questions around our account there. An order is sent once, whatever comes of it."""

    failed: asyncio.Future[None]

    @property
    def subscribed(self) -> asyncio.Event: ...

    @property
    def problem(self) -> str: ...

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    def post(self, approved: Approved, instrument: Instrument) -> asyncio.Task[object]: ...

    def post_cancel(self, order: Order, instrument: Instrument) -> asyncio.Task[object]: ...

    def withhold(self, approved: Approved, instrument: Instrument, reason: str) -> None: ...

    async def reconcile(self) -> None: ...

    async def ask_balances(self) -> None: ...

    async def ask_recent(self, symbols: Sequence[str], since_ns: int) -> None:
        """Orders of ours that the ledger may have lost; only where orders may leave before they are on the disk."""


def gateway_of(
    config: Config,
    registry: Registry,
    submit: Callable[[str, bytes], None],
    unsettled: Callable[[], Sequence[Placed]],
    clock: Callable[[], int],
    fence: Callable[[], None],
    limiter: Limiter | None,
) -> Gateway:
    """That of the venue that is traded; see the gateways for what they are given. raises: BadConfig without keys."""
    venue, keys = config.venue, keys_of(config)
    if venue.name == BINANCE:
        spot = VENUES[BINANCE]
        rest_url, ws_api_url = venue.rest_url or spot.rest_url, venue.ws_api_url or spot.ws_api_url
        return BinanceGateway(rest_url, ws_api_url, keys.key, keys.secret, submit, unsettled, clock, fence, limiter)

    entry = ORDER_ENTRIES[venue.name]

    def move(url: str) -> str:
        return f"{venue.ws_api_url}{urlsplit(url).path}" if venue.ws_api_url else url

    if is_name(venue.name):
        through = CcxtClient(entry, venue, keys, clock, fence)
        return EntryGateway(entry, through, partial(Polling, through), registry, submit, unsettled, clock)
    client = EntryClient(entry, _rest_url(config), keys, _venue_clock(config), clock, fence, limiter)
    line = partial(EntryLines, entry, client, move)
    return EntryGateway(entry, client, line, registry, submit, unsettled, clock)


async def check_key(config: Config, clock: Callable[[], int], limiter: Limiter | None = None) -> None:
    """raises: BadConfig without keys; KeysRefused for one that may withdraw, or of which nobody says what it may do."""
    venue, keys = config.venue, keys_of(config)
    if venue.name == BINANCE:
        rest_url = venue.rest_url or VENUES[BINANCE].rest_url
        client = BinanceClient(rest_url, keys.key, keys.secret, clock, limiter=limiter)
        try:
            await client.start()
            await check_keys(client)
        finally:
            await client.close()
        return
    if is_name(venue.name):
        if not config.account.key_cannot_withdraw:
            raise KeysRefused(
                f"{venue.name} cannot be asked what a key may do, and nobody says that this one may not withdraw"
            )
        return
    entry = ORDER_ENTRIES[venue.name]
    question = entry.requests.ask_rights()
    if question is None:
        raise KeysRefused(f"{venue.name} does not tell what a key may do; live orders need that answer")
    asking = EntryClient(entry, _rest_url(config), keys, _venue_clock(config), clock, lambda: None, limiter)
    try:
        await asking.start()
        await check_rights(venue.name, lambda: asking.ask(question), entry.reading.rights_told, asking.read_clock)
    finally:
        await asking.close()


def _rest_url(config: Config) -> str:
    """Where orders are spoken of: the config's address, for a simulated exchange, or the venue's own."""
    return config.venue.rest_url or ORDER_ENTRIES[config.venue.name].requests.REST_URL


def _venue_clock(config: Config) -> tuple[str, Callable[[bytes], float]]:
    entry = VENUES[config.venue.name]
    path, read = entry.clock
    return (config.venue.rest_url or entry.rest_url) + path, read
