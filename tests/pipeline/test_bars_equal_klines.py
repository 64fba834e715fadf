"""Our bars against the klines that the simulated exchange folds by itself."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from decimal import Decimal
from itertools import groupby
from typing import Any

import pytest

from tests.conftest import Demo

from .running import ask, exported, records, rest_of, stored, until

pytestmark = pytest.mark.slow

WIDTHS_NS = {"1s": 10**9, "1m": 60 * 10**9, "5m": 300 * 10**9}
SETTLED_NS = 3 * 10**9  # a late trade may still restate a younger bar
KLINES = 1000  # an answer's most
WHOLE_MINUTE_S = 200.0
Cells = tuple[Decimal, Decimal, Decimal, Decimal, Decimal, int]


def test_every_bar_equals_the_exchanges_kline_and_only_a_first_one_seen_in_part_is_unknown(demo: Demo) -> None:
    until(lambda: _whole_minutes(demo), "all busy instruments have a whole minute", WHOLE_MINUTE_S)
    (opened_ns,) = [one["known_ns"] for one in records(demo.data_dir, "connection") if one["state"] == "open"]
    compared = dict.fromkeys(WIDTHS_NS, 0)
    seen_quiet = unknown = 0
    for name, timeframe, bars in _series(demo):
        last_ns = time.time_ns() - SETTLED_NS
        settled = [bar for bar in bars if int(bar["close_ns"]) < last_ns]
        opens = [int(bar["open_ns"]) for bar in settled]
        if settled:
            whole = list(range(opens[0], opens[-1] + 1, WIDTHS_NS[timeframe]))
            assert opens == whole, f"{name} {timeframe}: a bar is missing"
            seen_in_part = opens[0] < opened_ns
            assert (settled[0]["state"] == "unknown") >= seen_in_part, f"{name} {timeframe}: {settled[0]}"
        klines = _klines(demo, name, timeframe, opens[0]) if settled else {}
        for place, bar in enumerate(settled):
            if place == 0 and bar["state"] == "unknown":
                unknown += 1
                continue
            assert _cells(bar) == klines[int(bar["open_ns"])], f"{name} {timeframe}: ours is {bar}"
            assert (bar["state"] == "flat") == (Decimal(bar["volume"]) == 0) == (bar["trades"] == "0")
            seen_quiet += bar["state"] == "flat"
            compared[timeframe] += 1
    assert compared["1s"] > 150 and compared["1m"] > 0 and seen_quiet > 0 and unknown > 0


def _whole_minutes(demo: Demo) -> bool:
    traded = stored(demo.data_dir, "select count(distinct instrument) as many from trades")[0]["many"]
    settled = f"state <> 2 and close_ns < {time.time_ns() - SETTLED_NS}"
    query = f"select count(distinct instrument) as many from bars where width_ns = {WIDTHS_NS['1m']} and {settled}"
    return bool(stored(demo.data_dir, query)[0]["many"] >= max(3, traded - 1))  # one is quiet


def _series(demo: Demo) -> list[tuple[str, str, list[dict[str, str]]]]:
    """Name, timeframe and bars, oldest first, of every instrument and those widths that have a whole bar."""
    found = []
    for timeframe in WIDTHS_NS:
        lines = exported(demo.data_dir, "bars", timeframe=timeframe).decode().splitlines()
        key: Callable[[dict[str, str]], str] = lambda bar: bar["instrument"]  # noqa: E731
        found += [(name, timeframe, list(bars)) for name, bars in groupby(csv.DictReader(lines), key)]
    return found


def _klines(demo: Demo, name: str, timeframe: str, start_ns: int) -> dict[int, Cells]:
    """The exchange's klines from a moment on, by open."""
    symbol = name.removeprefix("binance:").replace("/", "")
    start_ms, found = start_ns // 10**6, {}
    while True:
        query = f"symbol={symbol}&interval={timeframe}&startTime={start_ms}&limit={KLINES}"
        part: list[list[Any]] = ask(f"{rest_of(demo.data_dir)}/api/v3/klines?{query}")
        for kline in part:
            open_, high, low, close, volume = map(Decimal, kline[1:6])
            found[kline[0] * 10**6] = (open_, high, low, close, volume, int(kline[8]))
        if len(part) < KLINES:
            return found
        start_ms = part[-1][0] + 1


def _cells(bar: dict[str, str]) -> Cells:
    open_, high, low, close, volume = (Decimal(bar[column]) for column in ("open", "high", "low", "close", "volume"))
    return open_, high, low, close, volume, int(bar["trades"])
