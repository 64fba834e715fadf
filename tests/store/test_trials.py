"""The trial ledger: counted before it runs, for good, by several processes at once; a holdout that stays shut."""

from __future__ import annotations

import json
import math
import sqlite3
import subprocess
import sys
import time
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest

from ninefold.backtest.statistics.compact import compact_returns
from ninefold.backtest.statistics.holdout import NoLooksLeft, Wall
from ninefold.store.data_dir import NoDataDir, StoreWriteFailed, WrongFormat, open_data_dir
from ninefold.store.trials import DifferentResult, Outcome, Search, Trial, TrialReader, Trials, Tried, UnknownTrial

DAY_NS = 86_400_000_000_000
TIMES = (np.arange(200) + 20_000) * DAY_NS


def search(points: dict[str, list[int]] | None = None, family: str = "trend", seed: int = 7) -> Search:
    return Search(
        kind="sweep" if points else "backtest",
        family=family,
        snapshot="bars-1",
        code="0.1.0",
        config={"strategy": "sma_cross", "fast": 10},
        seed=seed,
        points=points or {},
    )


def outcome(returns: np.ndarray, times: np.ndarray = TIMES) -> Outcome:
    digests = [blake2b(row.tobytes(), digest_size=16).digest() for row in returns]
    return Outcome(digests, returns.mean(axis=1) / 0.01, compact_returns(times, returns))


def drawn(trials: int, seed: int = 1, days: int = 200) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.01, (trials, days))


def test_trials_are_numbered_from_one_and_counted_before_they_end(tmp_path: Path) -> None:
    trials = Trials(tmp_path)
    assert trials.begin(search(), 10) == 1
    assert trials.begin(search({"fast": [5, 6, 7], "slow": [50, 60, 70]}), 20) == 2
    assert trials.begin(search(family="breakout"), 30) == 5
    assert (trials.count(), trials.count("trend"), trials.count("none")) == (5, 4, 0)
    returns = drawn(3)
    trials.finish(2, outcome(returns))
    assert trials.trial(3) == Trial(
        3,
        20,
        search({"fast": [5, 6, 7], "slow": [50, 60, 70]}),
        {"fast": 6, "slow": 60},
        blake2b(returns[1].tobytes(), digest_size=16).digest(),
        2,
    )
    assert trials.trial(1).digest is None and trials.trial(5).point == {}
    for number in (0, 6):
        with pytest.raises(UnknownTrial, match=f"no trial {number} .*there are 5"):
            trials.trial(number)


def test_a_sweep_ends_in_parts_and_the_same_part_again_changes_nothing(tmp_path: Path) -> None:
    trials = Trials(tmp_path)
    first = trials.begin(search({"fast": list(range(10))}), 1)
    whole = drawn(10)
    trials.finish(first + 4, outcome(whole[4:]))
    trials.finish(first, outcome(whole[:4]))
    before = trials.tried()
    trials.finish(first, outcome(whole[:4]))
    trials.finish(first, outcome(whole))
    assert trials.tried() == before
    changed = whole.copy()
    changed[2, 5] += 1e-9
    with pytest.raises(DifferentResult, match=r"trial 3 has .* now; the same data, code"):
        trials.finish(first, outcome(changed[:4]))
    with pytest.raises(UnknownTrial, match="trials 8 to 17 are not of one search"):
        trials.finish(8, outcome(whole))


def test_an_overlap_with_what_is_kept_is_refused(tmp_path: Path) -> None:
    trials = Trials(tmp_path)
    first = trials.begin(search({"fast": list(range(10))}), 1)
    whole = drawn(10)
    trials.finish(first + 4, outcome(whole[4:6]))
    with pytest.raises(DifferentResult, match="trial 1 has no result"):
        trials.finish(first, outcome(whole))
    assert trials.trial(1).digest is None


def test_trials_are_worth_as_many_as_their_returns_are_independent(tmp_path: Path) -> None:
    trials = Trials(tmp_path)
    assert trials.tried()[:2] == (0, 1.0) and math.isnan(trials.tried().variance)
    alone = drawn(6)
    alike = np.vstack([alone, np.repeat(alone[:1], 4, axis=0)])  # equal results count once
    first = trials.begin(search({"fast": list(range(10))}), 1)
    trials.finish(first, outcome(alike))
    found = trials.tried("trend")
    assert found.trials == 10 and found.effective == pytest.approx(6, rel=0.05)
    assert found.variance == pytest.approx((alike.mean(axis=1) / 0.01).var(ddof=1))
    trials.finish(trials.begin(search(seed=8), 2), outcome(alone[:1] * 2))  # another digest, the same returns
    assert trials.tried("trend").effective == pytest.approx(6, rel=0.05)


