"""Parity at length: a recorded session of a real venue, and a demo whose hot process is killed again and again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from ninefold.backtest.models import LatencyModel
from ninefold.services.parity import parity
from ninefold.services.replay import replay
from tests.pipeline.running import Program, fills, ninefold
from tests.services.knowing import MINE

pytestmark = pytest.mark.torture

BTC = "orderbook/binance_spot_btcusdt_20240808.jsonl.gz"
KILLS = 3
FILLS_BETWEEN = 6


@pytest.mark.parametrize("latency", [LatencyModel(order_ns=0), LatencyModel()], ids=["none", "as usual"])
def test_a_recorded_session_on_paper_decides_and_fills_the_same_again(
    recording: Callable[[str], Path], tmp_path: Path, latency: LatencyModel
) -> None:
    replay(recording(BTC), tmp_path, latency=latency)
    report = parity(tmp_path, lambda what, done, total: None)
    assert report.recorded is not None and report.simulated is not None and report.bars is not None
    assert report.recorded.differences == report.simulated.differences == []
    assert 0 < report.simulated.compared["fill"] <= report.recorded.compared["fill"]
    assert report.equity == report.simulated.equity
    assert report.bars.same["target"] == report.bars.compared["target"] > 0
    assert report.unexplained == 0


def test_a_demo_whose_hot_process_is_killed_again_and_again_decides_the_same_again(tmp_path: Path) -> None:
    said = killed_again_and_again(tmp_path)
    assert set(said["simulated"]["by_reason"]) == {"fill model"}


def test_free_code_and_windows_over_the_own_position_go_on_over_kills_as_if_nothing_had_stopped(tmp_path: Path) -> None:
    """With signed orders: the bars of the whole run, played once from the first to the last, give every target of every life."""
    (tmp_path / "mine.py").write_text(MINE)
    names = [word for name in ("cools", "counts", "shared") for word in ("--strategy", name)]
    said = killed_again_and_again(tmp_path, "--strategies", str(tmp_path / "mine.py"), *names)
    assert said["bars"]["differences"] == []
    assert said["bars"]["same"]["target"] == said["recorded"]["compared"]["target"] > 100


def killed_again_and_again(tmp_path: Path, *options: str) -> dict[str, Any]:
    """What parity says of a demo."""
    data_dir = tmp_path / "data"
    for number in range(KILLS + 1):
        before = len(fills(data_dir))
        program = Program(tmp_path / str(number), "demo", "--port", "0", "--data-dir", data_dir, *options)
        try:
            program.url()
            program.until(lambda now=before: len(fills(data_dir)) >= now + FILLS_BETWEEN, "some more fills")
            if number < KILLS:
                _hot(program).kill()
                program.result()
            else:
                program.interrupt()
        finally:
            program.end()
    found = ninefold("parity", data_dir, "--json")
    said = found.json
    assert (found.status, said["lives"], said["unexplained"]) == (0, KILLS + 1, 0)
    assert set(said["recorded"]["by_reason"]) <= {"crash"}
    assert said["recorded"]["compared"]["fill"] >= (KILLS + 1) * FILLS_BETWEEN
    return said


def _hot(program: Program) -> psutil.Process:
    return next(one for one in program.family() if "hot" in one.cmdline())
