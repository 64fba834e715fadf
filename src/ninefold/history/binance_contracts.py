"""The past of Binance's futures, USD-M and COIN-M: klines and aggregated trades by REST, and the files of the archive.

After developers.binance.com, "USD-M Futures" and "COIN-M Futures", REST market data (Exchange Information, Kline/Candlestick
Data, Compressed/Aggregate Trades List), and the README of github.com/binance/binance-public-data, all as of 2026-11.
Single trades of the past need an API key; aggregates do not: trades of one taker's side at one price within 100 ms, as one.
Their ids are contiguous, and count apart from those of single trades. By REST they reach back one year, in files to the
first day. Klines and files of klines: binance_klines.py.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pyarrow as pa

from ninefold.history import binance_klines as klines
from ninefold.history.binance_klines import ARCHIVE_URL, PAGE, Market, nanoseconds, read_bars, read_file_of_bars
from ninefold.history.files import columns_of, decimals, units_of
from ninefold.history.venue import Archive, Bars, History, Locate, Trades, no_complaint
from ninefold.market.arrays import BUY, ID_AGGREGATE, SELL, TRADES
from ninefold.market.instruments import Instrument
from ninefold.market.time import DAY_NS
from ninefold.venues import binance_contracts_wire as wire
from ninefold.venues.adapter import BadFrame, Question
from ninefold.venues.binance_wire import MILLISECOND_NS
from ninefold.venues.told import units

AGGREGATE = ("id", "price", "size", "first", "last", "time", "buyer_is_maker")
WEIGHT = 20  # of a question for aggregates, whatever its page
LONGEST_NS = 200 * DAY_NS  # of a question for klines of COIN-M


def history(market: Market, listed: wire.Market) -> History:
    """What USD-M and COIN-M differ in: where they are, and that COIN-M tells klines of at most 200 days, not from when on."""
    timeframes = ("1m", "5m", "15m", "1h", "1d")
    ask, first = partial(klines.ask_bars, market), partial(klines.first_bar, market)
    longest = {"longest_ns": LONGEST_NS} if listed.coin else {}
    return History(
        venue=listed.venue,
        pace_s=0.0,
        parallel=4,
        rules=lambda symbols: _rules(market),
        all_rules=partial(_rules, market),
        read_rules=partial(_read_rules, listed),
        complaint=no_complaint,
        bars=Bars(timeframes, PAGE, ask, None if listed.coin else first, False, read_bars, **longest),
        trades=Trades(
            PAGE, partial(_ask_trades, market), read_trades, False, partial(_locate, market), id_kind=ID_AGGREGATE
        ),
        archive=Archive(
            url=ARCHIVE_URL,
            bars=partial(klines.file_of_bars, market),
            trades=partial(klines.file_of_trades, market, "aggTrades"),
            by_day=(),
            by_month=("1m", "5m", "15m"),
            read_bars=read_file_of_bars,
            read_trades=read_file_of_trades,
        ),
    )


def read_trades(of: Instrument, body: bytes) -> np.ndarray:
    told = wire.past_aggregates_decoder.decode(body)
    rows = _trade_rows(of, np.array([one.a for one in told], np.int64))
    rows["exchange_ns"] = [one.T * MILLISECOND_NS for one in told]
    rows["price"] = [units(one.p, of.price_decimals) for one in told]
    rows["size"] = [units(one.q, of.size_decimals) for one in told]
    rows["taker_side"] = [SELL if one.m else BUY for one in told]
    return rows


def read_file_of_trades(of: Instrument, data: bytes) -> np.ndarray:
    number = decimals()
    wanted = {"id": pa.int64(), "price": number, "size": number, "time": pa.int64(), "buyer_is_maker": pa.bool_()}
    table = columns_of(data, AGGREGATE, wanted)
    rows = _trade_rows(of, table.column("id").to_numpy())
    rows["exchange_ns"] = nanoseconds(table.column("time").to_numpy())
    rows["price"] = units_of(table.column("price"), of.price_decimals)
    rows["size"] = units_of(table.column("size"), of.size_decimals)
    rows["taker_side"] = np.where(table.column("buyer_is_maker").to_numpy(), SELL, BUY)
    return rows


def _rules(market: Market) -> Question:
    """All contracts: they cannot be asked for one by one."""
    return Question("rules", f"{market.api}/exchangeInfo", 1)


def _read_rules(listed: wire.Market, body: bytes) -> list[Instrument]:
    return [wire.listing(listed, contract) for contract in wire.exchange_info_decoder.decode(body).symbols]


def _ask_trades(market: Market, of: Instrument, first: int, end: int, since_ns: int) -> Question:
    path = f"{market.api}/aggTrades?symbol={of.venue_symbol}&fromId={first}&limit={end - first}"
    return Question(f"trades {of.venue_symbol}", path, WEIGHT)


def _locate(market: Market, of: Instrument, time_ns: int) -> Locate:
    asked = f"{market.api}/aggTrades?symbol={of.venue_symbol}"
    since = -(-time_ns // MILLISECOND_NS)
    found = wire.past_aggregates_decoder.decode(
        (yield Question("locate", f"{asked}&startTime={since}&limit=1", WEIGHT))
    )
    if found:
        return found[0].a
    last = wire.past_aggregates_decoder.decode((yield Question("locate", f"{asked}&limit=1", WEIGHT)))
    return last[-1].a + 1 if last else 0


def _trade_rows(of: Instrument, ids: np.ndarray) -> np.ndarray:
    if len(ids) and ids.min() < 0:
        raise BadFrame(f"id {ids.min()} of an aggregate is negative")
    rows = np.zeros(len(ids), TRADES)
    rows["instrument"], rows["id_kind"], rows["id_lo"] = of.id, ID_AGGREGATE, ids
    return rows
