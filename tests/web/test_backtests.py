"""The page of back-tests and the report in a real Chromium, over runs that the command made.

In:  a data dir with runs, the API over it. NINEFOLD_SCREENSHOTS names a folder for pictures, if set.
Out: what is drawn, held against what the API says and what the run was.
"""

from __future__ import annotations

import json
import os
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Browser, Page, expect

from ninefold.services.backtest import Wanted, backtest
from ninefold.services.report import write_report
from ninefold.store.runs import RunReader, save_run
from tests.api.conftest import answering_beside
from tests.conftest import missing
from tests.web.conftest import Heard

pytestmark = pytest.mark.slow

BARS = 6_000
START_S = 1_704_067_200  # 2024-01-01
LATER_S, LATER_BARS = START_S + 6 * 86_400, 1_440
SOON_MS = 30_000
HOSTILE = '<img src=x onerror="window.harmed = true">'
BUILT = Path(__file__).parents[2] / "src" / "ninefold" / "api" / "static"
COUNT_PIXELS = """(wanted) => {
  const canvas = document.querySelector('#run canvas');
  const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  let found = 0;
  for (let i = 0; i < pixels.length; i += 4)
    if (pixels[i] === wanted[0] && pixels[i + 1] === wanted[1] && pixels[i + 2] === wanted[2]) found += 1;
  return found;
}"""
LINES = ((0x00, 0x3F, 0x7F), (0x2C, 0x8F, 0xC4), (0xA3, 0x4C, 0x00))  # of runs in order, in the light theme
UP, DOWN = (0x00, 0x4A, 0x86), (0xC2, 0x41, 0x0C)  # of the light theme
HOLE = {"from_ns": "1704122100000000000", "to_ns": "1704123900000000000", "first_id": "17", "last_id": "19"}
COMPLETENESS = {
    **{
        "certified": True,
        "said": "8 hours were read: 7 complete, 1 gap known.",
        "lacking": "1 gap is known in kraken:A/B.",
    },
    **{"gaps_known": 1, "unknown_bars": 12, "instruments": [{"instrument": "kraken:A/B", "holes": [HOLE]}]},
}
SWEEP = {
    "strategy": "sma_cross",
    "completeness": COMPLETENESS,
    "trial": 3,
    "best": [{"trial": 3, "set": {"fast": 5, "slow": 30}, "sharpe": 1.5}],
    "grid": {"axes": {"fast": [5, 10], "slow": [20, 30, 40]}, "sharpe": [0.1, 1.5, None, -2.0, 0.5, 0.25]},
}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs 1 and 2 by the command, on four days of minutes that wander; 3 a sweep, 4 of names that are code; 5 like 1, later."""
    folder = tmp_path_factory.mktemp("runs")
    wandering(folder / "bars.parquet", START_S, BARS)
    wandering(folder / "later.parquet", LATER_S, LATER_BARS)
    data = folder / "data"

    def tried(fast: int, slow: int, file: str = "bars.parquet") -> int:
        settings = (f"fast={fast}", f"slow={slow}")
        found = backtest(Wanted(strategy="sma_cross", settings=settings, data_dir=data, file=folder / file), 10**18)
        trial: int = found["trial"]
        return trial

    assert [tried(10, 300), tried(100, 300)] == [1, 2]
    save_run(data, "sweep", tried(2, 3), SWEEP, None)
    hostile = {**SWEEP, "strategy": HOSTILE, "set": {HOSTILE: HOSTILE}, "equity": 1.0, "net_profit": 0.0}
    save_run(data, "tournament", tried(2, 4), hostile, None)
    assert tried(10, 300, "later.parquet") == 5
    return data


def wandering(path: Path, start_s: int, count: int) -> None:
    close = np.round(100 + np.cumsum(np.random.default_rng(7).normal(0, 0.05, count)), 2)
    opens = np.append(close[0], close[:-1])
    columns = {
        "open_time": (start_s + np.arange(count) * 60) * 1_000,
        "open": opens,
        "high": np.maximum(opens, close) + 0.05,
        "low": np.minimum(opens, close) - 0.05,
        "close": close,
        "volume": np.ones(count),
    }
    pq.write_table(pa.table(columns), path)


@pytest.fixture(scope="module")
def url(data_dir: Path) -> Iterator[str]:
    """Where the API answers, over the built page."""
    if not (BUILT / "backtests.html").exists():
        missing(f"no {BUILT}/backtests.html (`make setup` builds the page)")
    with answering_beside(runs=RunReader(data_dir)) as address:
        yield address


def test_runs_are_listed_newest_first_sort_and_open_and_the_address_carries_it(page: Page, url: str) -> None:
    page.goto(f"{url}/")
    page.click("text=Back-tests")
    until(page, "state.rows === 5")
    numbers = page.locator("#runs tbody tr td:first-child")
    assert numbers.all_inner_texts() == ["5", "4", "3", "2", "1"]
    page.click("#runs thead >> text=Return")
    listed = get(url, "")["backtests"]
    known = {one["number"]: one["summary"]["return"] for one in listed if "return" in one["summary"]}
    best_first = sorted(known, key=lambda number: -known[number])
    expect(numbers).to_have_text([*map(str, best_first), "4", "3"])  # what has no return comes last
    assert "sort=-return" in page.url
    expect(page.locator("#runs thead th[aria-sort=descending]")).to_contain_text("Return")
    picture(page, "list")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    until(page, f"state.run === '{best_first[1]}' && state.candles > 0")
    page.go_back()
    until(page, "state.run === null && state.rows === 5")
    assert numbers.all_inner_texts()[:3] == best_first


def test_how_complete_the_hours_are_that_a_run_read_stands_in_the_list_and_on_its_page(page: Page, url: str) -> None:
    page.goto(f"{url}/backtests?sort=number")
    until(page, "state.rows === 5")
    cells = page.locator("#runs tbody tr td:nth-child(7)")
    expect(cells).to_have_text(["a file", "a file", *["1 gap, 12 unknown"] * 2, "a file"])
    expect(page.locator("#runs tbody td.failed")).to_have_count(2)
    page.goto(f"{url}/backtests?run=3")
    expect(page.locator(".said.failed")).to_have_text("1 gap is known in kraken:A/B.")
    expect(page.locator(".said.muted")).to_have_text("8 hours were read: 7 complete, 1 gap known.")
    gap = page.locator("section.rows", has_text="known gaps").locator("tbody td")
    expect(gap).to_have_text(["kraken:A/B", "2024-01-01 15:15:00 UTC", "2024-01-01 15:45:00 UTC", "17", "19"])
    picture(page, "completeness")


def test_a_run_opens_with_the_candles_and_marks_of_the_api_and_they_are_pixels(page: Page, url: str) -> None:
    opened(page, url, run="1")
    shown = state(page)
    assert [shown["sight"]["from"], shown["sight"]["to"]] == [START_S, START_S + BARS * 60]
    assert sum(mark["count"] for mark in shown["marks"]) == sum(get(url, "/1/bars")["marks"]["count"])
    assert page.evaluate(COUNT_PIXELS, list(UP)) > 200
    assert page.evaluate(COUNT_PIXELS, list(DOWN)) > 200
    net = get(url, "/1")["document"]["net_profit"]
    expect(page.locator(".verdict")).to_have_text(f"\u25bc It lost {-net:.2f} (\u2212{-net / 100:.2f} %) after fees.")
    picture(page, "run")


def test_closer_shows_single_minutes_with_each_mark_on_its_own_candle(page: Page, url: str) -> None:
    opened(page, url, run="1", **{"from": str(START_S + 86_400), "to": str(START_S + 86_400 + 14_400)})
    until(page, "state.timeframe === '1m'")
    shown = state(page)
    trades = [*get(url, "/1/trades")["trades"], *get(url, "/1/trades", page=2)["trades"]]
    sides = {(one["entry_time"], "buy") for one in trades} | {(one["exit_time"], "sell") for one in trades}
    expected = {(moment(time), side) for time, side in sides if time and within(shown["sight"], moment(time))}
    assert {(mark["time"], mark["side"]) for mark in shown["marks"]} == expected
    left, right = shown["places"]
    for mark in shown["marks"]:  # its place in pixels is that of the middle of its minute
        share = (mark["time"] + 30 - shown["sight"]["from"]) / (shown["sight"]["to"] - shown["sight"]["from"])
        assert mark["x"] == pytest.approx(left + share * (right - left))


def test_the_table_twin_holds_the_candles_in_sight_with_equity_and_fills(page: Page, url: str) -> None:
    from_s = START_S + 86_400
    opened(page, url, run="1", **{"from": str(from_s), "to": str(from_s + 7_200)})
    until(page, "state.timeframe === '1m'")
    page.keyboard.press("d")
    rows = page.locator(".twin-table tbody tr")
    bars = get(url, "/1/bars", **{"from": f"{from_s}000000000", "to": f"{from_s + 7_200}000000000"}, px=500)["columns"]
    equity = get(url, "/1/equity", **{"from": f"{from_s}000000000", "to": f"{from_s + 7_200}000000000"}, px=500)[
        "columns"
    ]
    last = rows.nth(1).locator("td").all_inner_texts()  # the newest but one: the newest opens where the sight ends
    assert last[1:5] == [bars[name][-1] for name in ("open", "high", "low", "close")]
    assert last[5] == f"{equity['last'][-1]:.2f}"
    assert rows.count() == len(bars["open_ns"]) + 1
    page.keyboard.press("d")
    expect(page.locator(".twin-table")).to_be_hidden()


def test_j_k_and_a_click_choose_a_trade_that_the_picture_brings_into_sight(page: Page, url: str) -> None:
    opened(page, url, run="1")
    page.keyboard.press("j")
    page.keyboard.press("j")
    until(page, "state.chosen?.number === '2'")
    expect(page.locator("tr.chosen td:first-child")).to_have_text("2")
    second = get(url, "/1/trades")["trades"][1]
    sight = state(page)["sight"]
    assert sight["from"] <= moment(second["entry_time"]) < moment(second["exit_time"]) <= sight["to"]
    assert sight["to"] - sight["from"] < BARS * 60
    page.keyboard.press("k")
    until(page, "state.chosen?.number === '1'")
    page.click(".trades tr[data-number='5']")
    until(page, "state.chosen?.number === '5'")
    until(page, "state.timeframe === '1m'")
    assert "trade=5" in page.url
    picture(page, "trade")
    before = state(page)
    page.reload()
    until(page, "state.chosen?.number === '5' && state.candles > 0")
    assert state(page)["sight"] == pytest.approx(before["sight"], abs=1)


def test_zoom_and_pan_stay_within_the_run_and_back_undoes_them(page: Page, url: str) -> None:
    opened(page, url, run="1")
    page.keyboard.press("+")
    page.keyboard.press("+")
    until(page, "state.from !== null")
    page.wait_for_function("() => location.search.includes('from=')")
    page.focus(".picture")
    for _ in range(4):
        page.keyboard.press("Shift+ArrowRight")
    until(page, f"state.sight.to === {START_S + BARS * 60}")
    until(page, "state.at_rest")  # what follows is then a step of its own
    page.click("text=Whole run")
    until(page, f"state.from === null && state.sight.from === {START_S}")
    page.go_back()
    until(page, "state.from !== null && state.candles > 0")


def test_runs_that_are_marked_are_drawn_where_they_are_in_one_time(page: Page, url: str) -> None:
    page.goto(f"{url}/backtests")
    until(page, "state.rows === 5")
    expect(page.locator(".compare-bar button")).to_be_disabled()
    for key in "xjjjxjx":  # runs 5, 2 and 1
        page.keyboard.press(key)
    page.click("input[aria-label='Compare run 2']")
    expect(page.locator(".compare-bar button")).to_have_text("Compare 2 runs c")
    page.click("input[aria-label='Compare run 2']")
    page.keyboard.press("c")
    until(page, "state.curves.length === 3 && state.labels.length === 5")
    assert page.url.endswith("/backtests?compare=1,2,5")
    shown = state(page)
    left, right = shown["places"]
    whole = LATER_S + LATER_BARS * 60 - START_S
    at = [left, left + BARS * 60 / whole * (right - left), left + (LATER_S - START_S) / whole * (right - left), right]
    placed = [(one["from"], one["to"]) for one in shown["curves"]]
    assert placed == [pytest.approx(at[:2]), pytest.approx(at[:2]), pytest.approx(at[2:])]
    assert [label["text"] for label in shown["labels"]] == ["hold 1", "hold 5", "1", "2", "5"]
    assert all(page.evaluate(COUNT_PIXELS, list(line)) > 30 for line in LINES)
    picture(page, "compare")


def test_what_differs_is_told_first_and_the_figures_are_those_of_each_run(page: Page, url: str) -> None:
    page.goto(f"{url}/backtests?compare=1,2,3,5")
    until(page, "state.curves.length === 3")
    rows = [row.split("\t") for row in page.locator(".beside-each-other tbody tr").all_inner_texts()]
    assert ["fast", "10", "100", "2", "10"] in rows[: rows.index(["Figures"])]
    assert ["bars", "bars.parquet", "bars.parquet", "bars.parquet", "later.parquet"] in rows[: rows.index(["Figures"])]
    figures = {row[0]: row[1:] for row in rows}
    for place, number in enumerate((1, 2, 3, 5)):
        found = get(url, f"/{number}")["document"]
        if number != 3:  # a sweep has none
            assert figures["return"][place] == f"{found['return']:+.2%}".replace("%", " %").replace("-", "\u2212")
            assert figures["deflated Sharpe"][place] == f"{found['deflated_sharpe']:.1%}".replace("%", " %")
            assert figures["trades"][place] == str(get(url, f"/{number}/trades")["total"])
            assert figures["turnover"][place] == f"{found['turnover']:.2f}"
    assert figures["return"][2] == "-"


def test_a_comparison_has_its_twin_its_stretch_and_a_way_into_each_run(page: Page, url: str) -> None:
    day = (START_S + 86_400, START_S + 2 * 86_400)
    page.goto(f"{url}/backtests?compare=1,2,5&from={day[0]}&to={day[1]}")
    until(page, "state.curves.length === 3 && state.curves[2].points === 0 && state.curves[0].points > 0")
    page.keyboard.press("d")
    newest = page.locator(".twin-table tbody tr").first.locator("td").all_inner_texts()
    assert newest[0] == "2024-01-03 00:00:00"
    equity = get(url, "/1/equity", to=f"{day[1]}000000000", px=10_000)["columns"]["last"][-1]
    part = f"{equity / 10_000 - 1:+.2%}".replace("%", " %").replace("-", "\u2212")
    assert newest[1].startswith(f"{part}, ")
    assert newest[3] == "-"  # run 5 has not begun
    page.keyboard.press("+")
    until(page, f"state.from > {day[0]} && state.to < {day[1]}")
    page.keyboard.press("j")
    page.keyboard.press("j")
    until(page, "state.chosen === '2'")
    page.keyboard.press("Enter")
    until(page, "state.run === '2' && state.compare === null && state.candles > 0")
    page.go_back()
    until(page, "state.curves.length === 3 && state.from !== null")
    page.keyboard.press("Escape")
    until(page, "state.rows === 5")
    assert page.locator("#runs input:checked").count() == 3


def test_names_that_are_code_stay_text(page: Page, url: str) -> None:
    page.goto(f"{url}/backtests?run=4")
    until(page, "state.panel === 'ready'")
    expect(page.locator("h1")).to_contain_text(HOSTILE)
    page.goto(f"{url}/backtests")
    until(page, "state.rows === 5")
    expect(page.locator("#runs")).to_contain_text(HOSTILE)
    assert page.evaluate("() => [document.images.length, window.harmed ?? null]") == [0, None]


def test_a_sweep_is_a_map_of_its_parameters(page: Page, url: str) -> None:
    page.goto(f"{url}/backtests?run=3")
    until(page, "state.panel === 'ready'")
    cells = page.locator("td.heat")
    assert cells.all_inner_texts() == ["0.10", "1.50", "-", "\u22122.00", "0.50", "0.25"]
    expect(page.locator("td.heat.best")).to_have_text("1.50")
    expect(page.locator(".rows table", has_text="trial")).to_contain_text("fast")
    picture(page, "sweep")


def test_an_unknown_run_and_an_empty_data_dir_say_what_to_do(browser: Browser, url: str) -> None:
    page = browser.new_page()  # not listened to: the browser itself logs a refused request as an error
    page.goto(f"{url}/backtests?run=99")
    until(page, "state.panel === 'error'")
    expect(page.locator(".note")).to_contain_text("there is no run 99")
    expect(page.locator(".note button")).to_have_text("Retry")
    page.goto(f"{url}/backtests?compare=1,99")
    until(page, "state.panel === 'error'")
    expect(page.locator(".note")).to_contain_text("there is no run 99")
    with answering_beside() as empty:
        page.goto(f"{empty}/backtests")
        until(page, "state.panel === 'empty'")
        expect(page.locator(".note")).to_contain_text("ninefold backtest --strategy sma_cross --bars FILE.parquet")
    page.close()


def test_a_phone_shows_a_run_without_sideways_scrolling(page: Page, url: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    opened(page, url, run="1")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    picture(page, "phone")
    page.goto(f"{url}/backtests?compare=1,2,5")
    until(page, "state.curves.length === 3")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    picture(page, "phone-compare")


def test_a_report_opens_from_the_disk_and_is_the_same_run(page: Page, url: str, data_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "run.html"
    write_report(data_dir, 1, file)
    page.goto(file.as_uri())
    until(page, "state.candles > 0 && state.marks.length > 0")
    shown = state(page)
    bars = get(url, "/1/bars", px=round(page.evaluate("() => document.querySelector('.picture').clientWidth")) - 78)
    assert (shown["timeframe"], shown["candles"]) == (bars["timeframe"], len(bars["columns"]["open_ns"]))
    assert sum(mark["count"] for mark in shown["marks"]) == sum(bars["marks"]["count"])
    expect(page.locator(".verdict")).to_contain_text("It lost")
    page.keyboard.press("j")
    until(page, "state.chosen?.number === '1' && state.timeframe === '1m'")
    trade = get(url, "/1/trades")["trades"][0]
    expect(page.locator("tr.chosen")).to_contain_text(f"{trade['entry_price']:.2f}")
    picture(page, "report")
    write_report(data_dir, 4, file)
    page.goto(file.as_uri())
    expect(page.locator("h1")).to_contain_text(HOSTILE)
    assert page.evaluate("() => document.images.length") == 0


def test_the_served_report_runs_under_its_own_policy(page: Page, url: str) -> None:
    page.goto(f"{url}/api/v1/backtests/1/report")
    until(page, "state.candles > 0")


def test_nothing_was_complained_of_and_nobody_but_loopback_was_asked(heard: Heard) -> None:
    assert heard.errors == []
    assert heard.asked <= {"127.0.0.1", ""}


def opened(page: Page, url: str, **view: str) -> None:
    page.goto(f"{url}/backtests?{urllib.parse.urlencode(view)}")
    until(page, "state.candles > 0")


def until(page: Page, condition: str) -> None:
    script = f"() => {{ const state = window.ninefold?.state(); return Boolean(state && ({condition})); }}"
    page.wait_for_function(script, timeout=SOON_MS)


def state(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate("() => window.ninefold.state()")
    return found


def get(url: str, path: str, **query: str | int) -> Any:
    address = f"{url}/api/v1/backtests{path}?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(address, timeout=10) as answer:
        return json.load(answer)


def moment(iso: str) -> int:
    return int(np.datetime64(iso.removesuffix("Z"), "s").astype(np.int64))


def within(sight: dict[str, float], at: int) -> bool:
    return sight["from"] - 60 <= at <= sight["to"]


def picture(page: Page, name: str) -> None:
    if folder := os.environ.get("NINEFOLD_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
