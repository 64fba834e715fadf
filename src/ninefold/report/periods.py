"""What each month and each week earned, beside what the price did.

In:  equity at the close of each bar, the cash before the first, the bars.
Out: rows by period of the UTC calendar, oldest first; a bar belongs to the period in which it opens.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ninefold.backtest.bars import Bars
from ninefold.market.time import EPOCH_MONDAY_NS, WEEK_NS

Row = dict[str, Any]


def months(bars: Bars, equity: np.ndarray, cash: float) -> list[Row]:
    """period ("2024-01"), return, price (its change): fractions; whole: whether the bars cover all of the month."""
    at = bars.open_ns.astype("datetime64[ns]").astype("datetime64[M]")
    ends = (at + 1).astype("datetime64[ns]").astype(np.int64)
    begins = at.astype("datetime64[ns]").astype(np.int64)
    return _rows(bars, equity, cash, begins, ends, [str(month) for month in np.unique(at)])


def weeks(bars: Bars, equity: np.ndarray, cash: float) -> list[Row]:
    """The same; period: the Monday on which the week begins ("2024-01-01")."""
    begins = (bars.open_ns - EPOCH_MONDAY_NS) // WEEK_NS * WEEK_NS + EPOCH_MONDAY_NS
    names = np.unique(begins).astype("datetime64[ns]").astype("datetime64[D]")
    return _rows(bars, equity, cash, begins, begins + WEEK_NS, [str(day) for day in names])


def _rows(
    bars: Bars, equity: np.ndarray, cash: float, begins: np.ndarray, ends: np.ndarray, names: list[str]
) -> list[Row]:
    first = np.flatnonzero(np.append(True, begins[1:] != begins[:-1]))
    last = np.append(first[1:], len(begins)) - 1
    money = np.append(cash, equity[last])
    price = np.append(bars.open[0], bars.close[last]).astype(np.float64)
    whole = (bars.open_ns[first] <= begins[first]) & (bars.close_ns[last] >= ends[last])
    return [
        {
            "period": name,
            "return": float(money[at + 1] / money[at] - 1) if money[at] > 0 else None,
            "price": float(price[at + 1] / price[at] - 1),
            "whole": bool(whole[at]),
        }
        for at, name in enumerate(names)
    ]
