"""Runs of back-tests that are over, kept to be looked at again.

In:  a finished document (of `backtest`, `sweep`, `walk-forward`, `tournament`) and the bars it ran on.
Out: runs by the number of their first trial, newest first; the document as `--json` printed it.

`D/runs/000017.json.zst` is two lines of JSON: what the run is and its short figures, then the whole document; a list reads
only the first. Bars lie beside, in `D/runs/bars/`, under the digest of their file, so that runs on the same bars share them.
Every file is on the disk before it gets its name: readers need no lock and see a run whole or not at all. A run that is kept
again under its number (a ledger that began anew) takes the place of the first.
"""

from __future__ import annotations

import io
import os
from fractions import Fraction
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

import ninefold
from ninefold.backtest.bars import PRICES, Bars
from ninefold.journal.durable import folder_to_disk, to_disk
from ninefold.store.data_dir import WrongFormat, check_data_dir, failed_write
from ninefold.store.trials import TrialReader

FORMAT = 1
SUFFIX = ".json.zst"
COLUMNS = ("open_ns", "close_ns", *PRICES, "volume")
STEPS = b"ninefold.steps.1"  # of a file of bars: tick and lot
_SCALARS = (str, int, float, bool, type(None))


class UnknownRun(LookupError):
    """A number under which no run is kept."""


class BrokenRun(RuntimeError):
    """A file that is not as it was written."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The first line of a run. summary: what a list shows of its document."""

    format: int
    written_by: str
    kind: str
    trial: int
    known_ns: int  # when its first trial was counted
    config: dict[str, Any]  # what was asked for, as the ledger has it
    bars: str | None  # digest of their file
    summary: dict[str, Any]

    @property
    def about(self) -> dict[str, Any]:
        """What a page needs to know beside the document; numbers that may exceed 2^53 are text."""
        return {"number": str(self.trial), "kind": self.kind, "known_ns": str(self.known_ns), "config": self.config}


def save_run(data_dir: Path, kind: str, trial: int, document: dict[str, Any], bars: Bars | None) -> Path:
    """Keep a finished run; returns its file.

    kind:     backtest, sweep, walk-forward, cross-validate, tournament, freqtrade.
    trial:    number of its first trial in the ledger of the data dir.
    document: what the command prints as JSON; NaN is kept as null.
    bars:     what it ran on; None where there is no one series.
    raises:   NoDataDir, WrongFormat, UnknownTrial, StoreWriteFailed.
    """
    counted = TrialReader(data_dir).trial(trial)
    folder = data_dir / "runs"
    try:
        (folder / "bars").mkdir(parents=True, exist_ok=True)
        kept = Kept(
            format=FORMAT,
            written_by=ninefold.__version__,
            kind=kind,
            trial=trial,
            known_ns=counted.known_ns,
            config=counted.search.config,
            bars=None if bars is None else _keep_bars(folder / "bars", bars),
            summary=_summary(document),
        )
        lines = b"\n".join(msgspec.json.encode(part) for part in (kept, document))
        return _write(folder / f"{trial:06d}{SUFFIX}", zstandard.compress(lines, 3))
    except OSError as refused:
        raise failed_write(folder, refused) from refused


