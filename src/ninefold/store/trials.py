"""The trial ledger: every back-test and every point of a sweep, counted for good before its result is seen.

In:  what is about to be tried (data, code, configuration, seed), then what came of it; the holdout's wall and looks.
Out: the number of trials there were, what they are worth together, how to run one again.

Trials are numbered from 1. A search (a back-test, a sweep) takes as many numbers as it has points, in one row; results
come in parts, as a sweep goes on. A search that died is counted all the same. SQLite, synced before a call returns;
several processes write at once; nothing is ever changed or deleted.
"""

from __future__ import annotations

import math
import sqlite3
import weakref
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import zstandard

from ninefold.backtest.statistics.checked import Floats
from ninefold.backtest.statistics.compact import Compact
from ninefold.backtest.statistics.effective import effective_trials
from ninefold.backtest.statistics.holdout import NoLooksLeft, Wall, moment
from ninefold.store.data_dir import check_data_dir, failed_write, open_data_dir
from ninefold.store.trials_file import WAIT_S, checked_version, create
from ninefold.store.trials_packed import DIGEST_BYTES, Steps, different_returns, split_digests, steps_of

COMPARED = 20_000  # trials over the same time, at most; a second of work
FEWEST = 8  # stretches of returns; with fewer no trial can be told from another, and each counts fully


class UnknownTrial(LookupError):
    """A number that no trial has."""


class DifferentResult(RuntimeError):
    """A trial that ran again, or is said to have, came out otherwise."""


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """What is tried. With `points` each key has one value a trial; without, it is one trial."""

    kind: str  # backtest, sweep, walk-forward, tournament
    family: str  # the strategy's family, by which trials are counted
    snapshot: str  # identity of the data
    code: str  # version of the program and digest of the strategy
    config: dict[str, Any]
    seed: int
    points: dict[str, list[Any]] = {}

    @property
    def count(self) -> int:
        return len(next(iter(self.points.values()), [None]))


class Outcome(NamedTuple):
    """What came of trials whose numbers follow one another."""

    digests: Sequence[bytes]  # of each whole result, 16 bytes
    sharpes: Floats  # a year; NaN where a trial never traded
    compact: Compact


class Trial(NamedTuple):
    """One trial: `search.config` with `point` on top of it runs it again; `digest` is None if it never ended. first: of its search,
    under which its run is kept."""

    number: int
    known_ns: int
    search: Search
    point: dict[str, Any]
    digest: bytes | None
    first: int


class Look(NamedTuple):
    known_ns: int
    trial: int
    why: str


class Tried(NamedTuple):
    trials: int  # all that were begun
    effective: float  # independent ones that they are worth
    variance: float  # of the yearly Sharpe ratios of those that ended; NaN below two


