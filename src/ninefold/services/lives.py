"""The lives of a run: each time it was started, or went on after a crash.

In:  the data dir of a pipeline or of a replay, only read. Out: its lives, oldest first.
A live run notes each start in its journal, a replay in source.json. Where a version did not note from where it went on, it is
taken to have stopped cleanly.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import msgspec

from ninefold.config import Config, load
from ninefold.journal.inputs import STARTED, Begun
from ninefold.journal.inputs import Run as Started
from ninefold.journal.letgo import let_go_of
from ninefold.journal.reader import read, read_segment
from ninefold.journal.segment import segments
from ninefold.services.identity import Identity, decode_identity
from ninefold.services.replay import Source, config_of
from ninefold.store.data_dir import check_data_dir
from ninefold.store.ledger import LedgerReader


class NoParity(RuntimeError):
    """A data dir whose run cannot be played again; the text says why, and what can."""


class Life(NamedTuple):
    """begun: as noted, or as assumed of a clean stop. identity: None if it was not noted; config is then the newest one."""

    begun: Begun
    identity: Identity | None
    config: Config


class Run(NamedTuple):
    """is_replay: made by `ninefold replay`, whose door takes every venue and no account events. missing: (first, last) seq of
    inputs that its journal lacks. end: up to where its logs went when it was looked at; it may go on meanwhile.
    """

    data_dir: Path
    is_replay: bool
    lives: list[Life]
    missing: list[tuple[int, int]]
    end: Begun


def run_of(data_dir: Path) -> Run:
    """raises: NoDataDir, WrongFormat, NoParity, UnreadableIdentity, BadConfig."""
    check_data_dir(data_dir)
    _check_logs(data_dir)
    ledger_seq = LedgerReader(data_dir).last_seq()
    stream_seq = _last_seq(data_dir / "stream")  # ledger, stream, journal: each has what those before it have
    started: list[Begun] = []
    missing: list[tuple[int, int]] = []
    last_seq = 0
    for record in read(data_dir / "journal"):
        if record.seq != last_seq + 1:
            missing.append((last_seq + 1, record.seq - 1))
        last_seq = record.seq
        if record.kind == STARTED:
            noted = msgspec.msgpack.decode(record.payload, type=Started).begun
            started.append(noted or _clean(record.seq - 1))
    if stream_seq > last_seq:
        missing.append((last_seq + 1, stream_seq))
    end = Begun(last_seq, 0, ledger_seq, stream_seq, b"")
    source = data_dir / "source.json"
    if source.exists():
        begun = msgspec.json.decode(source.read_bytes(), type=Source).begun or [_clean(0)]
        return Run(data_dir, True, _lives(begun, config_of(data_dir, data_dir)), missing, end)
    if not started:
        raise NoParity(f"the journal of {data_dir} notes no start; parity is asked of a run of demo, up or replay")
    return Run(data_dir, False, _lives(started, load(data_dir / "running.json")), missing, end)


def _lives(starts: list[Begun], config: Config) -> list[Life]:
    lives = []
    for begun in starts:
        identity = decode_identity(begun.identity) if begun.identity else None
        lives.append(Life(begun, identity, identity.config if identity else config))
    return lives


def _last_seq(log: Path) -> int:
    for path in reversed(segments(log)):
        last_seq = 0
        for record in read_segment(path):
            last_seq = record.seq
        if last_seq:
            return last_seq
    return 0


def _clean(seq: int) -> Begun:
    return Begun(seq, seq, seq, seq, b"")


def _check_logs(data_dir: Path) -> None:
    if (data_dir / "state" / "merge.snapshot").exists():
        raise NoParity(f"{data_dir} is a recorder of several collectors: it trades nothing that could be played again")
    if not segments(data_dir / "journal"):
        raise NoParity(f"{data_dir} holds no journal; parity is asked of a run of demo, up or replay")
    if not segments(data_dir / "stream"):
        raise NoParity(
            f"{data_dir} holds no stream log: its services ran over NATS, where the bus held what they made; "
            "parity is asked of a run in one process"
        )
    gone = let_go_of(data_dir / "journal")
    if gone is not None:
        raise NoParity(
            f"retention let go the journal of {data_dir} up to seq {gone.seq:,}; a run is played again from its first "
            "input: keep the journal longer, or restore it from a backup"
        )
