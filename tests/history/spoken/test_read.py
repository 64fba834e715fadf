"""What answers of the venues say, read from texts written after their pages, and read by hand."""

from contextlib import suppress

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.history import bitget, bitmex, deribit, gate, htx, hyperliquid, krakenfutures
from ninefold.history.doubles import rounded
from ninefold.history.plan import Run, covering, joined
from ninefold.history.venue import UNREADABLE, CannotDownload
from ninefold.market.arrays import BAR_FLAT, BAR_OK, BUY, SELL
from ninefold.market.instruments import Instrument
from ninefold.market.numbers import NotExact
from ninefold.market.time import MINUTE_NS, SECOND_NS
from ninefold.venues.adapter import BadFrame
from ninefold.venues.listing import contract, ruled

FIELDS = ["open_ns", "open", "high", "low", "close", "volume", "trades", "state"]
T = 1_620_816_960 * SECOND_NS


def spot(venue: str, symbol: str, tick: str = "0.01", lot: str = "0.0001") -> Instrument:
    """Prices are held with two decimals more than the tick has, sizes with three."""
    return ruled(venue, symbol, "BTC", "USDT", tick=tick, lot=lot)


def inverse(venue: str, symbol: str) -> Instrument:
    return contract(ruled(venue, symbol, "BTC", "USD", tick="0.5", lot="1"), "swap", "BTC")


def linear(venue: str, symbol: str) -> Instrument:
    return contract(ruled(venue, symbol, "BTC", "USDC", tick="0.5", lot="0.0001"), "swap", "USDC")


def test_kraken_futures_tells_texts_and_numbers():
    """docs.kraken.com, "Market Candles", its example of 2026-11."""
    body = (
        b'{"candles":[{"time":1620816960000,"open":"56294.00000000000","high":"56475.50","low":"55935.0",'
        b'"close":56250.5,"volume":10824}],"more_candles":true}'
    )
    rows = krakenfutures.read_bars(inverse("krakenfutures", "PI_XBTUSD"), MINUTE_NS, body)
    assert rows[FIELDS].tolist() == [
        (T, 56294000, 56475500, 55935000, 56250500, 10824000, -1, BAR_OK),
    ]
    assert rows["buy_volume"].tolist() == [-1]


def test_a_bucket_of_bitmex_ends_where_it_is_stamped_and_opens_within_its_own_prices():
    """github.com/ccxt/ccxt issue 2049 quotes an answer of 2018."""
    body = (
        b'[{"timestamp":"2017-01-01T00:00:00.000Z","symbol":"XBTUSD","open":968.5,"high":968.5,"low":968.5,"close":968.5,'
        b'"trades":0,"volume":0,"vwap":null,"lastSize":null,"turnover":0,"homeNotional":0,"foreignNotional":0},'
        b'{"timestamp":"2017-01-01T00:01:00.000Z","symbol":"XBTUSD","open":968.5,"high":969.5,"low":969,"close":969.5,'
        b'"trades":17,"volume":12993,"vwap":968.72,"lastSize":2000},'
        b'{"timestamp":"2017-01-01T00:02:00.000Z","symbol":"XBTUSD","trades":0,"open":null,"volume":0}]'
    )
    rows = bitmex.read_bars(inverse("bitmex", "XBTUSD"), MINUTE_NS, body)
    midnight = 1_483_228_800 * SECOND_NS
    assert rows[FIELDS].tolist() == [
        (midnight - MINUTE_NS, 968500, 968500, 968500, 968500, 0, 0, BAR_FLAT),
        (midnight, 969000, 969500, 969000, 969500, 12993000, 17, BAR_OK),
    ]


CHART = (
    b'{"jsonrpc":"2.0","id":833,"result":{"volume":[19.007942601,0.30000000000000004],"ticks":[1620816960000,1620817020000],'
    b'"status":"ok","open":[4963.42,4986.29],"low":[4728.94,4726.6],"high":[5185.45,5250.87],"cost":[19007.0,20095.0],'
    b'"close":[5052.95,5013.59]},"usIn":1,"usOut":2,"usDiff":1,"testnet":true}'
)


