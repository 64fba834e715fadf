"""What answers and files say, read from samples written after the venues' pages (tests/samples/README.md)."""

import hashlib
from contextlib import suppress
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.history import binance, binance_klines, coinbase, kraken
from ninefold.history.files import check_sum
from ninefold.history.venue import UNREADABLE, CannotDownload
from ninefold.market.arrays import BAR_FLAT, BAR_OK, BUY, SELL
from ninefold.market.instruments import listed
from ninefold.market.time import MINUTE_NS
from ninefold.venues.adapter import BadFrame

from .exchange import packed

SAMPLES = Path(__file__).parent.parent / "samples" / "history"
JANUARY = 1_704_067_200 * 10**9
BTCUSDT = listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001", finer=(2, 3))
PRODUCT = listed("coinbase", "BTC-USD", "BTC", "USD", tick="0.01", lot="0.00000001", finer=(2, 0))
PAIR = listed("kraken", "BTC/USD", "BTC", "USD", tick="0.1", lot="0.00000001", finer=(4, 0))
FIELDS = ["open_ns", "open", "high", "low", "close", "volume", "buy_volume", "trades", "state"]
FIRST = (JANUARY, 420001000, 420100000, 419900000, 420055000, 150000000, 100000000, 3, BAR_OK)
QUIET = (JANUARY + MINUTE_NS, 420055000, 420055000, 420055000, 420055000, 0, 0, 0, BAR_FLAT)


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def zipped(name: str) -> bytes:
    return packed(name.rpartition("/")[2], sample(name).decode())


def test_klines_are_bars_and_one_without_trades_is_flat():
    assert binance.read_bars(BTCUSDT, MINUTE_NS, sample("binance/klines.json"))[FIELDS].tolist() == [FIRST, QUIET]


def test_a_file_of_klines_says_the_same_in_milliseconds_with_and_without_headings():
    data = zipped("binance/BTCUSDT-1m-2024-01.csv")
    assert binance.read_file_of_bars(BTCUSDT, MINUTE_NS, data)[FIELDS].tolist() == [FIRST, QUIET]
    headed = packed("x.csv", ",".join(binance_klines.KLINE) + "\n" + sample("binance/BTCUSDT-1m-2024-01.csv").decode())
    assert binance.read_file_of_bars(BTCUSDT, MINUTE_NS, headed)[FIELDS].tolist() == [FIRST, QUIET]


@pytest.mark.parametrize("time", [2**63 // 10**6, 10**30, -1])
def test_a_time_that_no_column_holds_is_refused(time):
    body = sample("binance/klines.json").replace(b"1704067200000", b"%d" % time)
    with pytest.raises(UNREADABLE):
        binance.read_bars(BTCUSDT, MINUTE_NS, body)
    with pytest.raises(UNREADABLE):
        coinbase.read_bars(PRODUCT, MINUTE_NS, b"[[%d,1,1,1,1,1]]" % time)


@pytest.mark.parametrize("number", [b"1e999999999", b"1E-9999999", b"true", b"1e", b"1e+100", b"e"])
def test_a_number_whose_exponent_is_beyond_reason_is_refused_and_not_written_out(number):
    with pytest.raises(UNREADABLE):
        coinbase.read_bars(PRODUCT, MINUTE_NS, b"[[1704067200,1,1,1,1,%s]]" % number)


def test_a_candle_may_tell_a_small_volume_with_an_exponent():
    [bar] = coinbase.read_bars(PRODUCT, MINUTE_NS, b"[[1704067200,1,1,1,1,1.5e-7]]")
    assert bar["volume"] == 15


def test_files_since_2025_tell_microseconds():
    [bar] = binance.read_file_of_bars(BTCUSDT, MINUTE_NS, zipped("binance/BTCUSDT-1m-2025-01.csv"))
    assert (bar["open_ns"], bar["volume"], bar["trades"]) == (1_735_689_600 * 10**9, 821827000, 2631)
    rows = binance.read_file_of_trades(BTCUSDT, zipped("binance/BTCUSDT-trades-2025-01-01.csv"))
    assert rows[["id_lo", "exchange_ns", "price", "size", "taker_side"]].tolist() == [
        (4359104540, 1_735_689_600_007_000_000, 935760000, 12000, SELL),
        (4359104541, 1_735_689_600_012_345_000, 935760100, 1000000, BUY),
    ]


def test_where_files_are():
    assert (
        binance.file_of_bars(BTCUSDT, "1m", JANUARY, True)
        == "/data/spot/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01.zip"
    )
    assert (
        binance.file_of_bars(BTCUSDT, "1s", JANUARY, False)
        == "/data/spot/daily/klines/BTCUSDT/1s/BTCUSDT-1s-2024-01-01.zip"
    )
    assert binance.file_of_trades(BTCUSDT, JANUARY) == "/data/spot/daily/trades/BTCUSDT/BTCUSDT-trades-2024-01-01.zip"


def test_candles_are_bars_oldest_first_of_which_every_digit_counts():
    rows = coinbase.read_bars(PRODUCT, MINUTE_NS, sample("coinbase/candles.json"))
    assert rows[["open_ns", "open", "high", "low", "close", "volume", "trades"]].tolist() == [
        (JANUARY, 419900000, 420005000, 419800000, 420005000, 2, -1),
        (JANUARY + 2 * MINUTE_NS, 420005000, 420100000, 419900100, 420055500, 150000000, -1),
    ]


def test_trades_by_time_are_trades_with_ids():
    rows = kraken.read_trades(PAIR, sample("kraken/Trades.json"))
    assert rows[["id_lo", "exchange_ns", "price", "size", "taker_side"]].tolist() == [
        (69999, JANUARY + 500_000_000, 4211990000, 100000, SELL),
        (70000, JANUARY + 987_654_300, 4212300000, 25000000, BUY),
    ]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("42005.50000000,1.5", "42005.55555,1.5"), "more than 4 decimals"),
        (("42005.50000000,1.5", "-42005.5,1.5"), "negative"),
        (("42005.50000000,1.5", ",1.5"), "no packed CSV|missing"),
        (("1704067200000", "-1704067200000"), "neither milliseconds nor microseconds"),
        ((",0\n", "\n"), "no packed CSV"),
    ],
)
def test_a_file_with_numbers_that_cannot_be_held_is_refused_not_rounded(changed, said):
    text = sample("binance/BTCUSDT-1m-2024-01.csv").decode().replace(*changed, 1)
    with pytest.raises(BadFrame, match=said):
        binance.read_file_of_bars(BTCUSDT, MINUTE_NS, packed("x.csv", text))


