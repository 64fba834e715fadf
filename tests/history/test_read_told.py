"""What the answers of each venue say, read from samples written after its pages (tests/samples/history/README.md), and from
answers that others recorded.
"""

import gzip
import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.history import binancecoinm, binanceusdm, bitfinex, bitstamp, bybit, okx
from ninefold.history.table import HISTORIES
from ninefold.history.venue import UNREADABLE
from ninefold.market.arrays import BAR_FLAT, BAR_OK, BUY, ID_AGGREGATE, ID_INTEGER, SELL
from ninefold.market.instruments import listed
from ninefold.market.time import HOUR_NS, MINUTE_NS, SECOND_NS

from .exchange import packed

SAMPLES = Path(__file__).parent.parent / "samples" / "history"
JANUARY = 1_704_067_200 * SECOND_NS
NAMES = {
    **{"bybit": "BTCUSDT", "okx": "BTC-USDT-SWAP", "bitstamp": "btcusd", "bitfinex": "tBTCUSD"},
    **{"binanceusdm": "BTCUSDT", "binancecoinm": "BTCUSD_PERP"},
}
OF = {venue: listed(venue, name, "BTC", "USD", price_decimals=2, size_decimals=8) for venue, name in NAMES.items()}
FIELDS = ["open_ns", "open", "high", "low", "close", "volume", "buy_volume", "trades", "state"]
LOT = 10**8


def read(venue, name):
    return HISTORIES[venue].bars.read(OF[venue], MINUTE_NS, (SAMPLES / venue / name).read_bytes())[FIELDS].tolist()


