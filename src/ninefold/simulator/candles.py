"""Candles of one instrument, folded from its trades as they happen.

In:  trades in order of time; closed minutes read back after a restart.
Out: candles of any interval from whole minutes, and the last two minutes' seconds for the kline streams.
     A quiet interval is a flat candle at the close before it, as Binance gives it.
"""

from bisect import bisect_left
from datetime import UTC, datetime

import msgspec

SECOND_MS = 1_000
MINUTE_MS = 60_000
DAY_MS = 86_400_000
KEPT_SECONDS = 120
MONDAY_MS = 4 * DAY_MS  # 1970-01-05, the first Monday

INTERVALS_MS = {
    "1s": SECOND_MS, "1m": MINUTE_MS, "3m": 3 * MINUTE_MS, "5m": 5 * MINUTE_MS, "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS, "1h": 60 * MINUTE_MS, "2h": 120 * MINUTE_MS, "4h": 240 * MINUTE_MS, "6h": 360 * MINUTE_MS,
    "8h": 480 * MINUTE_MS, "12h": 720 * MINUTE_MS, "1d": DAY_MS, "3d": 3 * DAY_MS, "1w": 7 * DAY_MS, "1M": 0,
}  # fmt: skip


class Candle(msgspec.Struct):
    """open_ms until the next open; prices in ticks, volumes in lots and 1e-8 quote; ids of the first and last trade."""

    open_ms: int
    open: int
    high: int
    low: int
    close: int
    lots: int
    value_e8: int
    count: int
    taker_lots: int
    taker_value_e8: int
    first_id: int
    last_id: int


class CandleTrade(msgspec.Struct):
    """What a candle needs of a trade. count: trades inside it (an aggregate of a tape may hold several)."""

    time_ms: int
    price_ticks: int
    lots: int
    value_e8: int
    buyer_is_maker: bool
    first_id: int
    last_id: int


def open_of(interval: str, time_ms: int) -> int:
    """When the candle that holds this moment opened. Weeks start on Monday, months on the first, UTC."""
    if interval == "1M":
        moment = datetime.fromtimestamp(time_ms / 1000, UTC)
        return int(datetime(moment.year, moment.month, 1, tzinfo=UTC).timestamp()) * 1000
    offset = MONDAY_MS if interval == "1w" else 0
    return (time_ms - offset) // INTERVALS_MS[interval] * INTERVALS_MS[interval] + offset


def next_open(interval: str, open_ms: int) -> int:
    if interval == "1M":
        return open_of(interval, open_ms + 32 * DAY_MS)
    return open_ms + INTERVALS_MS[interval]


def flat(open_ms: int, close: int) -> Candle:
    return Candle(open_ms, close, close, close, close, 0, 0, 0, 0, 0, -1, -1)


def fresh(open_ms: int, trade: CandleTrade) -> Candle:
    candle = flat(open_ms, trade.price_ticks)
    add(candle, trade)
    return candle


def add(candle: Candle, trade: CandleTrade) -> None:
    """Fold one more trade into a candle."""
    price_ticks = trade.price_ticks
    if price_ticks > candle.high:
        candle.high = price_ticks
    elif price_ticks < candle.low:
        candle.low = price_ticks
    candle.close = price_ticks
    candle.lots += trade.lots
    candle.value_e8 += trade.value_e8
    candle.count += trade.last_id - trade.first_id + 1
    if not trade.buyer_is_maker:
        candle.taker_lots += trade.lots
        candle.taker_value_e8 += trade.value_e8
    if candle.first_id < 0:
        candle.first_id = trade.first_id
    candle.last_id = trade.last_id


def merge(open_ms: int, parts: list[Candle]) -> Candle:
    """One candle of candles that follow each other (at least one)."""
    return Candle(
        open_ms, parts[0].open, max(p.high for p in parts), min(p.low for p in parts), parts[-1].close,
        sum(p.lots for p in parts), sum(p.value_e8 for p in parts), sum(p.count for p in parts),
        sum(p.taker_lots for p in parts), sum(p.taker_value_e8 for p in parts), parts[0].first_id, parts[-1].last_id,
    )  # fmt: skip


class Candles:
    """Minutes with trades since the beginning (quiet ones are filled in when asked), and the last seconds."""

    def __init__(self, minutes: list[Candle]) -> None:
        self.minutes = minutes
        self.opens = [each.open_ms for each in minutes]
        self.seconds: dict[int, Candle] = {}

    def add(self, trade: CandleTrade) -> Candle | None:
        """Fold a trade in; returns the minute that this closed, if it opened a new one."""
        self._add_second(trade)
        open_ms = trade.time_ms // MINUTE_MS * MINUTE_MS
        if self.opens and self.opens[-1] == open_ms:
            add(self.minutes[-1], trade)
            return None
        closed = self.minutes[-1] if self.minutes else None
        self.minutes.append(fresh(open_ms, trade))
        self.opens.append(open_ms)
        return closed

    def rows(self, interval: str, start_ms: int | None, end_ms: int, limit: int) -> list[Candle]:
        """Candles of 1m or wider that open in [start_ms, end_ms], oldest first; the newest `limit` without a start."""
        if not self.minutes:
            return []
        earliest = open_of(interval, self.opens[0])
        opens: list[int] = []
        if start_ms is None:
            moment = open_of(interval, end_ms)
            while moment >= earliest and len(opens) < limit:
                opens.insert(0, moment)
                moment = open_of(interval, moment - 1)
        else:
            moment = open_of(interval, max(start_ms, earliest))
            moment = moment if moment >= start_ms else next_open(interval, moment)
            while moment <= end_ms and len(opens) < limit:
                opens.append(moment)
                moment = next_open(interval, moment)
        return [self._candle(interval, each) for each in opens]

    def second(self, open_ms: int) -> Candle | None:
        """The candle of a second not more than two minutes ago; flat if nothing was traded in it."""
        found = self.seconds.get(open_ms)
        if found is not None or not self.minutes:
            return found
        before = [each for each in self.seconds if each < open_ms]
        return flat(open_ms, self.seconds[before[-1]].close if before else self.minutes[-1].close)

    def _add_second(self, trade: CandleTrade) -> None:
        open_ms = trade.time_ms // SECOND_MS * SECOND_MS
        known = self.seconds.get(open_ms)
        if known is not None:
            add(known, trade)
            return
        self.seconds[open_ms] = fresh(open_ms, trade)
        if len(self.seconds) > KEPT_SECONDS:
            del self.seconds[next(iter(self.seconds))]

    def _candle(self, interval: str, open_ms: int) -> Candle:
        low = bisect_left(self.opens, open_ms)
        high = bisect_left(self.opens, next_open(interval, open_ms))
        if low == high:
            return flat(open_ms, self.minutes[low - 1].close if low else self.minutes[0].open)
        return merge(open_ms, self.minutes[low:high])
