"""Freqtrade strategies under the leak check: the modules their files import, and one run of their three methods.

In:  a class of a strategy's file, a run and its bars.
Out: the table with its signals. What stands in for freqtrade's modules is ours (`ninefold.freqtrade`); those parts of it that
     handle tables are loaded as the strategy itself is, so that what they do with the bars is followed too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from ninefold.backtest.leaks.source import load
from ninefold.freqtrade import informative, qtpylib, timeframes
from ninefold.freqtrade.frames import OLD_COLUMNS
from ninefold.freqtrade.parameters import set_parameters
from ninefold.freqtrade.prepare import OLD_SETTINGS
from ninefold.freqtrade.provider import DataProvider
from ninefold.freqtrade.stand_ins import MODULES, SAME

PAIR, CONFIG = "BTC/USDT", {"stake_currency": "USDT", "stake_amount": 100, "dry_run": True, "runmode": "backtest"}
TABLES = (informative, qtpylib)  # those that handle tables
WIDER = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}


def freqtrade_libraries(run: Any, libraries: Mapping[str, ModuleType]) -> dict[str, ModuleType]:
    """By the names under which strategies import them."""
    tables = {module.__name__: _followed(module, run, libraries) for module in TABLES}
    known = tables[informative.__name__]
    made: dict[str, ModuleType] = {}
    for name, contents in MODULES.items():
        made[name] = ModuleType(name)
        made[name].__dict__.update(contents, __path__=[])
        made[name].__dict__.update({one: getattr(known, one) for one in contents if one in vars(known)})
    for name, module in SAME.items():
        made[name] = tables[module.__name__]
    for name, module in made.items():
        above, _, last = name.rpartition(".")
        if above:
            setattr(made[above], last, module)
    return made


def _followed(module: ModuleType, run: Any, libraries: Mapping[str, ModuleType]) -> ModuleType:
    path = str(module.__file__)
    made = ModuleType(module.__name__)
    made.__dict__.update(load(Path(path).read_text(encoding="utf-8"), path, run.taken, libraries, module.__name__))
    return made


def decide(kind: Any, run: Any, imported: Mapping[str, ModuleType]) -> Callable[[Any], Any]:
    """A function that takes the table of candles and gives it with the signals."""
    helper = imported["freqtrade.strategy"].informative.__globals__

    def decided(frame: Any) -> Any:
        strategy = kind(dict(CONFIG))
        for old, new in OLD_SETTINGS.items():
            if hasattr(kind, old) and new not in vars(kind):
                setattr(strategy, new, getattr(strategy, old))
        set_parameters(strategy, {})
        own = strategy.timeframe
        strategy.dp = DataProvider(lambda pair, timeframe: _candles(frame, own, timeframe), [PAIR], own)
        strategy.bot_start()
        table = frame.copy()
        for populate, wanted in helper["informative_methods"](strategy):
            table = helper["add_informative"](strategy, table, PAIR, populate, wanted)
        for method in ("populate_indicators", "populate_entry_trend", "populate_exit_trend"):
            table = getattr(strategy, method)(table, {"pair": PAIR})
        return table.rename(columns={old: new for old, new in OLD_COLUMNS.items() if new not in table})

    return decided


def _candles(frame: Any, own: str, timeframe: str) -> Any:
    """Candles of another width, each knowing the last one it is made of; another pair's are like the own ones."""
    candles = frame[["date", *WIDER]]
    seconds = timeframes.timeframe_to_seconds(timeframe)
    if seconds <= timeframes.timeframe_to_seconds(own):
        return candles.copy()
    wider = candles.set_index("date").resample(f"{seconds}s").agg(WIDER)
    return wider.reset_index()
