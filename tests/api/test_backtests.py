"""Kept runs over real sockets: the list, one run, its trades, candles and equity at every level, its report."""

from __future__ import annotations

import json
import math
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import zstandard

from ninefold.api.backtests import HELD_MARKETS, Runs
from ninefold.backtest.bars import UNKNOWN, Bars
from ninefold.market.time import MINUTE_NS, SECOND_NS
from ninefold.store.runs import RunReader, save_run
from ninefold.store.trials import Search, Trials

from .conftest import answering_beside

START_NS = 1_704_067_200 * SECOND_NS  # 2024-01-01
MINUTES = 600
HOSTILE = '<img src=x onerror="alert(1)">'
ROOT = "/api/v1/backtests"


def minute(at: int) -> str:
    return f"2024-01-01T{at // 60:02}:{at % 60:02}:00Z"


def document(name: str = "by_hand") -> dict[str, Any]:
    """Ten hours: equity falls by 1 each minute from 1,000 up to the 300th and stays; a trade in each of the first 240
    minutes, then one that is open."""
    trades = [
        {
            "entry_time": minute(at),
            "exit_time": minute(at + 1),
            "entry_price": 100 + at / 4,
            "exit_price": 100 + (at + 1) / 4,
            "size": 1.0,
            "pnl": -1.0,
            "fees": 0.5,
        }
        for at in range(240)
    ]
    return {
        "strategy": name,
        "set": {"fast": 10},
        "equity": 700.0,
        "net_profit": -300.0,
        "return": -0.3,
        "sharpe": math.nan,
        "equity_curve": [1000.0 - min(at + 1, 300) for at in range(MINUTES)],
        "trades": trades,
        "open_trade": {
            **trades[-1],
            "entry_time": minute(500),
            "entry_price": 225.0,
            "exit_time": None,
            "exit_price": None,
            "size": -1.0,
        },
    }


def bars() -> Bars:
    """Prices rise by a quarter each minute from 100; the 7th is unknown, and one spike is in minute 123."""
    at = START_NS + np.arange(MINUTES) * MINUTE_NS
    close = 400 + np.arange(MINUTES)
    high = close.copy()
    high[123] = 4000
    volume = np.ones(MINUTES, np.int64)
    volume[7] = UNKNOWN
    return Bars(at, at + MINUTE_NS, close, high, close, close, volume, Fraction(1, 4), Fraction(1))


def kept(path: Path) -> Path:
    """A data dir with three trials, of which the first and the last are kept."""
    trials = Trials(path)
    for number in (1, 2, 3):
        config = {"bars": "btc.parquet"}
        search = Search(kind="backtest", family="f", snapshot="s", code="c", config=config, seed=0)
        trials.begin(search, START_NS + number)
    trials.close()
    save_run(path, "backtest", 1, document(), bars())
    save_run(path, "tournament", 3, {"leaders": [{"strategy": HOSTILE, "sharpe": 1.5}]}, None)
    return path


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return kept(tmp_path / "data")


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    """Ask one API for paths of runs; each answer must have the status that is expected."""
    with answering_beside(runs=RunReader(kept(tmp_path_factory.mktemp("runs") / "data"))) as url:

        def asked(path: str, expect: int = 200, **query: Any) -> Any:
            words = urllib.parse.urlencode({name.rstrip("_"): value for name, value in query.items()})
            try:
                with urllib.request.urlopen(f"{url}{ROOT}{path}{'?' if query else ''}{words}", timeout=30) as answer:
                    status, text = answer.status, answer.read()
            except urllib.error.HTTPError as refused:
                with refused:
                    status, text = refused.code, refused.read()
            assert status == expect, text
            return json.loads(text) if text[:1] in b"{[" else text.decode()

        yield asked


def test_runs_are_listed_newest_first_with_their_single_figures(ask) -> None:
    newest, oldest = ask("")["backtests"]
    assert (newest["number"], newest["kind"], newest["summary"]) == ("3", "tournament", {})
    assert (oldest["number"], oldest["known_ns"], oldest["config"]) == ("1", str(START_NS + 1), {"bars": "btc.parquet"})
    assert oldest["summary"]["return"] == -0.3
    assert oldest["summary"]["sharpe"] is None
    assert "equity_curve" not in oldest["summary"]
    assert [one["number"] for one in ask("", limit=1)["backtests"]] == ["3"]


def test_without_a_data_dir_there_are_none(run) -> None:
    async def test(api):
        assert await api.get(ROOT) == {"backtests": []}
        assert "no data dir" in (await api.get(f"{ROOT}/1", 404))["detail"]

    run(test)