def test_deribit_counts_inverse_contracts_in_dollars_and_others_in_coins():
    """docs.deribit.com, public/get_tradingview_chart_data, its example as of 2026-11, prices and ticks changed."""
    dollars = deribit.read_bars(inverse("deribit", "BTC-PERPETUAL"), MINUTE_NS, CHART)
    coins = deribit.read_bars(linear("deribit", "BTC_USDC-PERPETUAL"), MINUTE_NS, CHART)
    assert dollars["volume"].tolist() == [19007000, 20095000]
    assert coins["volume"].tolist() == [190079426, 3000000], "seven decimals, the nearest"
    assert dollars[["open", "high", "low", "close"]].tolist()[0] == (4963420, 5185450, 4728940, 5052950)
    assert dollars["open_ns"].tolist() == [T, T + MINUTE_NS]


def test_columns_of_deribit_that_do_not_match_are_refused():
    with pytest.raises(BadFrame, match=r"columns of \[2, 2, 2, 2, 2\] values beside 1 ticks"):
        deribit.read_bars(
            inverse("deribit", "BTC-PERPETUAL"),
            MINUTE_NS,
            CHART.replace(b"1620816960000,1620817020000", b"1620816960000"),
        )
    nothing = b'{"jsonrpc":"2.0","result":{"status":"no_data"}}'
    assert len(deribit.read_bars(inverse("deribit", "BTC-PERPETUAL"), MINUTE_NS, nothing)) == 0


def test_deribit_trades_are_known_by_their_number():
    body = (
        b'{"jsonrpc":"2.0","result":{"trades":[{"trade_seq":30289442,"trade_id":"48079269","timestamp":1590484512188,'
        b'"tick_direction":2,"price":8950.5,"mark_price":8948.9,"instrument_name":"BTC-PERPETUAL","index_price":8955.88,'
        b'"direction":"sell","amount":10.0},{"trade_seq":30289443,"trade_id":"48079270","timestamp":1590484512189,'
        b'"tick_direction":2,"price":8951,"instrument_name":"BTC-PERPETUAL","direction":"buy","amount":1.5e2}],"has_more":true}}'
    )
    rows = deribit.read_trades(inverse("deribit", "BTC-PERPETUAL"), body)
    assert rows[["id_lo", "exchange_ns", "price", "size", "taker_side"]].tolist() == [
        (30289442, 1590484512188_000_000, 8950500, 10000, SELL),
        (30289443, 1590484512189_000_000, 8951000, 150000, BUY),
    ]


def test_deribit_that_does_not_tell_trades_that_old_is_not_taken_for_quiet():
    of = inverse("deribit", "BTC-PERPETUAL")
    walk = deribit.locate(of, T + 1)
    assert next(walk).path.endswith("start_timestamp=1620816960001&count=1&sorting=asc")
    walk.send(b'{"result":{"trades":[],"has_more":false}}')
    newest = (
        b'{"result":{"trades":[{"instrument_name":"BTC-PERPETUAL","trade_seq":7,"timestamp":%d,"price":1,"amount":1,'
    )
    newest += b'"direction":"buy"}],"has_more":true}}'
    with pytest.raises(CannotDownload, match="keeps them for some days only"):
        walk.send(newest % 1620816960001)
    later = deribit.locate(of, T + 1)
    next(later)
    later.send(b'{"result":{"trades":[]}}')
    with pytest.raises(StopIteration) as found:
        later.send(newest % 1620816960000)
    assert found.value.value == 8, "the next one"


def test_gate_tells_value_close_high_low_open_volume():
    """www.gate.com/docs/developers/apiv4, "Market candlesticks", its example as of 2026-11."""
    body = b'[["1620816960","971519.67","8533.02","8553.74","8527.17","8548.26","113.8422","true"]]'
    rows = gate.read_bars(spot("gate", "BTC_USDT"), MINUTE_NS, body)
    assert rows[FIELDS].tolist() == [(T, 85482600, 85537400, 85271700, 85330200, 1138422000, -1, BAR_OK)]


