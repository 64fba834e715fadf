"""The venues that have an adapter. A new one is its file, one line here, and samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ninefold.venues import binance
from ninefold.venues.adapter import Adapter


@dataclass(frozen=True)
class VenueEntry:
    """What the edges need to know of a venue. stream_path: venue symbols and stream kinds to the path of the
    websocket.
    """

    adapter: Callable[[frozenset[str] | None, tuple[str, ...]], Adapter]
    stream_path: Callable[[list[str], tuple[str, ...]], str]
    venue_symbol: Callable[[str], str]
    rest_url: str
    stream_url: str
    ws_api_url: str
    weight_per_minute: int


VENUES: dict[str, VenueEntry] = {
    "binance": VenueEntry(
        adapter=binance.BinanceSpot,
        stream_path=binance.stream_path,
        venue_symbol=binance.venue_symbol,
        rest_url=binance.REST_URL,
        stream_url=binance.STREAM_URL,
        ws_api_url=binance.WS_API_URL,
        weight_per_minute=6000,
    ),
}