@given(st.binary(max_size=200))
def test_whatever_comes_is_read_or_refused(body):
    for read in (
        lambda: binance.read_bars(BTCUSDT, MINUTE_NS, body),
        lambda: binance.read_trades(BTCUSDT, body),
        lambda: binance.read_file_of_bars(BTCUSDT, MINUTE_NS, body),
        lambda: binance.read_file_of_trades(BTCUSDT, body),
        lambda: coinbase.read_bars(PRODUCT, MINUTE_NS, body),
        lambda: coinbase.read_trades(PRODUCT, body),
        lambda: kraken.read_trades(PAIR, body),
    ):
        with suppress(*UNREADABLE):
            read()


@pytest.mark.slow
@settings(max_examples=300)
@given(st.integers(0, 400), st.binary(min_size=1, max_size=3))
def test_a_damaged_file_is_read_or_refused(at, junk):
    data = bytearray(zipped("binance/BTCUSDT-1m-2024-01.csv"))
    data[at : at + len(junk)] = junk
    with suppress(*UNREADABLE):
        binance.read_file_of_bars(BTCUSDT, MINUTE_NS, bytes(data))


def test_a_checksum_is_that_of_sha256sum():
    data = b"what was sent"
    check_sum("/a.zip", data, f"{hashlib.sha256(data).hexdigest()}  a.zip\n".encode())
    with pytest.raises(
        CannotDownload, match=f"/a.zip.*found {hashlib.sha256(b'less').hexdigest()}, its .CHECKSUM says abc"
    ):
        check_sum("/a.zip", b"less", b"abc  a.zip\n")
    with pytest.raises(CannotDownload, match="says nothing"):
        check_sum("/a.zip", data, b"")


@pytest.mark.parametrize("newest", [1, 2, 7, 1000])
def test_the_first_trade_at_a_time_is_found_by_halving(newest):
    """Coinbase: trades 1.. one a second from second 1 on; asked for second 0 to one after the newest."""
    for wanted in {0, 1, 2, newest - 1, newest, newest + 1}:
        walk = coinbase.locate(PRODUCT, JANUARY + wanted * 10**9)
        question, asked = next(walk), 0
        try:
            while True:
                asked += 1
                after = question.path.partition("after=")[2].partition("&")[0]
                question = walk.send(deal(int(after) - 1 if after else newest))
        except StopIteration as done:
            assert done.value == max(1, wanted)
        assert asked <= 12


def deal(id: int) -> bytes:
    at = np.datetime64((JANUARY + id * 10**9), "ns").astype("datetime64[s]")
    row = {"trade_id": id, "side": "buy", "price": "42000.00", "size": "1", "time": f"{at}Z"}
    return msgspec.json.encode([row])


def test_the_first_trade_at_a_time_is_the_first_of_its_aggregate():
    walk = binance.locate(BTCUSDT, JANUARY + 1)
    assert next(walk).path == f"/api/v3/aggTrades?symbol=BTCUSDT&startTime={JANUARY // 10**6 + 1}&limit=1"
    with pytest.raises(StopIteration) as found:
        walk.send(sample("binance/aggTrades.json"))
    assert found.value.value == 27781
