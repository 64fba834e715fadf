"""The past of Gate, spot: candles by REST and in files, and trades of the last days.

After www.gate.com/docs/developers/apiv4, "Market candlesticks", "Query market transaction records", "List all currency
pairs supported", "Rate limits", as of 2026-11: at most 1,000 candles a question, oldest first, `from` and `to` in
seconds both name where candles open; texts: time, value, close, high, low, open, volume, whether it is over. Candles
that open more than 10,000 intervals ago are refused ("Candlestick too long ago. Maximum 10000 points ago are allowed",
which no page says), so only the latest 9,990 are asked for. Candles tell neither how many trades they hold nor what
takers bought. 200 questions in 10 s.

Files: www.gate.com/developer/historical_quotes (announced in www.gate.io/en/article/21688): a CSV in gzip for each month and
pair, from 2023 on; seconds, volume, close, high, low, open; 1m, 5m, 1h, 1d and longer. Months are those of UTC. That the volume is
that of the base, and not of the quote as in REST's second column, no page says: readers that compared found it so, and a file
is kept only if the newest bars that REST tells of it, or where it does not reach so far, those of a younger file, are the same.
There are no checksums but gzip's own.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import numpy as np
import pyarrow as pa

from ninefold.history.bars import PRICES
from ninefold.history.candles import Candle, rows_of, rows_of_file
from ninefold.history.files import columns_of, decimals
from ninefold.history.venue import Archive, Bars, History, no_complaint, no_trades
from ninefold.market.instruments import Instrument
from ninefold.market.time import SECOND_NS
from ninefold.venues import gate_wire as wire
from ninefold.venues.adapter import Question
from ninefold.venues.told import whole

PAGE = 1000
LATEST = 9_990
TIMEFRAMES = ("1m", "5m", "15m", "1h", "1d")
PAIRS = "/api/v4/spot/currency_pairs"
FILE = ("time", "volume", "close", "high", "low", "open")


class Told(msgspec.Struct, array_like=True, gc=False):
    time: str
    value: str
    close: str
    high: str
    low: str
    open: str
    volume: str


_candles = msgspec.json.Decoder(list[Told])


def rules(symbols: list[str]) -> Question:
    return all_rules() if len(symbols) > 1 else Question("rules", f"{PAIRS}/{symbols[0]}")


def all_rules() -> Question:
    return Question("rules", PAIRS)


def read_rules(body: bytes) -> list[Instrument]:
    """Of one pair or a list of them."""
    single = body.lstrip()[:1] == b"{"
    told = [wire.pair_decoder.decode(body)] if single else wire.pairs_decoder.decode(body)
    return [wire.listing(one) for one in told]


def ask_bars(of: Instrument, timeframe: str, start_ns: int, end_ns: int) -> Question:
    span = f"from={start_ns // SECOND_NS}&to={end_ns // SECOND_NS - 1}"
    path = f"/api/v4/spot/candlesticks?currency_pair={of.venue_symbol}&interval={timeframe}&{span}"
    return Question(f"bars {of.venue_symbol} {timeframe} {start_ns} {end_ns}", path)


def read_bars(of: Instrument, width_ns: int, body: bytes) -> np.ndarray:
    told = _candles.decode(body)
    return rows_of(
        of,
        width_ns,
        [Candle(whole(one.time) * SECOND_NS, one.open, one.high, one.low, one.close, one.volume) for one in told],
    )


def file_of_bars(of: Instrument, timeframe: str, start_ns: int, month: bool) -> str:
    of_month = datetime.fromtimestamp(start_ns // SECOND_NS, UTC).strftime("%Y%m")
    return f"/spot/candlesticks_{timeframe}/{of_month}/{of.venue_symbol}-{of_month}.csv.gz"


def read_file_of_bars(of: Instrument, width_ns: int, data: bytes) -> np.ndarray:
    number = decimals()
    table = columns_of(data, FILE, {"time": pa.int64(), **dict.fromkeys((*PRICES, "volume"), number)})
    return rows_of_file(of, width_ns, table, SECOND_NS)


HISTORY = History(
    venue="gate",
    pace_s=0.1,
    parallel=4,
    rules=rules,
    all_rules=all_rules,
    read_rules=read_rules,
    complaint=no_complaint,
    bars=Bars(TIMEFRAMES, PAGE, ask_bars, None, False, read_bars, latest=LATEST),
    archive=Archive(
        url="https://download.gatedata.org",
        bars=file_of_bars,
        by_day=(),
        by_month=("1m", "5m", "1h", "1d"),
        read_bars=read_file_of_bars,
        summed=False,
        proof="1h",
    ),
    trades=no_trades("its pages of trades are asked for by time and count from the newest back"),
)
