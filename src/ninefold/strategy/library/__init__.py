"""The library of strategies: one file a family, one line here for each; and the user's own, found by name.

In:  modules with a tuple STRATEGIES.
Out: strategies by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType

from ninefold.strategy.library import breakout, mean_reversion, order_flow, patterns, trend, volatility
from ninefold.strategy.strategy import BadStrategy, Strategy

FAMILIES = (trend, mean_reversion, breakout, patterns, order_flow, volatility)


def library() -> dict[str, Strategy]:
    """All strategies that come with ninefold, by name."""
    return load_modules(FAMILIES)


def default_strategies() -> tuple[Strategy, ...]:
    """Those that run when none are named: the whole library."""
    return tuple(library().values())


def load_modules(modules: Iterable[ModuleType], known: dict[str, Strategy] | None = None) -> dict[str, Strategy]:
    """The strategies of modules that are already imported, by name, after those already known.

    modules: each has STRATEGIES, a tuple of Strategy.
    raises:  BadStrategy if a module has none, if something else stands there, or if two have one name.
    """
    found = dict(known or {})
    for module in modules:
        for one in _listed(module):
            if one.name in found:
                raise BadStrategy(
                    f"{module.__name__}: there already is a strategy {one.name!r} (from {found[one.name].source}); "
                    "give it another name"
                )
            found[one.name] = one
    return found


def _listed(module: ModuleType) -> tuple[Strategy, ...]:
    listed = getattr(module, "STRATEGIES", None)
    if not isinstance(listed, tuple) or not all(isinstance(one, Strategy) for one in listed):
        raise BadStrategy(
            f"{module.__name__} must have STRATEGIES = (strategy(...), ...), a tuple of strategies; found {listed!r}"
        )
    return listed
