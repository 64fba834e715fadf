"""One executor a data dir: what is alive is left alone, what is dead or stopped is replaced, and what was replaced can do
nothing any more.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from ninefold.execution.lease import HELD_NS, QUIET_NS, SILENT_NS, AlreadyTraded, TakenOver
from ninefold.market.records import Equity
from ninefold.store.data_dir import AlreadyWritten
from ninefold.store.lease import HostLease
from ninefold.store.ledger import Ledger, LedgerReader


class Time:
    """A clock that goes on only while somebody waits; `meanwhile` is what the others do then."""

    def __init__(self) -> None:
        self.now_ns = 10**12
        self.waited_ns = 0
        self.meanwhile = lambda: None

    def clock(self) -> int:
        return self.now_ns

    def pause(self, seconds: float) -> None:
        self.now_ns += int(seconds * 1e9)
        self.waited_ns += int(seconds * 1e9)
        self.meanwhile()


def lease(folder: Path, time: Time) -> HostLease:
    return HostLease(folder / "execute.lease", time.clock, time.pause)


def test_one_that_is_alive_is_not_replaced_and_named(tmp_path):
    time = Time()
    first = lease(tmp_path, time)
    time.meanwhile = first.renew
    with pytest.raises(
        AlreadyTraded,
        match=rf"execute\.lease is held by process {os.getpid()}, which trades that account; stop that one",
    ):
        lease(tmp_path, time)
    first.check()
    first.release()


def test_one_that_ended_is_replaced_at_once(tmp_path):
    time = Time()
    lease(tmp_path, time).release()
    lease(tmp_path, time).release()
    assert time.waited_ns == 0


def test_one_that_is_silent_is_replaced_after_the_stated_times_and_can_then_do_nothing(tmp_path):
    time = Time()
    first, ledger = lease(tmp_path, time), Ledger(tmp_path)
    ledger.append([Equity(seq=1, known_ns=1, quote="USDT", value=1)], 1)
    second = lease(tmp_path, time)
    assert SILENT_NS + QUIET_NS <= time.waited_ns < SILENT_NS + QUIET_NS + 10**9
    later = Ledger(tmp_path)
    assert later.epoch == ledger.epoch + 1
    for act in (first.check, first.renew, lambda: ledger.append([Equity(seq=2, known_ns=2, quote="USDT", value=2)], 2)):
        with pytest.raises(TakenOver):
            act()
    assert [event.seq for event in LedgerReader(tmp_path).events()] == [1]
    later.append([Equity(seq=3, known_ns=3, quote="USDT", value=3)], 3)
    second.check()
    first.release()
    second.check()


def test_one_that_was_only_slow_renews_by_itself(tmp_path):
    time = Time()
    held = lease(tmp_path, time)
    time.now_ns += HELD_NS * 3
    held.check()
    held.release()


@pytest.mark.slow
def test_a_ledger_whose_writer_stays_inside_a_write_is_not_taken_over_and_it_is_said_what_to_do(tmp_path):
    Ledger(tmp_path).close()
    held = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
    with pytest.raises(AlreadyWritten, match=r"ledger\.db is locked by another process .* end it \(kill -9\)"):
        Ledger(tmp_path)
    held.close()
