"""Several instruments on one account, on trades, by bars of the same times: for what judges money.

In:  a `TogetherResult`. Out: the same account as a `PortfolioResult`: fills by the bars in which they were.

Bars are made of the trades. Before its first trade an instrument's are quiet at that trade's price, after its last one at that one's.
"""

from __future__ import annotations

import numpy as np

from ninefold.backtest.bars import PRICES, Bars
from ninefold.backtest.portfolio import PortfolioResult
from ninefold.backtest.ticks.bars import BarsOfTicks
from ninefold.backtest.ticks.together import TogetherResult


def on_grid(found: TogetherResult) -> PortfolioResult:
    markets, width_ns = found.markets, next(iter(found.markets.values())).way.width_ns
    each = {}
    for name, market in markets.items():
        made = BarsOfTicks(width_ns)
        made.take(market.ticks)
        each[name] = made.found(market.ticks.tick, market.ticks.lot)
    first = min(int(bars.open_ns[0]) for bars in each.values())
    last = max(int(bars.open_ns[-1]) for bars in each.values())
    open_ns = np.arange(first, last + width_ns, width_ns)
    bars = {name: _padded(one, open_ns, width_ns) for name, one in each.items()}
    fills = found.fills.copy()
    step = (found.fill_ns - first) // width_ns
    fills["bar"] = np.clip(step, 0, len(open_ns) - 1)  # quotes may be filled before the first trade, and after the last
    fills["inside"] = 1
    cash = _at_closes(
        fills, fills["price"] * fills["size"] + fills["fee"] + fills["slippage"] + fills["funding"], len(open_ns)
    )
    held = np.array(
        [_at_closes(fills, fills["size"] * (fills["instrument"] == at), len(open_ns)) for at in range(len(bars))]
    )
    worth = sum(position * one.close for position, one in zip(held, bars.values(), strict=True))
    rules = next(iter(markets.values())).way.rules
    return PortfolioResult(bars, rules, found.numbers[0], found.unit, fills, found.cash - cash + worth, held)


def _padded(bars: Bars, open_ns: np.ndarray, width_ns: int) -> Bars:
    place = np.searchsorted(open_ns, bars.open_ns[0])
    before, after = int(place), len(open_ns) - int(place) - len(bars)

    def filled(values: np.ndarray, first: int, last: int) -> np.ndarray:
        return np.concatenate((np.full(before, first), values, np.full(after, last)))

    first, last = int(bars.open[0]), int(bars.close[-1])
    open_, high, low, close = (filled(getattr(bars, name), first, last) for name in PRICES)
    return Bars(open_ns, open_ns + width_ns, open_, high, low, close, filled(bars.volume, 0, 0), bars.tick, bars.lot)


def _at_closes(fills: np.ndarray, amounts: np.ndarray, bars: int) -> np.ndarray:
    """Sums of all fills up to each close."""
    found = np.zeros(bars, np.int64)
    np.add.at(found, fills["bar"], amounts)
    return np.cumsum(found)