class RunReader:
    """Read-only; opens while others write. A data dir in which nothing was ever run has none.

    raises: NoDataDir, WrongFormat.
    """

    def __init__(self, data_dir: Path) -> None:
        self._folder = check_data_dir(data_dir) / "runs"

    def list(self) -> list[Kept]:
        """Newest first. raises: WrongFormat, BrokenRun naming the file."""
        numbered = {int(path.name.removesuffix(SUFFIX)): path for path in self._folder.glob(f"[0-9]*{SUFFIX}")}
        return [_first_line(numbered[number]) for number in sorted(numbered, reverse=True)]

    def kept(self, number: int) -> Kept:
        """What a run is. raises: UnknownRun; WrongFormat, BrokenRun naming the file."""
        return _first_line(self._path(number))

    def run(self, number: int) -> dict[str, Any]:
        """The document of a run. raises: as `kept`."""
        path = self._path(number)
        _first_line(path)  # refuses a newer format
        try:
            document: dict[str, Any] = msgspec.json.decode(zstandard.decompress(path.read_bytes()).split(b"\n", 1)[1])
        except (zstandard.ZstdError, msgspec.DecodeError, IndexError) as error:
            raise _broken(path, error) from error
        return document

    def bars(self, number: int) -> Bars | None:
        """What a run ran on; None where that was no one series. raises: as `kept`."""
        digest = self.kept(number).bars
        return None if digest is None else _bars_of(self._folder / "bars" / f"{digest}.parquet")

    def changed_ns(self, number: int) -> int:
        """When the file of a run was written: what was read of it is good until then. raises: UnknownRun."""
        return self._path(number).stat().st_mtime_ns

    def _path(self, number: int) -> Path:
        path = self._folder / f"{number:06d}{SUFFIX}"
        if not path.is_file():
            numbers = [kept.trial for kept in self.list()]
            said = (
                f"kept are {min(numbers)} to {max(numbers)}"
                if numbers
                else "none is kept yet: `ninefold backtest` keeps one"
            )
            raise UnknownRun(f"there is no run {number} in {self._folder}; {said}")
        return path


def _summary(document: dict[str, Any]) -> dict[str, Any]:
    """Single values, and the single values of what is a table of its own (`set`, `buy_and_hold`)."""
    found: dict[str, Any] = {}
    for name, value in document.items():
        if isinstance(value, _SCALARS):
            found[name] = value
        elif isinstance(value, dict):
            short = {inner: one for inner, one in value.items() if isinstance(one, _SCALARS)}
            found |= {name: short} if short else {}
    return found


def _first_line(path: Path) -> Kept:
    try:
        with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
            line = io.BufferedReader(stream).readline()
        said = msgspec.json.decode(line)
        if said["format"] > FORMAT:
            raise WrongFormat(
                f"{path} has run format {said['format']} (written by ninefold {said.get('written_by', 'unknown')}), this is "
                f"ninefold {ninefold.__version__} which reads formats up to {FORMAT}; upgrade ninefold, or move the file away"
            )
        return msgspec.convert(said, Kept)
    except (zstandard.ZstdError, msgspec.DecodeError, msgspec.ValidationError, KeyError, TypeError) as error:
        raise _broken(path, error) from error


def _broken(path: Path, error: Exception) -> BrokenRun:
    return BrokenRun(
        f"{path} is not as it was written ({error}); restore it from a backup, or delete it and run the trial again"
    )


def _keep_bars(folder: Path, bars: Bars) -> str:
    """Integers as packed differences are small, and faster than any other way (`parquet.py`)."""
    table = pa.table({name: getattr(bars, name) for name in COLUMNS}).replace_schema_metadata(
        {STEPS: msgspec.json.encode({"tick": str(bars.tick), "lot": str(bars.lot)})}
    )
    made = io.BytesIO()
    pq.write_table(
        table,
        made,
        compression="lz4",
        use_dictionary=False,
        column_encoding=dict.fromkeys(COLUMNS, "DELTA_BINARY_PACKED"),
    )
    content = made.getvalue()
    digest = blake2b(content, digest_size=16).hexdigest()
    path = folder / f"{digest}.parquet"
    if not path.is_file():
        _write(path, content)
    return digest


def _bars_of(path: Path) -> Bars:
    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
        steps = msgspec.json.decode(table.schema.metadata[STEPS])
        columns = {
            name: np.from_dlpack(table.column(name).combine_chunks()) for name in COLUMNS
        }  # to_numpy loads pandas
        return Bars(**columns, tick=Fraction(steps["tick"]), lot=Fraction(steps["lot"]))
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise _broken(path, error) from error


def _write(path: Path, content: bytes) -> Path:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        to_disk(file.fileno())
    temporary.replace(path)
    folder_to_disk(path.parent)
    return path
