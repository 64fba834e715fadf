"""How much a strategy did and what it paid for that.

In:  position value, equity and costs of each period, in quote.
Out: turnover, exposure, share of costs; Sortino's ratio, which counts only losses as risk.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from ninefold.backtest.statistics.checked import checked_equity, checked_returns
from ninefold.backtest.statistics.sharpe import YEAR_NS


def turnover(traded_quote: ArrayLike, equity: ArrayLike, width_ns: int) -> float:
    """How often a year the whole equity was traded: value of the fills over mean equity, bought and sold both counted.

    traded_quote: shape (n,), absolute value of what was filled in each period.

    >>> turnover([100.0, 0.0, 100.0], [100.0, 100.0, 100.0], width_ns=365 * 86_400 * 10**9 // 3)
    2.0
    """
    money = checked_equity(equity)
    traded = np.abs(checked_returns(traded_quote))
    if traded.shape != money.shape:
        raise ValueError(f"there are {traded.size} traded values for {money.size} rows of equity; give one a row")
    if not len(money):
        return math.nan
    years = len(money) * width_ns / YEAR_NS
    return round(float(traded.sum()) / float(money.mean()) / years, 12)


def exposure(position_quote: ArrayLike) -> float:
    """Share of the periods in which something was held, long or short.

    >>> exposure([0.0, 50.0, -50.0, 0.0])
    0.5
    """
    held = checked_returns(position_quote)
    return float((held != 0).mean()) if len(held) else math.nan


def cost_share(net_quote: float, costs_quote: float) -> float:
    """Costs (fees, spread, slippage, funding paid) over what was earned before them; NaN if nothing was.

    >>> cost_share(net_quote=75.0, costs_quote=25.0)
    0.25
    """
    gross = net_quote + costs_quote
    return costs_quote / gross if gross > 0 else math.nan


def sortino(returns: ArrayLike, least: float = 0.0) -> float:
    """Mean return above `least` over the root mean square of the shortfalls below it, a period; NaN if none fell short.

    source: Sortino and van der Meer (1991), Downside risk, Journal of Portfolio Management 17(4).

    >>> round(sortino([0.03, -0.01, 0.02, -0.01]), 4)
    1.0607
    """
    found = checked_returns(returns)
    if not len(found):
        return math.nan
    short = math.sqrt(float((np.minimum(found - least, 0.0) ** 2).mean()))
    return (float(found.mean()) - least) / short if short > 0 else math.nan