def test_bitget_tells_the_volume_in_the_base_first():
    """www.bitget.com/api-doc, "Get History Candlestick Data", rows of its example as of 2026-11."""
    body = (
        b'{"code":"00000","msg":"success","requestTime":1695799900330,"data":[["1620816960000","43500.8","48207.2","38516",'
        b'"46451.9","2581.4668","118062073.82644","118062073.82644"],["1620817020000","38892.5","38892.5","38892.5","38892.5",'
        b'"0","0","0"]]}'
    )
    rows = bitget.read_bars(spot("bitget", "BTCUSDT"), MINUTE_NS, body)
    assert rows[FIELDS].tolist() == [
        (T, 435008000, 482072000, 385160000, 464519000, 25814668000, -1, BAR_OK),
        (T + MINUTE_NS, 388925000, 388925000, 388925000, 388925000, 0, -1, BAR_FLAT),
    ]


def test_htx_tells_the_newest_first_and_sums_of_doubles():
    """www.htx.com/en-us/opend, "/market/history/kline", its fields; a sum as its files have them."""
    body = (
        b'{"ch":"market.btcusdt.kline.1min","status":"ok","ts":1629769247172,"data":[{"id":1620817020,"open":49056.37,'
        b'"close":49025.51,"low":49022.86,"high":49056.38,"amount":3.946281917950917,"vol":193489.67,"count":196},'
        b'{"id":1620816960,"open":49056.37,"close":49056.37,"low":49056.37,"high":49056.37,"amount":0.0,"vol":0.0,"count":0}]}'
    )
    rows = htx.read_bars(spot("htx", "btcusdt", lot="0.000001"), MINUTE_NS, body)
    assert rows[FIELDS].tolist() == [
        (T, 490563700, 490563700, 490563700, 490563700, 0, 0, BAR_FLAT),
        (T + MINUTE_NS, 490563700, 490563800, 490228600, 490255100, 3946281918, 196, BAR_OK),
    ]


def test_hyperliquid_tells_volume_in_coins_and_counts():
    """hyperliquid.gitbook.io/hyperliquid-docs, "Candle snapshot", its fields as of 2026-11."""
    body = (
        b'[{"T":1620817019999,"c":"29258.0","h":"29309.0","i":"1m","l":"29250.0","n":189,"o":"29295.0","s":"BTC",'
        b'"t":1620816960000,"v":"0.98639"}]'
    )
    rows = hyperliquid.read_bars(spot("hyperliquid", "BTC", tick="0.1", lot="0.00001"), MINUTE_NS, body)
    assert rows[FIELDS].tolist() == [(T, 29295000, 29309000, 29250000, 29258000, 98639000, 189, BAR_OK)]


def test_rules_that_are_listed_apart_cannot_be_asked_for_together():
    with pytest.raises(CannotDownload, match="bitget lists spot and USDT-FUTURES apart"):
        bitget.rules(["BTCUSDT", "USDT-FUTURES:BTCUSDT"])
    with pytest.raises(CannotDownload, match="hyperliquid lists its own perpetuals and spot pairs apart"):
        hyperliquid.rules(["BTC", "@107"])
    assert hyperliquid.rules(["xyz:TSLA"]).body == b'{"type":"meta","dex":"xyz"}'
    assert hyperliquid.rules(["@107", "PURR/USDC"]).body == b'{"type":"spotMeta"}'


def test_spot_pairs_of_hyperliquid_are_listed_with_their_tokens():
    body = (
        b'{"universe":[{"name":"@107","tokens":[150,0],"index":107}],"tokens":[{"name":"USDC","szDecimals":8,"index":0},'
        b'{"name":"HYPE","szDecimals":2,"index":150}]}'
    )
    [one] = hyperliquid.read_rules(body)
    assert (one.venue_symbol, one.symbol) == ("@107", "HYPE/USDC")


