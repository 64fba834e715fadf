"""The past of BitMEX: candles.

After www.bitmex.com/api/explorer (trade/bucketed, instrument/active) and www.bitmex.com/app/restAPI ("Limits",
"Pagination"), as of 2026-11: buckets of 1m, 5m, 1h and 1d, at most 1,000 a question, oldest first unless `reverse` is
said (whatever is said counts as true), stamped with where they END; `startTime` and `endTime` count both. 30 questions
a minute. A bucket's `open` is the close of the bucket before, and may lie outside of its own high and low
(github.com/BitMEX/api-connectors issue 261, open): then the nearest of the two is taken, for the first trade lies
between them. Buckets without a trade are told, flat. Volumes are contracts, as sizes are. Buckets do not tell what
takers bought. Trades of the past have UUIDs: no page can be asked for by number, and what is missing cannot be known.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import numpy as np

from ninefold.history.candles import Candle, rows_of
from ninefold.history.venue import Bars, History, no_complaint, no_trades
from ninefold.market.arrays import BAR_OK
from ninefold.market.instruments import Instrument
from ninefold.market.time import SECOND_NS, TIMEFRAMES
from ninefold.venues import bitmex_wire as wire
from ninefold.venues.adapter import Question
from ninefold.venues.bitmex_wire import NULL
from ninefold.venues.told import Count, number, time_ns

PAGE = 1000
SIZES = ("1m", "5m", "1h", "1d")


class Bucket(msgspec.Struct, gc=False):
    """Prices are null before the first trade ever."""

    timestamp: str
    trades: Count
    open: msgspec.Raw = NULL
    high: msgspec.Raw = NULL
    low: msgspec.Raw = NULL
    close: msgspec.Raw = NULL
    volume: msgspec.Raw = NULL


_buckets = msgspec.json.Decoder(list[Bucket])


def rules(symbols: list[str]) -> Question:
    return all_rules()


def all_rules() -> Question:
    return Question("rules", "/api/v1/instrument/active")


def read_rules(body: bytes) -> list[Instrument]:
    return [wire.listing(one) for one in wire.instruments_decoder.decode(body) if one.typ in wire.KINDS]


def ask_bars(of: Instrument, timeframe: str, start_ns: int, end_ns: int) -> Question:
    first_end_ns = start_ns + TIMEFRAMES[timeframe]
    span = f"startTime={_time(first_end_ns)}&endTime={_time(end_ns)}&count={PAGE}"
    return Question(f"bars {of.venue_symbol} {timeframe} {start_ns} {end_ns}", f"{_buckets_of(of, timeframe)}&{span}")


def first_bar(of: Instrument, timeframe: str) -> Question:
    return Question("first", f"{_buckets_of(of, timeframe)}&count=1")


def read_bars(of: Instrument, width_ns: int, body: bytes) -> np.ndarray:
    told = [one for one in _buckets.decode(body) if NULL not in (one.open, one.high, one.low, one.close, one.volume)]
    rows = rows_of(of, width_ns, [_candle(one, width_ns) for one in told])
    traded = rows["state"] == BAR_OK
    rows["open"][traded] = np.clip(rows["open"], rows["low"], rows["high"])[traded]
    return rows


def _candle(one: Bucket, width_ns: int) -> Candle:
    opened, high, low, close = (number(raw) for raw in (one.open, one.high, one.low, one.close))
    return Candle(time_ns(one.timestamp) - width_ns, opened, high, low, close, number(one.volume), None, one.trades)


def _buckets_of(of: Instrument, timeframe: str) -> str:
    return f"/api/v1/trade/bucketed?symbol={of.venue_symbol}&binSize={timeframe}&partial=false"


def _time(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // SECOND_NS, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


HISTORY = History(
    venue="bitmex",
    pace_s=2.0,
    parallel=1,
    rules=rules,
    all_rules=all_rules,
    read_rules=read_rules,
    complaint=no_complaint,
    bars=Bars(SIZES, PAGE, ask_bars, first_bar, False, read_bars),
    trades=no_trades("they have UUIDs, so no page can be asked for by number and none can be missed"),
)