def test_what_cannot_be_compared_counts_fully(tmp_path: Path) -> None:
    trials = Trials(tmp_path)
    same = np.repeat(drawn(1), 3, axis=0) * [[1], [2], [3]]
    trials.finish(trials.begin(search({"fast": [1, 2, 3]}), 1), outcome(same))
    assert trials.tried().effective == pytest.approx(1, abs=0.05)
    trials.begin(search({"fast": [4, 5]}), 2)  # never ended
    assert trials.tried().effective == pytest.approx(3, abs=0.05)
    trials.finish(trials.begin(search(), 3), outcome(same[:1] * 5, TIMES + 500 * DAY_NS))  # another time
    assert trials.tried().effective == pytest.approx(4, abs=0.05)
    short = trials.begin(search({"fast": [6, 7]}), 4)
    trials.finish(short, outcome(same[:2, :4] + 1, np.array([1, 2, 3, 4]) * 10**9))  # four stretches
    assert trials.tried().effective == pytest.approx(6, abs=0.05)
    assert trials.tried() == trials.tried("trend") and trials.tried("none") == Tried(
        0, 1.0, pytest.approx(math.nan, nan_ok=True)
    )


def test_of_very_many_trials_a_part_stands_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trials = Trials(tmp_path)
    trials.finish(trials.begin(search({"fast": list(range(60))}), 1), outcome(drawn(60)))
    whole = trials.tried().effective
    monkeypatch.setattr("ninefold.store.trials.COMPARED", 25)
    assert trials.tried().effective == pytest.approx(whole, rel=0.05)


def test_ten_thousand_points_take_a_moment_and_few_bytes(tmp_path: Path) -> None:
    trials = Trials(tmp_path)
    result = outcome(np.repeat(drawn(100), 100, axis=0) + drawn(10_000, seed=2) / 10)
    started = time.process_time()
    first = trials.begin(search({"fast": list(range(10_000)), "slow": list(range(10_000))}), 1)
    trials.finish(first, result)
    assert time.process_time() - started < 3.0
    assert trials.trial(9_000).point == {"fast": 8_999, "slow": 8_999}
    trials.close()
    assert (tmp_path / "trials.db").stat().st_size < 6_000_000


@pytest.mark.slow
def test_several_processes_count_at_once_and_none_gets_the_number_of_another(tmp_path: Path) -> None:
    code = f"""
from tests_search import search, outcome, drawn
from pathlib import Path
from ninefold.store.trials import Trials
def run():
    trials = Trials(Path({str(tmp_path / "data")!r}))
    for turn in range(15):
        first = trials.begin(search({{"fast": [1, 2, 3]}}), turn)
        trials.finish(first, outcome(drawn(3, seed=first)))
"""
    (tmp_path / "tests_search.py").write_text(Path(__file__).read_text())
    assert at_once(3, code, tmp_path) == [0, 0, 0]
    reader = TrialReader(tmp_path / "data")
    assert reader.count() == 135
    assert all(reader.trial(number).digest for number in range(1, 136))


def test_kill_9_after_a_search_began_leaves_it_counted(tmp_path: Path) -> None:
    code = f"""
import os, signal
from pathlib import Path
from ninefold.store.trials import Search, Trials
trials = Trials(Path({str(tmp_path)!r}))
for seed in range(5):
    trials.begin(Search(kind="b", family="f", snapshot="s", code="c", config={{}}, seed=seed), seed)
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert TrialReader(tmp_path).count() == 5
    assert Trials(tmp_path).begin(search(), 9) == 6


def test_what_was_written_cannot_be_changed(tmp_path: Path) -> None:
    trials = Trials(tmp_path)
    trials.finish(trials.begin(search(), 1), outcome(drawn(1)))
    trials.seal(Wall(5, 1), 1)
    trials.look(1, "final", 2)
    trials.close()
    with sqlite3.connect(tmp_path / "trials.db") as db:
        for table in ("searches", "results", "walls", "looks"):
            for statement in (f"UPDATE {table} SET rowid = 9", f"DELETE FROM {table}"):
                with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                    db.execute(statement)
    db.close()


def test_looks_are_counted_and_one_over_the_budget_is_refused(tmp_path: Path) -> None:
    trials = Trials(tmp_path)
    trial = trials.begin(search(), 1)
    assert trials.wall() is None and trials.looks_left() == 0
    with pytest.raises(NoLooksLeft, match="no holdout is sealed"):
        trials.look(trial, "too soon", 1)
    trials.seal(Wall(at_ns=0, looks=2), known_ns=5)
    with pytest.raises(UnknownTrial):
        trials.look(99, "of nothing", 6)
    assert trials.look(trial, "first", 6) == 1
    other = Trials(tmp_path)
    assert other.look(trial, "second", 7) == 0
    for one in (trials, other, Trials(tmp_path)):
        with pytest.raises(NoLooksLeft, match="all 2 looks behind the wall at 1970-01-01 00:00:00 UTC are taken"):
            one.look(trial, "third", 8)
    assert TrialReader(tmp_path).wall() == Wall(0, 2) and TrialReader(tmp_path).looks_left() == 0


def test_the_file_itself_refuses_a_look_too_many_and_a_wall_that_uncovers(tmp_path: Path) -> None:
    trials = Trials(tmp_path)
    trials.begin(search(), 1)
    trials.seal(Wall(100, 1), known_ns=200)
    trials.look(1, "only", 201)
    trials.close()
    with sqlite3.connect(tmp_path / "trials.db") as db:
        with pytest.raises(sqlite3.IntegrityError, match="no looks left"):
            db.execute("INSERT INTO looks (wall, known_ns, trial, why) VALUES (1, 1, 1, 'once more')")
        with pytest.raises(sqlite3.IntegrityError, match="would uncover"):
            db.execute("INSERT INTO walls (known_ns, at_ns, looks) VALUES (300, 299, 5)")
    db.close()


def test_a_later_wall_must_not_be_in_the_past_and_begins_a_new_budget(tmp_path: Path) -> None:
    trials = Trials(tmp_path)
    trial = trials.begin(search(), 1)
    trials.seal(Wall(100, 1), known_ns=200)
    trials.look(trial, "only", 201)
    with pytest.raises(ValueError, match="must not be in the past"):
        trials.seal(Wall(250, 1), known_ns=300)
    with pytest.raises(ValueError, match="at least 1 look"):
        trials.seal(Wall(400, 0), known_ns=300)
    trials.seal(Wall(300, 3), known_ns=300)
    assert trials.look(trial, "of new data", 400) == 2


@pytest.mark.slow
def test_two_processes_cannot_both_take_the_last_look(tmp_path: Path) -> None:
    trials = Trials(tmp_path)
    trials.begin(search(), 1)
    trials.seal(Wall(0, 5), 1)
    code = f"""
