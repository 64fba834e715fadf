"""Bars in a notebook: one call gives a table that polars and pandas take, with equal values."""

from __future__ import annotations

import csv
import time

import pandas
import polars
import pytest

import ninefold
from ninefold.market.instruments import UnknownInstrument
from tests.conftest import Demo

from .running import exported, until

pytestmark = pytest.mark.slow

NAME = "binance:BTC/USDT"


def test_polars_and_pandas_take_the_bars_and_agree_with_the_export(demo: Demo) -> None:
    until(lambda: len(ninefold.load_bars(NAME, "1s", data_dir=demo.data_dir)) >= 20, "twenty bars are stored")
    exact = {
        int(bar["open_ns"]): bar
        for bar in csv.DictReader(exported(demo.data_dir, "bars", NAME, "1s").decode().splitlines())
    }
    table = ninefold.load_bars(NAME, "1s", data_dir=demo.data_dir)
    in_polars = polars.DataFrame(polars.from_arrow(table))
    in_pandas: pandas.DataFrame = table.to_pandas()
    assert in_polars.columns == list(in_pandas.columns)
    for column in ("open", "high", "low", "close", "volume"):
        ours = in_polars[column].to_list()
        assert [None if value != value else value for value in ours] == [
            None if value != value else value for value in in_pandas[column].tolist()
        ]
        for open_ns, value in zip(in_polars["open_ns"].to_list(), ours, strict=True):
            if open_ns in exact:
                assert value != value if exact[open_ns][column] == "" else value == float(exact[open_ns][column])
    assert in_polars["open_ns"].is_sorted() and in_polars["open_ns"].n_unique() == len(table)
    assert in_polars["state"].to_list() == in_pandas["state"].tolist()
    assert str(in_pandas["time"].dt.tz) == "UTC" and abs(in_pandas["time"].iloc[-1].timestamp() - time.time()) < 60


def test_an_unknown_instrument_and_an_unknown_timeframe_are_named(demo: Demo) -> None:
    with pytest.raises(UnknownInstrument, match="binance:BTC/EUR"):
        ninefold.load_bars("binance:BTC/EUR", "1s", data_dir=demo.data_dir)
    with pytest.raises(ValueError, match="2s"):
        ninefold.load_bars(NAME, "2s", data_dir=demo.data_dir)
