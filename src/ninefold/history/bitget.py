"""The past of Bitget, spot and perpetuals: candles.

After www.bitget.com/api-doc, spot "Get History Candlestick Data", contract "Get Historical Candlestick", "Get Symbol
Info", "Contracts", "Get Market Trades", as of 2026-11: at most 200 candles a question, oldest first, those "before"
`endTime` (ms); whether it counts itself is not said for spot, so one candle more is asked for than is wanted. Texts:
time, open, high, low, close, volume in the base, value. Days are asked for as `1Dutc`, for `1day` and `1D` begin at
16:00 UTC. Candles tell neither how many trades they hold nor what takers bought. 20 questions a second. Trades of 30
days can be asked for, in seconds and with ids that skip: what is missing of them cannot be known.
"""

from __future__ import annotations

import msgspec
import numpy as np

from ninefold.history.candles import Candle, rows_of
from ninefold.history.venue import Bars, CannotDownload, History, no_trades
from ninefold.market.instruments import Instrument
from ninefold.venues import bitget_wire as wire
from ninefold.venues.adapter import Question
from ninefold.venues.told import MILLISECOND_NS, whole

LIMIT = 200
PAGE = LIMIT - 1
SPOT = {"1m": "1min", "5m": "5min", "15m": "15min", "1h": "1h", "1d": "1Dutc"}
CONTRACTS = {"1m": "1m", "5m": "5m", "15m": "15m", "1h": "1H", "1d": "1Dutc"}
PRODUCTS = {
    "USDT": "USDT-FUTURES",
    "USDC": "USDC-FUTURES",
}  # by what they are quoted in; all others are settled in coins
FINE = "00000"
PASSING = frozenset(
    {"429", "40010", "40015", "40725", "45001"}
)  # too often, timed out, system abnormal, errors of the service


class Told(msgspec.Struct, array_like=True, gc=False):
    time: str
    open: str
    high: str
    low: str
    close: str
    volume: str


_rows = msgspec.json.Decoder(list[Told])
_symbol = msgspec.json.Decoder(wire.Symbol)
_contract = msgspec.json.Decoder(wire.Contract)


def rules(symbols: list[str]) -> Question:
    """raises: CannotDownload for pairs of several products, which are listed apart."""
    products = sorted({symbol.rpartition(":")[0] for symbol in symbols})
    if len(products) > 1:
        names = " and ".join(product or "spot" for product in products)
        raise CannotDownload(f"bitget lists {names} apart; download the pairs of one of them at a time")
    return _listed(products[0])


def all_rules() -> Question:
    return _listed("")


def read_rules(body: bytes) -> list[Instrument]:
    """Of spot pairs, or of the perpetuals of a product; those that are delivered are left out."""
    data = wire.answer_decoder.decode(body).data
    made: list[Instrument] = []
    for raw in wire.rows_decoder.decode(data):
        if b'"pricePlace"' not in bytes(raw):
            made.append(wire.listing(_symbol.decode(raw)))
            continue
        one = _contract.decode(raw)
        if one.symbolType == "perpetual":
            made.append(wire.contract_listing(PRODUCTS.get(one.quoteCoin, wire.COIN), one))
    return made


def complaint(body: bytes) -> tuple[str, bool]:
    try:
        said = wire.answer_decoder.decode(body)
    except msgspec.DecodeError as error:
        return f"an answer that cannot be read: {error}", False
    return ("" if said.code == FINE else f"{said.code} {said.msg}"), said.code in PASSING


def ask_bars(of: Instrument, timeframe: str, start_ns: int, end_ns: int) -> Question:
    product, _, symbol = of.venue_symbol.rpartition(":")
    market = f"mix/market/history-candles?productType={product}&" if product else "spot/market/history-candles?"
    granularity = (CONTRACTS if product else SPOT)[timeframe]
    asked = f"symbol={symbol}&granularity={granularity}&endTime={end_ns // MILLISECOND_NS}&limit={LIMIT}"
    return Question(f"bars {of.venue_symbol} {timeframe} {start_ns} {end_ns}", f"/api/v2/{market}{asked}")


def read_bars(of: Instrument, width_ns: int, body: bytes) -> np.ndarray:
    told = _rows.decode(wire.answer_decoder.decode(body).data)
    return rows_of(
        of,
        width_ns,
        [Candle(whole(one.time) * MILLISECOND_NS, one.open, one.high, one.low, one.close, one.volume) for one in told],
    )


def _listed(product: str) -> Question:
    path = f"mix/market/contracts?productType={product}" if product else "spot/public/symbols"
    return Question("rules", f"/api/v2/{path}")


HISTORY = History(
    venue="bitget",
    pace_s=0.1,
    parallel=4,
    rules=rules,
    all_rules=all_rules,
    read_rules=read_rules,
    complaint=complaint,
    bars=Bars(tuple(SPOT), PAGE, ask_bars, None, False, read_bars),
    trades=no_trades("their ids skip, so what is missing of them cannot be known"),
)
