"""The past of Binance spot: klines and trades by REST, and the files of its public archive.

After developers.binance.com, "REST API for Binance SPOT", Market data endpoints (Exchange information,
Compressed/Aggregate trades list, Old trade lookup), and the README of github.com/binance/binance-public-data, both as of
2026-11. Klines and files of klines: binance_klines.py.
"""

from __future__ import annotations

import json
from functools import partial

import msgspec
import numpy as np
import pyarrow as pa

from ninefold.history import binance_klines as klines
from ninefold.history.binance_klines import ARCHIVE_URL, PAGE, SPOT, nanoseconds, read_bars, read_file_of_bars
from ninefold.history.files import columns_of, decimals, units_of
from ninefold.history.venue import Archive, Bars, History, Locate, Trades, no_complaint
from ninefold.market.arrays import BUY, ID_INTEGER, SELL, TRADES
from ninefold.market.instruments import Instrument
from ninefold.market.time import TIMEFRAMES
from ninefold.venues.adapter import BadFrame, Question
from ninefold.venues.binance_wire import MILLISECOND_NS, exchange_info_decoder, listing, past_trades_decoder
from ninefold.venues.told import units

TRADE = ("id", "price", "size", "value", "time", "buyer_is_maker", "best_match")

file_of_bars = partial(klines.file_of_bars, SPOT)
file_of_trades = partial(klines.file_of_trades, SPOT, "trades")


class Aggregate(msgspec.Struct):
    f: int  # the first trade in it


_aggregates = msgspec.json.Decoder(list[Aggregate])


def rules(symbols: list[str]) -> Question:
    names = json.dumps(symbols, separators=(",", ":"))
    return Question("rules", f"/api/v3/exchangeInfo?symbols={names}", 20)


def all_rules() -> Question:
    return Question("rules", "/api/v3/exchangeInfo", 20)


def read_rules(body: bytes) -> list[Instrument]:
    return [listing(symbol) for symbol in exchange_info_decoder.decode(body).symbols]


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


def read_file_of_trades(of: Instrument, data: bytes) -> np.ndarray:
    number = decimals()
    wanted = {"id": pa.int64(), "price": number, "size": number, "time": pa.int64(), "buyer_is_maker": pa.bool_()}
    table = columns_of(data, TRADE, wanted)
    rows = _trade_rows(of, table.column("id").to_numpy())
    rows["exchange_ns"] = nanoseconds(table.column("time").to_numpy())
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


HISTORY = History(
    venue="binance",
    pace_s=0.0,
    parallel=4,
    rules=rules,
    all_rules=all_rules,
    read_rules=read_rules,
    complaint=no_complaint,
    bars=Bars(
        tuple(name for name in TIMEFRAMES if name != "5s"),
        PAGE,
        partial(klines.ask_bars, SPOT),
        partial(klines.first_bar, SPOT),
        True,
        read_bars,
    ),
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
