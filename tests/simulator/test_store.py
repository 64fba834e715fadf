"""The store on a real file."""

import itertools
import time
from pathlib import Path

import pytest

from ninefold.simulator import store as module
from ninefold.simulator.history import History
from ninefold.simulator.store import Store, TradeRow


def row(trade_id: int, agg_id: int, time_ms: int, lots: int = 1) -> TradeRow:
    return TradeRow(1, trade_id, trade_id, agg_id, 100, lots, 100 * lots, time_ms, 0)


def test_the_write_ahead_log_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "CHECKPOINT_SECONDS", 0.005)
    store = Store(tmp_path / "exchange.sqlite")
    log = tmp_path / "exchange.sqlite-wal"
    numbers = itertools.count(1)
    deadline = time.monotonic() + 30
    before, now = -1, 0
    while now != before:  # it grows with every commit, until one begins at its start again
        assert time.monotonic() < deadline, f"{log} grew to {now:,} bytes, and nothing ever restarted it"
        for number in itertools.islice(numbers, 100):
            store.add_trade(row(number, number, number))
            store.commit()
        before, now = now, log.stat().st_size
    store.close()


def test_what_was_not_committed_is_not_there_for_anybody_else(tmp_path: Path):
    store = Store(tmp_path / "exchange.sqlite")
    history = History(store.path)
    store.add_trade(row(1, 1, 5))
    assert history.trades_from(1, 0, 9) == []
    store.commit()
    assert [each.trade_id for each in history.trades_from(1, 0, 9)] == [1]
    history.close()
    store.close()


def test_trades_are_found_by_time_and_grouped_into_their_aggregates(tmp_path: Path):
    store = Store(tmp_path / "exchange.sqlite")
    for each in (row(1, 1, 10), row(2, 1, 10, 2), row(3, 2, 20), row(4, 3, 20), row(5, 4, 35)):
        store.add_trade(each)
    store.commit()
    history = History(store.path)
    assert [history.first_at(1, moment) for moment in (0, 10, 11, 20, 35)] == [1, 1, 3, 3, 5]
    assert history.first_at(1, 36) == 2**63 - 1
    spans = [(each.agg_id, each.first_id, each.trade_id, each.lots) for each in history.aggregates(1, 1, None, None, 2)]
    assert spans == [(1, 1, 2, 3), (2, 3, 3, 1)]
    assert [each.agg_id for each in history.aggregates(1, None, 20, 34, 9)] == [2, 3]
    assert [each.agg_id for each in history.aggregates(1, None, None, None, 2)] == [3, 4]
    history.close()
    store.close()
