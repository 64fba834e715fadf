"""The past of OKX, spot, perpetuals and futures: candles and trades.

After www.okx.com/docs-v5, "Get candlesticks history", "Get trades history", "Get instruments" and "Rate limits", as of
2026-11: at most 300 candles a question, newest first, strictly between `before` and `after`; sizes of contracts are numbers
of contracts; a quiet candle carries the last price on. Days of "1D" begin at UTC+8, of "1Dutc" at UTC. Candles of 1 s and
trades reach back three months. At most 100 trades a question, newest first, those older than an id or a time. Trade ids are
contiguous. 20 questions in 2 s. Complaints come with status 200 or 429.

Files: www.okx.com/historical-data, "candlesticks" (what several public readers of them agree on; no page names the columns): a zip
with a CSV for each month and instrument, of 1m alone; instrument_name, open, high, low, close, vol (contracts, as by REST),
vol_ccy, vol_quote, open_time in ms, confirm. Months begin at 00:00 of UTC+8. A bar may come twice. There are no checksums but the
zip's own: a file is kept only if its newest bars are those of REST. Files of trades are not taken.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ninefold.history.bars import PRICES
from ninefold.history.candles import Candle, rows_of, rows_of_file
from ninefold.history.files import columns_of, decimals
from ninefold.history.venue import Archive, Bars, CannotDownload, History, Locate, Trades
from ninefold.market.arrays import BUY, ID_INTEGER, SELL, TRADES
from ninefold.market.instruments import Instrument
from ninefold.market.time import HOUR_NS, SECOND_NS, TIMEFRAMES
from ninefold.venues import okx_wire as wire
from ninefold.venues.adapter import BadFrame, Question
from ninefold.venues.okx_wire import SPOT
from ninefold.venues.told import MILLISECOND_NS, units

CANDLES = 300
PAGE = 100
BARS = {"1s": "1s", "1m": "1m", "5m": "5m", "15m": "15m", "1h": "1H", "1d": "1Dutc"}
PASSING = ("50004", "50011", "50061")  # timed out; too many questions
SIDES = {"buy": BUY, "sell": SELL}
FILE = ("symbol", "open", "high", "low", "close", "volume", "volume_base", "volume_quote", "time", "confirm")
AHEAD_NS = 8 * HOUR_NS


class CandleRow(msgspec.Struct, array_like=True, gc=False):
    ts: str
    open: str
    high: str
    low: str
    close: str
    volume: str
    volume_base: str
    volume_quote: str
    confirm: Annotated[str, msgspec.Meta(pattern="^[01]$")]


_candles = msgspec.json.Decoder(list[CandleRow])


def rules(symbols: list[str]) -> Question:
    """All of a kind: a question has one instrument or all. raises: CannotDownload."""
    kinds = sorted({wire.type_of(symbol) for symbol in symbols})
    if len(kinds) > 1:
        raise CannotDownload(f"okx lists {' and '.join(kinds)} apart; download the pairs of one of them at a time")
    return _all(kinds[0])


def all_rules() -> Question:
    return _all(SPOT)


def read_rules(body: bytes) -> list[Instrument]:
    return [wire.listing(one) for one in wire.listed_decoder.decode(_data(body))]


def complaint(body: bytes) -> tuple[str, bool]:
    try:
        said = wire.answered_decoder.decode(body)
    except msgspec.DecodeError as error:
        return f"an answer that cannot be read: {error}", False
    return (f"{said.code} {said.msg}" if said.code != "0" else ""), said.code in PASSING


def ask_bars(of: Instrument, timeframe: str, start_ns: int, end_ns: int) -> Question:
    """Both ends are left out by the venue."""
    span = f"before={start_ns // MILLISECOND_NS - 1}&after={end_ns // MILLISECOND_NS}&limit={CANDLES}"
    path = f"/api/v5/market/history-candles?instId={of.venue_symbol}&bar={BARS[timeframe]}&{span}"
    return Question(f"bars {of.venue_symbol} {timeframe} {start_ns} {end_ns}", path)


def read_bars(of: Instrument, width_ns: int, body: bytes) -> np.ndarray:
    """One that is not confirmed is not over."""
    told = (one for one in _candles.decode(_data(body)) if one.confirm == "1")
    candles = (Candle(wire.time_ns(one.ts), one.open, one.high, one.low, one.close, one.volume) for one in told)
    return rows_of(of, width_ns, candles)


def file_of_bars(of: Instrument, timeframe: str, start_ns: int, month: bool) -> str:
    moment = datetime.fromtimestamp((start_ns + AHEAD_NS) // SECOND_NS, UTC)
    return f"/candlesticks/monthly/{moment:%Y%m}/{of.venue_symbol}-candlesticks-{moment:%Y-%m}.zip"


def read_file_of_bars(of: Instrument, width_ns: int, data: bytes) -> np.ndarray:
    number = decimals()
    types = {"symbol": pa.string(), "time": pa.int64(), "confirm": pa.int64()}
    table = columns_of(data, FILE, types | dict.fromkeys((*PRICES, "volume"), number))
    others = set(table.column("symbol").unique().to_pylist()) - {of.venue_symbol}
    if others:
        raise BadFrame(f"a file of {of.venue_symbol} holds bars of {', '.join(sorted(map(str, others)))}")
    return rows_of_file(of, width_ns, table.filter(pc.equal(table.column("confirm"), 1)), MILLISECOND_NS)


def ask_trades(of: Instrument, first: int, end: int, since_ns: int) -> Question:
    return Question(f"trades {of.venue_symbol}", _older(of, 1, end, end - first))


def read_trades(of: Instrument, body: bytes) -> np.ndarray:
    told = wire.trades_decoder.decode(_data(body))[::-1]
    if any(one.instId != of.venue_symbol for one in told):
        raise BadFrame(f"trades of {told[0].instId!r} where {of.venue_symbol!r} was asked for")
    rows = np.zeros(len(told), TRADES)
    rows["instrument"], rows["id_kind"] = of.id, ID_INTEGER
    rows["exchange_ns"] = [wire.time_ns(one.ts) for one in told]
    rows["id_lo"] = [wire.whole(one.tradeId) for one in told]
    rows["price"] = [units(one.px, of.price_decimals) for one in told]
    rows["size"] = [units(one.sz, of.size_decimals) for one in told]
    rows["taker_side"] = [SIDES[one.side] for one in told]
    return rows


def locate(of: Instrument, time_ns: int) -> Locate:
    """One after the newest of those before the time. raises: CannotDownload if the venue tells none from before it."""
    before = -(-time_ns // MILLISECOND_NS)
    found = read_trades(of, (yield Question("locate", _older(of, 2, before, 1))))
    if not len(found):
        raise CannotDownload(
            f"okx tells no trade of {of.symbol} from before {np.datetime64(time_ns, 'ns').astype('datetime64[s]')}Z: it "
            "keeps those of the last three months. Let the range begin later"
        )
    return int(found["id_lo"][-1]) + 1


def _older(of: Instrument, by: int, than: int, limit: int) -> str:
    """by: 1 for an id, 2 for a time in ms."""
    return f"/api/v5/market/history-trades?instId={of.venue_symbol}&type={by}&after={than}&limit={limit}"


def _all(kind: str) -> Question:
    return Question("rules", f"/api/v5/public/instruments?instType={kind}")


def _data(body: bytes) -> msgspec.Raw:
    return wire.answered_decoder.decode(body).data


HISTORY = History(
    venue="okx",
    pace_s=0.125,
    parallel=4,
    rules=rules,
    all_rules=all_rules,
    read_rules=read_rules,
    complaint=complaint,
    bars=Bars(tuple(name for name in TIMEFRAMES if name in BARS), CANDLES, ask_bars, None, False, read_bars),
    archive=Archive(
        url="https://static.okx.com/cdn/okex/traderecords",
        bars=file_of_bars,
        by_day=(),
        by_month=("1m",),
        read_bars=read_file_of_bars,
        summed=False,
        ahead_ns=AHEAD_NS,
    ),
    trades=Trades(PAGE, ask_trades, read_trades, False, locate),
)
