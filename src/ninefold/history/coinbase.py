"""The past of Coinbase Exchange: candles, and trades by id.

After docs.cdp.coinbase.com, Exchange REST API, "Get product candles", "Get product trades", "Pagination", "Rate limits",
as of 2026-11: at most 300 candles a question, newest first; "no data is published for intervals where there are no
ticks", and some candles may precede the start. Trades are asked for by id: `after` gives those older than it. Ten
questions a second. Candles tell neither how many trades they hold nor what takers bought.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
import numpy as np

from ninefold.history.bars import NOT_TOLD, PRICES, empty_bars
from ninefold.history.venue import Bars, History, Locate, Trades, no_complaint
from ninefold.market.arrays import BAR_OK, TRADES
from ninefold.market.instruments import Instrument
from ninefold.market.time import SECOND_NS, TIMEFRAMES
from ninefold.venues import coinbase_wire as wire
from ninefold.venues.adapter import Question
from ninefold.venues.told import number, units

CANDLES = 300
PAGE = 1000


Seconds = Annotated[int, msgspec.Meta(ge=0, lt=2**63 // SECOND_NS)]  # in nanoseconds it fits the column


class Candle(msgspec.Struct, array_like=True):
    time: Seconds
    low: msgspec.Raw
    high: msgspec.Raw
    open: msgspec.Raw
    close: msgspec.Raw
    volume: msgspec.Raw


_candles = msgspec.json.Decoder(list[Candle])


def rules(symbols: list[str]) -> Question:
    return Question("rules", "/products")


def all_rules() -> Question:
    return Question("rules", "/products")


def read_rules(body: bytes) -> list[Instrument]:
    return [wire.listing(product) for product in wire.products_decoder.decode(body)]


def ask_bars(of: Instrument, timeframe: str, start_ns: int, end_ns: int) -> Question:
    """The last candle is named by where it opens."""
    width_ns = TIMEFRAMES[timeframe]
    span = f"granularity={width_ns // SECOND_NS}&start={_time(start_ns)}&end={_time(end_ns - width_ns)}"
    path = f"/products/{of.venue_symbol}/candles?{span}"
    return Question(f"bars {of.venue_symbol} {timeframe} {start_ns} {end_ns}", path)


def read_bars(of: Instrument, width_ns: int, body: bytes) -> np.ndarray:
    """Numbers are JSON numbers of which every digit counts."""
    told = _candles.decode(body)[::-1]
    rows = empty_bars(of.id, width_ns, np.array([one.time for one in told], np.int64) * SECOND_NS)
    for name in PRICES:
        rows[name] = [units(number(getattr(one, name)), of.price_decimals) for one in told]
    rows["volume"] = [units(number(one.volume), of.size_decimals) for one in told]
    rows["buy_volume"] = rows["trades"] = NOT_TOLD
    rows["state"] = BAR_OK
    return rows


def ask_trades(of: Instrument, first: int, end: int, since_ns: int) -> Question:
    return Question(f"trades {of.venue_symbol}", _page(of, end, end - first))


def read_trades(of: Instrument, body: bytes) -> np.ndarray:
    return np.array([wire.trade_row(of, 0, 0, deal) for deal in wire.deals_decoder.decode(body)[::-1]], TRADES)


def locate(of: Instrument, time_ns: int) -> Locate:
    """Trades are found by id alone: halve what is left until the first one at or after the time."""
    newest = read_trades(of, (yield Question("locate", f"/products/{of.venue_symbol}/trades?limit=1")))
    if not len(newest):
        return 0
    low, high = 1, int(newest["id_lo"][-1]) + 1  # low: it may be; high: it is, or the next one
    if newest["exchange_ns"][-1] < time_ns:
        return high
    while low < high:
        middle = (low + high) // 2
        found = read_trades(of, (yield Question("locate", _page(of, middle + 1, 1))))
        if len(found) and found["exchange_ns"][-1] >= time_ns:
            high = min(middle, int(found["id_lo"][-1]))
        else:
            low = middle + 1
    return high


def _page(of: Instrument, end: int, limit: int) -> str:
    return f"/products/{of.venue_symbol}/trades?after={end}&limit={limit}"


def _time(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // SECOND_NS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


HISTORY = History(
    venue="coinbase",
    pace_s=0.1,
    parallel=4,
    rules=rules,
    all_rules=all_rules,
    read_rules=read_rules,
    complaint=no_complaint,
    bars=Bars(("1m", "5m", "15m", "1h", "1d"), CANDLES, ask_bars, None, False, read_bars),
    trades=Trades(PAGE, ask_trades, read_trades, False, locate),
)
