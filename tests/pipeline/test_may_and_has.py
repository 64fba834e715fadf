"""What the bot said it may do, what it has done, and whether its scores are right; worked out again from the stored rows."""

from __future__ import annotations

import math

import pytest

from tests.conftest import Demo

from .running import Row, records, stored, until

pytestmark = pytest.mark.slow

SMALLEST_CHANGE = 0.1
SECOND_NS = 10**9


@pytest.fixture(scope="module")
def scored(demo: Demo) -> Demo:
    """The shared demo, once some MAYs were scored and something was done."""
    until(
        lambda: len(records(demo.data_dir, "may_scored")) >= 10 and records(demo.data_dir, "has"),
        "ten MAYs were scored",
    )
    return demo


def test_every_may_has_a_probability_a_zone_and_a_horizon(scored: Demo) -> None:
    for may in records(scored.data_dir, "may"):
        assert 0 < may["probability"] <= 1
        assert may["side"] in (1, -1)
        assert 0 < may["price_low"] <= may["price_high"]
        assert may["until_ns"] > _said_at_ns(may)
        assert f" {math.floor(may['probability'] * 100 + 0.5)}%," in may["text"] and may["strategy"] in may["text"]


def test_the_api_shows_probability_zone_and_horizon_of_each(scored: Demo) -> None:
    for shown in scored.get("/api/v1/messages?kind=may&limit=100")["messages"]:
        assert 0 < shown["probability"] <= 1 and float(shown["price_low"]) > 0 and int(shown["horizon_ns"]) > 0
        assert shown["outcome"] in ("open", "kept", "missed")


def test_a_may_is_scored_once_and_after_its_time(scored: Demo) -> None:
    scores = records(scored.data_dir, "may_scored")  # before the MAYs: the demo goes on storing
    mays = {may["may_id"]: may for may in records(scored.data_dir, "may")}
    assert len({one["may_id"] for one in scores}) == len(scores)
    for one in scores:
        may = mays[one["may_id"]]
        assert one["probability"] == may["probability"] and one["seq"] > may["seq"]
        assert isinstance(one["outcome"], bool)
    assert scores and {one["outcome"] for one in scores} <= {True, False}


def test_each_outcome_is_that_of_the_stored_targets(scored: Demo) -> None:
    scores = {one["may_id"]: one["outcome"] for one in records(scored.data_dir, "may_scored")}
    by_strategy: dict[tuple[int, str], dict[int, float]] = {}
    for row in stored(scored.data_dir, "select instrument, strategy, close_ns, target from targets"):
        by_strategy.setdefault((row["instrument"], row["strategy"]), {})[row["close_ns"]] = row["target"]
    again = {}
    for may in records(scored.data_dir, "may"):
        if may["may_id"] in scores:
            again[may["may_id"]] = _kept(may, by_strategy[may["instrument"], may["strategy"]])
    assert again == scores


def _kept(may: Row, targets: dict[int, float]) -> bool:
    """Whether the target moved the foretold way by enough, after it was said and until the horizon."""
    said_ns = _said_at_ns(may)
    later = [
        target
        for close_ns, target in targets.items()
        if said_ns < close_ns <= may["until_ns"] and not math.isnan(target)
    ]
    return any((target - targets[said_ns]) * may["side"] >= SMALLEST_CHANGE for target in later)


def _said_at_ns(may: Row) -> int:
    """The close of the bar at which it was said, from its id."""
    return int(may["may_id"].rsplit("-", 1)[1]) * SECOND_NS


def test_brier_and_base_brier_are_those_of_the_stored_scores(scored: Demo) -> None:
    said = scored.get("/api/v1/messages?limit=1")["scores"]
    until(
        lambda: len(records(scored.data_dir, "may_scored")) >= said["scored"],
        "the store has what the API counted",
        20.0,
    )
    fields = "payload::json->>'probability' as p, payload::json->>'outcome' as kept"
    query = f"select {fields} from records where type = 'may_scored' order by seq, n"
    rows = stored(scored.data_dir, query)
    pairs = [(float(row["p"]), row["kept"] == "true") for row in rows][: said["scored"]]
    share = sum(kept for _, kept in pairs) / len(pairs)
    assert said["brier"] == pytest.approx(sum((p - kept) ** 2 for p, kept in pairs) / len(pairs), rel=1e-12)
    assert said["base_brier"] == pytest.approx(sum((share - kept) ** 2 for _, kept in pairs) / len(pairs), rel=1e-9)


def test_each_has_names_its_may_or_says_that_there_was_none(scored: Demo) -> None:
    done = records(scored.data_dir, "has")  # before the MAYs: the demo goes on storing
    mays = {may["may_id"]: may for may in records(scored.data_dir, "may")}
    for has in done:
        if not has["may_id"]:
            assert "no MAY had told of it" in has["text"]
            continue
        may = mays[has["may_id"]]
        assert f"foretold by {has['may_id']}" in has["text"]
        assert (may["instrument"], may["side"]) == (has["instrument"], has["side"])
        assert may["seq"] <= has["seq"] and may["strategy"] in has["strategy"].split(",")
    assert len({has["has_id"] for has in done}) == len(done)
