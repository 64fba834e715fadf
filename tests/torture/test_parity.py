"""Parity at length: a recorded session of a real venue, and a demo whose hot process is killed again and again."""

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from ninefold.backtest.models import LatencyModel
from ninefold.services.parity import parity
from ninefold.services.replay import replay
from tests.pipeline.running import Program, fills, ninefold

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
    data_dir = tmp_path / "data"
    for number in range(KILLS + 1):
        before = len(fills(data_dir))
        program = Program(tmp_path / str(number), "demo", "--port", "0", "--data-dir", data_dir)
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
    assert set(said["simulated"]["by_reason"]) == {"fill model"}


def _hot(program: Program) -> psutil.Process:
    return next(one for one in program.family() if "hot" in one.cmdline())
