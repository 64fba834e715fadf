"""The past of Bitstamp, spot and perpetuals: candles.

After www.bitstamp.net/api, "OHLC data", "Markets", "Transactions" and "Request limits", as of 2026-11: at most 1,000 candles
a question, oldest first, up to the one that opens at `end` or before it: "if both start and end timestamps are posted, end
timestamp will be used". Candles tell neither how many trades they hold nor what takers bought. Only trades of the last day
are given: trades of the past cannot be asked for. 400 questions a second, 10,000 in ten minutes.
"""

from __future__ import annotations

import msgspec
import numpy as np

from ninefold.history.candles import Candle, rows_of
from ninefold.history.venue import Bars, History, no_complaint, no_trades
from ninefold.journal.inputs import Answer
from ninefold.market.instruments import Instrument
from ninefold.market.time import SECOND_NS, TIMEFRAMES
from ninefold.venues.adapter import Question
from ninefold.venues.bitstamp import VENUE, Bitstamp
from ninefold.venues.told import whole

PAGE = 1000
STEPS = ("1m", "5m", "15m", "1h", "1d")
MARKETS = "/api/v2/markets/"


class Ohlc(msgspec.Struct, gc=False):
    timestamp: str
    open: str
    high: str
    low: str
    close: str
    volume: str


class Series(msgspec.Struct):
    ohlc: list[Ohlc]


class Answered(msgspec.Struct):
    data: Series


_answered = msgspec.json.Decoder(Answered)


def rules(symbols: list[str]) -> Question:
    return Question("rules", MARKETS)


def all_rules() -> Question:
    return Question("rules", MARKETS)


def read_rules(body: bytes) -> list[Instrument]:
    told = Bitstamp().read_answer(Answer(VENUE, "markets", MARKETS, 200, body))
    return [one for one in told if isinstance(one, Instrument)]


def ask_bars(of: Instrument, timeframe: str, start_ns: int, end_ns: int) -> Question:
    """The last candle is named by a moment in it."""
    width_ns = TIMEFRAMES[timeframe]
    span = f"step={width_ns // SECOND_NS}&limit={(end_ns - start_ns) // width_ns}&end={end_ns // SECOND_NS - 1}"
    return Question(
        f"bars {of.venue_symbol} {timeframe} {start_ns} {end_ns}", f"/api/v2/ohlc/{of.venue_symbol}/?{span}"
    )


def read_bars(of: Instrument, width_ns: int, body: bytes) -> np.ndarray:
    told = _answered.decode(body).data.ohlc
    candles = (
        Candle(whole(one.timestamp, most=10) * SECOND_NS, one.open, one.high, one.low, one.close, one.volume)
        for one in told
    )
    return rows_of(of, width_ns, candles)


HISTORY = History(
    venue=VENUE,
    pace_s=0.1,
    parallel=4,
    rules=rules,
    all_rules=all_rules,
    read_rules=read_rules,
    complaint=no_complaint,
    bars=Bars(STEPS, PAGE, ask_bars, None, False, read_bars),
    trades=no_trades("it gives only those of the last day"),
)
