"""Quotes and free code on trades in a tournament: each a counted trial that is its single run, beside what plays on bars."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ninefold.cli import main
from ninefold.services.backtest_rerun import rerun
from ninefold.services.backtest_strategy import choose
from ninefold.services.backtest_ticks import backtest_ticks
from ninefold.services.backtest_tournament import EVERY, contested
from ninefold.services.backtest_wanted import Wanted
from ninefold.services.tournament_field import Field, field_among
from ninefold.services.tournament_ticks import contests_on_ticks
from ninefold.store.trials import TrialReader
from tests.services.test_backtest_ticks import NAME, asked, mine, store, trades
from tests.services.test_research import hours, quietly

__all__ = ["mine"]
pytestmark = pytest.mark.slow
EVERY_20_MINUTES = tuple(
    (second, 100 + (second // 9_000) % 7, 1 + second % 5, "buy" if second % 7 < 4 else "sell")
    for second in range(0, 14 * 86_400, 1_200)
)


def test_free_code_on_trades_plays_beside_what_plays_on_bars_and_quotes_need_a_book(mine: Path) -> None:
    path = trades(mine.parent / "a.parquet", *EVERY_20_MINUTES)
    bars = hours(mine.parent / "bars.parquet")
    wanted = Wanted(
        strategy=EVERY,
        strategies=mine,
        data_dir=mine.parent / "data",
        file=bars,
        timeframe="1h",
        timerange="20240101-20240115",
    )
    on_ticks = asked(mine, "", file=path, timeframe="1h", size=None)
    ticks = contests_on_ticks(on_ticks)
    assert {"large_buyers", "quote_both_sides", "around_the_middle"} <= ticks.names and "sma_cross" not in ticks.names
    why = {one["strategy"]: one["why"] for one in ticks.left_out}
    assert "has no book; give --instrument" in why["quote_both_sides"] and "large_buyers" not in why
    field = field_among(wanted, [choose("sma_cross")])
    told = contested(wanted, Field(field.contests + ticks.contests, ticks.left_out), 1, quietly)
    rows = {one["strategy"]: one for one in told["leaderboard"] if not one["null_twin"]}
    single = backtest_ticks(replace(on_ticks, strategy="large_buyers"), 2)
    for name in ("equity", "sharpe", "fees"):
        assert rows["large_buyers"][name] == single[name]
    assert {*rows} == {"sma_cross", *(one.players[0].name for one in ticks.contests)} and len(single["trades"]) > 10
    twin = next(one for one in told["leaderboard"] if one["null_twin"] and one["strategy"] == "large_buyers")
    assert twin["sharpe"] != twin["sharpe"]  # it has none
    again = rerun(wanted.data_dir, rows["large_buyers"]["trial"])
    assert (again["identical"], again["differs"], again["kind"]) == (True, [], "tournament-ticks")
    counted = TrialReader(wanted.data_dir).count()
    contested(wanted, Field(field.contests + ticks.contests, ticks.left_out), 3, quietly)
    assert TrialReader(wanted.data_dir).count() == counted  # the same again is read


def test_quotes_play_on_a_stored_book_as_in_their_single_run(mine: Path) -> None:
    store(mine.parent / "data")
    given = {"instrument": NAME, "timeframe": "1s", "size": None, "maker_fee": "0.001"}
    found = contests_on_ticks(asked(mine, "", **given))
    contest = next(one for one in found.contests if one.players[0].name == "quote_both_sides")
    single = backtest_ticks(asked(mine, "quote_both_sides", **given), 1)
    [summary] = contest.player([0], False)(range(1)).rows["summary"]
    assert int(summary["fills"]) == single["fills"] > 0 and contest.turnable == []
    assert float(summary["equity"] * contest.ground.unit) == pytest.approx(single["equity"])


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (["--bars", "b.parquet", "--ticks"], b"--ticks is what is stored of --instrument; of a file give --trades"),
        (["--bars", "b.parquet", "--bars", "c.parquet", "--trades", "a.parquet"], b"play on one market; give one"),
        (
            ["--bars", "b.parquet", "--trades", "a.parquet", "--slippage", "0.01"],
            b"there is no --slippage; leave it out",
        ),
    ],
)
def test_where_they_cannot_play_is_said_before_anything_is_counted(
    said: list[str],
    why: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    monkeypatch.setattr("sys.argv", ["ninefold", "tournament", *said, "--data-dir", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2 and why in capfdbinary.readouterr().err
