"""What is left of a portfolio when something small is changed on all of its instruments at once.

In:  a ground with one point on several markets, the portfolio's returns. Out: as `sensitivity` of one market, ready for JSON.

Calm is when the instruments, held in equal parts, moved less than half of the time. Shifted signals are shifted by the same part
of the bars on each instrument.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ninefold.backtest.moved import later_changes, rolled
from ninefold.backtest.statistics.checked import Floats, Times, median
from ninefold.backtest.statistics.portfolio import portfolio_returns
from ninefold.backtest.statistics.sensitivity import (
    DAY_NS,
    calm_equity,
    placebo_shifts,
    shifted_p,
    without_best_days,
)
from ninefold.backtest.statistics.sharpe import YEAR_NS, sharpe
from ninefold.backtest.target import Changes
from ninefold.services.backtest_bars import Market
from ninefold.services.backtest_ground import Ground
from ninefold.services.backtest_search import parts_of
from ninefold.services.backtest_sensitivity import BEST_DAYS, FEWEST, SHIFTS, spread_of, unknown, with_spread
from ninefold.services.backtest_strategy import Chosen, changes_together


def portfolio_sensitivity(ground: Ground, close_ns: Times, returns: Floats) -> dict[str, Any]:
    [point] = ground.points
    equity = np.asarray(np.cumprod(1 + returns), np.float64)
    spreads = [spread_of(market, ground.wanted[0].spread_ticks) for market in ground.markets]
    dear = [[with_spread(rules, spread)] for [rules], (spread, _) in zip(ground.rules, spreads, strict=True)]
    usual = float(np.mean([spread for spread, _ in spreads]))
    sound = bool((equity > 0).all())
    return {
        "one_bar_later": unknown() if point.plan.knows_itself else _of(ground, ground.returns(0, _later)[1]),
        "without_best_days": {
            "days": BEST_DAYS,
            **(_of_money(ground, without_best_days(close_ns, equity, BEST_DAYS)) if sound else unknown()),
        },
        "calm_only": _of_money(ground, _calm(ground, equity)) if sound else unknown(),
        "with_spread": {
            "spread_bps": usual * 10_000,
            "from": "the mean of the instruments' own",
            **_of(ground, replace(ground, rules=dear).returns(0)[1]),
        },
        "placebo": _placebo(ground, sharpe(returns).value),
    }


def _later(points: Sequence[Chosen], market: Market) -> list[Changes]:
    return [later_changes(one, len(market.bars)) for one in changes_together(points, market)]


def _calm(ground: Ground, equity: Floats) -> Floats:
    closes = [market.bars.close_ns for market in ground.markets]
    moved = [np.diff(market.bars.close, prepend=market.bars.close[0]) / market.bars.close for market in ground.markets]
    _, together = portfolio_returns(closes, moved)
    window = max(2, min(DAY_NS // ground.width_ns, len(equity) // 10))
    return calm_equity(equity, np.cumprod(1 + together), window)


def _placebo(ground: Ground, actual: float) -> dict[str, Any]:
    shortest = min(len(market.bars) for market in ground.markets)
    if ground.points[0].plan.knows_itself or shortest < FEWEST:
        return {"p": math.nan, "shifts": 0, "median_sharpe": math.nan, "best_sharpe": math.nan}
    shifts = placebo_shifts(shortest, seed=0, draws=SHIFTS) / shortest
    values = []
    for part in parts_of(range(len(shifts)), ground.bars):
        some = shifts[part.start : part.stop].tolist()

        def turned(points: Sequence[Chosen], market: Market, parts: Sequence[float] = some) -> list[Changes]:
            [own], bars = changes_together(points[:1], market), len(market.bars)
            return [rolled(own, bars, min(max(round(of * bars), 1), bars - 1)) for of in parts]

        values.append(ground.player([0] * len(some), turned)(range(len(some))).rows["value"])
    ratios = np.concatenate(values)
    a_year = np.nan_to_num(ratios) * math.sqrt(YEAR_NS / ground.width_ns)
    return {
        "p": shifted_p(actual, ratios),
        "shifts": len(shifts),
        "median_sharpe": median(a_year),
        "best_sharpe": float(a_year.max()),
    }


def _of_money(ground: Ground, equity: Floats) -> Mapping[str, float]:
    return _of(ground, np.diff(equity, prepend=1.0) / np.append(1.0, equity[:-1]))


def _of(ground: Ground, returns: Floats) -> Mapping[str, float]:
    growth = float(np.prod(1 + returns))
    cash = float(ground.cash * ground.unit)
    return {"equity": cash * growth, "return": growth - 1, "sharpe": sharpe(returns).annual(ground.width_ns)}
