"""Downloads from three venues and an archive on loopback, compared with the market that they came from."""

import pytest
from aiohttp import web

from ninefold.history.venue import CannotDownload
from ninefold.market.records import Malformed
from ninefold.store.read import Reader

from .exchange import DAY, JANUARY, MINUTE, Exchange, Trade, random_trades
from .running import fetch, stored_bars, stored_trades, true_bars, true_trades

pytestmark = pytest.mark.slow

HOURS = (JANUARY + DAY, JANUARY + DAY + 360 * MINUTE)
NOW = JANUARY + 40 * DAY


@pytest.fixture(scope="module")
def trades():
    return random_trades(1, JANUARY, JANUARY + 3 * DAY, 20 * 10**9)


@pytest.fixture(scope="module")
def quiet():
    """A trade each quarter of an hour: most minutes have none."""
    return random_trades(2, JANUARY, JANUARY + 33 * DAY, 900 * 10**9)


@pytest.mark.parametrize("venue", ["binance", "coinbase", "kraken"])
def test_trades_of_a_range_are_the_truth_and_the_second_download_adds_nothing(tmp_path, trades, venue):
    exchange = Exchange(trades, NOW)
    first = fetch(exchange, tmp_path, "trades", venue=venue, span=HOURS)["trades"]
    truth = true_trades(trades, HOURS)
    assert stored_trades(tmp_path, HOURS) == truth
    assert (first.asked, first.stored, first.already, first.holes) == (len(truth), len(truth), 0, [])
    before = len(exchange.asked)
    second = fetch(exchange, tmp_path, "trades", venue=venue, span=HOURS)["trades"]
    assert (second.stored, second.already, second.holes) == (0, len(truth), [])
    assert stored_trades(tmp_path, HOURS) == truth
    pages = [path for path in exchange.asked[before:] if "fromId" in path or "limit=1000" in path]
    assert pages == [], "only where the range begins and ends is asked again"


@pytest.mark.parametrize("venue", ["binance", "kraken"])
@pytest.mark.parametrize("timeframe", ["1m", "15m", "1h"])
def test_bars_are_those_of_the_trades(tmp_path, trades, venue, timeframe):
    """Kraken tells no bars: they are made from its trades. The very first and last one cannot be proven there."""
    found = fetch(Exchange(trades, NOW), tmp_path, timeframe, venue=venue, span=HOURS)[timeframe]
    assert stored_bars(tmp_path, timeframe, HOURS) == true_bars(trades, timeframe, HOURS)
    assert found.verified == found.asked == found.stored
    assert found.holes == []


def test_candles_without_counts_say_that_they_were_not_told(tmp_path, trades):
    span = (JANUARY + DAY, JANUARY + DAY + 700 * MINUTE)
    found = fetch(Exchange(trades, NOW), tmp_path, "15m", venue="coinbase", span=span)["15m"]
    truth = true_bars(trades, "15m", (span[0], span[0] + 690 * MINUTE))
    stored = stored_bars(tmp_path, "15m", span)
    assert {key: bar[:6] for key, bar in stored.items()} == {key: bar[:6] for key, bar in truth.items()}
    assert {bar.trades for bar in stored.values()} == {-1}
    assert (found.asked, found.stored, found.missing) == (46, 46, 0)


def test_minutes_that_a_venue_does_not_tell_are_unknown_until_its_trades_prove_them_quiet(tmp_path, quiet):
    """Coinbase: a candle only where something was traded."""
    exchange = Exchange(quiet, NOW)
    first = fetch(exchange, tmp_path, "1m", venue="coinbase", span=HOURS)["1m"]
    truth = true_bars(quiet, "1m", HOURS)
    told = [key for key, bar in truth.items() if bar.trades]
    stored = stored_bars(tmp_path, "1m", HOURS)
    assert [key for key, bar in stored.items() if bar is not None] == told
    inside = {key for key in truth if told[0] < key < told[-1]}
    assert {key for key, bar in stored.items() if bar is None} == inside - set(told), "between told bars: unknown"
    assert first.missing == 360 - len(told)
    second = fetch(exchange, tmp_path, "1m", "trades", venue="coinbase", span=HOURS)["1m"]
    known = stored_bars(tmp_path, "1m", HOURS)
    assert {key: bar[:6] for key, bar in known.items()} == {key: bar[:6] for key, bar in truth.items()}
    assert second.holes == []
    assert (second.compared, second.differing) == (360, 0)


