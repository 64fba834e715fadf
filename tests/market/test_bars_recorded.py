"""Our aggregation of the recorded Binance ADA/BTC minutes into 5m, 15m and 1h, against polars'."""

from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from ninefold.market.arrays import BAR_OK, BUY, ID_INTEGER, SELL, empty, rows
from ninefold.market.bars import BarMaker
from ninefold.market.chunk import Chunk
from ninefold.market.records import Connection, Tick
from ninefold.market.time import MINUTE_NS, SECOND_NS, TIMEFRAMES

FIELDS = ("open_ns", "open", "high", "low", "close", "volume", "buy_volume")


def units(column: pl.Series) -> pl.Series:
    """Exact units of 10**-8."""
    return pl.Series([int(Decimal(str(value)).scaleb(8)) for value in column.to_list()], dtype=pl.Int64)


@pytest.fixture(scope="module")
def minutes(recording) -> pl.DataFrame:
    raw = pl.read_parquet(recording("ohlcv/binance_ADABTC_1m_2021-11-27.parquet"))
    named = {name: units(raw[name]) for name in ("open", "high", "low", "close", "volume")}
    return pl.DataFrame({"open_ns": raw["open_time"] * 1_000_000, **named, "buy_volume": units(raw["taker_buy_base"])})


@pytest.fixture(scope="module")
def ours(minutes: pl.DataFrame) -> np.ndarray:
    """Bars of each minute as five trades that have its open, high, low, close and volumes, minute by minute with the clock."""
    maker, made, seq = BarMaker(), [empty("bars")], 2
    first = int(minutes["open_ns"][0])
    opened = [
        Connection(seq=1, known_ns=0, venue="binance", name="market", state="open"),
        Tick(seq=1, known_ns=0, exchange_ns=first - SECOND_NS),
    ]
    maker.step(Chunk(1, 1, 0, {}, opened))
    for open_ns, open_, high, low, close, volume, bought in minutes.iter_rows():
        deals = [(open_, 0, BUY), (high, bought, BUY), (low, volume - bought, SELL), (close, 0, SELL)]
        trades = [
            (1, open_ns + place * 14 * SECOND_NS, 0, seq, ID_INTEGER, 0, seq * 4 + place, *deal)
            for place, deal in enumerate(deals)
        ]
        tick = Tick(seq=seq, known_ns=0, exchange_ns=open_ns + MINUTE_NS + SECOND_NS)
        made.append(maker.step(Chunk(seq, seq, 0, {"trades": rows("trades", trades)}, [tick])).rows("bars"))
        seq += 1
    return np.concatenate(made)


@pytest.mark.parametrize("timeframe", ["1m", "5m", "15m", "1h"])
@pytest.mark.slow
def test_recorded_minutes_add_up_to_wider_bars_exactly(minutes, ours, timeframe):
    width = TIMEFRAMES[timeframe]
    ours = ours[ours["width_ns"] == width]
    theirs = (
        minutes.group_by((pl.col("open_ns") // width * width).alias("start"), maintain_order=True)
        .agg(
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("volume").sum(),
            pl.col("buy_volume").sum(),
        )
        .rename({"start": "open_ns"})
    )
    assert len(theirs) == 1440 * MINUTE_NS // width
    assert ours[list(FIELDS)].tolist() == theirs.rows()
    assert set(ours["state"].tolist()) == {BAR_OK}
