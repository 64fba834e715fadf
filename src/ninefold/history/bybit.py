"""The past of Bybit, spot and perpetuals: candles.

After bybit-exchange.github.io/docs/v5, "Get Kline", "Get Instruments Info", "Get Recent Public Trades", "Rate Limit", as of
2026-11: at most 1,000 candles a question, newest first, start and end both name where candles open. Candles tell neither
how many trades they hold nor what takers bought. Only the latest 1,000 trades (spot 60) are given: trades of the past cannot
be asked for. 600 questions in 5 s. Complaints come with status 200.
"""

from __future__ import annotations

import msgspec
import numpy as np

from ninefold.history.candles import Candle, rows_of
from ninefold.history.venue import Bars, CannotDownload, History, no_trades
from ninefold.market.instruments import Instrument
from ninefold.venues import bybit_wire as wire
from ninefold.venues.adapter import Question
from ninefold.venues.bybit_wire import LINEAR, SPOT
from ninefold.venues.told import MILLISECOND_NS, whole

PAGE = 1000
INTERVALS = {"1m": "1", "5m": "5", "15m": "15", "1h": "60", "1d": "D"}
PASSING = (10006, 10018, 10016)  # too many visits, of the address too; a server error


class Kline(msgspec.Struct, array_like=True, gc=False):
    start: str
    open: str
    high: str
    low: str
    close: str
    volume: str


class Klines(msgspec.Struct):
    rows: list[Kline] = msgspec.field(name="list")


class Rules(msgspec.Struct):
    category: str
    rows: list[wire.Listed] = msgspec.field(name="list")


_klines = msgspec.json.Decoder(Klines)
_rules = msgspec.json.Decoder(Rules)


def rules(symbols: list[str]) -> Question:
    """All of spot, linear or inverse: a question has one symbol or all. raises: CannotDownload."""
    kinds = sorted({wire.category(symbol) for symbol in symbols})
    if len(kinds) > 1:
        raise CannotDownload(f"bybit lists {' and '.join(kinds)} apart; download the pairs of one of them at a time")
    return _all(kinds[0])


def all_rules() -> Question:
    return _all(LINEAR)


def read_rules(body: bytes) -> list[Instrument]:
    """Contracts that are delivered are left out."""
    told = _rules.decode(wire.answered_decoder.decode(body).result)
    kind = told.category
    return [wire.listing(one, kind) for one in told.rows if kind == SPOT or "Perpetual" in one.contractType]


def complaint(body: bytes) -> tuple[str, bool]:
    try:
        said = wire.answered_decoder.decode(body)
    except msgspec.DecodeError as error:
        return f"an answer that cannot be read: {error}", False
    return (f"{said.retCode} {said.retMsg}" if said.retCode else ""), said.retCode in PASSING


def ask_bars(of: Instrument, timeframe: str, start_ns: int, end_ns: int) -> Question:
    symbol = of.venue_symbol
    series = f"category={wire.category(symbol)}&symbol={symbol.removeprefix('spot:')}&interval={INTERVALS[timeframe]}"
    span = f"start={start_ns // MILLISECOND_NS}&end={end_ns // MILLISECOND_NS - 1}&limit={PAGE}"
    return Question(f"bars {symbol} {timeframe} {start_ns} {end_ns}", f"/v5/market/kline?{series}&{span}")


def read_bars(of: Instrument, width_ns: int, body: bytes) -> np.ndarray:
    told = _klines.decode(wire.answered_decoder.decode(body).result).rows
    candles = (
        Candle(whole(one.start) * MILLISECOND_NS, one.open, one.high, one.low, one.close, one.volume) for one in told
    )
    return rows_of(of, width_ns, candles)


def _all(kind: str) -> Question:
    return Question("rules", f"/v5/market/instruments-info?category={kind}&limit=1000")


HISTORY = History(
    venue="bybit",
    pace_s=0.05,
    parallel=4,
    rules=rules,
    all_rules=all_rules,
    read_rules=read_rules,
    complaint=complaint,
    bars=Bars(tuple(INTERVALS), PAGE, ask_bars, None, False, read_bars),
    trades=no_trades("it gives only its latest 1,000, in spot 60"),
)
