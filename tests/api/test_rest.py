"""REST over real sockets: what it answers, and what it refuses and why."""

import asyncio

import pytest
from litestar import Litestar

from ninefold.api import formulas
from ninefold.api.address import CannotListen, free_port
from ninefold.api.server import serve
from ninefold.market.arrays import BAR_UNKNOWN
from ninefold.market.time import SECOND_NS

from .stream import BASE, BTC, ETH, bar, chunk, equity, fill, listings, may, order, trade

ONE_SECOND = {"instrument": "binance:BTC/USDT", "timeframe": "1s"}


def test_instruments_are_listed_by_name(run):
    async def test(api):
        found = (await api.get("/api/v1/instruments"))["instruments"]
        assert found[0] == {
            "id": 1,
            "name": "binance:BTC/USDT",
            "venue": "binance",
            "symbol": "BTC/USDT",
            "base": "BTC",
            "quote": "USDT",
            "price_decimals": 2,
            "size_decimals": 5,
            "one_upping": None,
            "one_upped_since_ns": None,
        }
        assert [one["name"] for one in found] == ["binance:BTC/USDT", "binance:ETH/USDT"]

    run(test)


def test_an_instrument_says_how_much_it_is_one_upped_and_since_when(run):
    def told(second, *scores):
        return [(1, SECOND_NS * width, second * SECOND_NS, "one_upping", score, 0, 9) for width, score in scores]

    async def test(api):
        async def answered():
            found = (await api.get("/api/v1/instruments"))["instruments"]
            assert (found[1]["one_upping"], found[1]["one_upped_since_ns"]) == (None, None)
            return found[0]["one_upping"], found[0]["one_upped_since_ns"]

        api.view.apply(chunk(9, values=[*told(60, (60, 0.2), (1, 0.75)), *told(61, (1, 0.35))]))
        assert await answered() == (0.35, str(60 * SECOND_NS))  # of the narrowest width
        api.view.apply(chunk(10, values=told(62, (1, 0.34))))
        assert await answered() == (0.34, None)
        api.view.apply(chunk(11, values=told(63, (1, 0.9))))
        assert await answered() == (0.9, str(63 * SECOND_NS))

    run(test)


def test_bars_come_as_columns_oldest_first_with_what_only_the_store_holds(run, stored):
    reader = stored(chunk(9, *listings(), bars=[bar(n, (100, 110, 90, 100)) for n in range(4)]))

    async def test(api):
        api.view.apply(chunk(9, bars=[bar(3, (100, 150, 90, 100), revision=1), bar(4, (0,) * 4, state=BAR_UNKNOWN)]))
        columns = (await api.get("/api/v1/bars", **ONE_SECOND))["columns"]
        assert columns["open_ns"] == [str(BASE + n * SECOND_NS) for n in range(5)]
        assert columns["high"] == ["1.10", "1.10", "1.10", "1.50", None]
        assert columns["state"] == ["ok", "ok", "ok", "ok", "unknown"]
        assert columns["revision"] == [0, 0, 0, 1, 0]
        newest = (await api.get("/api/v1/bars", limit=2, **ONE_SECOND))["columns"]
        assert newest["high"] == ["1.50", None]
        before = await api.get("/api/v1/bars", limit=2, before_ns=BASE + 2 * SECOND_NS, **ONE_SECOND)
        assert before["columns"]["open_ns"] == [str(BASE), str(BASE + SECOND_NS)]
        ranged = await api.get("/api/v1/bars", timerange=f"{BASE + SECOND_NS}-{BASE + 3 * SECOND_NS}", **ONE_SECOND)
        assert ranged["columns"]["open_ns"] == [str(BASE + SECOND_NS), str(BASE + 2 * SECOND_NS)]

    run(test, reader=reader)