def test_a_kline_that_is_missing_is_flat_if_the_ids_around_it_follow_each_other_else_unknown(tmp_path, trades):
    exchange = Exchange(trades, NOW)
    truth = true_bars(trades, "1m", HOURS)
    flat = next(key for key, bar in truth.items() if not bar.trades and key > HOURS[0] + 10 * MINUTE)
    traded = next(key for key, bar in truth.items() if bar.trades > 1 and key > flat + 10 * MINUTE)
    exchange.withheld = {flat, traded}
    found = fetch(exchange, tmp_path, "1m", span=HOURS)["1m"]
    assert stored_bars(tmp_path, "1m", HOURS) == {**truth, traded: None}
    assert [(hole.count, hole.first[11:16]) for hole in found.holes] == [(1, clock(traded))]
    healed = fetch(exchange, tmp_path, "1m", "trades", span=HOURS)["1m"]
    assert stored_bars(tmp_path, "1m", HOURS) == truth, "made of the trades that were downloaded since"
    assert (healed.stored, healed.already, healed.holes, healed.differing) == (1, 359, [], 0)


def test_whole_months_come_from_files_and_the_rest_by_rest(tmp_path, quiet):
    span = (JANUARY, JANUARY + 33 * DAY)
    exchange = Exchange([Trade(99, JANUARY, "42000.00", "1.00000", True), *quiet], NOW)
    found = fetch(exchange, tmp_path, "5m", "1h", span=span, files=True)
    for timeframe in ("5m", "1h"):
        assert stored_bars(tmp_path, timeframe, span) == true_bars(exchange.trades, timeframe, span)
        assert found[timeframe].holes == []
    files = [path for path in exchange.asked if path.endswith(".zip")]
    assert files == ["/data/spot/monthly/klines/BTCUSDT/5m/BTCUSDT-5m-2024-01.zip"], "an hour is cheaper by REST"
    assert found["5m"].requests == 1 + 2 + 1, "the first bar, the file and its checksum, 576 bars of February"


def test_a_day_of_trades_comes_from_its_file(tmp_path):
    trades = random_trades(3, JANUARY, JANUARY + 2 * DAY, 12 * 10**9)
    span = (JANUARY, JANUARY + 36 * 60 * MINUTE)
    exchange = Exchange(trades, NOW)
    exchange.files = lambda path: "2024-01-01" in path
    found = fetch(exchange, tmp_path, "trades", span=span, files=True)["trades"]
    assert stored_trades(tmp_path, span) == true_trades(trades, span)
    assert found.holes == []
    assert [path for path in exchange.asked if path.endswith(".zip")] == [
        "/data/spot/daily/trades/BTCUSDT/BTCUSDT-trades-2024-01-01.zip"
    ]


def test_a_file_that_is_not_there_yet_is_asked_for_by_rest(tmp_path, quiet):
    span = (JANUARY, JANUARY + 31 * DAY)
    exchange = Exchange(quiet, NOW)
    exchange.files = lambda path: False
    found = fetch(exchange, tmp_path, "15m", span=span, files=True)["15m"]
    assert stored_bars(tmp_path, "15m", span) == true_bars(quiet, "15m", span)
    assert found.holes == []


def test_a_file_with_a_wrong_checksum_is_refused_with_both_sums(tmp_path, quiet):
    exchange = Exchange([Trade(99, JANUARY, "42000.00", "1.00000", True), *quiet], NOW)
    exchange.tampered = {"/data/spot/monthly/klines/BTCUSDT/5m/BTCUSDT-5m-2024-01.zip"}
    with pytest.raises(CannotDownload) as refused:
        fetch(exchange, tmp_path, "5m", span=(JANUARY, JANUARY + 31 * DAY), files=True)
    said = str(refused.value)
    assert "BTCUSDT-5m-2024-01.zip" in said
    assert len([word for word in said.replace(",", " ").replace(".", " ").split() if len(word) == 64]) == 2
    assert stored_bars(tmp_path, "5m", (JANUARY, JANUARY + 31 * DAY)) == {}


