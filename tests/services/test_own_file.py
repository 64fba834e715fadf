"""A user's file is played as its text stands."""

import os
import sys
from pathlib import Path

import pytest

from ninefold.services.strategies import known_strategies

OURS = """
from ninefold.strategy import Strategy


class Mine(Strategy):
    timeframe = "1h"
    target = "where(rsi(close, 14) < {level}, 1, 0)"
"""


def test_a_number_that_is_changed_at_once_is_the_one_that_is_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    file, second = tmp_path / "mine.py", 1_700_000_000
    for level in ("35", "30"):
        file.write_text(OURS.format(level=level))
        os.utime(file, (second, second))
        assert f"< {level}" in str(known_strategies(file)["mine"].target)
    assert not list(tmp_path.glob("__pycache__/*"))
