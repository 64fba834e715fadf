"""The venues that have an adapter. A new one is its file, one line here, and samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ninefold.journal.recordings import Recorded
from ninefold.market.instruments import Registry
from ninefold.venues import binance, coinbase, kraken
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
    line:         venue symbols and kinds of streams to the websocket that gives them.
    venue_symbol: 'BTC/USDT' as the venue writes it.
    ws_api_url:   where orders are spoken of; empty where none can be sent yet.
    clock:        the path of the REST question for the venue's time, and how its answer is read, in seconds.
    recorded:     the venue's names in recordings, and how recorded REST answers are recognised.
    proof:        see `Proof`.
    """

    adapter: Callable[[frozenset[str] | None, tuple[str, ...], Registry | None], Adapter]
    streams: tuple[str, ...]
    line: Callable[[list[str], tuple[str, ...]], Line]
    venue_symbol: Callable[[str], str]
    rest_url: str
    stream_url: str
    ws_api_url: str
    weight_per_minute: int
    clock: tuple[str, Callable[[bytes], float]]
    recorded: tuple[tuple[str, ...], Recorded]
    proof: Proof


VENUES: dict[str, VenueEntry] = {
    "binance": VenueEntry(
        adapter=binance.BinanceSpot,
        streams=binance.STREAMS,
        line=binance.line,
        venue_symbol=binance.venue_symbol,
        rest_url=binance.REST_URL,
        stream_url=binance.STREAM_URL,
        ws_api_url=binance.WS_API_URL,
        weight_per_minute=6000,
        clock=("/api/v3/time", binance.read_clock),
        recorded=(("binance-spot", "BINANCE"), Recorded("binance", binance.purpose, "/api/v3/depth?symbol={}")),
        proof=Proof(
            trades="contiguous ids, fetched by REST",
            books="contiguous numbers, a new snapshot by REST",
            documented="2026-11-22",
            sessions=(
                "raw/cryptofeed/BINANCE_2021-04-05.jsonl.gz",
                "orderbook/binance_spot_btcusdt_20240808.jsonl.gz",
                "orderbook/binance_spot_ethusdt_20240808.jsonl.gz",
            ),
        ),
    ),
    "coinbase": VenueEntry(
        adapter=coinbase.CoinbaseExchange,
        streams=coinbase.STREAMS,
        line=coinbase.line,
        venue_symbol=coinbase.venue_symbol,
        rest_url=coinbase.REST_URL,
        stream_url=coinbase.STREAM_URL,
        ws_api_url="",
        weight_per_minute=600,
        clock=("/time", coinbase.read_clock),
        recorded=(("coinbase", "COINBASE"), Recorded("coinbase", coinbase.purpose)),
        proof=Proof(
            trades="contiguous ids and a heartbeat that names the last one, fetched by REST",
            books="cannot tell: snapshot and changes carry no numbers; each connection begins with a new snapshot",
            documented="2026-11-22",
            sessions=("raw/cryptofeed/COINBASE_2021-04-17_first_half.jsonl.gz",),
            unproven="heartbeat, level2_batch",
        ),
    ),
    "kraken": VenueEntry(
        adapter=kraken.KrakenSpot,
        streams=kraken.STREAMS,
        line=kraken.line,
        venue_symbol=kraken.venue_symbol,
        rest_url=kraken.REST_URL,
        stream_url=kraken.STREAM_URL,
        ws_api_url="",
        weight_per_minute=60,
        clock=("/0/public/Time", kraken.read_clock),
        recorded=(("kraken", "KRAKEN"), Recorded("kraken", kraken.purpose)),
        proof=Proof(
            trades="contiguous ids, fetched by REST",
            books="a checksum after every change, a new snapshot by subscribing again",
            documented="2026-11-22",
            sessions=("raw/cryptofeed/KRAKEN_2021-04-17.jsonl.gz",),
            unproven="websocket v2 (the session speaks v1)",
        ),
    ),
}
RECORDED: dict[str, Recorded] = {
    name: entry.recorded[1] for entry in VENUES.values() for name in entry.recorded[0]
}  # a recording's name of a venue to how it is read
