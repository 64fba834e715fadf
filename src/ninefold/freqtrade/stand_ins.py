"""The modules that a strategy's file imports from freqtrade, made of ours, for as long as it runs.

In:  nothing. Out: while `standing_in()` is open, `import freqtrade.strategy` and the like find what is here, whether freqtrade
     is installed or not; afterwards all is as before.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from types import ModuleType
from typing import Any

from ninefold.freqtrade import informative, parameters, qtpylib, relative_stops, timeframes
from ninefold.freqtrade.istrategy import IStrategy
from ninefold.freqtrade.provider import DataProvider, RunMode
from ninefold.freqtrade.trade import Order, Trade

PACKAGES = ("freqtrade", "technical")


class CandleType(Enum):
    SPOT = "spot"
    FUTURES = "futures"
    MARK = "mark"
    INDEX = "index"
    FUNDING_RATE = "funding_rate"


class PairLocks:
    """Strategies import it beside the others; `self.lock_pair` and its like are what they call."""


class OperationalException(Exception):
    """A strategy raises it."""


class DependencyException(Exception):
    """A strategy raises it."""


def _named(module: ModuleType, *names: str) -> dict[str, Any]:
    return {name: getattr(module, name) for name in names}


TIMEFRAMES = _named(timeframes, *(name for name in dir(timeframes) if name.startswith("timeframe_to_")))
PARAMETERS = _named(parameters, *(name for name in dir(parameters) if name.endswith("Parameter")))
STOPS = _named(relative_stops, "stoploss_from_open", "stoploss_from_absolute")
MERGE = _named(informative, "merge_informative_pair")
INFORMATIVE = _named(informative, "informative")
TRADES = {"Trade": Trade, "LocalTrade": Trade, "Order": Order}
MODULES: dict[str, dict[str, Any]] = {
    "freqtrade": {},
    "freqtrade.strategy": {
        **{"IStrategy": IStrategy, "DataProvider": DataProvider},
        **TIMEFRAMES,
        **PARAMETERS,
        **STOPS,
        **MERGE,
        **INFORMATIVE,
        **TRADES,
        **{"PairLocks": PairLocks, "AnnotationType": dict},
    },
    "freqtrade.strategy.interface": {"IStrategy": IStrategy},
    "freqtrade.strategy.parameters": PARAMETERS,
    "freqtrade.strategy.hyper": PARAMETERS,
    "freqtrade.strategy.informative_decorator": INFORMATIVE,
    "freqtrade.strategy.strategy_helper": {**STOPS, **MERGE},
    "freqtrade.persistence": {**TRADES, "PairLocks": PairLocks},
    "freqtrade.persistence.trade_model": TRADES,
    "freqtrade.exchange": TIMEFRAMES,
    "freqtrade.enums": {"RunMode": RunMode, "CandleType": CandleType},
    "freqtrade.data": {},
    "freqtrade.data.dataprovider": {"DataProvider": DataProvider},
    "freqtrade.exceptions": {
        "OperationalException": OperationalException,
        "DependencyException": DependencyException,
    },
    "freqtrade.vendor": {},
    "freqtrade.vendor.qtpylib": {},
    "technical": {},
}
SAME = {"freqtrade.vendor.qtpylib.indicators": qtpylib, "technical.qtpylib": qtpylib}


@contextmanager
def standing_in() -> Iterator[None]:
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in PACKAGES}
    for name in before:
        del sys.modules[name]
    sys.modules.update(_modules())
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] in PACKAGES]:
            del sys.modules[name]
        sys.modules.update(before)


def _modules() -> dict[str, ModuleType]:
    """By full name; each is an attribute of the one above it."""
    made: dict[str, ModuleType] = {}
    for name, contents in MODULES.items():
        made[name] = ModuleType(name, "Stands in for freqtrade's.")
        made[name].__dict__.update(contents, __path__=[])
    made.update(SAME)
    for name, module in made.items():
        above, _, last = name.rpartition(".")
        if above:
            setattr(made[above], last, module)
    return made