def test_trades_of_store_and_view_are_each_told_once(run, stored):
    reader = stored(*(chunk(seq, trades=[trade(seq, seq, 100 + seq, 1)]) for seq in (2, 3, 4)))

    async def test(api):
        api.view.apply(chunk(5, trades=[trade(4, 4, 104, 1), trade(5, 5, 105, 1), trade(5, 5, 105, 1, id=ETH)]))
        found = (await api.get("/api/v1/trades", instrument="binance:BTC/USDT"))["trades"]
        assert [one["trade_id"] for one in found] == ["2", "3", "4", "5"]
        assert found[-1]["price"] == "1.05"

    run(test, reader=reader)


def test_a_series_is_computed_from_the_first_bar_and_a_window_only_cuts_it(run, stored):
    closes = [100, 200, 400, 300]
    reader = stored(chunk(9, bars=[bar(n, (close,) * 4) for n, close in enumerate(closes)]))

    async def test(api):
        asked = {"formula": "sma(close, 2)", **ONE_SECOND}
        whole = await api.get("/api/v1/series", **asked)
        assert (whole["unit"], whole["warm_up"], whole["formula"]) == ("price", 1, "sma(close, 2)")
        assert whole["columns"]["value"] == [None, 1.5, 3.0, 3.5]
        cut = await api.get("/api/v1/series", timerange=f"{BASE + 2 * SECOND_NS}-", **asked)
        assert cut["columns"] == {
            "open_ns": [str(BASE + 2 * SECOND_NS), str(BASE + 3 * SECOND_NS)],
            "value": [3.0, 3.5],
        }
        assert (await api.get("/api/v1/series", limit=1, **asked))["columns"]["value"] == [3.5]

    run(test, reader=reader)


def test_a_series_reads_the_mood_at_each_bar_from_the_store_and_from_what_is_not_stored_yet(run, stored):
    def mood(second: int, value: float, id: int = BTC, term: bytes = b"sentiment") -> tuple:
        return (id, SECOND_NS, BASE + (second + 1) * SECOND_NS, term, value, BASE, 9)

    others = [mood(1, 0.9, id=ETH), mood(1, 0.9, term=b"sma(close, 20)")]
    bars = [bar(n, (100,) * 4) for n in range(3)]
    reader = stored(chunk(9, *listings(), bars=bars, values=[mood(0, 0.25), mood(2, 0.5), *others]))

    async def test(api):
        api.view.apply(chunk(10, bars=[bar(3, (100,) * 4)], values=[mood(2, 0.5), mood(3, -1.0)]))
        series = await api.get("/api/v1/series", formula="sentiment", **ONE_SECOND)
        assert series["columns"]["value"] == [0.25, None, 0.5, -1.0]
        averaged = await api.get("/api/v1/series", formula="sma(sentiment, 2)", limit=1, **ONE_SECOND)
        assert averaged["columns"]["value"] == [-0.25]

    run(test, reader=reader)


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("smaa(close, 2)", "no function 'smaa'"),
        ("close +", "not a formula at its end"),
        ("close" + " + close" * 100, "characters; allowed are 500"),
        ("-".join(["close"] * 60), "parts; allowed are 100"),
        ("__import__('os')", "character 1"),
        ('on("5m", close)', "leave out at(...) and on(...)"),
    ],
)
@pytest.mark.slow
def test_a_bad_formula_is_refused_in_the_formulas_own_words(run, formula, words):
    async def test(api):
        body = await api.get("/api/v1/series", expect=400, formula=formula, **ONE_SECOND)
        assert words in body["detail"]

    run(test)


