"""The past of Deribit: candles, and trades by number.

After docs.deribit.com, public/get_tradingview_chart_data, get_last_trades_by_instrument, get_instrument,
get_instruments, "Rate limits" and "Errors", as of 2026-11: candles of 1, 5, 15, 60 minutes and 1D in columns, oldest
first, `start_timestamp` and `end_timestamp` (ms) both name where candles open; an interval without a trade is filled
from the one before. `volume` is in coins, `cost` in the currency of the quote: that of inverse perpetuals and futures
is taken, whose sizes are US dollars. Both are sums of doubles. How many candles an answer holds is not said; 1,000 are
asked for. Candles do not tell how many trades they hold, nor what takers bought. Trades have a number of their own in
each instrument without a hole, by which at most 1,000 are asked for, and are found by time. For those of a whole
currency the page says that only the last 24 hours are told, for those of an instrument it says nothing of the kind; if
a time is not answered though younger trades are there, that is told and nothing is taken for quiet.
"""

from __future__ import annotations

import msgspec
import numpy as np

from ninefold.history.candles import Candle, rows_of
from ninefold.history.doubles import rounded
from ninefold.history.venue import Bars, CannotDownload, History, Locate, Trades
from ninefold.market.arrays import BUY, ID_INTEGER, SELL, TRADES
from ninefold.market.instruments import Instrument
from ninefold.venues import deribit_wire as wire
from ninefold.venues.adapter import BadFrame, Question
from ninefold.venues.told import MILLISECOND_NS, Milliseconds, number, units

PAGE = 1000
RESOLUTIONS = {"1m": "1", "5m": "5", "15m": "15", "1h": "60", "1d": "1D"}
PASSING = frozenset(
    {10028, 10040, 10047, 11051, 13028}
)  # too many requests, retry, queue full, maintenance, unavailable
PUBLIC = "/api/v2/public"


class Chart(msgspec.Struct):
    """Columns; without candles none need be there."""

    ticks: list[Milliseconds] = []
    open: list[msgspec.Raw] = []
    high: list[msgspec.Raw] = []
    low: list[msgspec.Raw] = []
    close: list[msgspec.Raw] = []
    volume: list[msgspec.Raw] = []
    cost: list[msgspec.Raw] = []


class Said(msgspec.Struct):
    error: wire.Error | None = None


_chart = msgspec.json.Decoder(Chart)
_said = msgspec.json.Decoder(Said)


def rules(symbols: list[str]) -> Question:
    return (
        all_rules() if len(symbols) > 1 else Question("rules", f"{PUBLIC}/get_instrument?instrument_name={symbols[0]}")
    )


def all_rules() -> Question:
    return Question("rules", f"{PUBLIC}/get_instruments?currency=any")


def read_rules(body: bytes) -> list[Instrument]:
    """Of one instrument or a list of them."""
    result = wire.answer_decoder.decode(body).result
    if bytes(result)[:1] == b"{":
        return wire.listings([wire.instrument_decoder.decode(result)])
    return wire.listings(wire.instruments_decoder.decode(result))


def complaint(body: bytes) -> tuple[str, bool]:
    try:
        error = _said.decode(body).error
    except msgspec.DecodeError as failed:
        return f"an answer that cannot be read: {failed}", False
    return ("", False) if error is None else (f"{error.code} {error.message}", error.code in PASSING)


def ask_bars(of: Instrument, timeframe: str, start_ns: int, end_ns: int) -> Question:
    span = f"start_timestamp={start_ns // MILLISECOND_NS}&end_timestamp={end_ns // MILLISECOND_NS - 1}"
    series = f"instrument_name={of.venue_symbol}&resolution={RESOLUTIONS[timeframe]}"
    path = f"{PUBLIC}/get_tradingview_chart_data?{series}&{span}"
    return Question(f"bars {of.venue_symbol} {timeframe} {start_ns} {end_ns}", path)


def read_bars(of: Instrument, width_ns: int, body: bytes) -> np.ndarray:
    chart = _chart.decode(wire.answer_decoder.decode(body).result)
    sizes = chart.cost if is_inverse(of) else chart.volume
    columns = (chart.open, chart.high, chart.low, chart.close, sizes)
    if any(len(column) != len(chart.ticks) for column in columns):
        raise BadFrame(f"columns of {[len(column) for column in columns]} values beside {len(chart.ticks)} ticks")
    rows = zip(chart.ticks, *columns, strict=True)
    return rows_of(of, width_ns, [_candle(of, at, *(number(raw) for raw in row)) for at, *row in rows])


def _candle(of: Instrument, time_ms: int, *texts: str) -> Candle:
    opened, high, low, close, size = texts
    return Candle(time_ms * MILLISECOND_NS, opened, high, low, close, rounded(size, of.size_decimals))


def is_inverse(of: Instrument) -> bool:
    """Whether sizes are amounts of the quote: of perpetuals and futures that are settled in their base."""
    return of.kind in ("swap", "future") and of.settle == of.base


def ask_trades(of: Instrument, first: int, end: int, since_ns: int) -> Question:
    path = _last_trades(of, f"start_seq={first}&end_seq={end - 1}&count={end - first}&sorting=asc")
    return Question(f"trades {of.venue_symbol}", path)


def read_trades(of: Instrument, body: bytes) -> np.ndarray:
    told = _trades(body)
    rows = np.zeros(len(told), TRADES)
    rows["instrument"], rows["id_kind"] = of.id, ID_INTEGER
    rows["id_lo"] = [one.trade_seq for one in told]
    rows["exchange_ns"] = [one.timestamp * MILLISECOND_NS for one in told]
    rows["price"] = [units(number(one.price), of.price_decimals) for one in told]
    rows["size"] = [units(number(one.amount), of.size_decimals) for one in told]
    rows["taker_side"] = [BUY if one.direction == "buy" else SELL for one in told]
    return rows


def locate(of: Instrument, time_ns: int) -> Locate:
    """raises: CannotDownload if the venue does not tell trades that old."""
    since = -(-time_ns // MILLISECOND_NS)
    found = _trades((yield Question("locate", _last_trades(of, f"start_timestamp={since}&count=1&sorting=asc"))))
    if found:
        return found[0].trade_seq
    newest = _trades((yield Question("locate", _last_trades(of, "count=1&sorting=desc"))))
    if newest and newest[0].timestamp >= since:
        raise CannotDownload(
            f"deribit tells no trades of {of.symbol} from {since} ms on, though its newest is of {newest[0].timestamp} ms: "
            "it keeps them for some days only. Ask for a later timerange"
        )
    return newest[0].trade_seq + 1 if newest else 0


def _trades(body: bytes) -> list[wire.Trade]:
    return wire.past_decoder.decode(wire.answer_decoder.decode(body).result).trades


def _last_trades(of: Instrument, asked: str) -> str:
    return f"{PUBLIC}/get_last_trades_by_instrument?instrument_name={of.venue_symbol}&{asked}"


HISTORY = History(
    venue="deribit",
    pace_s=0.1,
    parallel=4,
    rules=rules,
    all_rules=all_rules,
    read_rules=read_rules,
    complaint=complaint,
    bars=Bars(tuple(RESOLUTIONS), PAGE, ask_bars, None, False, read_bars),
    trades=Trades(PAGE, ask_trades, read_trades, False, locate),
)
