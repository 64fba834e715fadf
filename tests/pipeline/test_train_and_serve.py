"""`ninefold train` on the bars of a demo, and a start that serves the model."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import pytest

from .conftest import Taped
from .running import ninefold, stored

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("lightgbm")]

HORIZONS = [1, 5, 15]


@pytest.fixture(scope="module")
def trained(taped: Taped, lightgbm: None) -> Any:
    """What `ninefold train --json` said about the bars of the taped demo."""
    assert taped.result.status == 0
    said = ninefold("train", "--data-dir", taped.data_dir, "--json")
    assert said.status == 0, said.err
    return said.json


def test_it_scores_every_horizon_on_bars_that_the_model_never_saw(taped: Taped, trained: Any) -> None:
    (held,) = stored(
        taped.data_dir, "select count(*) as bars from bars where revision = 0 and width_ns in (1000000000, 5000000000)"
    )
    assert trained["bars"] >= held["bars"], "the bars of both timeframes taught and judged"
    assert [score["horizon"] for score in trained["scores"]] == HORIZONS
    for score in trained["scores"]:
        assert 0 < score["rows"] < trained["bars"]
        assert score["pinball"] > 0 and score["pinball_naive"] > 0
        assert score["skill"] == pytest.approx(1 - score["pinball"] / score["pinball_naive"])
        assert isinstance(score["beats_naive"], bool)
        assert 0 <= score["coverage_50"] <= score["coverage_90"] <= 1


def test_the_same_bars_give_the_same_model(taped: Taped, trained: Any) -> None:
    before = (taped.data_dir / "models" / "current.model").read_bytes()
    again = ninefold("train", "--data-dir", taped.data_dir)
    assert again.status == 0 and trained["model"] in again.out and "beats naive" in again.out, again.err
    assert (taped.data_dir / "models" / "current.model").read_bytes() == before


def test_a_start_where_the_model_lies_serves_it(taped: Taped, trained: Any, tmp_path: Path) -> None:
    before = {row["model"] for row in stored(taped.data_dir, "select distinct model from forecasts")}
    assert before and trained["model"] not in before, "nothing was trained when the bars were made"
    shutil.copytree(taped.data_dir / "models", tmp_path / "models")
    assert ninefold("replay", taped.tapes[0], "--data-dir", tmp_path).status == 0
    served = stored(tmp_path, "select * from forecasts order by seq, n")
    # the baseline speaks until every feature has warmed up, and where they have drifted later
    for width_ns in (10**9, 5 * 10**9):
        mine = [row["model"] for row in served if row["width_ns"] == width_ns]
        warm = mine.index(trained["model"])
        assert set(mine[:warm]) == {"empirical"} and set(mine[warm:]) <= {trained["model"], "empirical"}
        assert mine[warm:].count(trained["model"]) > len(mine[warm:]) / 2
    assert {row["horizon"] for row in served} == set(HORIZONS)
    for row in served:
        quantiles = [row[name] for name in ("q05", "q25", "q50", "q75", "q95")]
        assert quantiles == sorted(quantiles) and all(map(math.isfinite, [*quantiles, row["mean"]]))
