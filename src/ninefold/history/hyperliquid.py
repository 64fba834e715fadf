"""The past of Hyperliquid, perpetuals and spot: the latest candles.

After hyperliquid.gitbook.io/hyperliquid-docs, "Info endpoint" (candleSnapshot, recentTrades), its "Perpetuals" and
"Spot" (meta, spotMeta), and "Rate limits and user limits", as of 2026-11: everything is asked for by POST /info. Only
the latest 5,000 candles of an interval are told, and answers to ranges of time may hold 500 elements, so 500 are asked
for; `startTime` and `endTime` (ms) name where candles open. `v` is the volume in coins, `n` how many trades there were.
A question weighs 20 and one more for each 60 candles of 1,200 a minute. Of trades only the very latest are told. Spot
pairs are named as the venue does ("@107").
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from ninefold.history.candles import Candle, rows_of
from ninefold.history.venue import Bars, CannotDownload, History, no_complaint, no_trades
from ninefold.market.instruments import Instrument
from ninefold.venues import hyperliquid_wire as wire
from ninefold.venues.adapter import Question
from ninefold.venues.told import MILLISECOND_NS, Count, Milliseconds

PAGE, LATEST = 500, 5000
TIMEFRAMES = ("1m", "5m", "15m", "1h", "1d")
LIST_WEIGHT = 20
BARS_WEIGHT = LIST_WEIGHT + -(-PAGE // 60)
SPOT = "spot pairs"


class Told(
    msgspec.Struct,
    gc=False,
    rename={"opens": "t", "open": "o", "high": "h", "low": "l", "close": "c", "volume": "v", "trades": "n"},
):
    opens: Milliseconds
    open: str
    high: str
    low: str
    close: str
    volume: str
    trades: Count


_candles = msgspec.json.Decoder(list[Told])


def rules(symbols: list[str]) -> Question:
    """raises: CannotDownload for pairs that are listed apart."""
    lists = sorted({SPOT if wire.is_spot(symbol) else _dex(symbol) for symbol in symbols})
    if len(lists) > 1:
        names = " and ".join(one or "its own perpetuals" for one in lists)
        raise CannotDownload(f"hyperliquid lists {names} apart; download the pairs of one of them at a time")
    return _asked("rules", {"type": "spotMeta"} if lists == [SPOT] else {"type": "meta", "dex": lists[0]}, LIST_WEIGHT)


def all_rules() -> Question:
    return _asked("rules", {"type": "meta", "dex": ""}, LIST_WEIGHT)


def read_rules(body: bytes) -> list[Instrument]:
    """Of perpetuals or of spot pairs, which come with their tokens."""
    if b'"tokens"' not in body:
        return [wire.listing(one.name, one.szDecimals) for one in wire.meta_decoder.decode(body).universe]
    spot = wire.spot_decoder.decode(body)
    tokens = {token.index: token for token in spot.tokens}
    return [wire.spot_listing(pair, tokens) for pair in spot.universe]


def ask_bars(of: Instrument, timeframe: str, start_ns: int, end_ns: int) -> Question:
    times = {"startTime": start_ns // MILLISECOND_NS, "endTime": end_ns // MILLISECOND_NS - 1}
    request = {"type": "candleSnapshot", "req": {"coin": of.venue_symbol, "interval": timeframe, **times}}
    return _asked(f"bars {of.venue_symbol} {timeframe} {start_ns} {end_ns}", request, BARS_WEIGHT)


def read_bars(of: Instrument, width_ns: int, body: bytes) -> np.ndarray:
    return rows_of(of, width_ns, [_candle(one) for one in _candles.decode(body)])


def _candle(one: Told) -> Candle:
    opens = one.opens * MILLISECOND_NS
    return Candle(opens, one.open, one.high, one.low, one.close, one.volume, None, one.trades)


def _dex(symbol: str) -> str:
    """Who lists a perpetual, "" for the venue itself."""
    return symbol.partition(":")[0] if ":" in symbol else ""


def _asked(purpose: str, request: Mapping[str, object], weight: int) -> Question:
    return Question(purpose, "/info", weight, body=msgspec.json.encode(request))


HISTORY = History(
    venue="hyperliquid",
    pace_s=0.1,
    parallel=2,
    rules=rules,
    all_rules=all_rules,
    read_rules=read_rules,
    complaint=no_complaint,
    bars=Bars(TIMEFRAMES, PAGE, ask_bars, None, False, read_bars, latest=LATEST),
    trades=no_trades("it gives only its very latest ones"),
)
