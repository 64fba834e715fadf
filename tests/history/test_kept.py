"""The keeper: what the journal gives is what the tables hold, also when the disk refuses between two tables."""

import json
from pathlib import Path

import pytest
from deltalake.exceptions import DeltaError

from ninefold.history.keep import FOLDER, Keeper
from ninefold.journal.inputs import Answer
from ninefold.market.arrays import BAR_FLAT, BAR_OK, BAR_UNKNOWN
from ninefold.market.time import MINUTE_NS
from ninefold.store.data_dir import StoreWriteFailed
from ninefold.store.delta import Table
from ninefold.store.read import Reader

from .exchange import JANUARY, S

pytestmark = pytest.mark.slow

FILTERS = [
    {"filterType": "PRICE_FILTER", "tickSize": "0.01"},
    {"filterType": "LOT_SIZE", "stepSize": "0.00001", "minQty": "0.00001"},
]
RULES = {"symbols": [{"symbol": "BTCUSDT", "baseAsset": "BTC", "quoteAsset": "USDT", "filters": FILTERS}]}
SPAN = (JANUARY, JANUARY + 5 * MINUTE_NS)


def answer(purpose: str, body: object) -> Answer:
    return Answer("binance", purpose, "/", 200, json.dumps(body).encode())


def trades(*told: tuple[int, int]) -> Answer:
    """(id, second since the start)."""
    rows = [
        {"id": id, "price": "5", "qty": "1", "time": (JANUARY + at * S) // 10**6, "isBuyerMaker": False}
        for id, at in told
    ]
    return answer("trades BTCUSDT", rows)


FIRST = trades(
    (1, -1), (2, 10), (3, 70), (5, 190), (6, 310)
)  # the fourth is missing, from the second to the fourth minute
LATER = trades((4, 130))


def opened(data_dir: Path) -> Keeper:
    return Keeper(data_dir, lambda: JANUARY + 400 * S)


def stored(data_dir: Path) -> tuple[list[tuple], list[tuple]]:
    reader = Reader(data_dir / FOLDER)
    bars = reader.bars(1, MINUTE_NS, revisions="all", newest=False)
    return sorted(reader.trades(1).tolist()), sorted(bars.tolist())


def whole(data_dir: Path) -> None:
    keeper = opened(data_dir)
    keeper.keep(answer("rules BTCUSDT", RULES))
    keeper.keep(FIRST)
    keeper.settle(keeper.registry[1], "1m", *SPAN)
    keeper.keep(LATER)
    keeper.settle(keeper.registry[1], "1m", *SPAN)
    keeper.close()


def test_of_an_answer_with_a_number_that_no_column_holds_nothing_is_stored_and_that_is_told(tmp_path):
    kline = [JANUARY // 10**6, "5", "5", "5", "5", "1", JANUARY // 10**6 + 59_999, "5", 10**30, "1", "5", "0"]
    keeper = opened(tmp_path)
    keeper.keep(answer("rules BTCUSDT", RULES))
    assert "too large" in keeper.keep(answer(f"bars BTCUSDT 1m {SPAN[0]} {SPAN[1]}", [kline])).problem
    kline[8] = 1
    assert keeper.keep(answer(f"bars BTCUSDT 1m {SPAN[0]} {SPAN[1]}", [kline])).problem == ""
    keeper.close()
    opened(tmp_path).close()
    assert len(Reader(tmp_path / FOLDER).bars(1, MINUTE_NS)) == 1


def test_what_was_unknown_becomes_known_as_the_next_revision(tmp_path):
    whole(tmp_path)
    bars = Reader(tmp_path / FOLDER).bars(1, MINUTE_NS, revisions="all", newest=False)
    told = [((int(bar["open_ns"]) - JANUARY) // MINUTE_NS, bar["revision"], bar["state"]) for bar in bars]
    unknown = [(minute, 0, BAR_UNKNOWN) for minute in (1, 2, 3)]
    known = [(minute, 1, BAR_OK) for minute in (1, 2, 3)]
    assert sorted(told) == sorted([(0, 0, BAR_OK), *unknown, *known, (4, 0, BAR_FLAT)])


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> tuple[list[tuple], list[tuple]]:
    path = tmp_path_factory.mktemp("reference")
    whole(path)
    return stored(path)


@pytest.mark.parametrize("refused", ["trades", "bars", "certificates"])
@pytest.mark.parametrize("after", [0, 2, *(pytest.param(after, marks=pytest.mark.torture) for after in (1, 3, 4))])
def test_a_disk_that_refuses_between_two_tables_changes_nothing_in_the_end(
    tmp_path, monkeypatch, reference, refused, after
):
    """From the Nth commit of one table on it refuses, whatever is tried; then there is room again."""
    real, commits = Table.commit, []

    def commit(table, rows, last_seq):
        commits.append(table.name)
        if table.name == refused and commits.count(refused) > after:
            raise DeltaError("No space left on device")
        real(table, rows, last_seq)

    steps = [
        lambda keeper: keeper.keep(answer("rules BTCUSDT", RULES)),
        lambda keeper: keeper.keep(FIRST),
        lambda keeper: keeper.settle(keeper.registry[1], "1m", *SPAN),
        lambda keeper: keeper.keep(LATER),
        lambda keeper: keeper.settle(keeper.registry[1], "1m", *SPAN),
    ]
    with monkeypatch.context() as broken:
        broken.setattr(Table, "commit", commit)
        keeper = opened(tmp_path / "data")
        try:
            for step in steps:
                step(keeper)
            keeper.close()
        except StoreWriteFailed:
            keeper._waiting.clear()
            keeper.close()
    keeper = opened(tmp_path / "data")
    for step in steps[keeper._journal.last_seq :]:
        step(keeper)
    keeper.close()
    assert stored(tmp_path / "data") == reference