def test_a_run_is_its_document_without_what_is_as_long_as_its_bars(ask) -> None:
    found = ask("/1")
    left_out = {"equity_curve", "trades"}
    expected = {name: value for name, value in document().items() if name not in left_out} | {"sharpe": None}
    assert found["document"] == expected
    assert (found["trades"], found["timeframes"]) == (241, ["1m", "5m", "15m", "1h", "4h"])
    assert found["calendar"]["months"] == [
        {"period": "2024-01", "return": pytest.approx(-0.3), "price": pytest.approx(999 / 400 - 1), "whole": False}
    ]


def test_trades_come_by_the_page_with_their_numbers_and_the_open_one_last(ask) -> None:
    first, last = ask("/1/trades"), ask("/1/trades", page=3)
    assert [one["number"] for one in first["trades"]] == [str(number) for number in range(1, 101)]
    assert (first["total"], first["pages"], last["page"]) == (241, 3, 3)
    assert len(last["trades"]) == 41
    assert (last["trades"][-1]["number"], last["trades"][-1]["exit_time"]) == ("241", None)
    assert ask("/1/trades", page=4)["trades"] == []


def test_bars_come_at_the_finest_width_that_leaves_four_pixels_a_candle(ask) -> None:
    assert [ask("/1/bars", px=px)["timeframe"] for px in (2_400, 700, 200, 100)] == ["1m", "5m", "15m", "1h"]
    found = ask("/1/bars", px=700)
    assert len(found["columns"]["open_ns"]) == 120
    assert found["columns"]["open"][:3] == ["100.00", "101.25", "102.50"]
    assert found["columns"]["high"][24] == "1000.00"  # the spike in minute 123
    hours = ask("/1/bars", px=100)["columns"]
    assert max(hours["high"], key=float) == "1000.00"


def test_bars_between_two_moments_hold_the_one_in_which_they_begin(ask) -> None:
    found = ask("/1/bars", from_=START_NS + 90 * SECOND_NS, to=START_NS + 480 * SECOND_NS, px=300)
    assert found["columns"]["open_ns"] == [str(START_NS + at * MINUTE_NS) for at in range(1, 8)]
    assert found["columns"]["close"][-2:] == ["101.50", None]
    assert found["columns"]["state"][-2:] == ["ok", "unknown"]
    assert set(found["marks"]["open_ns"]) == set(found["columns"]["open_ns"])


def test_marks_stand_on_their_candles_and_are_counted(ask) -> None:
    fine = ask("/1/bars", px=2_400)["marks"]
    assert (len(fine["open_ns"]), fine["side"][:2], fine["count"][:2]) == (481, ["buy", "sell"], [1, 1])
    assert (fine["open_ns"][-1], fine["side"][-1], fine["trade"][-1]) == (
        str(START_NS + 500 * MINUTE_NS),
        "sell",
        "241",
    )
    hours = ask("/1/bars", px=100)["marks"]
    told = list(zip(hours["side"], hours["count"], strict=True))
    assert sorted(told[:2]) == [("buy", 60), ("sell", 59)]  # the sale of minute 60 is in the next hour
    assert sum(hours["count"]) == 481


def test_equity_comes_as_lowest_highest_and_last_of_each_pixel(ask) -> None:
    found = ask("/1/equity", px=130)
    assert found["timeframe"] == "5m"
    columns = found["columns"]
    assert (columns["low"][0], columns["high"][0], columns["last"][0]) == (995.0, 999.0, 995.0)
    assert (columns["low"][-1], columns["fall"][-1]) == (700.0, pytest.approx(0.3))


def test_a_run_without_bars_says_so_and_still_has_its_tables(ask) -> None:
    assert ask("/3")["document"] == {"leaders": [{"strategy": HOSTILE, "sharpe": 1.5}]}
    assert ask("/3")["timeframes"] == []
    assert ask("/3/trades") == {"trades": [], "total": 0, "page": 1, "pages": 1}
    assert "no bars of one market" in ask("/3/bars", 404)["detail"]


def test_runs_beside_each_other_have_their_equity_as_parts_of_their_start(ask) -> None:
    whole = ask("/compare", runs="3,1", px=2_400)
    table, curve = whole["runs"]
    assert [table["number"], table["kind"], table["columns"], table["trades"]] == ["3", "tournament", None, 0]
    assert (curve["summary"]["return"], curve["trades"], curve["width_ns"]) == (-0.3, 241, MINUTE_NS)
    assert (curve["from_ns"], curve["to_ns"]) == (str(START_NS), str(START_NS + MINUTES * MINUTE_NS))
    assert curve["columns"]["last"][:2] == [0.999, 0.998]
    assert (curve["columns"]["last"][-1], curve["columns"]["fall"][-1]) == (0.7, 0.3)
    [market] = whole["markets"]
    assert market["runs"] == ["1"]
    assert market["columns"]["last"][:3] == [1.0, 1.0, round(402 / 401, 6)]  # held from the open of the second bar
    hour = ask("/compare", runs="3,1", px=120, from_=START_NS + 60 * MINUTE_NS, to=START_NS + 120 * MINUTE_NS)
    assert hour["runs"][1]["columns"]["open_ns"] == [str(START_NS + at * MINUTE_NS) for at in range(60, 120)]
    coarse = ask("/compare", runs="3,1", px=130)["runs"][1]
    assert (coarse["width_ns"], coarse["columns"]["low"][0], coarse["columns"]["high"][0]) == (
        5 * MINUTE_NS,
        0.995,
        0.999,
    )


