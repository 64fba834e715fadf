"""What both programs are given: candles, pairs, settings, and the strategies to run on them.

In:  a seed. Out: candles on steps of 0.0001 that wander, trend and jump, with holes; the same
     settings for ninefold and for freqtrade.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from ninefold.freqtrade.money import eight_decimals
from ninefold.freqtrade.run import Found, Range, backtest
from ninefold.freqtrade.series import COLUMNS, Series, filled, wider
from ninefold.freqtrade.stand_ins import standing_in
from ninefold.freqtrade.trade import Trade
from ninefold.freqtrade.wallet import UNLIMITED, Settings
from ninefold.services.freqtrade_file import load

STRATEGIES = Path(__file__).parent / "strategies"
NAMES = sorted(file.stem for file in STRATEGIES.glob("*.py"))
START_S = 1_704_067_200  # 2024-01-01
BASE_S = 300
WIDTHS = {"5m": 300, "15m": 900, "1h": 3600}
KEYS = (
    *("pair", "open_date", "close_date", "open_rate", "close_rate", "amount", "stake_amount"),
    *("profit_abs", "profit_ratio", "exit_reason", "enter_tag"),
)


@dataclass(frozen=True, eq=False)
class Case:
    """series: of each pair in candles of five minutes. steps: of prices and amounts, for all pairs."""

    name: str
    series: dict[str, Series]
    strategies: tuple[str, ...] = tuple(NAMES)
    timerange: tuple[int, int] | None = None
    stake_amount: Any = UNLIMITED
    max_open_trades: int | None = 3
    wallet: float = 1000.0
    fee: float = 0.001
    price_step: float = 1e-6
    amount_step: float = 1e-4


def generated(seed: int, count: int, price: float, first_s: int = START_S) -> Series:
    """Candles of five minutes."""
    random = np.random.default_rng(seed)
    swing = 0.0012 * (1 + 0.8 * np.sin(np.arange(count) / 97.0))
    jumps = np.where(random.random(count) < 0.01, random.normal(0, 0.012, count), 0)
    moves = random.normal(0, 1, count) * swing + jumps + 0.0006 * np.sin(np.arange(count) / 41.0)
    close = price * np.exp(np.cumsum(moves))
    opened = np.concatenate(([price], close[:-1])) * (
        1 + np.where(random.random(count) < 0.2, random.normal(0, 5e-4, count), 0)
    )
    high = np.maximum(opened, close) * (1 + np.abs(random.normal(0, 0.0011, count)))
    low = np.minimum(opened, close) * (1 - np.abs(random.normal(0, 0.0011, count)))
    volume = random.lognormal(3, 1, count)
    columns = dict(zip(COLUMNS, (opened, high, low, close, volume), strict=True))
    rounded = {name: np.round(values, 4 if name != "volume" else 3) for name, values in columns.items()}
    there = random.random(count) > 0.01
    there[0] = there[-1] = True
    seconds = first_s + np.arange(count) * BASE_S
    return filled(BASE_S, seconds[there], {name: values[there] for name, values in rounded.items()})


def generated_cases() -> list[Case]:
    four = {
        "AAA/USDT": generated(1, 2500, 100.0),
        "BBB/USDT": generated(2, 2500, 3.0),
        "CCC/USDT": generated(3, 2200, 25.0, START_S + 300 * BASE_S),  # listed later
        "DDD/USDT": generated(4, 2000, 700.0),  # ends earlier
    }
    return [
        Case("four pairs, equal parts", four),
        Case(
            "two pairs, fixed stake, coarse steps, a range",
            {"AAA/USDT": four["AAA/USDT"], "BBB/USDT": four["BBB/USDT"]},
            timerange=(START_S + 400 * BASE_S, START_S + 2000 * BASE_S),
            stake_amount=150.0,
            max_open_trades=-1,
            wallet=310.0,
            fee=0.00075,
            price_step=0.01,
            amount_step=0.1,
        ),
    ]


def run_ours(case: Case, name: str) -> Found:
    """By the library's own way in, so that the steps of the market can be said."""
    settings = Settings(
        stake_currency=next(iter(case.series)).partition("/")[2],
        stake_amount=case.stake_amount,
        max_open_trades=case.max_open_trades,
        wallet=case.wallet,
        fee=case.fee,
        amount_steps=dict.fromkeys(case.series, case.amount_step),
    )
    with standing_in():
        loaded = load(STRATEGIES, name)
        return backtest(
            loaded.of,
            lambda pair, width_s: wider(case.series[pair], width_s),
            list(case.series),
            Range(*(case.timerange or ())),
            settings,
            loaded.stored,
        )


def plain(trade: Trade) -> dict[str, Any]:
    """The part that freqtrade's list is compared in; times in seconds."""
    assert trade.close_date is not None
    return {
        "pair": trade.pair,
        "open_date": int(trade.open_date.timestamp()),
        "close_date": int(trade.close_date.timestamp()),
        "open_rate": trade.open_rate,
        "close_rate": trade.close_rate,
        "amount": trade.amount,
        "stake_amount": eight_decimals(trade.stake_amount),  # as freqtrade writes it
        "profit_abs": trade.close_profit_abs,
        "profit_ratio": trade.close_profit,
        "exit_reason": trade.exit_reason,
        "enter_tag": trade.enter_tag or "",
    }


def recorded_cases(recordings: Path) -> list[Case]:
    """Binance's candles of five minutes: pairs in USDT with outages, pairs in BTC with prices of few digits. The strategies know
    the first pair as AAA."""
    found = []
    for file, quote, symbols, count, price_step, wallet in (
        ("binance_usdt_5m_2020-12_2021-04.parquet", "USDT", ("BTC", "ETH", "ADA", "LTC"), 8000, 1e-5, 1000.0),
        ("binance_btc_pairs_5m_2018.parquet", "BTC", (), 6000, 1e-8, 1.0),
    ):
        path = recordings / "ohlcv" / file
        if path.is_file():
            series = _recorded(path, quote, symbols, count)
            names = tuple(name for name in NAMES if name != "HourlyTrend" or quote == "USDT")
            found.append(Case(file, series, names, price_step=price_step, wallet=wallet, amount_step=1e-5))
    return found


def _recorded(path: Path, quote: str, symbols: tuple[str, ...], count: int) -> dict[str, Series]:
    table = pq.read_table(path).to_pandas()
    found = {}
    chosen = [f"{base}_{quote}" for base in symbols] or sorted(table["symbol"].unique())[:4]
    for name, symbol in zip(("AAA", "BBB", "CCC", "DDD"), chosen, strict=False):
        rows = table[table["symbol"].str.replace("/", "_") == symbol.replace("/", "_")].sort_values("timestamp_ms")
        rows = rows.drop_duplicates("timestamp_ms").iloc[:count]
        seconds = rows["timestamp_ms"].to_numpy() // 1000
        columns = {column: rows[column].to_numpy(np.float64) for column in COLUMNS}
        found[f"{name}/{quote}"] = filled(BASE_S, seconds, columns)
    return found