def test_trades_that_the_venue_does_not_have_are_a_hole_and_their_bars_unknown(tmp_path, trades):
    exchange = Exchange(trades, NOW)
    lost = [one for one in trades if HOURS[0] + 60 * MINUTE <= one.time_ns < HOURS[0] + 90 * MINUTE][5:9]
    exchange.gone = {one.id for one in lost}
    found = fetch(exchange, tmp_path, "trades", "1m", venue="kraken", span=HOURS)
    [hole] = found["trades"].holes
    assert (hole.first, hole.last, hole.count) == (str(lost[0].id), str(lost[-1].id), 4)
    truth = true_bars(trades, "1m", HOURS)
    around = [one for one in trades if one.id in (lost[0].id - 1, lost[-1].id + 1)]
    touched = [key for key in truth if around[0].time_ns - MINUTE < key <= around[1].time_ns]
    assert stored_bars(tmp_path, "1m", HOURS) == {**truth, **dict.fromkeys(touched)}


def test_a_bar_that_cannot_be_is_a_hole_and_told(tmp_path, trades):
    exchange = Exchange(trades, NOW)
    wrong = next(
        key for key, bar in true_bars(trades, "1m", HOURS).items() if bar.trades and key > HOURS[0] + 30 * MINUTE
    )
    honest = exchange._kline

    def lying(bar, width_ns, unit_ns):
        row = honest(bar, width_ns, unit_ns)
        if bar.open_ns == wrong:
            row[2], row[3] = row[3], row[2]
            row[2] = "0.01000000"
        return row

    exchange._kline = lying
    found = fetch(exchange, tmp_path, "1m", span=HOURS)["1m"]
    assert stored_bars(tmp_path, "1m", HOURS) == {**true_bars(trades, "1m", HOURS), wrong: None}
    assert (found.impossible, found.missing) == (1, 1)
    [told] = Reader(tmp_path / "history").records([Malformed])
    assert "1 bars of 1m are impossible" in told.reason


def test_a_range_that_grows_is_asked_for_by_one_question_where_one_is_enough(tmp_path, trades):
    exchange = Exchange(trades, NOW)
    fetch(exchange, tmp_path, "1m", span=HOURS)
    before = len(exchange.asked)
    wider = (HOURS[0] - 60 * MINUTE, HOURS[1] + 60 * MINUTE)
    found = fetch(exchange, tmp_path, "1m", span=wider)["1m"]
    assert (found.asked, found.already, found.stored) == (480, 360, 120)
    spans = [path.partition("startTime=")[2].split("&")[0] for path in exchange.asked[before:] if "endTime" in path]
    assert [int(start) * 10**6 for start in spans] == [wider[0]]
    assert stored_bars(tmp_path, "1m", wider) == true_bars(trades, "1m", wider)


def test_an_unknown_pair_is_refused_with_the_nearest_ones(tmp_path, trades):
    with pytest.raises(CannotDownload, match="binance has no pair 'BTC/USDD'; near are BTC/USDT"):
        fetch(Exchange(trades, NOW), tmp_path, "1m", span=HOURS, pairs=("BTC/USDT", "BTC/USDD"))
    with pytest.raises(CannotDownload, match="kraken has no pair 'BTC/USDD'; near are BTC/USD"):
        fetch(Exchange(trades, NOW), tmp_path, "1m", venue="kraken", span=HOURS, pairs=("BTC/USDD",))


def test_a_place_that_a_venue_does_not_serve_is_told(tmp_path, trades):
    exchange = Exchange(trades, NOW)
    exchange.before = lambda number, request: web.Response(status=451)
    with pytest.raises(CannotDownload, match=r"does not answer from here.*another --venue"):
        fetch(exchange, tmp_path, "1m", span=HOURS)


def clock(time_ns: int) -> str:
    minutes = time_ns // MINUTE % 1440
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
