"""Recorded markets as the columns that strategies read.

In:  recordings: candles, the Fear & Greed index, a book recording of Binance.
Out: `Played`: what every strategy wants at each close; computed for all at once, so that shared terms are computed once.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from ninefold.formula import Aligned, Scale, sources
from ninefold.formula.aligned import Bars
from ninefold.formula.elsewhere import Source
from ninefold.formula.one_upping import OneUpping
from ninefold.market.arrays import rows
from ninefold.market.time import HOUR_NS, SECOND_NS
from ninefold.strategy import Plan, targets

Recording = Callable[[str], Path]
SCALE = Scale(8, 8)  # finer than any recorded price and size
PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True)
class Market:
    """columns: in ticks and lots, shape (n,); known_ns: when each bar was known. elsewhere: other venues' bars."""

    columns: Mapping[str, np.ndarray]
    known_ns: np.ndarray
    elsewhere: Mapping[Source, Bars]


@dataclass(frozen=True)
class Played:
    """wanted: targets by strategy, shape (n,) each, of the strategies that can read this market."""

    market: Market
    wanted: Mapping[str, np.ndarray]


def play(market: Market, plans: Mapping[str, Plan]) -> Played:
    """What every strategy that finds its columns there wants at each close."""
    able = {
        name: one
        for name, one in plans.items()
        if one.target.columns <= market.columns.keys() | _texts(one, market.elsewhere)
    }
    terms = [one.target for one in able.values()]
    series = Aligned(terms, SCALE, "1h", dict.fromkeys(market.elsewhere, SCALE) | dict.fromkeys(sources(terms), SCALE))
    others = {source: bars for source, bars in market.elsewhere.items() if source in series.sources}
    values = targets(series.warm(Bars(market.columns, market.known_ns), others))
    return Played(market, dict(zip(able, values, strict=True)))


def hours(recording: Recording, n: int) -> Market:
    """Bitcoin on Binance from June 2019 on, with the Fear & Greed index of the day before as its mood."""
    candles = pl.read_parquet(recording("ohlcv/binance_BTC_USDT_1h_2017-08_2021-12.parquet"))
    mood = pl.read_parquet(recording("sentiment/fear_greed_index_2018-02_2021-12.parquet"))
    mood = mood.select(
        (pl.col("date").cast(pl.Datetime("ms")).dt.epoch("ms") + 86_400_000).alias("timestamp_ms"), "value"
    )
    joined = candles.sort("timestamp_ms").join_asof(mood.sort("timestamp_ms"), on="timestamp_ms")
    joined = joined.filter(pl.col("timestamp_ms") >= 1_559_347_200_000).head(n)
    return _market(joined, {"sentiment": ((joined["value"] - 50) / 50).to_numpy()})


def five_minutes(recording: Recording, n: int) -> Market:
    """Ether in Bitcoin on Bittrex. Stretches without a trade have no row there, and are left out here."""
    candles = pl.read_parquet(recording("ohlcv/bittrex_btc_pairs_5m.parquet"))
    one = candles.filter((pl.col("symbol") == "ETH_BTC") & (pl.col("download") == candles["download"].max()))
    return _market(one.unique("timestamp_ms").sort("timestamp_ms").head(n), {})


def venues(recording: Recording, n: int) -> Market:
    """Bitcoin on Coinbase, with Binance elsewhere, both by the hour from October 2017 on."""
    own = pl.read_parquet(recording("ohlcv/coinbase_BTCUSD_1h_2017-07_2018-12.parquet")).select(
        pl.col("date").str.to_datetime("%Y-%m-%d %H:%M").dt.epoch("ms").alias("timestamp_ms"),
        *(pl.col(name.capitalize()).alias(name) for name in PRICES[:3]),
        *("close", pl.col("VolumeFrom").alias("volume")),
    )
    other = pl.read_parquet(recording("ohlcv/binance_BTC_USDT_1h_2017-08_2021-12.parquet")).sort("timestamp_ms")
    there = _market(other.filter(pl.col("timestamp_ms") >= 1_506_816_000_000).head(n), {})
    here = _market(own.sort("timestamp_ms").filter(pl.col("timestamp_ms") >= 1_506_816_000_000).head(n), {})
    return Market(here.columns, here.known_ns, {("binance:BTC/USDT", ""): Bars(there.columns, there.known_ns)})


def seconds(recording: Recording) -> Market:
    """Five minutes of Bitcoin on Binance by the second: its trades, and the best quote at each close."""
    bars: dict[int, list[tuple[float, float, bool]]] = {}
    quotes: dict[int, tuple[float, ...]] = {}
    scores: dict[int, float] = {}
    detector = OneUpping()
    with gzip.open(recording("orderbook/binance_spot_btcusdt_20240808.jsonl.gz"), "rt") as file:
        for line in map(json.loads, file):
            at = line["ts_ns"] // SECOND_NS
            told = json.loads(line["msg"]).get("data", {})
            if line["channel"].endswith("@trade"):
                bars.setdefault(at, []).append((float(told["p"]), float(told["q"]), not told["m"]))
            elif line["channel"].endswith("@bookTicker"):
                quotes[at] = tuple(float(told[name]) for name in "bBaA")
                bid, ask = (round(quotes[at][place] * 100) for place in (0, 2))
                detector.hear(rows("quotes", [(1, 0, 0, 0, 0, bid, 1, ask, 1)]), {1: 1})
                scores[at] = detector.score(1)
    return _of_trades(bars, quotes, scores)


def _of_trades(
    bars: dict[int, list[tuple[float, float, bool]]], quotes: dict[int, tuple[float, ...]], scores: dict[int, float]
) -> Market:
    made = []
    first = min(set(bars) & set(quotes))
    quote, last, score = quotes[first], bars[first][0][0], scores[first]
    for at in range(first, max(bars) + 1):
        deals, quote, score = bars.get(at, []), quotes.get(at, quote), scores.get(at, score)
        prices = [price for price, _, _ in deals] or [last]
        last = prices[-1]
        bid, bid_size, ask, ask_size = quote
        sizes = bid_size + ask_size
        made.append(
            {
                **{"open": prices[0], "high": max(prices), "low": min(prices), "close": last},
                "volume": sum(size for _, size, _ in deals),
                "buy_volume": sum(size for _, size, bought in deals if bought),
                "trades": float(len(deals)),
                "spread": ask - bid,
                "microprice": (bid * ask_size + ask * bid_size) / sizes,
                "imbalance": (bid_size - ask_size) / sizes,
                "one_upping": score,
            }
        )
    table = pl.DataFrame(made)
    units = {"spread": 8, "microprice": 8, "buy_volume": 8, "trades": 0}
    more = {name: np.rint(table[name].to_numpy() * 10.0**by) for name, by in units.items()}
    return _market(table, {**more, **{name: table[name].to_numpy() for name in ("imbalance", "one_upping")}})


def _market(table: pl.DataFrame, more: Mapping[str, np.ndarray]) -> Market:
    columns = {name: np.rint(table[name].cast(pl.Float64).to_numpy() * 1e8) for name in (*PRICES, "volume")}
    stamps = table["timestamp_ms"].to_numpy() * 10**6 if "timestamp_ms" in table.columns else np.arange(len(table))
    return Market({**columns, **more}, stamps + HOUR_NS, {})


def _texts(plan: Plan, elsewhere: Mapping[Source, Bars]) -> set[str]:
    """The columns it reads elsewhere, where there is such a place."""
    return {term.name for source, terms in sources([plan.target]).items() if source in elsewhere for term in terms}