@pytest.mark.parametrize(
    ("venue", "name", "bars"),
    [
        (
            "bybit",
            "kline.json",
            [
                (JANUARY, 4200010, 4201000, 4199000, 4200550, 3 * LOT // 2, -1, -1, BAR_OK),
                (JANUARY + MINUTE_NS, 4200550, 4200550, 4200550, 4200550, 0, -1, -1, BAR_FLAT),
            ],
        ),
        (
            "okx",
            "history-candles.json",
            [
                (JANUARY, 4200010, 4201000, 4199000, 4200550, 15025 * LOT // 100, -1, -1, BAR_OK),
                (JANUARY + MINUTE_NS, 4200550, 4200550, 4200550, 4200550, 0, -1, -1, BAR_FLAT),
            ],
        ),
        (
            "bitstamp",
            "ohlc.json",
            [
                (JANUARY, 4200000, 4201000, 4199000, 4200500, 150000001, -1, -1, BAR_OK),
                (JANUARY + MINUTE_NS, 4200500, 4200500, 4200500, 4200500, 0, -1, -1, BAR_FLAT),
            ],
        ),
        (
            "bitfinex",
            "candles.json",
            [
                (JANUARY, 4200010, 4201000, 4199000, 4200550, 150000001, -1, -1, BAR_OK),
                (JANUARY + 2 * MINUTE_NS, 4200600, 4200600, 4200600, 4200600, 1, -1, -1, BAR_OK),
            ],
        ),
        (
            "binanceusdm",
            "klines.json",
            [
                (JANUARY, 4200010, 4201000, 4199000, 4200550, 3 * LOT // 2, LOT, 3, BAR_OK),
                (JANUARY + MINUTE_NS, 4200550, 4200550, 4200550, 4200550, 0, 0, 0, BAR_FLAT),
            ],
        ),
        (
            "binancecoinm",
            "klines.json",
            [(JANUARY, 4200010, 4201000, 4199000, 4200550, 206 * LOT, 119 * LOT, 48, BAR_OK)],
        ),
    ],
)
def test_candles_are_bars_by_open_of_which_every_digit_counts(venue, name, bars):
    """OKX tells a third one that is not over."""
    assert read(venue, name) == bars


def test_a_file_of_coinm_counts_contracts_as_its_rest_does():
    data = packed("x.csv", (SAMPLES / "binancecoinm" / "BTCUSD_PERP-1m-2024-01.csv").read_text())
    archive = binancecoinm.HISTORY.archive
    assert archive.read_bars(OF["binancecoinm"], MINUTE_NS, data)[FIELDS].tolist() == read(
        "binancecoinm", "klines.json"
    )
    path = archive.bars(OF["binancecoinm"], "1m", JANUARY, True)
    assert path == "/data/futures/cm/monthly/klines/BTCUSD_PERP/1m/BTCUSD_PERP-1m-2024-01.zip"


def test_aggregates_are_trades_by_ids_of_their_own_in_answers_and_in_files():
    history, of = binanceusdm.HISTORY, OF["binanceusdm"]
    rows = history.trades.read(of, (SAMPLES / "binanceusdm" / "aggTrades.json").read_bytes())
    assert rows[["id_kind", "id_lo", "exchange_ns", "price", "size", "taker_side"]].tolist() == [
        (ID_AGGREGATE, 26129, JANUARY + 153_000_000, 4200010, LOT, BUY),
        (ID_AGGREGATE, 26130, JANUARY + 3_007_000_000, 4200550, LOT // 2, SELL),
    ]
    data = packed("x.csv", (SAMPLES / "binanceusdm" / "BTCUSDT-aggTrades-2024-01-01.csv").read_text())
    assert history.archive.read_trades(of, data).tolist() == rows.tolist()
    path = history.archive.trades(of, JANUARY)
    assert path == "/data/futures/um/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-01-01.zip"


def test_trades_of_okx_are_oldest_first():
    rows = okx.read_trades(OF["okx"], (SAMPLES / "okx" / "history-trades.json").read_bytes())
    assert rows[["id_kind", "id_lo", "exchange_ns", "price", "size", "taker_side"]].tolist() == [
        (ID_INTEGER, 242720719, JANUARY + 1_568_000_000, 4200010, 5 * LOT // 2, BUY),
        (ID_INTEGER, 242720720, JANUARY + 6_974_000_000, 4200550, LOT // 100, SELL),
    ]


@pytest.mark.parametrize(
    ("module", "body", "said"),
    [
        (bybit, b'{"retCode":10006,"retMsg":"Too many visits!"}', ("10006 Too many visits!", True)),
        (bybit, b'{"retCode":10001,"retMsg":"params error"}', ("10001 params error", False)),
        (bybit, b'{"retCode":0,"retMsg":"OK"}', ("", False)),
        (okx, b'{"code":"50011","msg":"Rate limit reached."}', ("50011 Rate limit reached.", True)),
        (okx, b'{"code":"51001","msg":"no such"}', ("51001 no such", False)),
        (okx, b'{"code":"0","msg":""}', ("", False)),
    ],
)
def test_a_complaint_passes_or_does_not(module, body, said):
    assert module.complaint(body) == said


@given(st.binary(max_size=200))
def test_whatever_comes_is_read_or_refused(body):
    for venue, of in OF.items():
        history = HISTORIES[venue]
        for reader in (history.read_rules, lambda body, of=of, told=history: told.bars.read(of, MINUTE_NS, body)):
            with suppress(*UNREADABLE):
                reader(body)
        with suppress(*UNREADABLE):
            history.trades.read(of, body)


def test_a_candle_that_bybit_answered_is_read(recording):
    """Of the adapters' test data of another project: a whole answer."""
    body = payload(recording("raw/payloads/bybit.jsonl.gz"), "http_get_klines_linear.json")
    [bar] = bybit.read_bars(OF["bybit"], SECOND_NS, body)
    told = (1709891679 * SECOND_NS, 2745000, 2746000, 2744000, 2745500, 12345 * LOT // 100)
    assert tuple(bar[["open_ns", "open", "high", "low", "close", "volume"]].tolist()) == told


def test_a_candle_that_bitstamp_answered_is_read(recording):
    lines = gzip.decompress(recording("raw/pairs/ccxt_bitstamp_rest.jsonl.gz").read_bytes()).splitlines()
    [found] = [one for one in map(json.loads, lines) if one["method"] == "fetchOHLCV"]
    [bar] = bitstamp.read_bars(OF["bitstamp"], HOUR_NS, json.dumps(found["httpResponse"]).encode())
    told = (1710327600 * SECOND_NS, 7324100, 7329300, 7324000, 7328500, 1076655)
    assert tuple(bar[["open_ns", "open", "high", "low", "close", "volume"]].tolist()) == told


def test_instruments_that_venues_answered_are_read(recording):
    spot = payload(recording("raw/payloads/okx.jsonl.gz"), "http_get_instruments_futures.json")
    assert {one.kind for one in okx.read_rules(spot)} == {"future"}


def payload(path: Path, name: str) -> bytes:
    for line in gzip.decompress(path.read_bytes()).splitlines():
        told = json.loads(line)
        if told["file"].endswith(name):
            return told["msg"].encode()
    raise AssertionError(f"{path} has no {name}")


def test_bitfinex_asks_by_milliseconds_with_both_ends_counted():
    asked = bitfinex.ask_bars(OF["bitfinex"], "1d", JANUARY, JANUARY + 24 * HOUR_NS).path
    assert asked == "/v2/candles/trade:1D:tBTCUSD/hist?start=1704067200000&end=1704153599999&limit=10000&sort=1"