import sys
from pathlib import Path
from ninefold.backtest.statistics.holdout import NoLooksLeft
from ninefold.store.trials import Trials
def run():
    trials, taken = Trials(Path({str(tmp_path)!r})), 0
    try:
        while True:
            trials.look(1, "again", 2)
            taken += 1
    except NoLooksLeft:
        sys.exit(taken)
"""
    assert sum(at_once(2, code, tmp_path)) == 5


AT_ONCE = """
import json, multiprocessing
forks = multiprocessing.get_context("fork")
ready = forks.Barrier({processes})
def begin():
    ready.wait(60)
    run()
started = [forks.Process(target=begin) for _ in range({processes})]
for one in started:
    one.start()
for one in started:
    one.join()
print(json.dumps([one.exitcode for one in started]))
"""


def at_once(processes: int, code: str, folder: Path) -> list[int]:
    """Exit statuses of processes that call at the same moment what the code names `run`; they load the libraries once."""
    command = [sys.executable, "-c", code + AT_ONCE.format(processes=processes)]
    done = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, timeout=120)
    found: list[int] = json.loads(done.stdout)
    return found


def test_points_and_parts_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    trials = Trials(tmp_path)
    for points in ({"fast": [1, 2], "slow": [1]}, {"fast": []}):
        with pytest.raises(ValueError, match="each parameter has one a trial"):
            trials.begin(search(points), 1)
    first = trials.begin(search(), 1)
    good = outcome(drawn(1))
    with pytest.raises(ValueError, match="each has one a trial"):
        trials.finish(first, good._replace(sharpes=np.zeros(2)))
    with pytest.raises(ValueError, match="digest 0 has 3 bytes; it must have 16"):
        trials.finish(first, good._replace(digests=[b"abc"]))
    assert trials.trial(first).digest is None


def test_a_newer_ledger_a_missing_data_dir_and_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(NoDataDir):
        TrialReader(tmp_path)
    open_data_dir(tmp_path)
    assert TrialReader(tmp_path).count() == 0 and TrialReader(tmp_path).wall() is None
    Trials(tmp_path).close()
    with sqlite3.connect(tmp_path / "trials.db") as db:
        db.execute("PRAGMA user_version = 7")
    db.close()
    for opened in (Trials, lambda path: TrialReader(path).count()):
        with pytest.raises(WrongFormat, match="trial ledger version 7, this program reads version 1; upgrade ninefold"):
            opened(tmp_path)


def test_a_full_disk_refuses_and_keeps_what_was_there(tmp_path: Path) -> None:
    trials = Trials(tmp_path)
    trials.begin(search(), 1)
    [[pages]] = trials._writer.execute("PRAGMA page_count").fetchall()
    trials._writer.execute(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(StoreWriteFailed, match=r"trials\.db: no space left on the device\. Nothing of this write"):
        trials.begin(search({"fast": np.random.default_rng(1).integers(10**9, size=5_000).tolist()}), 1)
    assert trials.count() == 1
    trials._writer.execute("PRAGMA max_page_count = 100000")
    assert trials.begin(search(), 2) == 2
