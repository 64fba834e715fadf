"""One-upping: does somebody keep putting an order one tick in front of the best price?

In:  best quotes of instruments as they become known, and the instruments' ticks.
Out: a score for each instrument: the share of the improvements of its best price that are by exactly one tick, less the
     share by exactly two, on the side where that is larger. Unknown (NaN) before LEAST improvements.

People who quote without looking improve a price by one tick about as often as by two; only who looks at the best price and
steps in front of it improves by one alone. So one market's coarse ticks do not look like another's quoter: improvements
count only where the spread had room for more than two ticks. Old ones are forgotten with a half-life of HALF_LIFE.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

ROOM_TICKS = 4  # of spread before an improvement: by one, two or three ticks it would not have crossed
HALF_LIFE = 64.0  # improvements
LEAST = 20.0  # improvements, as they are remembered
ONE_UPPED = (
    0.35  # a score from here on says that there is such a quoter; midway between those of the markets of seeds 0 to 99
)

_KEPT = 0.5 ** (1.0 / HALF_LIFE)


class _Side(msgspec.Struct):
    """Remembered improvements of one side's best price."""

    all: float = 0.0
    by_one: float = 0.0
    by_two: float = 0.0

    def improve(self, ticks: float) -> None:
        self.all = self.all * _KEPT + 1.0
        self.by_one = self.by_one * _KEPT + (ticks == 1.0)
        self.by_two = self.by_two * _KEPT + (ticks == 2.0)

    @property
    def score(self) -> float:
        return max(self.by_one - self.by_two, 0.0) / self.all if self.all >= LEAST else math.nan


class _Quoted(msgspec.Struct):
    bid: int
    ask: int
    bids: _Side
    asks: _Side


class OneUpping:
    """The scores of many instruments."""

    def __init__(self) -> None:
        self._quoted: dict[int, _Quoted] = {}

    def hear(self, quotes: np.ndarray, ticks: dict[int, int]) -> None:
        """Take QUOTES rows, oldest first. ticks: the tick size of each instrument, in units of its prices; the
        rows of others are left out."""
        for instrument, bid, ask in quotes[["instrument", "bid", "ask"]].tolist():
            was = self._quoted.get(instrument)
            tick = ticks.get(instrument)
            if tick is None or not 0 < bid < ask:
                continue
            if was is None:
                self._quoted[instrument] = _Quoted(bid, ask, _Side(), _Side())
            elif bid != was.bid or ask != was.ask:
                if was.ask - was.bid >= ROOM_TICKS * tick:
                    if bid > was.bid:
                        was.bids.improve((bid - was.bid) / tick)
                    if ask < was.ask:
                        was.asks.improve((was.ask - ask) / tick)
                was.bid, was.ask = bid, ask

    def score(self, instrument: int) -> float:
        """0 (nobody) to 1 (every improvement); NaN while too few were seen."""
        was = self._quoted.get(instrument)
        found = [side.score for side in (was.bids, was.asks)] if was else []
        return max((one for one in found if one == one), default=math.nan)

    def save(self) -> bytes:
        return msgspec.msgpack.encode(self._quoted)

    def load(self, state: bytes) -> None:
        self._quoted = msgspec.msgpack.decode(state, type=dict[int, _Quoted])
