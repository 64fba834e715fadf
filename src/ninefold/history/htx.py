"""The past of HTX (Huobi), spot: the latest candles.

After www.htx.com/en-us/opend, "/market/history/kline ( Get Klines(Candles))", "/market/history/trade", "Reference Data"
(market-symbols), as of 2026-11: the latest `size` candles, at most 2,000, newest first; there is no other way to ask
for them, so what is older stays unknown. Times are seconds; days begin at 00:00 in Singapore, which is 16:00 UTC, so
they are not taken. `amount` is the volume in coins, a sum of doubles; `count` says how many trades there were. 4,500
questions in 5 minutes. Complaints come with status 200. Of trades only the latest 2,000 are told. Files are not taken: those that
github.com/hbdmapi/huobi_public_data describes are said to be gone, those of www.htx.com/data reach back half a year, and no page
says in which time zone their days are or what their columns hold.
"""

from __future__ import annotations

import msgspec
import numpy as np

from ninefold.history.candles import Candle, rows_of
from ninefold.history.doubles import rounded
from ninefold.history.venue import Bars, History, no_trades
from ninefold.market.instruments import Instrument
from ninefold.market.time import SECOND_NS
from ninefold.venues import htx_wire as wire
from ninefold.venues.adapter import Question
from ninefold.venues.told import Count, number

PAGE = LATEST = 2000
PERIODS = {"1m": "1min", "5m": "5min", "15m": "15min", "1h": "60min"}
PASSING = ("request timeout", "gateway-internal-error", "api-limit", "too many request")  # in what it says


class Told(msgspec.Struct, gc=False):
    id: Count
    open: msgspec.Raw
    high: msgspec.Raw
    low: msgspec.Raw
    close: msgspec.Raw
    amount: msgspec.Raw
    count: Count


class Said(msgspec.Struct, rename="kebab"):
    status: str
    err_code: str | int = ""
    err_msg: str | None = ""


_klines = msgspec.json.Decoder(list[Told])
_said = msgspec.json.Decoder(Said)


def rules(symbols: list[str]) -> Question:
    """Of all: of those that it does not know it would say nothing."""
    return all_rules()


def all_rules() -> Question:
    return Question("rules", "/v1/settings/common/market-symbols")


def read_rules(body: bytes) -> list[Instrument]:
    return [wire.listing(one) for one in wire.symbols_decoder.decode(wire.answer_decoder.decode(body).data)]


def complaint(body: bytes) -> tuple[str, bool]:
    try:
        said = _said.decode(body)
    except msgspec.DecodeError as error:
        return f"an answer that cannot be read: {error}", False
    text = "" if said.status == "ok" else f"{said.err_code} {said.err_msg or ''}".strip() or said.status
    return text, any(word in text for word in PASSING)


def ask_bars(of: Instrument, timeframe: str, start_ns: int, end_ns: int) -> Question:
    """The same for all times."""
    path = f"/market/history/kline?symbol={of.venue_symbol}&period={PERIODS[timeframe]}&size={PAGE}"
    return Question(f"bars {of.venue_symbol} {timeframe} {start_ns} {end_ns}", path)


def read_bars(of: Instrument, width_ns: int, body: bytes) -> np.ndarray:
    return rows_of(of, width_ns, [_candle(of, one) for one in _klines.decode(wire.answer_decoder.decode(body).data)])


def _candle(of: Instrument, one: Told) -> Candle:
    opened, high, low, close = (number(raw) for raw in (one.open, one.high, one.low, one.close))
    volume = rounded(number(one.amount), of.size_decimals)
    return Candle(one.id * SECOND_NS, opened, high, low, close, volume, None, one.count)


HISTORY = History(
    venue="htx",
    pace_s=0.1,
    parallel=2,
    rules=rules,
    all_rules=all_rules,
    read_rules=read_rules,
    complaint=complaint,
    bars=Bars(tuple(PERIODS), PAGE, ask_bars, None, False, read_bars, latest=LATEST),
    trades=no_trades("it gives only its latest 2,000"),
)