def test_more_bars_than_the_limit_and_more_formulas_at_once_are_refused_with_the_rule(run, monkeypatch):
    async def test(api):
        api.view.apply(chunk(2, bars=[bar(n, (1,) * 4) for n in range(4)]))
        monkeypatch.setattr(formulas, "MOST_BARS", 3)
        body = await api.get("/api/v1/series", expect=422, formula="close", **ONE_SECOND)
        assert "more than 3 bars" in body["detail"]
        monkeypatch.setattr(formulas, "AT_ONCE", 0)
        body = await api.get("/api/v1/series", expect=429, formula="close", **ONE_SECOND)
        assert "ask again" in body["detail"]

    run(test)


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("bars?instrument=binance:BTC/USD&timeframe=1s", 404, "did you mean 'binance:BTC/USDT'"),
        ("bars?instrument=binance:BTC/USDT&timeframe=2s", 400, "allowed are 1s 5s 1m"),
        ("bars?instrument=binance:BTC/USDT&timeframe=1s&limit=99999", 422, "limit"),
        ("bars?instrument=binance:BTC/USDT&timeframe=1s&limit=x", 422, "limit"),
        ("bars?timeframe=1s", 422, "instrument"),
        ("bars?instrument=binance:BTC/USDT&timeframe=1s&timerange=yesterday", 400, "20240101-20240601"),
        ("bars?instrument=binance:BTC/USDT&timeframe=1s&timerange=20240102-20240101", 400, "ends before it begins"),
        (
            "bars?instrument=binance:BTC/USDT&timeframe=1s&timerange=20240102-&before_ns=1",
            400,
            "allowed is one of them",
        ),
        ("messages?kind=gossip", 422, "kind"),
    ],
)
@pytest.mark.slow
def test_a_bad_request_is_refused_with_what_was_found_and_what_is_allowed(run, path, status, words):
    async def test(api):
        assert words in (await api.get(f"/api/v1/{path}", expect=status))["detail"]

    run(test)


def test_derived_rows_and_the_account_are_shown_newest_first(run):
    async def test(api):
        targets = [(BTC, b"trend", SECOND_NS, BASE + n * SECOND_NS, n / 4, BASE + n, n) for n in range(3)]
        forecasts = [(ETH, 5 * SECOND_NS, BASE, 15, 0.1, -2.0, -1.0, 0.0, 1.0, 2.0, b"base", BASE, 2)]
        api.view.apply(chunk(2, order(2, "o1"), fill(3, "o1"), equity(3, 10**8), may(4, "m1", 0.5), targets=targets))
        api.view.apply(chunk(3, order(3, "o2", "refused"), forecasts=forecasts))
        found = (await api.get("/api/v1/targets", instrument="binance:BTC/USDT", timeframe="1s", limit=2))["targets"]
        assert [one["target"] for one in found] == [0.5, 0.25]
        assert (found[0]["strategy"], found[0]["known_ns"]) == ("trend", str(BASE + 2))
        forecast = (await api.get("/api/v1/forecasts"))["forecasts"][0]
        assert (forecast["timeframe"], forecast["horizon_bars"], forecast["model"]) == ("5s", 15, "base")
        assert forecast["quantiles"] == {"0.05": -2.0, "0.25": -1.0, "0.5": 0.0, "0.75": 1.0, "0.95": 2.0}
        assert [one["client_order_id"] for one in (await api.get("/api/v1/orders"))["orders"]] == ["o2", "o1"]
        refused = (await api.get("/api/v1/orders", status="refused"))["orders"]
        assert [one["client_order_id"] for one in refused] == ["o2"]
        assert (await api.get("/api/v1/fills"))["fills"][0]["price"] == "61203.10"
        assert (await api.get("/api/v1/equity"))["columns"]["equity"] == ["1.00"]
        assert (await api.get("/api/v1/messages", kind="has"))["messages"] == []
        assert (await api.get("/api/v1/messages"))["scores"]["may"] == 1
        assert len((await api.get("/api/v1/services"))["services"]) == 9
        assert (await api.get("/api/v1/status"))["orders"] == 2

    run(test)


