"""The past of Kraken Futures: candles.

After docs.kraken.com, "Futures REST", Charts ("Market Candles") and "Get instruments", as of 2026-11: candles of the
tick type `trade`, oldest first, times in milliseconds, asked for by `from` and `to` in seconds; more than fit into an
answer are cut off (5,000 by the page, 2,000 as others have measured), so 1,000 are asked for. Volumes are in the unit
of sizes: contracts of inverse ones, coins of all others. Candles tell neither how many trades they hold nor what takers
bought. Trades of the past have UUIDs (history/v3 executions): a page cannot be asked for by number, and what is missing
cannot be known.
"""

from __future__ import annotations

import msgspec
import numpy as np

from ninefold.history.candles import Candle, rows_of
from ninefold.history.venue import Bars, History, no_trades
from ninefold.market.instruments import Instrument
from ninefold.market.time import SECOND_NS
from ninefold.venues import krakenfutures_wire as wire
from ninefold.venues.adapter import Question
from ninefold.venues.told import MILLISECOND_NS, Milliseconds, number

PAGE = 1000
TIMEFRAMES = ("1m", "5m", "15m", "1h", "1d")
PASSING = frozenset({"apiLimitExceeded", "Server Error", "Unavailable"})


class Told(msgspec.Struct, gc=False):
    time: Milliseconds
    open: msgspec.Raw
    high: msgspec.Raw
    low: msgspec.Raw
    close: msgspec.Raw
    volume: msgspec.Raw


class Page(msgspec.Struct):
    candles: list[Told]


class Said(msgspec.Struct):
    """What an answer to anything says of itself; charts say nothing."""

    result: str = "success"
    error: str = ""


_page = msgspec.json.Decoder(Page)
_said = msgspec.json.Decoder(Said)


def rules(symbols: list[str]) -> Question:
    return all_rules()


def all_rules() -> Question:
    return Question("rules", "/derivatives/api/v3/instruments")


def read_rules(body: bytes) -> list[Instrument]:
    """Of the products whose steps can be held."""
    told = wire.products_decoder.decode(body).instruments
    return [wire.listing(one.symbol.upper(), one) for one in told if wire.is_held(one)]


def complaint(body: bytes) -> tuple[str, bool]:
    try:
        said = _said.decode(body)
    except msgspec.DecodeError as error:
        return f"an answer that cannot be read: {error}", False
    return ("" if said.result == "success" else said.error or said.result), said.error in PASSING


def ask_bars(of: Instrument, timeframe: str, start_ns: int, end_ns: int) -> Question:
    span = f"from={start_ns // SECOND_NS}&to={end_ns // SECOND_NS - 1}"
    path = f"/api/charts/v1/trade/{of.venue_symbol}/{timeframe}?{span}"
    return Question(f"bars {of.venue_symbol} {timeframe} {start_ns} {end_ns}", path)


def read_bars(of: Instrument, width_ns: int, body: bytes) -> np.ndarray:
    return rows_of(of, width_ns, [_candle(one) for one in _page.decode(body).candles])


def _candle(one: Told) -> Candle:
    opened, high, low, close = (number(raw) for raw in (one.open, one.high, one.low, one.close))
    return Candle(one.time * MILLISECOND_NS, opened, high, low, close, number(one.volume))


HISTORY = History(
    venue="krakenfutures",
    pace_s=0.2,
    parallel=2,
    rules=rules,
    all_rules=all_rules,
    read_rules=read_rules,
    complaint=complaint,
    bars=Bars(TIMEFRAMES, PAGE, ask_bars, None, False, read_bars),
    trades=no_trades("they have UUIDs, so no page can be asked for by number and none can be missed"),
)
