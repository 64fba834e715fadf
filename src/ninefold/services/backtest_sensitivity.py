"""What is left of one result when something small is changed.

In:  a result, what plays it again, the prices and the spread of its market.
Out: equity, return and Sharpe ratio a year with fills one bar later, without the best five days, in calm periods only, with half
     the spread paid at each market order, and with the signals shifted in time; ready for JSON.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ninefold.backtest.exact import ONE, exact
from ninefold.backtest.market_rules import Rules, Slippage
from ninefold.backtest.moved import later_changes, rolled
from ninefold.backtest.result import Account, returns_of
from ninefold.backtest.run import run
from ninefold.backtest.statistics.checked import median
from ninefold.backtest.statistics.sensitivity import (
    DAY_NS,
    calm_equity,
    floored_spread,
    placebo_shifts,
    shifted_p,
    without_best_days,
)
from ninefold.backtest.statistics.sharpe import YEAR_NS, ratio, sharpes
from ninefold.backtest.sweep import sweep_changes
from ninefold.backtest.target import Changes
from ninefold.services.backtest_bars import Market
from ninefold.services.backtest_outcome import known_returns

BEST_DAYS = 5
SHIFTS = 50
SAMPLES = 4096  # closes at which the equity of shifted signals is compared, about
FEWEST = 10  # bars; with fewer nothing can be shifted


class Again(NamedTuple):
    """The same run once more. under: other rules. later: with its targets one bar later. shifted: with them turned around in a
    circle by each of these shifts, after itself; gives the equity at every so-manieth close, shape (shifts + 1, closes).
    None where what is wanted depends on what is held: nothing is known of later fills and shifted signals then."""

    under: Callable[[Rules], Account]
    later: Callable[[], Account] | None
    shifted: Callable[[Sequence[int], int], np.ndarray] | None


def again(market: Market, rules: Rules, play: Callable[[Rules], Account], changes: Changes | None) -> Again:
    """Of a run of one instrument. changes: of its target; None if that depends on what is held."""
    if changes is None:
        return Again(play, None, None)
    bars, funding = market.bars, market.funding

    def shifted(shifts: Sequence[int], every: int) -> np.ndarray:
        moved = [changes, *(rolled(changes, len(bars), shift) for shift in shifts)]
        return sweep_changes(bars, moved, rules, every, funding).equity

    return Again(play, lambda: run(bars, later_changes(changes, len(bars)), rules, funding), shifted)


def sensitivity(
    result: Account, again: Again, price: np.ndarray, spread: tuple[float, str], width_ns: int
) -> dict[str, Any]:
    """price: at each close, of what was traded. spread: a fraction of the price, and where it comes from (`spread_of`)."""
    wide, source = spread
    later = None if again.later is None else again.later()
    dear = again.under(with_spread(result.rules, wide))
    return {
        "one_bar_later": unknown() if later is None else _of(later.equity, result, width_ns),
        "without_best_days": {"days": BEST_DAYS, **_without_best(result, width_ns)},
        "calm_only": _calm(result, price, width_ns),
        "with_spread": {"spread_bps": wide * 10_000, "from": source, **_of(dear.equity, result, width_ns)},
        "placebo": _placebo(result, again.shifted, width_ns),
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
        return median(wide[recorded]), "recorded quotes"
    return median(wide), f"{ticks} tick{'s' if ticks != 1 else ''} of {float(bars.tick):g}"


def with_spread(rules: Rules, spread: float) -> Rules:
    """Half of the spread is lost at each market order, beside what slippage the rules have."""
    half = exact(math.ceil(spread / 2 * ONE), "spread") / ONE
    return replace(rules, slippage=Slippage(rules.slippage.ticks, exact(rules.slippage.rate, "slippage") + half))


def _of(equity: np.ndarray, result: Account, width_ns: int) -> Mapping[str, float]:
    """Of equity in units at each close."""
    cash, unit = result.numbers.cash, result.unit
    yearly = ratio(known_returns(returns_of(cash, equity))) * math.sqrt(YEAR_NS / width_ns)
    last = float(equity[-1])
    return {"equity": last * unit.numerator / unit.denominator, "return": last / cash - 1, "sharpe": yearly}


def _without_best(result: Account, width_ns: int) -> Mapping[str, float]:
    if (result.equity <= 0).any():
        return unknown()
    left = without_best_days(result.close_ns, result.equity.astype(np.float64), BEST_DAYS)
    return _of(left, result, width_ns)


def _calm(result: Account, price: np.ndarray, width_ns: int) -> Mapping[str, float]:
    """By the volatility of the day before, of a tenth of the bars where there are few."""
    window = max(2, min(DAY_NS // width_ns, len(price) // 10))
    if (result.equity <= 0).any():
        return unknown()
    return _of(calm_equity(result.equity.astype(np.float64), price, window), result, width_ns)


def _placebo(
    result: Account, shifted: Callable[[Sequence[int], int], np.ndarray] | None, width_ns: int
) -> dict[str, Any]:
    """Ratios at every so-manieth close, of the signal and of the shifted ones alike."""
    bars = len(result.close_ns)
    if shifted is None or bars < FEWEST:
        return {"p": math.nan, "shifts": 0, "median_sharpe": math.nan, "best_sharpe": math.nan}
    shifts = placebo_shifts(bars, seed=0, draws=SHIFTS)
    every = max(1, bars // SAMPLES)
    found, cash = shifted(shifts.tolist(), every), result.numbers.cash
    ratios = sharpes(np.array([known_returns(returns_of(cash, equity)) for equity in found]))
    yearly = np.nan_to_num(ratios[1:]) * math.sqrt(365 * DAY_NS / (width_ns * every))
    return {
        "p": shifted_p(float(ratios[0]), ratios[1:]),
        "shifts": len(shifts),
        "median_sharpe": median(yearly),
        "best_sharpe": float(yearly.max()),
    }


def unknown() -> Mapping[str, float]:
    """Of an account that was ruined, or of what cannot be played."""
    return {"equity": math.nan, "return": math.nan, "sharpe": math.nan}