class TrialReader:
    """Read-only; opens while others write. A ledger that was never written is empty.

    raises: NoDataDir, WrongFormat.
    """

    def __init__(self, path: Path) -> None:
        self.path = check_data_dir(path)
        self._file = self.path / "trials.db"

    def count(self, family: str | None = None) -> int:
        """All trials that were ever begun; of one family, if it is named."""
        [(total,)] = self._query("SELECT total(count) FROM searches WHERE ?1 IS NULL OR family = ?1", (family,)) or [
            (0,)
        ]
        return int(total)

    def trial(self, number: int) -> Trial:
        """raises: UnknownTrial."""
        rows = self._query(
            "SELECT first, count, known_ns, search FROM searches WHERE first <= ? ORDER BY first DESC LIMIT 1",
            (number,),
        )
        if not rows or number >= rows[0][0] + rows[0][1]:
            raise UnknownTrial(f"there is no trial {number} in {self._file}; there are {self.count()}, from 1 on")
        first, _, known_ns, packed = rows[0]
        search = _unpack(packed)
        point = {name: values[number - first] for name, values in search.points.items()}
        return Trial(number, known_ns, search, point, self._digest(number), first)

    def tried(self, family: str | None = None) -> Tried:
        """How many trials there were and what they are worth: what a result of this family is deflated by.

        Equal results count once. Trials over the same time are compared by their returns; those of other times, those
        that did not end and those too short to compare count fully.
        """
        parts = self._query(
            "SELECT r.count, digests, sharpes, first_ns, width_ns, steps FROM results r"
            " JOIN searches s ON s.first = r.search WHERE ?1 IS NULL OR family = ?1",
            (family,),
        )
        total = self.count(family)
        grids: dict[tuple[int, int, int], dict[bytes, Steps]] = {}
        sharpes = [np.frombuffer(part[2], np.float64) for part in parts]
        for count, digests, _, first_ns, width_ns, packed in parts:
            steps = steps_of(count, packed)
            same = grids.setdefault((first_ns, width_ns, steps.shape[1]), {})
            same.update(zip(split_digests(digests), steps, strict=True))
        worth = float(total - sum(part[0] for part in parts))
        worth += sum(_worth(list(trials.values())) for trials in grids.values())
        known = np.concatenate(sharpes or [np.empty(0)])
        known = known[~np.isnan(known)]
        return Tried(total, max(worth, 1.0), float(known.var(ddof=1)) if len(known) > 1 else math.nan)

    def alike(self, family: str, compact: Compact) -> Floats:
        """Returns of the family's trials over the same time as these, equal results once: shape (trials, stretches)."""
        parts = self._query(
            "SELECT r.count, digests, scale, steps FROM results r JOIN searches s ON s.first = r.search"
            " WHERE family = ? AND first_ns = ? AND width_ns = ?",
            (family, compact.first_ns, compact.width_ns),
        )
        return different_returns(parts, compact.steps.shape[1])

    def returns(self, first: int) -> Floats:
        """The same of one search over one stretch of time. first: its first trial."""
        parts = self._query("SELECT count, digests, scale, steps FROM results WHERE search = ?", (first,))
        return different_returns(parts, steps_of(*parts[0][::3]).shape[1])

    def begun(self, search: Search) -> int | None:
        """The first trial of the last search that was the same in everything; None if there was none."""
        rows = self._query(
            "SELECT first, search FROM searches WHERE family = ? AND count = ? ORDER BY first DESC",
            (search.family, search.count),
        )
        wanted = _unpack(_pack(search))  # as JSON has it
        return next((int(first) for first, packed in rows if _unpack(packed) == wanted), None)

    def digests(self, first: int) -> dict[int, bytes]:
        """Of those trials of a search that ended, by their numbers. first: of the search."""
        parts = self._query("SELECT first, digests FROM results WHERE search = ?", (first,))
        return {start + at: digest for start, packed in parts for at, digest in enumerate(split_digests(packed))}

    def looked(self, first: int, count: int) -> set[int]:
        """Those of so many trials that have taken a look behind the wall."""
        rows = self._query("SELECT trial FROM looks WHERE trial >= ? AND trial < ?", (first, first + count))
        return {int(trial) for (trial,) in rows}

    def wall(self) -> Wall | None:
        """The sealed holdout, if there is one."""
        rows = self._query("SELECT at_ns, looks FROM walls ORDER BY number DESC LIMIT 1")
        return Wall(*rows[0]) if rows else None

    def looks_left(self) -> int:
        """How often the holdout may still be looked at; 0 if there is none."""
        rows = self._query(
            "SELECT looks - (SELECT count(*) FROM looks WHERE wall = walls.number) FROM walls ORDER BY number DESC LIMIT 1"
        )
        return int(rows[0][0]) if rows else 0

    def looks(self) -> list[Look]:
        """All that were ever taken, of all walls."""
        return [Look(*row) for row in self._query("SELECT known_ns, trial, why FROM looks ORDER BY number")]

    def _digest(self, number: int) -> bytes | None:
        rows = self._query(
            "SELECT first, count, digests FROM results WHERE first <= ? ORDER BY first DESC LIMIT 1", (number,)
        )
        if not rows or number >= rows[0][0] + rows[0][1]:
            return None
        digests: bytes = rows[0][2]
        return split_digests(digests)[number - int(rows[0][0])]

    def _query(self, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        if not self._file.exists():
            return []
        address = f"{self._file.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=WAIT_S)) as db:
            return checked_version(db, self._file).execute(query, values).fetchall()


class Trials(TrialReader):
    """A writer; any number of processes may have one. Use it from one thread at a time.

    path:   the data dir; created if there is none.
    raises: WrongFormat, StoreWriteFailed.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(open_data_dir(path))
        try:
            if not self._file.exists():
                create(self._file)
            self._writer = sqlite3.connect(self._file, isolation_level=None, timeout=WAIT_S, check_same_thread=False)
            self._finish = weakref.finalize(self, self._writer.close)
            checked_version(self._writer, self._file)
            self._writer.execute("PRAGMA synchronous = FULL")
            self._writer.execute("PRAGMA foreign_keys = ON")
        except (sqlite3.OperationalError, OSError) as refused:
            raise failed_write(self._file, refused) from refused

    def begin(self, search: Search, known_ns: int) -> int:
        """Count a search before it runs; return the number of its first trial.

        raises: ValueError if points have different lengths or there are none; StoreWriteFailed.
        """
        lengths = {name: len(values) for name, values in search.points.items()}
        if len({*lengths.values()}) > 1 or 0 in lengths.values():
            raise ValueError(
                f"points of the search have {lengths} values; each parameter has one a trial, at least one"
            )
        with self._transaction() as db:
            [(first,)] = db.execute("SELECT coalesce(max(first + count), 1) FROM searches").fetchall()
            row = (first, search.count, known_ns, search.family, _pack(search))
            db.execute("INSERT INTO searches VALUES (?, ?, ?, ?, ?)", row)
        return int(first)

    def finish(self, first: int, outcome: Outcome) -> None:
        """Keep the results of trials `first` and following, all of one search; the same results again change nothing.

        raises: UnknownTrial; DifferentResult naming the trial; ValueError if the parts do not fit; StoreWriteFailed.
        """
        count = len(outcome.digests)
        _check(outcome)
        blobs = (
            b"".join(outcome.digests),
            np.asarray(outcome.sharpes, np.float64).tobytes(),
            outcome.compact.first_ns,
            outcome.compact.width_ns,
            outcome.compact.scale.tobytes(),
            zstandard.compress(outcome.compact.steps.tobytes(), 1),
        )
        with self._transaction() as db:
            within = db.execute(
                "SELECT first FROM searches WHERE first <= ?1 AND first + count >= ?1 + ?2 ORDER BY first DESC LIMIT 1",
                (first, count),
            ).fetchall()
            if not within:
                raise UnknownTrial(f"trials {first} to {first + count - 1} are not of one search in {self._file}")
            search = within[0][0]
            if not self._repeats(search, first, outcome.digests):
                db.execute("INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (first, count, search, *blobs))

    def seal(self, wall: Wall, known_ns: int) -> None:
        """Put up the wall, or a later one: not before now, so that it never uncovers what was sealed without a look.

        raises: ValueError if it is not later; StoreWriteFailed.
        """
        before = self.wall()
        if wall.looks < 1 or (before is not None and wall.at_ns < known_ns):
            raise ValueError(
                f"a wall at {moment(wall.at_ns)} with {wall.looks} looks cannot be sealed: it takes at least 1 look, and "
                + (
                    f"after the wall at {moment(before.at_ns)} a new one must not be in the past"
                    if before
                    else "a moment"
                )
            )
        with self._transaction() as db:
            db.execute("INSERT INTO walls (known_ns, at_ns, looks) VALUES (?, ?, ?)", (known_ns, *wall))

    def look(self, trial: int, why: str, known_ns: int) -> int:
        """Take a look behind the wall for a trial that was begun; return how many are left. Refused is not counted.

        raises: NoLooksLeft; UnknownTrial; StoreWriteFailed.
        """
        with self._transaction() as db:
            self.trial(trial)
            if self.looks_left() < 1:
                wall = self.wall()
                raise NoLooksLeft(
                    f"all {wall.looks} looks behind the wall at {moment(wall.at_ns)} are taken; what is behind it tells "
                    "nothing new any more: seal a later wall and wait for data behind it"
                    if wall
                    else "no holdout is sealed, so there is nothing to look at; seal one first"
                )
            db.execute(
                "INSERT INTO looks (wall, known_ns, trial, why) SELECT max(number), ?, ?, ? FROM walls",
                (known_ns, trial, why),
            )
            return self.looks_left()

    def close(self) -> None:
        self._finish()

    def _repeats(self, search: int, first: int, digests: Sequence[bytes]) -> bool:
        """Whether all of these results are kept already; in a transaction."""
        end = first + len(digests)
        parts = self._query(
            "SELECT first, digests FROM results WHERE search = ? AND first < ? AND first + count > ?",
            (search, end, first),
        )
        kept = {begin + at: digest for begin, packed in parts for at, digest in enumerate(split_digests(packed))}
        for number, digest in enumerate(digests, first):
            if kept and kept.get(number) != digest:
                said = kept[number].hex() if number in kept else "no result"
                raise DifferentResult(
                    f"trial {number} has {said} in {self._file} and {digest.hex()} now; the same data, code, "
                    "configuration and seed give the same result: find out which of them changed"
                )
        return bool(kept)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            finally:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
        except sqlite3.OperationalError as refused:
            raise failed_write(self._file, refused) from refused

    def _query(self, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        return self._writer.execute(query, values).fetchall()


def _check(outcome: Outcome) -> None:
    rows = {
        "digests": len(outcome.digests),
        "sharpes": len(outcome.sharpes),
        "scale": len(outcome.compact.scale),
        "steps": len(outcome.compact.steps),
    }
    if len({*rows.values()}) > 1 or not outcome.digests:
        raise ValueError(f"an outcome has {rows} rows; each has one a trial, at least one")
    wrong = next((at for at, digest in enumerate(outcome.digests) if len(digest) != DIGEST_BYTES), None)
    if wrong is not None:
        raise ValueError(f"digest {wrong} has {len(outcome.digests[wrong])} bytes; it must have {DIGEST_BYTES}")


def _worth(trials: list[Steps]) -> float:
    """How many independent ones they are worth; of very many a part is compared and counted for all, rather too high."""
    if trials[0].size < FEWEST:
        return float(len(trials))
    some = trials[:: -(-len(trials) // COMPARED)]
    return effective_trials(np.vstack(some)) * len(trials) / len(some)


def _pack(search: Search) -> bytes:
    return zstandard.compress(msgspec.json.encode(search))


def _unpack(packed: bytes) -> Search:
    return msgspec.json.decode(zstandard.decompress(packed), type=Search)