@pytest.mark.parametrize(
    ("complaint", "body", "said"),
    [
        (krakenfutures.complaint, b'{"result":"error","error":"apiLimitExceeded"}', ("apiLimitExceeded", True)),
        (krakenfutures.complaint, b'{"result":"error","error":"nonExistentSymbol"}', ("nonExistentSymbol", False)),
        (krakenfutures.complaint, b'{"candles":[],"more_candles":false}', ("", False)),
        (
            deribit.complaint,
            b'{"error":{"code":10028,"message":"too_many_requests"}}',
            ("10028 too_many_requests", True),
        ),
        (deribit.complaint, b'{"error":{"code":13020,"message":"not_found"}}', ("13020 not_found", False)),
        (deribit.complaint, b'{"jsonrpc":"2.0","result":[]}', ("", False)),
        (
            bitget.complaint,
            b'{"code":"40034","msg":"Parameter does not exist","data":null}',
            ("40034 Parameter does not exist", False),
        ),
        (bitget.complaint, b'{"code":"45001","msg":"Unknown error","data":null}', ("45001 Unknown error", True)),
        (bitget.complaint, b'{"code":"00000","msg":"success","data":[]}', ("", False)),
        (
            htx.complaint,
            b'{"status":"error","err-code":"invalid-parameter","err-msg":"invalid symbol","data":null}',
            ("invalid-parameter invalid symbol", False),
        ),
        (
            htx.complaint,
            b'{"status":"error","err-code":"invalid-parameter","err-msg":"request timeout"}',
            ("invalid-parameter request timeout", True),
        ),
        (htx.complaint, b'{"status":"ok","data":[]}', ("", False)),
    ],
)
def test_what_an_answer_complains_of_and_whether_it_passes(complaint, body, said):
    assert complaint(body) == said
    assert complaint(b"<html>")[0].startswith("an answer that cannot be read")


READERS = {
    "krakenfutures": (krakenfutures, inverse("krakenfutures", "PI_XBTUSD")),
    "bitmex": (bitmex, inverse("bitmex", "XBTUSD")),
    "deribit": (deribit, inverse("deribit", "BTC-PERPETUAL")),
    "gate": (gate, spot("gate", "BTC_USDT")),
    "bitget": (bitget, spot("bitget", "BTCUSDT")),
    "htx": (htx, spot("htx", "btcusdt")),
    "hyperliquid": (hyperliquid, spot("hyperliquid", "BTC")),
}
WORDS = [
    "data",
    "result",
    "candles",
    "time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "t",
    "o",
    "h",
    "l",
    "c",
    "v",
    "n",
    "id",
]
WORDS += [
    "ticks",
    "cost",
    "trades",
    "amount",
    "count",
    "timestamp",
    "status",
    "code",
    "universe",
    "tokens",
    "instruments",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=9),
    max_leaves=12,
)


@pytest.mark.parametrize("venue", READERS)
@settings(max_examples=40)
@given(body=st.binary(max_size=80) | JSON.map(lambda value: msgspec.json.encode(value)))
@pytest.mark.slow
def test_whatever_comes_is_read_or_refused(venue, body):
    module, of = READERS[venue]
    for read in (lambda: module.read_bars(of, MINUTE_NS, body), lambda: module.read_rules(body)):
        with suppress(*UNREADABLE):
            read()
    if module is deribit:
        with suppress(*UNREADABLE):
            deribit.read_trades(of, body)


@given(st.integers(0, 10**12), st.integers(0, 6), st.integers(0, 6))
def test_a_rounded_number_is_the_nearest(number, places, kept):
    text = f"{number / 10**places:.{places}f}" if number < 10**9 else str(number)
    exact = float(text)
    assert abs(float(rounded(text, kept)) - exact) <= 0.5000001 * 10**-kept
    assert len(rounded(text, kept).partition(".")[2]) <= max(kept, 0)


@pytest.mark.parametrize("text", ["0.12345678901234x", "a.1234567890", "0.1234567890.1", "1.²34567890"])
def test_what_is_no_number_is_not_rounded(text):
    with pytest.raises(NotExact):
        rounded(text, 3)


RUNS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 15)), max_size=8).map(
    lambda pairs: joined((first, first + length) for first, length in pairs)
)


@given(RUNS, st.integers(1, 12))
def test_a_cover_has_all_that_is_wanted_in_as_few_pieces_as_can_be(runs: list[Run], most: int):
    cover = list(covering(runs, most))
    wanted = [number for first, end in runs for number in range(first, end)]
    covered = [number for first, end in cover for number in range(first, end)]
    assert set(wanted) <= set(covered)
    assert len(covered) == len(set(covered))
    assert all(0 < end - first <= most for first, end in cover)
    fewest, reached = 0, -1  # the slow obvious way: begin at the first one that is not reached
    for number in wanted:
        if number > reached:
            fewest, reached = fewest + 1, number + most - 1
    assert len(cover) == fewest
    assert np.isin([first for first, _ in cover], wanted).all()
