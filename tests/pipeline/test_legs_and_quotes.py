"""A demo with signed orders whose strategies have legs and quotes: killed and started again, its account is the exchange's."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from .running import Program, ask, fills, ledger, ninefold, rest_of
from .trading import account, balances, is_nothing_open

pytestmark = pytest.mark.torture

MINE = '''
from ninefold.strategy import Strategy


class Both(Strategy):
    """A little of both while the first closes above its mean."""

    timeframe = "1s"
    legs = {"here": 0.1, "there": 0.1}
    target = "where(close > sma(close, 3), 1, 0)"


class Around(Strategy):
    """A little on both sides of the best prices."""

    timeframe = "1s"
    most = 0.02
    bid = "bid"
    ask = "ask"
    size = "where(position > 0.01, 0.002, 0.004)"
'''


def moved(data_dir: Path, state: str) -> int:
    return sum(one["state"] == state for one in ledger(data_dir, "legs_moved"))


def quoted(data_dir: Path, status: str) -> int:
    return sum(one["status"] == status and one["strategies"] == ["around"] for one in ledger(data_dir, "order"))


def test_legs_and_quotes_are_the_exchanges_account_to_the_last_unit_over_a_kill(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    (tmp_path / "mine.py").write_text(MINE)
    chosen = ["--strategies", tmp_path / "mine.py", "--strategy", "both", "--strategy", "around"]
    legs = ["--legs", "both=BTC/USDT,ETH/USDT"]
    arguments = ("demo", *chosen, *legs, "--rate", "100", "--json", "--port", "0", "--data-dir", data_dir)
    program = Program(tmp_path / "first", *arguments)
    try:
        program.until(lambda: moved(data_dir, "held") >= 3 and quoted(data_dir, "working") >= 3, "legs and quotes work")
        hot = next(one for one in program.family() if "hot" in one.cmdline())
        hot.send_signal(signal.SIGKILL)
        assert program.result().status != 0
        before = moved(data_dir, "sent")
        program = Program(tmp_path / "second", *arguments)
        program.until(lambda: moved(data_dir, "sent") > before + 2, "the legs go on")
        working = quoted(data_dir, "working")
        program.until(lambda: quoted(data_dir, "working") > working + 2, "the quotes go on")
        assert ninefold("halt", "--data-dir", data_dir, "--reason", "to count").status == 0
        program.until(lambda: is_nothing_open(data_dir), "no quote rests while halted")
        rest = rest_of(data_dir)
        program.until(lambda: balances(data_dir) == account(rest), "the balances told are the exchange's", 20.0)
        assert ask(f"{rest}/sim/v1/state")["fills"] == len(fills(data_dir)) > 5
        mine = ninefold("status", "--json", "--data-dir", data_dir).json["attribution"]
        assert {"both", "around"} <= {one["strategy"] for one in mine["strategies"]}
    finally:
        program.end()
    parity = ninefold("parity", data_dir, "--json")
    assert parity.status == 0, parity.out
