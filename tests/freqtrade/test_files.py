"""Files of strategies load as they are, and what is wrong with one is said with its line."""

import json
import sys

import pandas as pd
import pytest

from ninefold.freqtrade.errors import StrategyFailed
from ninefold.freqtrade.prepare import prepare
from ninefold.freqtrade.run import Range, backtest
from ninefold.freqtrade.stand_ins import standing_in
from ninefold.services.freqtrade_file import load
from tests.freqtrade.by_hand import FLAT, NO_FEE, series
from tests.freqtrade.cases import NAMES, STRATEGIES

MINIMAL = """
from freqtrade.strategy import IStrategy

class Minimal(IStrategy):
    timeframe = "5m"
    stoploss = -0.1
"""
OLD = """
from freqtrade.strategy.interface import IStrategy

class Old(IStrategy):
    INTERFACE_VERSION = 2
    ticker_interval = "5m"
    stoploss = -0.1
    minimal_roi = {"0": 1}
    use_sell_signal = True
    sell_profit_only = False

    def populate_indicators(self, dataframe, metadata):
        return dataframe

    def populate_buy_trend(self, dataframe, metadata):
        dataframe.loc[dataframe.index == 1, ["buy", "buy_tag"]] = (1, "second")
        return dataframe

    def populate_sell_trend(self, dataframe, metadata):
        dataframe.loc[dataframe.index == 3, "sell"] = 1
        return dataframe
"""


def loaded(folder, text, name):
    (folder / f"{name}.py").write_text(text)
    with standing_in():
        return load(folder, name)


def run(folder, text, name, candles=6):
    (folder / f"{name}.py").write_text(text)
    with standing_in():
        of = load(folder, name)
        return backtest(
            of.of, lambda pair, width_s: series([FLAT] * candles), ["AAA/USDT"], Range(), NO_FEE, of.stored
        ).trades


@pytest.mark.parametrize("name", NAMES)
def test_a_strategy_loads_where_freqtrade_is_not_installed(name):
    with standing_in():
        assert load(STRATEGIES, name).of.__name__ == name
    assert not [module for module in sys.modules if module.partition(".")[0] in ("freqtrade", "technical")]


def test_names_of_the_second_interface_mean_the_same(tmp_path):
    [trade] = run(tmp_path, OLD, "Old")
    assert (trade.enter_tag, trade.exit_reason, trade.open_date.minute, trade.close_date.minute) == (
        "second",
        "exit_signal",
        10,
        20,
    )


def test_values_stored_beside_the_file_come_before_those_of_the_class_and_these_before_defaults(tmp_path):
    stored = {
        "buy": {"buy_rsi": 41},
        "roi": {"0": 0.5, "30": 0.25},
        "stoploss": {"stoploss": -0.3},
        "trailing": {"trailing_stop": True},
    }
    (tmp_path / "Tuned.json").write_text(json.dumps({"strategy_name": "Tuned", "params": stored}))
    found = loaded(tmp_path, (STRATEGIES / "Tuned.py").read_text(), "Tuned")
    strategy = found.of({})
    prepare(strategy, found.stored)
    assert (strategy.buy_rsi.value, strategy.buy_volume.value, strategy.buy_window.value) == (41, True, 18)
    assert strategy.sell_factor.value == 1.004  # 1.0042 to three decimals
    assert (strategy.roi_falling, strategy.stoploss, strategy.trailing_stop) == ([(30, 0.25), (0, 0.5)], -0.3, True)


BROKEN = {
    "a callback": (
        "    def custom_exit(self, pair, trade, **kwargs):\n        return {}['rsi']\n",
        r"Minimal.py:8: Minimal.custom_exit raised KeyError: 'rsi'; mend the strategy's file",
    ),
    "indicators": (
        "    def populate_indicators(self, dataframe, metadata):\n        return dataframe['rsi']\n",
        r"Minimal.py:8: Minimal.populate_indicators raised KeyError: 'rsi'",
    ),
    "a module that is not installed": (
        "import no_such_indicators\n",
        r"Minimal.py:7: No module named .*; install no_such_indicators",
    ),
    "a part of freqtrade that is not there": (
        "from freqtrade.strategy import Unheard\n",
        r"Minimal.py:7: cannot import name 'Unheard' .*docs/freqtrade.md lists what of freqtrade is there",
    ),
    "an indicator that is not there": (
        "from technical import qtpylib\nqtpylib.unheard\n",
        r"Minimal.py:8: qtpylib.unheard is not there; there are .*crossed_above",
    ),
    "syntax": ("def (\n", r"Minimal.py:7: invalid syntax; mend the strategy's file"),
}


@pytest.mark.parametrize(("text", "said"), BROKEN.values(), ids=BROKEN)
def test_what_is_wrong_is_said_with_its_line(tmp_path, text, said):
    signal = "    def populate_entry_trend(self, dataframe, metadata):\n        return dataframe.assign(enter_long=1)\n"
    with pytest.raises(StrategyFailed, match=said):
        run(tmp_path, MINIMAL + text + (signal if text.startswith("    ") else ""), "Minimal")


def test_a_name_that_no_file_has_is_met_with_those_that_are_there(tmp_path):
    with pytest.raises(
        StrategyFailed, match=r"no file in .* has a class 'Minimul'; did you mean 'Minimal'\? There are Minimal"
    ):
        loaded(tmp_path, MINIMAL, "Minimal") and load(tmp_path, "Minimul")
    with pytest.raises(StrategyFailed, match="there is no folder"):
        load(tmp_path / "nowhere", "Minimal")


def test_wider_candles_are_known_when_they_are_over():
    from_minutes = pd.date_range("2024-01-01", periods=8, freq="30min", tz="UTC")
    hours = pd.DataFrame({"date": from_minutes[::2], "close": [1.0, 2.0, 3.0, 4.0]})
    with standing_in():
        from freqtrade.strategy import merge_informative_pair

        found = merge_informative_pair(pd.DataFrame({"date": from_minutes}), hours, "30m", "1h")
    # the hour from 0:00 is over at 1:00, as is the half hour from 0:30
    assert found["close_1h"].fillna(0).tolist() == [0, 1, 1, 2, 2, 3, 3, 4]
    assert list(found.columns) == ["date", "date_1h", "close_1h"]
