"""What is left of one result when something small is changed.

In:  a result, the changes of its target, the market.
Out: equity, return and Sharpe ratio a year with fills one bar later, without the best five days, in calm periods only, with half
     the spread paid at each market order, and with the signals shifted in time; ready for JSON.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ninefold.backtest.bars import Bars
from ninefold.backtest.exact import ONE, exact
from ninefold.backtest.market_rules import Rules, Slippage
from ninefold.backtest.moved import later_changes, rolled
from ninefold.backtest.result import Result, returns_of
from ninefold.backtest.run import run
from ninefold.backtest.statistics.sensitivity import (
    DAY_NS,
    calm_equity,
    floored_spread,
    placebo_shifts,
    shifted_p,
    without_best_days,
)
from ninefold.backtest.statistics.sharpe import sharpe, sharpes
from ninefold.backtest.sweep import sweep_changes
from ninefold.backtest.target import Changes
from ninefold.services.backtest_bars import Market
from ninefold.services.backtest_outcome import known_returns

BEST_DAYS = 5
SHIFTS = 50
SAMPLES = 4096  # closes at which the equity of shifted signals is compared, about
FEWEST = 10  # bars; with fewer nothing can be shifted


def sensitivity(
    result: Result, play: Callable[[Rules], Result], changes: Changes | None, market: Market, spread_ticks: int
) -> dict[str, Any]:
    """play: the run under other rules. changes: of its target; None if that depends on what is held, and then nothing is known
    of later fills and shifted signals. spread_ticks: the narrowest spread that is believed."""
    bars, rules = result.bars, result.rules
    width_ns = int(bars.close_ns[0] - bars.open_ns[0])
    spread, source = spread_of(market, spread_ticks)
    later = None if changes is None else run(bars, later_changes(changes, len(bars)), rules)
    dear = play(with_spread(rules, spread))
    return {
        "one_bar_later": unknown() if later is None else _of(later.equity, result, width_ns),
        "without_best_days": {"days": BEST_DAYS, **_without_best(result, width_ns)},
        "calm_only": _calm(result, width_ns),
        "with_spread": {"spread_bps": spread * 10_000, "from": source, **_of(dear.equity, result, width_ns)},
        "placebo": _placebo(bars, changes, rules, result.numbers.cash, width_ns),
    }


def spread_of(market: Market, ticks: int) -> tuple[float, str]:
    """The usual spread as a fraction of the price, and where it comes from: the median of those recorded at the closes, each
    at least so many ticks; without recorded ones these alone."""
    bars = market.bars
    seen = market.columns.get("spread", np.full(len(bars), np.nan))
    recorded = np.isfinite(seen)
    with np.errstate(invalid="ignore"):
        part = np.where(recorded, seen / market.columns["close"], np.nan)
    wide = floored_spread(part, float(ticks), bars.close, least=0.0)
    if recorded.any():
        return float(np.median(wide[recorded])), "recorded quotes"
    return float(np.median(wide)), f"{ticks} tick{'s' if ticks != 1 else ''} of {float(bars.tick):g}"


def with_spread(rules: Rules, spread: float) -> Rules:
    """Half of the spread is lost at each market order, beside what slippage the rules have."""
    half = exact(math.ceil(spread / 2 * ONE), "spread") / ONE
    return replace(rules, slippage=Slippage(rules.slippage.ticks, exact(rules.slippage.rate, "slippage") + half))


def _of(equity: np.ndarray, result: Result, width_ns: int) -> Mapping[str, float]:
    """Of equity in units at each close."""
    cash, unit = result.numbers.cash, result.bars.unit
    ratio = sharpe(known_returns(returns_of(cash, equity))).annual(width_ns)
    last = float(equity[-1])
    return {"equity": last * unit.numerator / unit.denominator, "return": last / cash - 1, "sharpe": ratio}


def _without_best(result: Result, width_ns: int) -> Mapping[str, float]:
    if (result.equity <= 0).any():
        return unknown()
    left = without_best_days(result.bars.close_ns, result.equity.astype(np.float64), BEST_DAYS)
    return _of(left, result, width_ns)


def _calm(result: Result, width_ns: int) -> Mapping[str, float]:
    """By the volatility of the day before, of a tenth of the bars where there are few."""
    window = max(2, min(DAY_NS // width_ns, len(result.bars) // 10))
    if (result.equity <= 0).any():
        return unknown()
    return _of(calm_equity(result.equity.astype(np.float64), result.bars.close, window), result, width_ns)


def _placebo(bars: Bars, changes: Changes | None, rules: Rules, cash: int, width_ns: int) -> dict[str, Any]:
    """Ratios at every so-manieth close, of the signal and of the shifted ones alike."""
    if changes is None or len(bars) < FEWEST:
        return {"p": math.nan, "shifts": 0, "median_sharpe": math.nan, "best_sharpe": math.nan}
    shifts = placebo_shifts(len(bars), seed=0, draws=SHIFTS)
    every = max(1, len(bars) // SAMPLES)
    moved = [changes, *(rolled(changes, len(bars), shift) for shift in shifts.tolist())]
    found = sweep_changes(bars, moved, rules, every)
    ratios = sharpes(np.array([known_returns(returns_of(cash, equity)) for equity in found.equity]))
    shifted = np.nan_to_num(ratios[1:]) * math.sqrt(365 * DAY_NS / (width_ns * every))
    return {
        "p": shifted_p(float(ratios[0]), ratios[1:]),
        "shifts": len(shifts),
        "median_sharpe": float(np.median(shifted)),
        "best_sharpe": float(shifted.max()),
    }


def unknown() -> Mapping[str, float]:
    """Of an account that was ruined, or of what cannot be played."""
    return {"equity": math.nan, "return": math.nan, "sharpe": math.nan}
