"""The ledger: once, in order, for good."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from ninefold.market.records import AnyRecord, Balance, Equity, Fill, Order, Started
from ninefold.store.data_dir import NoDataDir, StoreWriteFailed, WrongFormat, open_data_dir
from ninefold.store.ledger import Ledger, LedgerReader


def order(seq: int, status: str, id: str = "a", filled: int = 0) -> Order:
    return Order(
        seq=seq, known_ns=seq * 10, client_order_id=id, instrument=1, side=1, size=9, status=status, filled=filled
    )


def fill(seq: int, trade_id: str, size: int, side: int = 1, instrument: int = 1) -> Fill:
    return Fill(
        seq=seq,
        known_ns=seq,
        client_order_id="a",
        instrument=instrument,
        side=side,
        price=5,
        size=size,
        fee=0,
        fee_asset="BTC",
        trade_id=trade_id,
        exchange_ns=seq,
    )


def test_events_come_back_in_order_and_a_repeated_append_adds_nothing(tmp_path: Path) -> None:
    first: list[AnyRecord] = [Started(seq=1, known_ns=0, run="x"), order(2, "intended"), order(2, "sent")]
    second: list[AnyRecord] = [
        order(3, "filled", filled=9),
        fill(3, "7", 4),
        fill(3, "8", 5),
        Balance(seq=3, known_ns=0, asset="BTC", free=9, locked=0),
    ]
    ledger = Ledger(tmp_path)
    assert ledger.last_seq() == 0
    assert ledger.append(first, 2) == 3
    assert ledger.append([order(2, "sent")], 2) == 0
    assert ledger.append([*first, *second], 3) == 4
    assert ledger.append(second, 3) == 0
    assert ledger.append([], 1) == 0
    assert ledger.events() == [*first, *second]
    assert ledger.events(since=2) == second
    assert ledger.last_seq() == 3
    ledger.close()


def test_orders_are_their_latest_state_in_the_order_of_their_birth(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.append(
        [
            order(2, "intended"),
            order(2, "intended", "b"),
            order(3, "sent", "b"),
            order(4, "filled", filled=9),
            order(5, "intended", "c"),
        ],
        5,
    )
    assert [(one.client_order_id, one.status) for one in ledger.orders()] == [
        ("a", "filled"),
        ("b", "sent"),
        ("c", "intended"),
    ]
    assert ledger.created_ns() == {"a": 20, "b": 20, "c": 50}
    ledger.close()


def test_positions_are_the_sum_of_the_fills(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.append([fill(2, "1", 7), fill(3, "2", 3, side=-1), fill(3, "3", 2, side=-1, instrument=2)], 3)
    assert ledger.positions() == {1: 4, 2: -2}
    ledger.close()


def test_a_fill_that_is_told_twice_counts_once(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.append([fill(2, "1", 7), fill(3, "1", 7), fill(3, "2", 1)], 3)
    assert [one.seq for one in ledger.fills()] == [2, 3]
    assert ledger.positions() == {1: 8}
    ledger.close()


def test_what_was_written_cannot_be_changed(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.append([order(2, "intended")], 2)
    ledger.close()
    with sqlite3.connect(tmp_path / "ledger.db") as db:
        for statement in ("UPDATE events SET seq = 9", "DELETE FROM events"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                db.execute(statement)
    db.close()


def test_a_reader_in_another_process_sees_each_append_and_cannot_write(tmp_path: Path) -> None:
    open_data_dir(tmp_path)
    reader = LedgerReader(tmp_path)
    assert reader.orders() == [] and reader.last_seq() == 0
    ledger = Ledger(tmp_path)
    ledger.append([order(2, "intended")], 2)
    code = f"from ninefold.store.ledger import LedgerReader\nprint(len(LedgerReader({str(tmp_path)!r}).events()))"
    assert (
        subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True).stdout
        == "1\n"
    )
    assert len(reader.events()) == 1
    ledger.append([order(3, "sent")], 3)
    assert reader.last_seq() == 3
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._query("UPDATE position SET last_seq = 0")
    ledger.close()
    assert LedgerReader(tmp_path).created_ns() == {"a": 20}


def test_kill_9_after_an_append_loses_nothing_and_the_same_append_adds_nothing(tmp_path: Path) -> None:
    code = f"""
import os, signal
from ninefold.market.records import Equity
from ninefold.store.ledger import Ledger
Ledger({str(tmp_path)!r}).append([Equity(seq=seq, known_ns=0, quote="USDT", value=seq) for seq in range(1, 50)], 49)
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    ledger = Ledger(tmp_path)
    assert len(ledger.events()) == ledger.last_seq() == 49
    assert ledger.append([Equity(seq=49, known_ns=0, quote="USDT", value=49)], 49) == 0
    ledger.close()


