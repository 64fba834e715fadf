"""The past of Binance spot: klines and trades by REST, and the files of its public archive.

After developers.binance.com, "REST API for Binance SPOT", Market data endpoints (Exchange information, Kline/Candlestick
data, Compressed/Aggregate trades list, Old trade lookup), and the README of github.com/binance/binance-public-data, both
as of 2026-11. Times by REST are milliseconds; in files of spot they are microseconds since 2025-01-01, milliseconds
before. Spot files have no line of headings; those of futures do. Klines without a trade are told, flat.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import numpy as np
import pyarrow as pa

from ninefold.history.bars import PRICES, empty_bars
from ninefold.history.files import columns_of, decimals, units_of
from ninefold.history.venue import Archive, Bars, History, Locate, Trades, no_complaint
from ninefold.market.arrays import BAR_FLAT, BAR_OK, BUY, ID_INTEGER, SELL, TRADES
from ninefold.market.instruments import Instrument
from ninefold.market.time import SECOND_NS, TIMEFRAMES
from ninefold.venues.adapter import BadFrame, Question
from ninefold.venues.binance_wire import MILLISECOND_NS, exchange_info_decoder, listing, past_trades_decoder
from ninefold.venues.told import units

PAGE = 1000
MICROSECONDS_FROM = 10**14  # milliseconds reach this in the year 5138, microseconds did in 1973
ARCHIVE_URL = "https://data.binance.vision"
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
TRADE = ("id", "price", "size", "value", "time", "buyer_is_maker", "best_match")


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


class Aggregate(msgspec.Struct):
    f: int  # the first trade in it


_klines = msgspec.json.Decoder(list[Kline])
_aggregates = msgspec.json.Decoder(list[Aggregate])


def rules(symbols: list[str]) -> Question:
    names = json.dumps(symbols, separators=(",", ":"))
    return Question("rules", f"/api/v3/exchangeInfo?symbols={names}", 20)


def all_rules() -> Question:
    return Question("rules", "/api/v3/exchangeInfo", 20)


def read_rules(body: bytes) -> list[Instrument]:
    return [listing(symbol) for symbol in exchange_info_decoder.decode(body).symbols]


def ask_bars(of: Instrument, timeframe: str, start_ns: int, end_ns: int) -> Question:
    span = f"startTime={start_ns // MILLISECOND_NS}&endTime={end_ns // MILLISECOND_NS - 1}&limit={PAGE}"
    path = f"/api/v3/klines?symbol={of.venue_symbol}&interval={timeframe}&{span}"
    return Question(f"bars {of.venue_symbol} {timeframe} {start_ns} {end_ns}", path, 2)


def first_bar(of: Instrument, timeframe: str) -> Question:
    return Question("first", f"/api/v3/klines?symbol={of.venue_symbol}&interval={timeframe}&startTime=0&limit=1", 2)


def read_bars(of: Instrument, width_ns: int, body: bytes) -> np.ndarray:
    told = _klines.decode(body)
    rows = empty_bars(of.id, width_ns, np.array([one.open_time for one in told], np.int64) * MILLISECOND_NS)
    for name in PRICES:
        rows[name] = [units(getattr(one, name), of.price_decimals) for one in told]
    rows["volume"] = [units(one.volume, of.size_decimals) for one in told]
    rows["buy_volume"] = [units(one.bought, of.size_decimals) for one in told]
    rows["trades"] = [one.trades for one in told]
    return _with_states(rows)


def ask_trades(of: Instrument, first: int, end: int, since_ns: int) -> Question:
    path = f"/api/v3/historicalTrades?symbol={of.venue_symbol}&fromId={first}&limit={end - first}"
    return Question(f"trades {of.venue_symbol}", path, 25)


def read_trades(of: Instrument, body: bytes) -> np.ndarray:
    told = past_trades_decoder.decode(body)
    rows = _trade_rows(of, np.array([one.id for one in told], np.int64))
    rows["exchange_ns"] = [one.time * MILLISECOND_NS for one in told]
    rows["price"] = [units(one.price, of.price_decimals) for one in told]
    rows["size"] = [units(one.qty, of.size_decimals) for one in told]
    rows["taker_side"] = [SELL if one.isBuyerMaker else BUY for one in told]
    return rows


def locate(of: Instrument, time_ns: int) -> Locate:
    """Aggregates can be asked for by time, and name their first trade."""
    since = -(-time_ns // MILLISECOND_NS)
    body = yield Question("locate", f"/api/v3/aggTrades?symbol={of.venue_symbol}&startTime={since}&limit=1", 4)
    found = _aggregates.decode(body)
    if found:
        return found[0].f
    body = yield Question("locate", f"/api/v3/historicalTrades?symbol={of.venue_symbol}&limit=1", 25)
    last = past_trades_decoder.decode(body)
    return last[-1].id + 1 if last else 0


def file_of_bars(of: Instrument, timeframe: str, start_ns: int, month: bool) -> str:
    name = f"{of.venue_symbol}-{timeframe}-{_date(start_ns, month)}.zip"
    return f"/data/spot/{'monthly' if month else 'daily'}/klines/{of.venue_symbol}/{timeframe}/{name}"


def file_of_trades(of: Instrument, start_ns: int) -> str:
    return f"/data/spot/daily/trades/{of.venue_symbol}/{of.venue_symbol}-trades-{_date(start_ns, False)}.zip"


def read_file_of_bars(of: Instrument, width_ns: int, data: bytes) -> np.ndarray:
    number = decimals()
    prices = dict.fromkeys(PRICES, number)
    wanted = {"open_time": pa.int64(), **prices, "volume": number, "trades": pa.int64(), "bought": number}
    table = columns_of(data, KLINE, wanted)
    rows = empty_bars(of.id, width_ns, _nanoseconds(table.column("open_time").to_numpy()))
    for name in prices:
        rows[name] = units_of(table.column(name), of.price_decimals)
    rows["volume"] = units_of(table.column("volume"), of.size_decimals)
    rows["buy_volume"] = units_of(table.column("bought"), of.size_decimals)
    rows["trades"] = table.column("trades").to_numpy()
    return _with_states(rows)


def read_file_of_trades(of: Instrument, data: bytes) -> np.ndarray:
    number = decimals()
    wanted = {"id": pa.int64(), "price": number, "size": number, "time": pa.int64(), "buyer_is_maker": pa.bool_()}
    table = columns_of(data, TRADE, wanted)
    rows = _trade_rows(of, table.column("id").to_numpy())
    rows["exchange_ns"] = _nanoseconds(table.column("time").to_numpy())
    rows["price"] = units_of(table.column("price"), of.price_decimals)
    rows["size"] = units_of(table.column("size"), of.size_decimals)
    rows["taker_side"] = np.where(table.column("buyer_is_maker").to_numpy(), SELL, BUY)
    return rows


def _trade_rows(of: Instrument, ids: np.ndarray) -> np.ndarray:
    if len(ids) and ids.min() < 0:
        raise BadFrame(f"trade id {ids.min()} is negative")
    rows = np.zeros(len(ids), TRADES)
    rows["instrument"], rows["id_kind"], rows["id_lo"] = of.id, ID_INTEGER, ids
    return rows


def _with_states(rows: np.ndarray) -> np.ndarray:
    rows["state"] = np.where(rows["trades"] == 0, BAR_FLAT, BAR_OK)
    return rows


def _nanoseconds(times: np.ndarray) -> np.ndarray:
    if len(times) and not (times.min() > 0 and times.max() < MICROSECONDS_FROM * 90):
        raise BadFrame(
            f"times from {times.min()} to {times.max()} are neither milliseconds nor microseconds since 1970"
        )
    found: np.ndarray = times * np.where(times >= MICROSECONDS_FROM, 1_000, MILLISECOND_NS)
    return found


def _date(start_ns: int, month: bool) -> str:
    return datetime.fromtimestamp(start_ns // SECOND_NS, UTC).strftime("%Y-%m" if month else "%Y-%m-%d")


HISTORY = History(
    venue="binance",
    pace_s=0.0,
    parallel=4,
    rules=rules,
    all_rules=all_rules,
    read_rules=read_rules,
    complaint=no_complaint,
    bars=Bars(tuple(name for name in TIMEFRAMES if name != "5s"), PAGE, ask_bars, first_bar, True, read_bars),
    trades=Trades(PAGE, ask_trades, read_trades, False, locate),
    archive=Archive(
        url=ARCHIVE_URL,
        bars=file_of_bars,
        trades=file_of_trades,
        by_day=("1s",),
        by_month=("1m", "5m", "15m"),
        read_bars=read_file_of_bars,
        read_trades=read_file_of_trades,
    ),
)
