"""The past of Bitfinex, spot and perpetuals: candles.

After docs.bitfinex.com, REST "Candles", "Trades", "Configs" and "Requirements and Limitations", as of 2026-11: at most 10,000
candles a question, "only records with MTS >= start" and <= end; an interval without a trade has none. Numbers are JSON
numbers of which every digit counts; open, close, high, low is their order. Candles tell neither how many trades they hold
nor what takers bought. 30 questions a minute. Trade ids are shared by all pairs: none can be counted, so that a missing one
would not be noticed.
"""

from __future__ import annotations

import msgspec
import numpy as np

from ninefold.history.candles import Candle, rows_of
from ninefold.history.venue import Bars, History, no_complaint, no_trades
from ninefold.market.instruments import Instrument
from ninefold.market.time import TIMEFRAMES
from ninefold.venues import bitfinex_wire as wire
from ninefold.venues.adapter import Question
from ninefold.venues.told import MILLISECOND_NS, Milliseconds, number

PAGE = 10_000
FRAMES = {"1m": "1m", "5m": "5m", "15m": "15m", "1h": "1h", "1d": "1D"}
PAIRS = "/v2/conf/pub:info:pair,pub:info:pair:futures"


class Row(msgspec.Struct, array_like=True, gc=False):
    time: Milliseconds
    open: msgspec.Raw
    close: msgspec.Raw
    high: msgspec.Raw
    low: msgspec.Raw
    volume: msgspec.Raw


_candles = msgspec.json.Decoder(list[Row])


def rules(symbols: list[str]) -> Question:
    return Question("rules", PAIRS)


def all_rules() -> Question:
    return Question("rules", PAIRS)


def read_rules(body: bytes) -> list[Instrument]:
    return [wire.listing(*pair) for pairs in wire.pairs_decoder.decode(body) for pair in pairs]


def ask_bars(of: Instrument, timeframe: str, start_ns: int, end_ns: int) -> Question:
    span = f"start={start_ns // MILLISECOND_NS}&end={end_ns // MILLISECOND_NS - 1}&limit={PAGE}&sort=1"
    path = f"/v2/candles/trade:{FRAMES[timeframe]}:{of.venue_symbol}/hist?{span}"
    return Question(f"bars {of.venue_symbol} {timeframe} {start_ns} {end_ns}", path)


def read_bars(of: Instrument, width_ns: int, body: bytes) -> np.ndarray:
    candles = (
        Candle(
            one.time * MILLISECOND_NS,
            number(one.open),
            number(one.high),
            number(one.low),
            number(one.close),
            number(one.volume),
        )
        for one in _candles.decode(body)
    )
    return rows_of(of, width_ns, candles)


HISTORY = History(
    venue=wire.VENUE,
    pace_s=2.0,
    parallel=2,
    rules=rules,
    all_rules=all_rules,
    read_rules=read_rules,
    complaint=no_complaint,
    bars=Bars(tuple(name for name in TIMEFRAMES if name in FRAMES), PAGE, ask_bars, None, False, read_bars),
    trades=no_trades("their ids do not count, so that a missing one would not be noticed"),
)