def test_what_was_noted_outlives_kill_9(tmp_path: Path) -> None:
    code = f"""
import os, signal
from ninefold.market.records import Equity
from ninefold.store.ledger import Ledger
Ledger({str(tmp_path)!r}).note([Equity(seq=seq, known_ns=0, quote="USDT", value=seq) for seq in range(1, 50)], 49)
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    ledger = Ledger(tmp_path)
    assert len(ledger.events()) == ledger.last_seq() == 49
    ledger.close()


def test_a_power_loss_takes_from_the_end_what_was_not_synced_and_nothing_before_it(tmp_path: Path) -> None:
    """It can leave the log cut, or with zeros, anywhere behind what was synced."""
    ledger = Ledger(tmp_path / "whole")
    for seq in range(1, 6):
        ledger.note([order(seq, "sent", id=f"order-{seq}")], seq)
    ledger.sync()
    synced = len((tmp_path / "whole" / "ledger.db-wal").read_bytes())
    for seq in range(6, 12):
        ledger.note([order(seq, "sent", id=f"order-{seq}")], seq)
    file, log = (tmp_path / "whole" / name for name in ("ledger.db", "ledger.db-wal"))
    data, left = log.read_bytes(), set()
    for number, cut in enumerate([*range(synced, len(data), len(data) // 20), len(data)]):
        after = open_data_dir(tmp_path / f"after-{number}")
        (after / "ledger.db").write_bytes(file.read_bytes())
        (after / "ledger.db-wal").write_bytes(data[:cut] + bytes(len(data) - cut if number % 2 else 0))
        again = Ledger(after)
        assert [event.seq for event in again.events()] == list(range(1, again.last_seq() + 1))
        left.add(again.last_seq())
        again.close()
    assert min(left) == 5 and max(left) == 11 and len(left) > 3
    ledger.close()


def test_a_long_log_is_moved_into_the_file_beside_the_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ninefold.store.ledger.LOG_MOST_BYTES", 100_000)
    ledger = Ledger(tmp_path)
    for seq in range(1, 300):
        ledger.note([order(seq, "sent", id=f"order-{seq}")], seq)
        ledger.shorten()
    assert (tmp_path / "ledger.db-wal").stat().st_size < 300_000
    assert len(ledger.events()) == len(LedgerReader(tmp_path).events()) == 299
    ledger.close()


def test_a_ledger_that_cannot_grow_refuses_and_keeps_what_it_had(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.append([order(2, "intended")], 2)
    ledger._writer.execute("PRAGMA max_page_count = 8")
    many = [order(seq, "intended", id=f"order-{seq}") for seq in range(3, 900)]
    with pytest.raises(
        StoreWriteFailed, match=r"ledger\.db: no space left on the device\. Nothing of this write was acknowledged"
    ):
        ledger.append(many, 900)
    assert ledger.events() == [order(2, "intended")] and ledger.last_seq() == 2
    ledger._writer.execute("PRAGMA max_page_count = 100000")
    assert ledger.append(many, 900) == 897
    ledger.close()


def test_a_newer_ledger_and_a_missing_data_dir_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NoDataDir):
        LedgerReader(tmp_path)
    Ledger(tmp_path).close()
    with sqlite3.connect(tmp_path / "ledger.db") as db:
        db.execute("PRAGMA user_version = 7")
    db.close()
    for opened in (Ledger, lambda path: LedgerReader(path).events()):
        with pytest.raises(WrongFormat, match="ledger version 7, this program reads up to 3; upgrade ninefold"):
            opened(tmp_path)


EARLIER = """
CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    seq INTEGER NOT NULL, type TEXT NOT NULL, id TEXT NOT NULL, payload TEXT NOT NULL,
    UNIQUE (seq, type, id, payload)
);
CREATE INDEX events_by_type ON events (type, id, number);
CREATE TABLE position (one INTEGER PRIMARY KEY CHECK (one = 1), last_seq INTEGER NOT NULL);
INSERT INTO position VALUES (1, 0);
"""


@pytest.mark.parametrize("version", [1, 2])
def test_a_ledger_that_an_earlier_version_began_goes_on_with_all_its_events(tmp_path: Path, version: int) -> None:
    open_data_dir(tmp_path)
    with sqlite3.connect(tmp_path / "ledger.db") as db:  # as that version left it
        db.executescript(f"{EARLIER} PRAGMA user_version = {version};")
        payload = msgspec.json.encode(order(2, "intended")).decode()
        db.execute("INSERT INTO events (seq, type, id, payload) VALUES (2, 'order', 'a', ?)", (payload,))
    db.close()
    assert LedgerReader(tmp_path).events() == [order(2, "intended")]
    for _ in range(2):
        again = Ledger(tmp_path)
        again.append([order(2, "intended"), order(3, "sent")], 3)
        assert again.events() == [order(2, "intended"), order(3, "sent")], "what is told again is stored once"
        again.close()
    with sqlite3.connect(tmp_path / "ledger.db") as db:
        assert db.execute("PRAGMA user_version").fetchone() == (2,)
    db.close()


def test_every_event_survives_its_json(tmp_path: Path) -> None:
    odd = msgspec.structs.replace(order(2, "refused"), reason='price "unknown" 😀\n', strategies=("x", "y"))
    ledger = Ledger(tmp_path)
    ledger.append([odd, Equity(seq=2, known_ns=-1, quote="USDT", value=None)], 2)
    assert ledger.events() == [odd, Equity(seq=2, known_ns=-1, quote="USDT", value=None)]
    ledger.close()


def test_a_ledger_that_is_ahead_of_the_journal_is_done_up_to_the_journals_end_and_keeps_what_it_has(
    tmp_path: Path,
) -> None:
    ledger = Ledger(tmp_path)
    ledger.append([order(5, "intended"), order(5, "sent")], 9)
    ledger.go_back(20)
    assert ledger.last_seq() == 9
    ledger.go_back(3)
    assert ledger.last_seq() == 3
    assert len(ledger.events()) == 2
    ledger.append([order(4, "filled", filled=9)], 4)
    assert ledger.last_seq() == 4
    assert [one.status for one in ledger.orders()] == ["filled"]
    ledger.close()