def test_halt_acts_at_once_and_resume_asks_for_the_word(run):
    async def test(api):
        async with api.http.post(f"{api.url}/api/v1/halt", json={"by": "web", "reason": "noise"}) as answer:
            assert answer.status == 202
        async with api.http.post(f"{api.url}/api/v1/resume", json={"by": "web", "confirm": "yes"}) as answer:
            assert answer.status == 400
            assert "needs the word 'RESUME'" in (await answer.json())["detail"]
        async with api.http.post(f"{api.url}/api/v1/resume", json={"by": "web", "confirm": "RESUME"}) as answer:
            assert answer.status == 202
        assert api.done == [("halt", "web", "noise"), ("resume", "web")]
        async with api.http.post(f"{api.url}/api/v1/halt", json={"by": "x" * 20_000, "reason": ""}) as answer:
            assert answer.status == 413

    run(test)


def test_how_complete_the_trades_are_is_told_for_the_range_that_is_asked(run):
    asked = []

    def completeness(name: str, *range_and_width: int | None) -> dict[str, object]:
        asked.append((name, *range_and_width))
        return {"instrument": name, "spans": [], "holes": []}

    async def work(api):
        told = await api.get("/api/v1/completeness", instrument="binance:BTC/USDT", timerange="20240101-20240102")
        assert told == {"instrument": "binance:BTC/USDT", "spans": [], "holes": []}
        await api.get("/api/v1/completeness", instrument="binance:BTC/USDT", timeframe="1m")
        await api.get("/api/v1/completeness", expect=404, instrument="binance:NO/SUCH")

    run(work, completeness=completeness)
    day_ns = 86_400 * 10**9
    start_ns = 1_704_067_200 * 10**9
    btc, minute_ns = "binance:BTC/USDT", 60 * 10**9
    assert asked == [(btc, start_ns, start_ns + day_ns, None), (btc, None, None, minute_ns)]


def test_openapi_is_served_with_the_limits(run):
    async def test(api):
        async with api.http.get(f"{api.url}/api/v1/openapi") as answer:
            assert answer.status == 200
            spec = await answer.json(content_type=None)
        assert {"/api/v1/bars", "/api/v1/series", "/api/v1/halt"} <= set(spec["paths"])
        parameters = {one["name"]: one for one in spec["paths"]["/api/v1/bars"]["get"]["parameters"]}
        assert parameters["limit"]["schema"]["maximum"] == 5_000
        assert "500 characters" in spec["paths"]["/api/v1/series"]["get"]["description"]

    run(test)


def test_the_page_is_served_with_a_strict_policy_and_nothing_beside_it(run, built):
    async def test(api):
        for path in ("/", "/i/binance:BTC-USDT"):
            async with api.http.get(f"{api.url}{path}") as answer:
                assert (answer.status, answer.content_type) == (200, "text/html")
                assert "default-src 'self'" in answer.headers["content-security-policy"]
                assert answer.headers["cache-control"] == "no-cache"
        async with api.http.get(f"{api.url}/assets/a-1.js") as answer:
            assert "immutable" in answer.headers["cache-control"]
            assert "javascript" in answer.content_type
        for path in ("/nothing", "/..%2fsecret.txt", "/%2e%2e/secret.txt", "/i/..%2f..%2fsecret.txt"):
            async with api.http.get(f"{api.url}{path}") as answer:
                assert answer.status == 404

    run(test, static=built)


def test_without_a_web_build_the_page_says_what_to_do(run, tmp_path):
    async def test(api):
        assert "make setup" in (await api.get("/", expect=404))["detail"]

    run(test, static=tmp_path / "none")


def test_a_port_in_use_is_said_and_not_shared(run):
    async def test(api):
        port = int(api.url.rpartition(":")[2])
        with pytest.raises(CannotListen, match=f"port {port} of 127.0.0.1 is in use"):
            await asyncio.wait_for(serve(Litestar([]), "127.0.0.1", port), 5)

    run(test)


def test_an_address_that_is_not_ours_is_refused():
    with pytest.raises(CannotListen, match="cannot listen on 192\\.0\\.2\\.1"):
        free_port("192.0.2.1", 0)
