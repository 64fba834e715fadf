"""`/metrics`, read back with Prometheus' own parser."""

from itertools import pairwise

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ninefold.api.live import LiveView
from ninefold.api.metrics import FAMILIES, NANOSECONDS, SECONDS, metrics_text
from ninefold.bus.status import Meter
from ninefold.market.records import Halted
from ninefold.market.time import SECOND_NS

from .stream import BASE, BTC, chunk, equity, may, registry, scored, trade


@pytest.fixture
def view() -> LiveView:
    made = LiveView("demo", registry())
    values = [
        (BTC, SECOND_NS, BASE, b"sma(close, 10)", 61_203.10, BASE, 2),  # as `measure` gives it
        (BTC, SECOND_NS, BASE, b"vwap", 6_120_310.0, BASE, 2),  # as it is told of a bar
        (BTC, SECOND_NS, BASE, b"rsi(close, 14)", float("nan"), BASE, 2),
        (BTC, SECOND_NS, BASE, b"a value that is no formula", 0.5, BASE, 2),
    ]
    targets = [(BTC, b"trend", SECOND_NS, BASE, -0.5, BASE, 2)]
    forecasts = [(BTC, SECOND_NS, BASE, 5, 0.25, 0, 0, 0, 0, 0, b"m", BASE, 2)]
    made.apply(chunk(2, trades=[trade(2, 0, 6_120_310, 1)] * 3, values=values, targets=targets, forecasts=forecasts))
    made.apply(chunk(3, equity(3, 10_000_012_000_000), may(3, "m", 0.8), scored(3, "m", True, 0.8)))
    return made


def samples(view: LiveView) -> dict[tuple[str, ...], float]:
    text = metrics_text(view, BASE + SECOND_NS).decode()
    return {
        (one.name, *(f"{name}={value}" for name, value in sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_every_family_is_there_even_before_anything_happened():
    text = metrics_text(LiveView("demo"), BASE).decode()
    found = {one.name + ("_total" if one.type == "counter" else "") for one in text_string_to_metric_families(text)}
    assert found == FAMILIES


def test_market_numbers_are_in_quote_units_and_unknown_ones_are_absent(view):
    found = samples(view)
    where = ("instrument=binance:BTC/USDT",)
    assert found[("ninefold_last_price", *where)] == 61203.10
    assert found[("ninefold_trades_total", *where)] == 3
    assert found[("ninefold_indicator", *where, "term=sma(close, 10)", "timeframe=1s")] == 61203.10
    assert found[("ninefold_indicator", *where, "term=vwap", "timeframe=1s")] == 61203.10
    assert found[("ninefold_indicator", *where, "term=a value that is no formula", "timeframe=1s")] == 0.5
    assert not any("rsi(close, 14)" in part for key in found for part in key)
    assert found[("ninefold_target", *where, "strategy=trend", "timeframe=1s")] == -0.5
    assert found[("ninefold_forecast_mean", "horizon=5", *where, "timeframe=1s")] == 0.25
    assert found[("ninefold_equity", "quote=USDT")] == 100000.12
    assert found[("ninefold_may_brier", "of=may")] == pytest.approx(0.04)
    assert found[("ninefold_halted",)] == 0


def test_a_halt_and_a_silent_service_show(view):
    view.apply(chunk(4, Halted(seq=4, known_ns=BASE, by="me", reason="x")))
    found = samples(view)
    assert found[("ninefold_halted",)] == 1
    assert found[("ninefold_service_healthy", "service=notify")] == 0
    assert found[("ninefold_lag_seconds",)] == pytest.approx(1.0, abs=1e-8)


def test_latencies_are_cumulative_histograms_with_negative_seconds_where_clocks_differ(view):
    collect = Meter("collect", BASE)
    collect.count("frames", 7)
    collect.observe("exchange_to_receive", np.array([-1.272, -1.272, 0.0004, 2.5]) * SECOND_NS)
    collect.observe("step", np.array([1_500, 40_000]))
    view.apply_status(collect.status(BASE))
    found = samples(view)
    name = "ninefold_exchange_to_receive_seconds_bucket"
    below = {key[1].removeprefix("le="): value for key, value in found.items() if key[0] == name}
    # a value on a bound counts as below it
    assert [below[bound] for bound in ("-1.5", "-1.25", "0.0", "0.0005", "2.5", "5.0", "+Inf")] == [0, 2, 2, 3, 4, 4, 4]
    assert (name.replace("_bucket", "_sum"),) not in found
    step = "ninefold_stage_step_nanoseconds"
    assert found[(f"{step}_bucket", "le=2000.0", "service=collect")] == 1
    assert found[(f"{step}_count", "service=collect")] == 2
    assert found[(f"{step}_sum", "service=collect")] == pytest.approx(41_500, rel=0.001)
    assert found[("ninefold_frames_total",)] == 7


def test_bounds_rise():
    for bounds in (SECONDS, NANOSECONDS):
        assert all(low < high for low, high in pairwise(bounds))


def test_the_page_for_prometheus_is_served(run):
    async def test(api):
        async with api.http.get(f"{api.url}/metrics") as answer:
            assert answer.status == 200
            assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
            assert "ninefold_frames_total 0.0" in await answer.text()

    run(test)
