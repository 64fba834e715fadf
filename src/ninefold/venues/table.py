"""The venues that have an adapter. A new one is its file, one line here, and samples.

In:  a venue's name. Out: what the edges need to know of it; of ccxt.EXCHANGE what holds for every exchange through ccxt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from ninefold.journal.recordings import Recorded
from ninefold.market.instruments import Registry
from ninefold.venues import (
    binance,
    binance_contracts,
    bitfinex,
    bitget,
    bitmex,
    bitstamp,
    bybit,
    ccxt,
    coinbase,
    deribit,
    gate,
    htx,
    hyperliquid,
    kraken,
    krakenfutures,
    okx,
)
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


_LISTED: dict[str, VenueEntry] = {
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
    "bitstamp": VenueEntry(
        adapter=bitstamp.Bitstamp,
        streams=bitstamp.STREAMS,
        line=bitstamp.line,
        venue_symbol=bitstamp.venue_symbol,
        rest_url=bitstamp.REST_URL,
        stream_url=bitstamp.STREAM_URL,
        ws_api_url="",
        weight_per_minute=600,
        clock=("/api/v2/ticker/btcusd/", bitstamp.read_clock),
        recorded=(("bitstamp", "BITSTAMP"), Recorded("bitstamp", bitstamp.purpose)),
        proof=Proof(
            trades="cannot tell while connected: ids do not count; a lost connection is healed from the last hour by REST",
            books="cannot tell: changes carry a time and no number; a REST snapshot for each connection",
            documented="2026-11-22",
            sessions=(
                "raw/cryptofeed/BITSTAMP_2021-04-17.jsonl.gz",
                "raw/cryptofeed/BITSTAMP_2022-01-05.jsonl.gz",
            ),
            unproven="funding_rate, perpetuals, the list of markets of today",
        ),
    ),
    "binanceusdm": VenueEntry(
        adapter=binance_contracts.usdm,
        streams=binance_contracts.USDM_STREAMS,
        line=binance_contracts.usdm_line,
        venue_symbol=binance_contracts.usdm_symbol,
        rest_url="https://fapi.binance.com",
        stream_url="wss://fstream.binance.com",
        ws_api_url="",
        weight_per_minute=2400,
        clock=("/fapi/v1/time", binance.read_clock),
        recorded=(
            ("binance-usdm", "BINANCE_FUTURES"),
            Recorded("binanceusdm", binance_contracts.purpose, "/fapi/v1/depth?symbol={}"),
        ),
        proof=Proof(
            trades="contiguous ids; the last 1000 trades, or 48 hours of aggregates, fetched by REST",
            books="each change names the one before, a new snapshot by REST",
            documented="2026-11-22",
            sessions=(
                "raw/cryptofeed/BINANCE_FUTURES_2021-04-05.jsonl.gz",
                "orderbook/binance_usdm_btcusdt_20240808.jsonl.gz",
            ),
            unproven="entry points /public and /market, ids that were no trades, markPrice, forceOrder, REST of trades",
        ),
    ),
    "binancecoinm": VenueEntry(
        adapter=binance_contracts.coinm,
        streams=binance_contracts.COINM_STREAMS,
        line=binance_contracts.coinm_line,
        venue_symbol=binance_contracts.coinm_symbol,
        rest_url="https://dapi.binance.com",
        stream_url="wss://dstream.binance.com",
        ws_api_url="",
        weight_per_minute=2400,
        clock=("/dapi/v1/time", binance.read_clock),
        recorded=(
            ("binance-coinm", "BINANCE_DELIVERY"),
            Recorded("binancecoinm", binance_contracts.purpose, "/dapi/v1/depth?symbol={}_PERP"),
        ),
        proof=Proof(
            trades="contiguous ids of aggregates, 48 hours of them fetched by REST",
            books="each change names the one before, a new snapshot by REST",
            documented="2026-11-22",
            sessions=(
                "raw/cryptofeed/BINANCE_DELIVERY_2021-07-22.jsonl.gz",
                "orderbook/binance_cm_btcusd_perp_20240808.jsonl.gz",
            ),
            unproven="markPrice, forceOrder, REST of trades",
        ),
    ),
    "bitfinex": VenueEntry(
        adapter=bitfinex.Bitfinex,
        streams=bitfinex.STREAMS,
        line=bitfinex.line,
        venue_symbol=bitfinex.venue_symbol,
        rest_url=bitfinex.REST_URL,
        stream_url=bitfinex.STREAM_URL,
        ws_api_url="",
        weight_per_minute=15,
        clock=("/v2/trades/tBTCUSD/hist?limit=1", bitfinex.read_clock),
        recorded=(("bitfinex", "BITFINEX"), Recorded("bitfinex", bitfinex.purpose)),
        proof=Proof(
            trades="numbers of all frames of a connection; ids do not count; a loss is healed by REST from then on",
            books="numbers of all frames, and a checksum of the 25 best levels; a new snapshot by subscribing again",
            documented="2026-11-22",
            sessions=("raw/cryptofeed/BITFINEX_2021-04-17.jsonl.gz",),
            unproven="te, checksums, status (the session has none), perpetuals",
        ),
    ),
    "deribit": VenueEntry(
        adapter=deribit.Deribit,
        streams=deribit.STREAMS,
        line=deribit.line,
        venue_symbol=deribit.venue_symbol,
        rest_url=deribit.REST_URL,
        stream_url=deribit.STREAM_URL,
        ws_api_url="",
        weight_per_minute=300,
        clock=("/api/v2/public/get_time", deribit.read_clock),
        recorded=(("deribit", "DERIBIT"), Recorded("deribit", deribit.purpose)),
        proof=Proof(
            trades="contiguous numbers in each instrument, fetched by REST",
            books="each change names the one before it; a new snapshot by subscribing again",
            documented="2026-11-22",
            sessions=("raw/cryptofeed/DERIBIT_2021-04-17.jsonl.gz",),
            unproven="trades, quote, funding (the session has none)",
        ),
    ),
    "krakenfutures": VenueEntry(
        adapter=krakenfutures.KrakenFutures,
        streams=krakenfutures.STREAMS,
        line=krakenfutures.line,
        venue_symbol=krakenfutures.venue_symbol,
        rest_url=krakenfutures.REST_URL,
        stream_url=krakenfutures.STREAM_URL,
        ws_api_url="",
        weight_per_minute=300,
        clock=("/derivatives/api/v3/tickers/PF_XBTUSD", krakenfutures.read_clock),
        recorded=(("krakenfutures", "KRAKEN_FUTURES"), Recorded("krakenfutures", krakenfutures.purpose)),
        proof=Proof(
            trades="ids are UUIDs; frames are numbered: holes are told, healed from the last 100 by subscribing again",
            books="contiguous numbers, a new snapshot by subscribing again",
            documented="2026-11-22",
            sessions=("raw/cryptofeed/KRAKEN_FUTURES_2021-07-22.jsonl.gz",),
            unproven="ticker with sizes and funding, linear contracts (PF_), liquidations, heartbeat",
        ),
    ),
    "bitmex": VenueEntry(
        adapter=bitmex.Bitmex,
        streams=bitmex.STREAMS,
        line=bitmex.line,
        venue_symbol=bitmex.venue_symbol,
        rest_url=bitmex.REST_URL,
        stream_url=bitmex.STREAM_URL,
        ws_api_url="",
        weight_per_minute=30,
        clock=("/api/v1", bitmex.read_clock),
        recorded=(("bitmex", "BITMEX"), Recorded("bitmex", bitmex.purpose)),
        proof=Proof(
            trades="cannot tell while connected: ids are UUIDs; a lost connection is healed by REST from then on",
            books="cannot tell: changes carry no numbers; an update of a level that is not there shows a missing one",
            documented="2026-11-22",
            sessions=("raw/cryptofeed/BITMEX_2021-07-22.jsonl.gz",),
            unproven="times and prices in updates and deletes, funding, liquidation, spot",
        ),
    ),
    "bybit": VenueEntry(
        adapter=bybit.Bybit,
        streams=bybit.STREAMS,
        line=bybit.line,
        venue_symbol=bybit.venue_symbol,
        rest_url=bybit.REST_URL,
        stream_url=bybit.STREAM_URL,
        ws_api_url="",
        weight_per_minute=600,
        clock=("/v5/market/time", bybit.read_clock),
        recorded=(("bybit", "BYBIT"), Recorded("bybit", bybit.purpose)),
        proof=Proof(
            trades="cannot tell while connected: ids do not count; a lost connection is healed from the last 1000 (spot 60)",
            books="contiguous numbers, a new snapshot by subscribing again",
            documented="2026-11-22",
            sessions=("raw/cryptofeed/BYBIT_2021-04-17_first_half.jsonl.gz",),
            unproven="v5 as a session (the session speaks v2, whose books carry no numbers), spot, funding, liquidations",
        ),
    ),
    "gate": VenueEntry(
        adapter=gate.Gate,
        streams=gate.STREAMS,
        line=gate.line,
        venue_symbol=gate.venue_symbol,
        rest_url=gate.REST_URL,
        stream_url=gate.STREAM_URL,
        ws_api_url="",
        weight_per_minute=600,
        clock=("/api/v4/spot/time", gate.read_clock),
        recorded=(("gate", "gate-io", "GATEIO"), Recorded("gate", gate.purpose)),
        proof=Proof(
            trades="contiguous ids in each pair, fetched by REST",
            books="contiguous numbers, a new snapshot by subscribing again (order_book_update: by REST)",
            documented="2026-11-22",
            sessions=("raw/cryptofeed/GATEIO_2021-04-22.jsonl.gz",),
            unproven="spot.obu, spot.book_ticker, id_market (the session has order_book_update and older ids)",
        ),
    ),
    "okx": VenueEntry(
        adapter=okx.Okx,
        streams=okx.STREAMS,
        line=okx.line,
        venue_symbol=okx.venue_symbol,
        rest_url=okx.REST_URL,
        stream_url=okx.STREAM_URL,
        ws_api_url="",
        weight_per_minute=300,
        clock=("/api/v5/public/time", okx.read_clock),
        recorded=(("okx", "OKX", "OKEX"), Recorded("okx", okx.purpose)),
        proof=Proof(
            trades="contiguous ids, fetched by REST",
            books="each change names the one before, a new snapshot by REST; checksums in what was recorded before 2026",
            documented="2026-11-22",
            sessions=(
                "raw/cryptofeed/OKEX_2021-07-22.jsonl.gz",
                "raw/cryptofeed/OKX_2022-05-13.jsonl.gz",
            ),
            unproven="seqId, snapshots by REST, several trades told as one, funding, liquidations",
        ),
    ),
    "bitget": VenueEntry(
        adapter=bitget.Bitget,
        streams=bitget.STREAMS,
        line=bitget.line,
        venue_symbol=bitget.venue_symbol,
        rest_url=bitget.REST_URL,
        stream_url=bitget.STREAM_URL,
        ws_api_url="",
        weight_per_minute=300,
        clock=("/api/v2/public/time", bitget.read_clock),
        recorded=(("bitget", "BITGET"), Recorded("bitget", bitget.purpose)),
        proof=Proof(
            trades="cannot tell while connected: ids skip; a lost connection is healed from the latest 1000 by REST",
            books="each change names the one before it (v1: a checksum); a new snapshot by subscribing again",
            documented="2026-11-22",
            sessions=("raw/cryptofeed/BITGET_2022-04-03.jsonl.gz",),
            unproven="websocket v2 (the session speaks v1), perpetuals, funding",
        ),
    ),
    "htx": VenueEntry(
        adapter=htx.Htx,
        streams=htx.STREAMS,
        line=htx.line,
        venue_symbol=htx.venue_symbol,
        rest_url=htx.REST_URL,
        stream_url=htx.STREAM_URL,
        ws_api_url="",
        weight_per_minute=300,
        clock=("/v1/common/timestamp", htx.read_clock),
        recorded=(("htx", "huobi", "HUOBI"), Recorded("htx", htx.purpose)),
        proof=Proof(
            trades="ids that recordings show to be contiguous (no page says so), the latest 2000 by REST",
            books="whole books each second; of mbp each change names the one before it",
            documented="2026-11-22",
            sessions=("raw/cryptofeed/HUOBI_2021-04-17_first_half.jsonl.gz",),
            unproven="mbp, bbo (the session has neither); needs binary frames at the edge",
        ),
    ),
    "hyperliquid": VenueEntry(
        adapter=hyperliquid.Hyperliquid,
        streams=hyperliquid.STREAMS,
        line=hyperliquid.line,
        venue_symbol=hyperliquid.venue_symbol,
        rest_url=hyperliquid.REST_URL,
        stream_url=hyperliquid.STREAM_URL,
        ws_api_url="",
        weight_per_minute=1200,
        clock=("/info", hyperliquid.read_clock),
        recorded=(("hyperliquid",), Recorded("hyperliquid", hyperliquid.purpose)),
        proof=Proof(
            trades="cannot tell while connected: ids are hashes; a lost connection is healed if the latest trades reach back",
            books="every frame is a whole book",
            documented="2026-11-22",
            sessions=("orderbook/hyperliquid_btcusd_20250126.jsonl.gz",),
            unproven="bbo, activeAssetCtx, meta by websocket (the session has l2Book and trades); REST, which takes POST only",
        ),
    ),
    "ccxt": VenueEntry(
        adapter=ccxt.ThroughCcxt,
        streams=ccxt.STREAMS,
        line=ccxt.line,
        venue_symbol=ccxt.venue_symbol,
        rest_url="",
        stream_url="",
        ws_api_url="",
        weight_per_minute=0,
        clock=("", ccxt.read_clock),
        recorded=((), Recorded("ccxt", ccxt.purpose)),
        proof=Proof(
            trades="cannot tell while connected: ids may skip; a lost connection is healed if the latest trades reach back",
            books="none are captured: trades, or the exchange's candles, of every exchange that ccxt knows: ccxt.EXCHANGE",
            documented="2026-11-22",
            sessions=(),
            unproven="every exchange but those that speak as the simulated one; ccxt reads their protocols",
        ),
    ),
}


class Venues(Mapping[str, VenueEntry]):
    """By name. What is listed has an adapter; ccxt.EXCHANGE is there for any exchange, though not listed."""

    def __init__(self, listed: dict[str, VenueEntry]) -> None:
        self._listed = listed

    def __getitem__(self, name: str) -> VenueEntry:
        if not ccxt.is_name(name):
            return self._listed[name]
        recorded = ((), Recorded(name, ccxt.purpose))
        return replace(self._listed[ccxt.VENUE], adapter=partial(ccxt.ThroughCcxt, venue=name), recorded=recorded)

    def __iter__(self) -> Iterator[str]:
        return iter(self._listed)

    def __len__(self) -> int:
        return len(self._listed)


VENUES = Venues(_LISTED)
RECORDED: dict[str, Recorded] = {
    name: entry.recorded[1] for entry in VENUES.values() for name in entry.recorded[0]
}  # a recording's name of a venue to how it is read
