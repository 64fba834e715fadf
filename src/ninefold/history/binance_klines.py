"""What Binance's markets share of the past: klines by REST, and the files of the public archive.

After developers.binance.com, Kline/Candlestick data of "REST API for Binance SPOT", "USD-M Futures" and "COIN-M Futures",
and the README of github.com/binance/binance-public-data, all as of 2026-11. Times by REST are milliseconds; in files of
spot they are microseconds since 2025-01-01, milliseconds before and in all others. Spot files have no line of headings;
those of futures do. Klines without a trade are told, flat. Columns stand in the same places in all three markets; volumes
of COIN-M are contracts, as are its sizes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import numpy as np
import pyarrow as pa

from ninefold.history.bars import PRICES, empty_bars
from ninefold.history.files import columns_of, decimals, units_of
from ninefold.market.arrays import BAR_FLAT, BAR_OK
from ninefold.market.instruments import Instrument
from ninefold.market.time import SECOND_NS
from ninefold.venues.adapter import BadFrame, Question
from ninefold.venues.binance_wire import MILLISECOND_NS
from ninefold.venues.told import units

PAGE = 1000
ARCHIVE_URL = "https://data.binance.vision"
MICROSECONDS_FROM = 10**14  # milliseconds reach this in the year 5138, microseconds did in 1973
KLINE = (
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "value",
    "trades",
    "bought",
    "paid",
    "ignore",
)


@dataclass(frozen=True)
class Market:
    """api: before every path of REST; files: before every path of the archive; weight: of a page of klines."""

    api: str
    files: str
    weight: int


SPOT = Market("/api/v3", "/data/spot", 2)
USDM = Market("/fapi/v1", "/data/futures/um", 5)
COINM = Market("/dapi/v1", "/data/futures/cm", 5)

Milliseconds = Annotated[int, msgspec.Meta(ge=0, lt=2**63 // MILLISECOND_NS)]  # in nanoseconds it fits the column


class Kline(msgspec.Struct, array_like=True):
    """The columns that KLINE names."""

    open_time: Milliseconds
    open: str
    high: str
    low: str
    close: str
    volume: str
    close_time: int
    value: str
    trades: int
    bought: str


_klines = msgspec.json.Decoder(list[Kline])


def ask_bars(market: Market, of: Instrument, timeframe: str, start_ns: int, end_ns: int) -> Question:
    span = f"startTime={start_ns // MILLISECOND_NS}&endTime={end_ns // MILLISECOND_NS - 1}&limit={PAGE}"
    path = f"{market.api}/klines?symbol={of.venue_symbol}&interval={timeframe}&{span}"
    return Question(f"bars {of.venue_symbol} {timeframe} {start_ns} {end_ns}", path, market.weight)


def first_bar(market: Market, of: Instrument, timeframe: str) -> Question:
    path = f"{market.api}/klines?symbol={of.venue_symbol}&interval={timeframe}&startTime=0&limit=1"
    return Question("first", path, market.weight)


def read_bars(of: Instrument, width_ns: int, body: bytes) -> np.ndarray:
    told = _klines.decode(body)
    rows = empty_bars(of.id, width_ns, np.array([one.open_time for one in told], np.int64) * MILLISECOND_NS)
    for name in PRICES:
        rows[name] = [units(getattr(one, name), of.price_decimals) for one in told]
    rows["volume"] = [units(one.volume, of.size_decimals) for one in told]
    rows["buy_volume"] = [units(one.bought, of.size_decimals) for one in told]
    rows["trades"] = [one.trades for one in told]
    return _with_states(rows)


def file_of_bars(market: Market, of: Instrument, timeframe: str, start_ns: int, month: bool) -> str:
    name = f"{of.venue_symbol}-{timeframe}-{date_of(start_ns, month)}.zip"
    return f"{market.files}/{'monthly' if month else 'daily'}/klines/{of.venue_symbol}/{timeframe}/{name}"


def file_of_trades(market: Market, kind: str, of: Instrument, start_ns: int) -> str:
    """kind: trades or aggTrades."""
    name = f"{of.venue_symbol}-{kind}-{date_of(start_ns, False)}.zip"
    return f"{market.files}/daily/{kind}/{of.venue_symbol}/{name}"


def read_file_of_bars(of: Instrument, width_ns: int, data: bytes) -> np.ndarray:
    number = decimals()
    prices = dict.fromkeys(PRICES, number)
    wanted = {"open_time": pa.int64(), **prices, "volume": number, "trades": pa.int64(), "bought": number}
    table = columns_of(data, KLINE, wanted)
    rows = empty_bars(of.id, width_ns, nanoseconds(table.column("open_time").to_numpy()))
    for name in prices:
        rows[name] = units_of(table.column(name), of.price_decimals)
    rows["volume"] = units_of(table.column("volume"), of.size_decimals)
    rows["buy_volume"] = units_of(table.column("bought"), of.size_decimals)
    rows["trades"] = table.column("trades").to_numpy()
    return _with_states(rows)


def _with_states(rows: np.ndarray) -> np.ndarray:
    rows["state"] = np.where(rows["trades"] == 0, BAR_FLAT, BAR_OK)
    return rows


def nanoseconds(times: np.ndarray) -> np.ndarray:
    if len(times) and not (times.min() > 0 and times.max() < MICROSECONDS_FROM * 90):
        raise BadFrame(
            f"times from {times.min()} to {times.max()} are neither milliseconds nor microseconds since 1970"
        )
    found: np.ndarray = times * np.where(times >= MICROSECONDS_FROM, 1_000, MILLISECOND_NS)
    return found


def date_of(start_ns: int, month: bool) -> str:
    return datetime.fromtimestamp(start_ns // SECOND_NS, UTC).strftime("%Y-%m" if month else "%Y-%m-%d")
