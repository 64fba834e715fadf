"""The truth: trades of one instrument, and bars read from them the slow obvious way. It shares no code with the parsers."""

import random
from decimal import Decimal
from typing import NamedTuple

S = 10**9
MS = 10**6
MINUTE, HOUR, DAY = 60 * S, 3600 * S, 86_400 * S
START = 1_704_153_600 * S  # 2024-01-02 00:00 UTC
WIDTHS = {"1s": S, "5s": 5 * S, "1m": MINUTE, "5m": 5 * MINUTE, "15m": 15 * MINUTE, "1h": HOUR, "1d": DAY}


class Trade(NamedTuple):
    """price and size have every decimal of the instrument's steps, as texts."""

    id: int
    time_ns: int
    price: str
    size: str
    buy: bool


class Bar(NamedTuple):
    """bought: what takers bought. Both are -1 where a venue does not tell them."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    bought: Decimal
    trades: int


class Market:
    """Trades in whole milliseconds from `lead_ns` before START to `span_ns` after it, two to a bar on average, many bars
    without any; now is a day or more after.

    prices, sizes: decimals of the steps. ids: "counted" follow each other; "sparse" rise and skip.
    """

    def __init__(
        self,
        seed: int,
        width_ns: int,
        slots: int,
        *,
        prices: int = 2,
        sizes: int = 3,
        ids: str = "counted",
    ) -> None:
        self.span = (START, START + slots * width_ns)
        self.now_ns = self.span[1] + max(30 * width_ns, DAY)
        chance = random.Random(f"{seed} {width_ns} {slots}")
        self.trades: list[Trade] = []
        self._bars: dict[int, dict[int, Bar]] = {}
        at, id, price = START - 40 * width_ns, 1000, 42_000 * 10**prices
        while (at := at + MS * max(1, int(chance.expovariate(1.3 / (width_ns / MS))))) < self.span[1] + 20 * width_ns:
            at += width_ns * chance.randint(2, 5) * (chance.random() < 0.05)
            if self.trades and chance.random() < 0.1:  # one order may hit several others at once
                last = self.trades[-1]
                id += 1 if ids == "counted" else chance.randint(1, 9)
                again = last._replace(id=id, time_ns=last.time_ns + MS * chance.randint(0, 40))
                if again.time_ns < at:
                    self.trades.append(again._replace(size=f"{Decimal(chance.randint(1, 999)).scaleb(-sizes):f}"))
            id += 1 if ids == "counted" else chance.randint(1, 9)
            price += chance.randint(-5, 5) * 10**prices + chance.randint(-9, 9)
            size = Decimal(chance.randint(1, 9 * 10**sizes)).scaleb(-sizes)
            self.trades.append(Trade(id, at, f"{Decimal(price).scaleb(-prices):f}", f"{size:f}", chance.random() < 0.5))

    def inside(self, start_ns: int, end_ns: int) -> list[Trade]:
        """By id."""
        return [one for one in self.trades if start_ns <= one.time_ns < end_ns]

    def bars(self, width_ns: int, start_ns: int, end_ns: int) -> dict[int, Bar]:
        """By open, of those that are over; from the first trade on, a quiet one carries the last price on."""
        if width_ns not in self._bars:
            self._bars[width_ns] = self._all_bars(width_ns)
        end_ns = min(end_ns, self.now_ns - width_ns + 1)
        return {open_ns: bar for open_ns, bar in self._bars[width_ns].items() if start_ns <= open_ns < end_ns}

    def _all_bars(self, width_ns: int) -> dict[int, Bar]:
        slots: dict[int, list[Trade]] = {}
        for trade in self.trades:
            slots.setdefault(trade.time_ns // width_ns * width_ns, []).append(trade)
        made: dict[int, Bar] = {}
        nothing = Decimal(0)
        quiet = Bar(nothing, nothing, nothing, nothing, nothing, nothing, 0)
        for open_ns in range(min(slots), max(max(slots) + 1, self.now_ns), width_ns):
            within = slots.get(open_ns)
            if not within:
                made[open_ns] = quiet  # the same one again: of seconds there are a hundred thousand
                continue
            prices = [Decimal(one.price) for one in within]
            sizes = [Decimal(one.size) for one in within]
            bought = sum((Decimal(one.size) for one in within if one.buy), Decimal(0))
            last = prices[-1]
            volume = sum(sizes, Decimal(0))
            made[open_ns] = Bar(prices[0], max(prices), min(prices), last, volume, bought, len(within))
            quiet = Bar(last, last, last, last, nothing, nothing, 0)
        return made
