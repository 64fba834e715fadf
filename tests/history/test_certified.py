"""Certificates of downloaded trades: worked out by hand, against the truth, and the same however they came to be."""

import json
import random
import shutil
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from deltalake.exceptions import DeltaError
from hypothesis import given
from hypothesis import strategies as st

from ninefold.history.certified import Asked, certified
from ninefold.history.keep import FOLDER, Keeper
from ninefold.history.table import HISTORIES
from ninefold.journal.inputs import Answer
from ninefold.market.arrays import ID_INTEGER, ID_NONE, TRADES
from ninefold.market.instruments import listed
from ninefold.market.time import HOUR_NS, MINUTE_NS
from ninefold.store.certificates import Certificate, Ids
from ninefold.store.certificates import certify as certify_hour
from ninefold.store.data_dir import StoreWriteFailed
from ninefold.store.delta import Table, stored_files
from ninefold.store.ids import ids_by_hour, joined
from ninefold.store.read import Reader
from ninefold.store.scan import scan

from .exchange import JANUARY, Exchange, S, random_trades
from .running import fetch
from .test_kept import RULES, answer

NOW = JANUARY + 1000 * HOUR_NS


def trades(*told: tuple[int, int]) -> Answer:
    """(id, minute since the start)."""
    rows = [
        {"id": id, "price": "5", "qty": "1", "time": (JANUARY + at * MINUTE_NS) // 10**6, "isBuyerMaker": False}
        for id, at in told
    ]
    return answer("trades BTCUSDT", rows)


def opened(data_dir: Path) -> Keeper:
    keeper = Keeper(data_dir, lambda: NOW)
    if keeper.registry.find("binance", "BTCUSDT") is None:
        keeper.keep(answer("rules BTCUSDT", RULES))
    return keeper


def certify(keeper: Keeper, first: float, end: float) -> None:
    keeper.certify(keeper.registry[1], JANUARY + int(first * HOUR_NS), JANUARY + int(end * HOUR_NS))


def states(data_dir: Path) -> dict[int, str]:
    """By hour since the start."""
    return {(one.hour_ns - JANUARY) // HOUR_NS: one.state for one in Reader(data_dir / FOLDER).certificates()}


def rows(data_dir: Path) -> list[str]:
    """Every revision of every certificate."""
    folder = data_dir / FOLDER / "tables"
    return sorted(map(str, scan("certificates", stored_files(folder, "certificates"), None).to_pylist()))


def test_an_hour_is_complete_when_no_id_is_missing_around_it_and_only_what_was_asked_for_is_certified(tmp_path):
    keeper = opened(tmp_path)
    keeper.keep(trades((9, -1), (10, 5), (11, 65), (12, 200), (13, 245)))
    certify(keeper, 0, 4)
    keeper.close()
    assert states(tmp_path) == dict.fromkeys(range(4), "complete")
    found = Reader(tmp_path / FOLDER).certificates()
    assert [(one.first_id, one.last_id, one.trades, one.missing) for one in found] == [
        *((10, 10, 1, 0), (11, 11, 1, 0), (None, None, 0, 0), (12, 12, 1, 0)),
    ]
    assert {(one.from_ns - one.hour_ns, one.to_ns - one.hour_ns, one.revision) for one in found} == {(0, HOUR_NS, 0)}


def test_a_missing_id_is_a_gap_in_every_hour_it_touches_until_it_comes(tmp_path):
    keeper = opened(tmp_path)
    keeper.keep(trades((9, -1), (10, 5), (12, 130), (13, 245)))
    certify(keeper, 0, 4)
    gap = dict.fromkeys(range(3), "gap known")
    assert states(tmp_path) == {**gap, 3: "complete"}
    keeper.keep(trades((11, 65)))
    certify(keeper, 1, 2)
    keeper.close()
    assert states(tmp_path) == dict.fromkeys(range(4), "complete")
    assert [one.revision for one in Reader(tmp_path / FOLDER).certificates()] == [1, 1, 1, 0]


def test_the_ends_of_a_range_are_proven_by_the_very_next_trades_and_by_no_other(tmp_path):
    keeper = opened(tmp_path)
    keeper.keep(trades((1, -9000), (10, 5), (11, 65), (20, 900)))
    certify(keeper, 0, 2)
    found = Reader(tmp_path / FOLDER).certificates()
    assert [(one.state, one.how) for one in found] == [
        ("cannot tell", "our first trade lies in this hour; what came before it is unknown"),
        ("cannot tell", "no trade after this hour was downloaded"),
    ]
    assert found[0].from_ns == JANUARY + 5 * MINUTE_NS
    keeper.keep(trades((9, -300), (12, 130)))
    certify(keeper, 0, 2)
    keeper.close()
    assert states(tmp_path) == {0: "complete", 1: "complete"}


def test_between_two_ranges_nothing_is_missing_because_nothing_was_asked_for(tmp_path):
    keeper = opened(tmp_path)
    keeper.keep(trades((1, 0), (2, 5), (3, 65)))
    certify(keeper, 0, 1)
    keeper.keep(trades((50, 599), (51, 605), (52, 665)))
    certify(keeper, 10, 11)
    assert states(tmp_path) == {0: "cannot tell", 10: "complete"}
    certify(keeper, 1, 10)  # all of it was asked for now, and the venue did not tell what is between
    keeper.close()
    assert states(tmp_path) == {0: "cannot tell", **dict.fromkeys(range(1, 10), "gap known"), 10: "complete"}


def test_a_quiet_range_is_complete_if_the_ids_around_it_follow_each_other_and_an_open_hour_is_open(tmp_path):
    keeper = Keeper(tmp_path, lambda: JANUARY + 9 * HOUR_NS // 2)
    keeper.keep(answer("rules BTCUSDT", RULES))
    certify(keeper, 0, 1)
    assert states(tmp_path) == {}, "of what was never told nothing is said"
    keeper.keep(trades((7, -30), (8, 200), (9, 250)))
    certify(keeper, 0, 2)
    assert states(tmp_path) == {0: "complete", 1: "complete"}
    certify(keeper, 6, 7)
    certify(keeper, 2, 4.5)
    keeper.close()
    found = {(one.hour_ns - JANUARY) // HOUR_NS: one for one in Reader(tmp_path / FOLDER).certificates()}
    assert (found[4].state, found[4].how, found[4].closed) == ("cannot tell", "the hour is still open", False)
    assert found[3].state == "complete"
    assert found[6].how == "no trade of this hour was downloaded, and none beside it that proves it quiet"


def test_where_ids_do_not_count_it_is_said_what_was_asked_for(tmp_path, monkeypatch):
    history = HISTORIES["binance"]

    def read(of, body):
        found = history.trades.read(of, body)
        found["id_kind"] = ID_NONE
        return found

    monkeypatch.setitem(HISTORIES, "binance", replace(history, trades=replace(history.trades, read=read)))
    keeper = opened(tmp_path)
    keeper.keep(trades((1, 5), (2, 65), (3, 125)))
    certify(keeper, 0, 2.5)
    keeper.keep(trades((4, 6)))
    certify(keeper, 1, 2)
    keeper.close()
    found = Reader(tmp_path / FOLDER).certificates()
    assert {one.state for one in found} == {"cannot tell"}
    part = ["all" if "for all of the hour, and answered" in one.how else one.how.split("for ")[1][:6] for one in found]
    assert part == ["all", "all", "a part"]
    assert [(one.trades, one.first_id, one.missing) for one in found] == [
        (2, None, None),
        (1, None, None),
        (1, None, None),
    ]


class OnPaper:
    """Trades as (seq, id, time) in a list, read the slow way."""

    def __init__(self) -> None:
        self.trades: list[tuple[int, int, int]] = []
        self.latest: dict[int, Certificate] = {}

    def hours(self, some: list[tuple[int, int, int]]) -> dict[int, Ids]:
        made = np.zeros(len(some), TRADES)
        made["id_kind"] = ID_INTEGER
        if some:
            made["id_lo"], made["exchange_ns"] = [id for _, id, _ in some], [at for _, _, at in some]
        return {hour: ids for (_, hour), ids in ids_by_hour(made).items()}

    def certificates(self, of):
        return list(self.latest.values())

    def hours_since(self, of, seq, until_seq):
        some = [one for one in self.trades if seq < one[0] < until_seq]
        return self.hours(some), max((one[0] for one in some), default=0)

    def hours_within(self, of, start_ns, end_ns, until_seq):
        return self.hours([one for one in self.trades if start_ns <= one[2] < end_ns])

    def nearest(self, of, time_ns, before, until_seq):
        span = (time_ns - MINUTE_NS, time_ns) if before else (time_ns, time_ns + MINUTE_NS)
        some = [one for one in self.trades if span[0] <= one[2] < span[1]]
        if not some:
            beyond = [one for one in self.trades if (one[2] < time_ns if before else one[2] >= time_ns)]
            some = sorted(beyond, key=lambda one: abs(one[2] - time_ns))[:1]
        found = None
        for ids in self.hours(some).values():
            found = ids if found is None else joined(found, ids)
        return found

    def certify(self, span: tuple[int, int], seq: int, now_ns: int = NOW) -> list[Certificate]:
        asked = Asked("binance", "BTCUSDT", *span)
        made = certified(asked, listed("binance", "BTCUSDT", "BTC", "USDT", tick="1", lot="1"), now_ns, seq, self)
        self.latest |= {one.hour_ns: one for one in made}
        return made


SPANS = st.tuples(st.integers(0, 20), st.integers(1, 6)).map(lambda pair: (pair[0], pair[0] + pair[1]))
STEPS = st.lists(st.tuples(st.frozensets(st.integers(0, 40)), SPANS), min_size=1, max_size=6)


@given(STEPS, st.integers(0, 10**6))
@pytest.mark.slow
def test_what_is_called_complete_is_complete_and_judged_bit_by_bit_it_is_the_same_as_at_once(steps, seed):
    """The truth: 41 trades in 20 hours, at random. Each step stores some of them and asks for some hours."""
    chance = random.Random(seed)
    times = sorted(JANUARY + chance.randrange(20 * 60) * MINUTE_NS for _ in range(41))
    held, asked = OnPaper(), set()
    for number, (ids, span) in enumerate(steps):
        there = {id for _, id, _ in held.trades}
        held.trades += [(2 * number + 1, id, times[id]) for id in sorted(ids - there)]
        held.certify((JANUARY + span[0] * HOUR_NS, JANUARY + span[1] * HOUR_NS), 2 * number + 2)
        if held.trades:
            asked |= {JANUARY + hour * HOUR_NS for hour in range(*span)}
    here = {id for _, id, _ in held.trades}
    for hour, one in held.latest.items():
        told = [id for id, at in enumerate(times) if hour <= at < hour + HOUR_NS]
        assert one.trades == len(here.intersection(told))
        if one.state == "complete":
            assert here.issuperset(told)
        if one.state == "gap known":
            assert one.missing, "and these are truly missing"
            around = [id for id in range(41) if id not in here]
            assert any(str(id) in one.how for id in around)
    assert {hour: (one.state, one.missing) for hour, one in held.latest.items()} == judged_at_once(held, asked)


def judged_at_once(held: OnPaper, asked: set[int]) -> dict[int, tuple[str, int | None]]:
    """Each hour by walking from it, hour by hour, through what was asked for."""
    by_hour = held.hours(held.trades)
    found = {}
    for hour in asked:
        sides = []
        for step in (-HOUR_NS, HOUR_NS):
            at = hour + step
            while at in asked and at not in by_hour:
                at += step
            inside = by_hour.get(at) if at in asked else None
            sides.append((inside, held.nearest(None, at + HOUR_NS if step < 0 else at, step < 0, 0)))
        ids = by_hour.get(hour)
        (before, beyond_before), (after, beyond_after) = sides
        if before is None and connected(beyond_before, ids or after or beyond_after):
            before = beyond_before
        if after is None and connected(ids or before, beyond_after):
            after = beyond_after
        one = certify_hour(1, hour, ids, before, after, (), 0, closed=True)
        found[hour] = one.state, one.missing
    return found


def connected(one: Ids | None, other: Ids | None) -> bool:
    return one is not None and other is not None and one.last + 1 >= other.first


def test_hours_that_nothing_new_touches_are_not_judged_again(monkeypatch):
    """A year of hours, each with a trade; then one more trade at its end."""
    year = 365 * 24
    held = OnPaper()
    held.trades = [(1, hour, JANUARY + hour * HOUR_NS) for hour in range(year)]
    now = JANUARY + (year + 10) * HOUR_NS
    assert len(held.certify((JANUARY, JANUARY + year * HOUR_NS), 2, now)) == year
    read = []
    within = held.hours_within
    monkeypatch.setattr(held, "hours_within", lambda *asked: read.append(asked) or within(*asked))
    assert held.certify((JANUARY, JANUARY + year * HOUR_NS), 3, now) == []
    assert read == []
    held.trades.append((4, year, JANUARY + year * HOUR_NS))
    assert [one.state for one in held.certify((JANUARY, JANUARY + year * HOUR_NS), 5, now)] == ["complete"]
    assert [(end - start) // HOUR_NS for _, start, end, _ in read] == [1], "the last hour"


STEPS_OF_A_DOWNLOAD = [
    lambda keeper: keeper.keep(answer("rules BTCUSDT", RULES)),
    lambda keeper: keeper.keep(trades((9, -1), (10, 5), (12, 130))),
    lambda keeper: certify(keeper, 0, 2),
    lambda keeper: keeper.keep(trades((13, 200), (14, 245))),
    lambda keeper: certify(keeper, 0, 4),
    lambda keeper: keeper.keep(trades((11, 65))),
    lambda keeper: certify(keeper, 1, 2),
]


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> list[str]:
    path = tmp_path_factory.mktemp("reference")
    keeper = Keeper(path, lambda: NOW)
    for step in STEPS_OF_A_DOWNLOAD:
        step(keeper)
    keeper.close()
    return rows(path)


@pytest.mark.slow
def test_tables_that_were_removed_are_made_again_with_the_same_certificates(tmp_path, reference):
    keeper = Keeper(tmp_path, lambda: NOW)
    for step in STEPS_OF_A_DOWNLOAD:
        step(keeper)
    keeper.close()
    assert rows(tmp_path) == reference and len(reference) == 2 + 4 + 3, "new hours, and those that changed"
    shutil.rmtree(tmp_path / FOLDER / "tables")
    Keeper(tmp_path, lambda: NOW + HOUR_NS).close()
    assert rows(tmp_path) == reference


@pytest.mark.slow
@pytest.mark.parametrize("refused", ["trades", "certificates"])
@pytest.mark.parametrize("after", range(3))
def test_an_end_between_two_tables_changes_no_certificate(tmp_path, monkeypatch, reference, refused, after):
    """From the Nth commit of one table on nothing is written; the next start goes on from the journal."""
    real, commits = Table.commit, []

    def commit(table, some, last_seq):
        commits.append(table.name)
        if table.name == refused and commits.count(refused) > after:
            raise DeltaError("No space left on device")
        real(table, some, last_seq)

    with monkeypatch.context() as broken:
        broken.setattr(Table, "commit", commit)
        keeper = Keeper(tmp_path, lambda: NOW)
        with pytest.raises(StoreWriteFailed):
            for step in STEPS_OF_A_DOWNLOAD:
                step(keeper)
        keeper._waiting.clear()
        keeper.close()
    keeper = Keeper(tmp_path, lambda: NOW)
    for step in STEPS_OF_A_DOWNLOAD[keeper._journal.last_seq :]:
        step(keeper)
    keeper.close()
    assert rows(tmp_path) == reference


@pytest.mark.parametrize("venue", ["binance", "coinbase", "kraken"])
@pytest.mark.slow
def test_a_download_certifies_what_it_asked_for(tmp_path, venue):
    truth = random_trades(3, JANUARY, JANUARY + 9 * HOUR_NS, 10 * S)
    exchange = Exchange(truth, NOW)
    span = (JANUARY + HOUR_NS, JANUARY + 5 * HOUR_NS)
    fetch(exchange, tmp_path, "trades", venue=venue, span=span)
    assert states(tmp_path) == dict.fromkeys(range(1, 5), "complete")
    first = rows(tmp_path)
    fetch(exchange, tmp_path, "trades", venue=venue, span=span)
    assert rows(tmp_path) == first, "nothing new is said"
    lost = next(one for one in truth if one.time_ns >= JANUARY + 15 * HOUR_NS // 2)
    exchange.gone = {lost.id}
    fetch(exchange, tmp_path, "trades", venue=venue, span=(JANUARY + 4 * HOUR_NS, JANUARY + 8 * HOUR_NS))
    assert states(tmp_path) == {**dict.fromkeys(range(1, 7), "complete"), 7: "gap known"}
    [gap] = [one for one in Reader(tmp_path / FOLDER).certificates() if one.state == "gap known"]
    assert (gap.missing, gap.how) == (1, f"ids {lost.id} to {lost.id} are missing")
    assert json.loads(msgspec.json.encode(gap))["instrument"] == 1
