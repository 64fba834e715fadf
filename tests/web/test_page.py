"""The page in a real Chromium, with the whole pipeline running behind it.

In:  a running demo (fixture `demo`), Chromium. NINEFOLD_SCREENSHOT names a PNG file to be written, if set.
Out: what the page says through `window.ninefold.state()` and its elements, held against what the API says.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from math import floor
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, Page, expect

from ninefold.api.live import LiveView
from tests.api.conftest import answering_beside
from tests.api.stream import BASE, chunk, registry
from tests.web.conftest import Heard

pytestmark = pytest.mark.slow

SECOND_NS = 1_000_000_000
NINE = ["collect", "record", "bars", "measure", "sentiment", "forecast", "decide", "execute", "notify"]
SOON_MS = 30_000
FIRST_MESSAGE_MS = 150_000  # strategies warm up before the first MAY
COUNT_PIXELS = """(wanted) => [...document.querySelectorAll('#chart canvas')].reduce((sum, canvas) => {
  if (!canvas.width || !canvas.height) return sum;
  const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  for (let i = 0; i < pixels.length; i += 4)
    if (pixels[i] === wanted[0] && pixels[i + 1] === wanted[1] && pixels[i + 2] === wanted[2]) sum += 1;
  return sum;
}, 0)"""
UP, DOWN = (0x00, 0x4A, 0x86), (0xC2, 0x41, 0x0C)  # of the light theme


class Demo(Protocol):
    """What these tests need of the fixture `demo`."""

    url: str


@pytest.fixture
def page(page: Page, demo: Demo) -> Page:
    """The page as it opens, once it has drawn candles."""
    page.goto(demo.url + "/")
    until(page, "state.candles > 2")
    return page


def test_candles_appear_move_and_are_the_bars_of_the_api(page: Page, demo: Demo) -> None:
    first = state(page)["last_bar"]["open_ns"]
    until(page, f"BigInt(state.last_bar.open_ns) > {first}n")
    shown = page.evaluate("() => window.ninefold.state().last_finished")
    before = int(shown["open_ns"]) + 1
    bars = get(demo, "bars", instrument=state(page)["instrument"], timeframe="1s", limit=1, before_ns=before)["columns"]
    for column in ("open_ns", "open", "high", "low", "close", "volume", "state"):
        assert bars[column] == [shown[column]]


def test_the_candles_are_pixels_and_not_only_a_claim_of_the_hook(page: Page) -> None:
    until_pixels(page, UP)
    until_pixels(page, DOWN)


def test_the_nine_services_are_nine_healthy_boxes_in_pipeline_order(page: Page) -> None:
    until(page, "state.services.length === 9 && state.services.every((service) => service.healthy)")
    boxes = page.locator(".service")
    expect(boxes).to_have_count(9)
    assert boxes.locator("h3").all_inner_texts() == NINE
    assert boxes.evaluate_all("(boxes) => boxes.map((box) => box.dataset.healthy)") == ["true"] * 9
    assert all("p99" in text and "/s" in text for text in boxes.all_inner_texts())


def test_messages_appear_with_probability_and_horizon(page: Page, demo: Demo) -> None:
    until(page, "state.messages.some((message) => message.kind === 'may')", FIRST_MESSAGE_MS)
    id = page.locator(".message.may").first.get_attribute("data-id") or ""
    row = page.locator(f'.message[data-id="{id}"]')  # that one: newer ones come meanwhile
    message = next(one for one in get(demo, "messages", limit=200)["messages"] if one["id"] == id)
    chance = floor(message["probability"] * 100 + 0.5)  # one in eight is 13 %, in the row and in the text beside it
    expect(row).to_contain_text(f"{chance} %")
    expect(row).to_contain_text(message["text"])
    assert f" {chance}%, at " in message["text"]
    expect(row).to_contain_text(message["side"].upper())


def test_every_mark_stands_on_the_bar_in_which_it_became_known(page: Page, demo: Demo) -> None:
    until(page, "state.messages.some((message) => message.kind === 'may')", FIRST_MESSAGE_MS)
    newest = next(m for m in get(demo, "messages", limit=200)["messages"] if m["kind"] == "may")
    open_view(page, demo, instrument=newest["instrument"], timeframe="5s", formula="close")
    until(page, "state.markers.some((mark) => mark.kind === 'may')")
    told = get(demo, "messages", limit=500)["messages"]
    expected = {
        (int(m["known_ns"]) // (5 * SECOND_NS) * 5, m["kind"], m["side"])
        for m in told
        if m["instrument"] == newest["instrument"] and m["kind"] != "alarm"
    }
    marks = [mark for mark in state(page)["markers"] if mark["kind"] != "fill"]
    assert marks
    assert {(mark["time"], mark["kind"], mark["side"]) for mark in marks} <= expected


def test_the_indicator_pane_shows_the_values_of_the_series(page: Page, demo: Demo) -> None:
    until(page, "state.indicator.values > 0")
    now = state(page)
    time, value = now["indicator"]["last"]
    query = {"instrument": now["instrument"], "timeframe": "1s", "formula": now["formula"], "limit": 50}
    series = get(demo, "series", **query, before_ns=time * SECOND_NS + 1)["columns"]
    assert (series["open_ns"][-1], series["value"][-1]) == (str(time * SECOND_NS), value)
    expect(page.locator("#formula-note")).to_contain_text("now ")


def test_an_illegal_formula_shows_the_words_of_the_api(browser: Browser, demo: Demo) -> None:
    page = browser.new_page()  # not listened to: the browser itself logs a refused request as an error
    page.goto(demo.url + "/")
    until(page, "state.candles > 0")
    page.fill("#formula", "no_such_term(close)")
    page.keyboard.press("Enter")
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(demo, "series", instrument=state(page)["instrument"], timeframe="1s", formula="no_such_term(close)")
    assert refused.value.code == 400
    words = json.load(refused.value)["detail"]
    expect(page.locator("#formula-note")).to_have_text(words)
    page.fill("#formula", "sma(close, 3)")
    page.keyboard.press("Enter")
    until(page, "state.indicator.error === '' && state.indicator.values > 0")
    page.close()


def test_halt_takes_one_press_and_resume_the_word(page: Page, demo: Demo) -> None:
    try:
        page.click("#halt")
        until(page, "state.halted !== null")
        assert get(demo, "status")["halted"]["by"] == "web"
        expect(page.locator("#halted")).to_contain_text("HALTED")
        page.fill("#resume-word", "resume")
        page.keyboard.press("Enter")
        expect(page.locator("#halted")).to_contain_text("Nothing was resumed")
        assert get(demo, "status")["halted"] is not None
        page.fill("#resume-word", "RESUME")
        page.keyboard.press("Enter")
        until(page, "state.halted === null")
        assert get(demo, "status")["halted"] is None
    finally:
        if get(demo, "status")["halted"] is not None:
            resume(demo)


def test_the_address_carries_what_is_shown_and_back_undoes_a_choice(page: Page, demo: Demo) -> None:
    instrument = get(demo, "instruments")["instruments"][-1]["name"]
    open_view(page, demo, instrument=instrument, timeframe="5s", formula="sma(close, 3)")
    until(page, "state.candles > 0")
    page.select_option("#timeframe", "1s")
    until(page, "state.timeframe === '1s'")
    assert "timeframe=1s" in page.url
    page.go_back()
    until(page, "state.timeframe === '5s'")
    now = state(page)
    assert (now["instrument"], now["formula"]) == (instrument, "sma(close, 3)")
    assert page.input_value("#formula") == "sma(close, 3)"


def test_the_table_twin_holds_the_bars_in_sight(page: Page) -> None:
    before = state(page)["in_sight"]
    page.keyboard.press("d")
    rows = page.locator("#twin tbody tr")
    expect(rows.first).to_be_visible()
    count = rows.count()
    assert before - 1 <= count <= state(page)["in_sight"] + 1  # bars may come, and come into sight, in between
    page.keyboard.press("d")
    expect(page.locator("#twin")).to_be_hidden()


def test_who_keeps_one_step_ahead_of_the_best_price_is_told_and_nobody_is_not(browser: Browser, heard: Heard) -> None:
    view = LiveView("demo", registry(), first_number=BASE)
    view.apply(chunk(9, values=[(1, SECOND_NS, BASE, "one_upping", 0.615, 0, 9)]))
    page = browser.new_page()
    heard.listen(page)
    with answering_beside(view=view) as url:
        page.goto(f"{url}/?instrument=binance:BTC/USDT")
        line = page.locator("#one-upping")
        expect(line).to_contain_text("one step ahead of the best price: 62 %, since 2023-11-14 22:13:20 UTC")
        expect(line.locator("p")).to_be_hidden()
        line.locator("summary").click()
        expect(line.locator("p")).to_contain_text("by exactly one tick")
        page.select_option("#instrument", "binance:ETH/USDT")
        expect(line).to_be_hidden()
        page.close()


def test_a_phone_shows_it_without_sideways_scrolling_and_with_halt_at_hand(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    until(page, "document.documentElement.scrollWidth <= 360")
    button = page.locator("#halt").bounding_box()
    assert button is not None
    assert button["height"] >= 56
    assert button["y"] + button["height"] <= 740


def test_nothing_was_complained_of_and_nobody_but_loopback_was_asked(page: Page, heard: Heard) -> None:
    until(page, "state.line === 'open' && state.indicator.values > 0 && state.equity_points > 0")
    if target := os.environ.get("NINEFOLD_SCREENSHOT"):
        page.screenshot(path=target)
    assert heard.errors == []
    assert heard.asked == {"127.0.0.1"}


def until(page: Page, condition: str, within_ms: int = SOON_MS) -> None:
    """Wait until a JavaScript condition on `state` holds."""
    script = f"() => {{ const state = window.ninefold?.state(); return Boolean(state && ({condition})); }}"
    page.wait_for_function(script, timeout=within_ms)


def until_pixels(page: Page, colour: tuple[int, int, int]) -> None:
    page.wait_for_function(f"() => ({COUNT_PIXELS})({list(colour)}) > 20", timeout=SOON_MS)


def state(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate("() => window.ninefold.state()")
    return found


def open_view(page: Page, demo: Demo, **view: str) -> None:
    page.goto(f"{demo.url}/?{urllib.parse.urlencode(view)}")


def get(demo: Demo, path: str, **query: str | int) -> Any:
    address = f"{demo.url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(address, timeout=10) as answer:
        return json.load(answer)


def resume(demo: Demo) -> None:
    body = json.dumps({"by": "tests", "confirm": "RESUME"}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{demo.url}/api/v1/resume", body, headers, method="POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        answer.read()
