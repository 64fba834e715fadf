"""The library of strategies: one file a family, one line here for each; and the user's own, found by name.

In:  modules with classes of strategies.
Out: those classes by name.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from functools import cache
from types import ModuleType

from ninefold.strategy.library import (
    analogues,
    breakout,
    cross_venue,
    forecasts,
    market_makers,
    mean_reversion,
    momentum,
    order_flow,
    patterns,
    risk,
    sentiment,
    trend,
    volatility,
    volume,
)
from ninefold.strategy.parameters import BadStrategy
from ninefold.strategy.plan import Plan
from ninefold.strategy.strategy import Strategy, plan_of

FAMILIES = (
    *(trend, momentum, mean_reversion, breakout, volatility, volume, order_flow),
    *(patterns, analogues, sentiment, risk, cross_venue, market_makers, forecasts),
)
DEFAULT = (  # those that run when none are named: short bars, so that a demo shows something within minutes
    *("trend_sma_1s", "trend_macd_5s", "trend_ema_1m"),
    *("reversion_rsi_1s", "reversion_bollinger_5s", "reversion_zscore_1m"),
    *("breakout_donchian_5s", "pattern_reversal_5s"),
    *("flow_buy_share_1s", "flow_imbalance_1s", "volatility_momentum_5s"),
)

NEAREST = 5  # names that are offered where there is none of a name

Kinds = dict[str, type[Strategy]]


def library() -> Kinds:
    """All strategies that come with ninefold, by name."""
    return dict(_all_families())


@cache
def _all_families() -> Kinds:
    return load_modules(FAMILIES)


def default_strategies() -> tuple[Plan, ...]:
    """Those that run when none are named, with their default parameters."""
    known = library()
    return tuple(plan_of(known[name]) for name in DEFAULT)


def load_modules(modules: Iterable[ModuleType], known: Mapping[str, type[Strategy]] | None = None) -> Kinds:
    """The strategies of modules that are already imported, by name, after those already known.

    modules: each has at least one class of `Strategy`, written in it. One whose name begins with _ is a base of others.
    raises:  BadStrategy if a module has none, or if two have one name.
    """
    found = dict(known or {})
    for module in modules:
        for one in _written_in(module):
            if one.name in found:
                raise BadStrategy(
                    f"{module.__name__}: there already is a strategy {one.name!r} (from {found[one.name].__module__}); "
                    "give it another name"
                )
            found[one.name] = one
    return found


def strategy_named(name: str, known: Mapping[str, type[Strategy]]) -> type[Strategy]:
    """raises: BadStrategy naming the nearest."""
    if name not in known:
        near = difflib.get_close_matches(name, list(known), n=NEAREST)
        hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
        own = [one for one in known if known[one].__module__.partition(".")[0] != __name__.partition(".")[0]]
        yours = f", and your own {', '.join(own)}" if own else ""
        raise BadStrategy(
            f"there is no strategy {name!r}{hint} There are {len(known) - len(own)} in docs/strategies.md{yours}"
        )
    return known[name]


def _written_in(module: ModuleType) -> list[type[Strategy]]:
    found = [
        one
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Strategy) and one.__module__ == module.__name__
    ]
    if not found:
        raise BadStrategy(f"{module.__name__} has no class of Strategy; write class MyIdea(Strategy): ...")
    return [one for one in found if not one.__name__.startswith("_")]