REFUSED = [
    ("/2", 404, "there is no run 2"),
    ("/2/report", 404, "there is no run 2"),
    ("/one", 404, ""),
    ("/1/bars?px=99", 422, "px"),
    ("/1/bars?px=10001", 422, "px"),
    ("/1/bars?from=5&to=5", 400, "from 5 is not before to 5"),
    ("/1/bars?from=-1", 422, "from"),
    ("/1/equity?to=9223372036854775808", 422, "to"),
    ("/1/trades?page=0", 422, "page"),
    ("/compare", 422, "runs"),
    ("/compare?runs=1", 400, "runs names 1 different runs; 2 to 8 can be compared"),
    ("/compare?runs=1,1", 400, "runs names 1 different runs"),
    ("/compare?runs=1,2,3,4,5,6,7,8,9", 400, "runs names 9 different runs"),
    ("/compare?runs=1,one", 400, "runs is '1,one'; write the numbers of runs with commas between them"),
    ("/compare?runs=1,2", 404, "there is no run 2"),
    ("/compare?runs=1,3&px=99", 422, "px"),
    ("/compare?runs=1,3&from=5&to=5", 400, "from 5 is not before to 5"),
]


def test_a_bad_request_is_refused_with_what_was_found_and_what_is_allowed(ask) -> None:
    for path, status, words in REFUSED:
        assert words in str(ask(path, status))


def test_a_run_that_is_kept_again_is_shown_as_it_is_now(run, data_dir) -> None:
    async def test(api):
        assert (await api.get(f"{ROOT}/1"))["document"]["strategy"] == "by_hand"
        save_run(data_dir, "backtest", 1, document("again"), bars())
        assert (await api.get(f"{ROOT}/1"))["document"]["strategy"] == "again"

    run(test, runs=RunReader(data_dir))


def test_runs_on_the_same_bars_share_them_and_those_of_few_markets_stay_open(data_dir) -> None:
    runs = Runs(RunReader(data_dir))
    save_run(data_dir, "backtest", 2, document(), bars())
    first = runs.run(1)
    assert runs.run(2)[1].bars is first[1].bars
    for others, stays in ((HELD_MARKETS - 1, True), (HELD_MARKETS, False)):
        for tick in range(others):
            save_run(data_dir, "backtest", 2, document(), replace(bars(), tick=Fraction(1, 10 * others + tick)))
            runs.run(2)
        assert (runs.run(1) is first) == stays


def test_a_run_of_a_newer_version_is_refused_with_the_remedy(run, data_dir) -> None:
    file = data_dir / "runs" / "000001.json.zst"
    file.write_bytes(zstandard.compress(msgspec.json.encode({"format": 99}) + b"\n{}"))

    async def test(api):
        for path in ("", "/1"):
            assert "upgrade ninefold" in (await api.get(ROOT + path, 503))["detail"]

    run(test, runs=RunReader(data_dir))


def test_a_report_is_one_file_under_a_policy_that_lets_it_ask_nobody(run, data_dir, tmp_path) -> None:
    (tmp_path / "report.js").write_text('"</script>"')
    (tmp_path / "report.css").write_text("p { margin: 0 }")

    async def test(api):
        async with api.http.get(f"{api.url}{ROOT}/3/report") as answer:
            text = await answer.text()
            [policy] = answer.headers.getall("content-security-policy")
            assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.content_type == "text/html"
        assert policy.startswith("default-src 'none'; script-src 'sha256-")
        assert f'content="{policy}"' in text
        assert "<img" not in text
        assert text.count("</script>") == 2  # the data and the code; not the one within the code

    run(test, runs=RunReader(data_dir), static=tmp_path)


def test_the_addresses_are_in_the_served_openapi(run) -> None:
    async def test(api):
        paths = (await api.get("/api/v1/openapi"))["paths"]
        ours = {path.removeprefix(ROOT) for path in paths if path.startswith(ROOT)}
        assert ours == {
            "",
            "/compare",
            "/{number}",
            *(f"/{{number}}/{part}" for part in ("trades", "equity", "bars", "report")),
        }
        asked = {one["name"] for one in paths[f"{ROOT}/{{number}}/bars"]["get"]["parameters"]}
        assert asked == {"number", "from", "to", "px"}

    run(test)
