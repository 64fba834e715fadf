"""Judging all instruments at once gives the very certificates that judging one after the other gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.market.arrays import ID_AGGREGATE, ID_INTEGER, ID_NONE, TRADES
from ninefold.market.arrays import rows as rows_of
from ninefold.market.chunk import Chunk
from ninefold.market.records import AnyRecord, Connection, Gap, Tick
from ninefold.market.time import HOUR_NS, MINUTE_NS
from ninefold.store import tables as tables_module
from ninefold.store.certificates import Certificate, Ids, certify
from ninefold.store.certifier import Certifier
from ninefold.store.growing import Growing
from ninefold.store.hours import Hours, Turn
from ninefold.store.ids import Grouped, grouped, ids_by_hour
from ninefold.store.read import Reader
from ninefold.store.tables import Tables

FORMS = (ID_INTEGER, ID_AGGREGATE, ID_NONE)  # kind of id of instruments 1, 2, 3
STEPS_NS = (1, 1, 1, 1, MINUTE_NS, MINUTE_NS, 40 * MINUTE_NS, 150 * MINUTE_NS)  # time between trades
OFTEN, SELDOM = ["next"] * 6, ["skip", "late", "again", "fill", "report", "heal", "lost", "tick", "restart"]
actions = st.lists(
    st.tuples(st.sampled_from(OFTEN + SELDOM), st.integers(1, len(FORMS)), st.integers(0, 7)), min_size=12, max_size=30
)


class OneByOne(Growing):
    """Keeps nothing: every hour with a trade is judged, as are those around it."""

    def put(self, hours: Mapping[tuple[int, int], Ids]) -> None:
        pass


class Both:
    """Two certifiers of one data dir; every row must be the same."""

    def __init__(self, path: Path, position: int) -> None:
        self.quick, self.slow = Certifier(path, position), Certifier(path, position)
        self.slow._hours._growing = OneByOne()

    def step(
        self, groups: Grouped, records: list[AnyRecord], clock_ns: int, seq: int, stored: Callable[[], object]
    ) -> pa.Table:
        return self._same(lambda one: one.step(groups, records, clock_ns, seq, stored))

    def open_hours(self, seq: int) -> pa.Table:
        return self._same(lambda one: one.open_hours(seq))

    def _same(self, ask: Callable[[Certifier], pa.Table]) -> pa.Table:
        quick, slow = ask(self.quick), ask(self.slow)
        assert quick.to_pylist() == slow.to_pylist()
        return quick


class Market:
    """What actions make: chunks to write, and everything that they held."""

    def __init__(self, by_hand: SimpleNamespace) -> None:
        self.now_ns, self.seq, self.clock_ns = by_hand.noon_ns, 1, 0
        self.waiting: list[tuple] = []
        self.records: list[AnyRecord] = [*by_hand.listing(), by_hand.relisted(3, tick="0.1", lot="1")]
        self.trades: list[tuple] = []
        self.gaps: list[Gap] = []
        self._last_ns = [0 for _ in range(len(FORMS) + 1)]
        self._next = [100 * of for of in range(len(FORMS) + 1)]
        self._skipped: list[tuple[int, int, int, int]] = []  # instrument, id, when it was missed

    def do(self, what: str, of: int, much: int) -> None:
        if what in ("next", "skip", "late"):
            before_ns, self.now_ns = self._last_ns[of], self.now_ns + STEPS_NS[much]
            if what == "skip" and before_ns:
                self._next[of] += 1
                self._skipped.append((of, self._next[of], before_ns, self.now_ns))
            for _ in range(1 + much % 3):
                self._next[of] += 1
                self._trade(of, self._next[of], self.now_ns - (what == "late") * much * 15 * MINUTE_NS)
            self._last_ns[of] = self.now_ns
        elif what == "again" and self.trades:
            self._trade(*self.trades[-1 - much % len(self.trades)])
        elif what == "fill" and self._skipped:
            instrument, id, from_ns, _ = self._skipped.pop(much % len(self._skipped))
            self._trade(instrument, id, from_ns)
        elif what in ("report", "heal") and self._skipped:
            instrument, id, from_ns, to_ns = self._skipped[much % len(self._skipped)]
            self._tell_gap(instrument, id, from_ns, to_ns, what == "heal")
        elif what == "lost":
            self.seq += 1
            lost = Connection(seq=self.seq, known_ns=self.now_ns, venue="binance", name="trades", state="lost")
            self.records.append(lost)
        elif what == "tick":
            self.seq, self.clock_ns = self.seq + 1, max(self.clock_ns, self.now_ns + much * 30 * MINUTE_NS)
            self.records.append(Tick(seq=self.seq, known_ns=self.now_ns, exchange_ns=self.clock_ns))

    def chunk(self) -> Chunk:
        first = min((row[3] for row in self.waiting), default=self.seq)
        first = min([first, *(record.seq for record in self.records)])
        made = Chunk(first, self.seq, self.now_ns, {"trades": rows_of("trades", self.waiting)}, self.records)
        self.waiting, self.records = [], []
        return made

    def _trade(self, of: int, id: int, at_ns: int) -> None:
        self.seq += 1
        self.trades.append((of, id, at_ns))
        self.waiting.append((of, at_ns, at_ns + 5, self.seq, FORMS[of - 1], 0, id, 10, 1, 1))

    def _tell_gap(self, of: int, id: int, from_ns: int, to_ns: int, healed: bool) -> None:
        self.seq += 1
        gap = Gap(
            seq=self.seq,
            known_ns=self.now_ns,
            instrument=of,
            stream="trades",
            from_id=id,
            to_id=id,
            from_ns=from_ns,
            to_ns=to_ns,
            healed=healed,
        )
        self.gaps.append(gap)
        self.records.append(gap)


def write_all(path: Path, made: Market, asked: list[tuple[str, int, int]]) -> None:
    """A commit after every second action, and before a restart."""
    tables = Tables(path)
    try:
        for number, (what, of, much) in enumerate([*asked, ("restart", 1, 0)]):
            made.do(what, of, much)
            if number % 2 or what == "restart":
                tables.write([made.chunk()])
                made.seq += 1
            if what == "restart":
                tables.close()
                tables = Tables(path)
    finally:
        tables.close()


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(actions)
def test_all_instruments_at_once_are_certified_as_one_by_one(
    market: SimpleNamespace, asked: list[tuple[str, int, int]]
) -> None:
    with pytest.MonkeyPatch.context() as patched, TemporaryDirectory() as folder:
        patched.setattr(tables_module, "Certifier", Both)
        made = Market(market)
        write_all(Path(folder), made, asked)


def said_again(made: Market, instrument: int, hour_ns: int, closed: bool) -> Certificate:
    """The certificate of an hour from all there ever was, the plain way."""

    def of(hour: int) -> Ids | None:
        mine = [(id, at) for one, id, at in made.trades if one == instrument and at // HOUR_NS == hour]
        runs = tuple((id, id) for id in sorted({id for id, _ in mine}))
        times = [at for _, at in mine]
        return Ids(runs, len(runs), min(times), max(times)) if mine else None

    hours = {at // HOUR_NS for one, _, at in made.trades if one == instrument}
    own = hour_ns // HOUR_NS
    before = max((hour for hour in hours if hour < own), default=own)
    after = min((hour for hour in hours if hour > own), default=own)
    around = (None if hour == own else of(hour) for hour in (before, after))
    gaps = [gap for gap in made.gaps if gap.instrument == instrument]
    return certify(instrument, hour_ns, of(own), *around, gaps, 0, closed)


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(actions)
def test_whatever_came_and_how_each_hour_is_certified_as_if_all_had_come_at_once(
    market: SimpleNamespace, asked: list[tuple[str, int, int]]
) -> None:
    with TemporaryDirectory() as folder:
        made = Market(market)
        write_all(Path(folder), made, [*asked, ("tick", 1, 0)])  # the clock goes on: a restart forgets the last tick
        found = Reader(Path(folder)).certificates()
    now_ns = max([made.clock_ns, *(at for _, _, at in made.trades)])
    for one in found:
        if FORMS[one.instrument - 1] == ID_NONE:  # lost connections, which are counted when the hour is judged
            continue
        wanted = said_again(made, one.instrument, one.hour_ns, closed=now_ns >= one.hour_ns + HOUR_NS)
        for name in ("state", "first_id", "last_id", "trades", "missing", "from_ns", "to_ns", "how"):
            assert getattr(one, name) == getattr(wanted, name), (name, one, wanted)
    assert {(one, at // HOUR_NS * HOUR_NS) for one, _, at in made.trades} <= {
        (one.instrument, one.hour_ns) for one in found
    }


rows = st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, 3), st.integers(0, 9), st.sampled_from([0, 1, 4])), max_size=30
)


@settings(deadline=None)
@given(rows)
@pytest.mark.slow
def test_ids_by_instrument_and_hour_are_those_of_the_rows(given_rows: list[tuple[int, int, int, int]]) -> None:
    trades = np.zeros(len(given_rows), TRADES)
    of, half, id, kind = np.array(given_rows, np.int64).reshape(-1, 4).T
    trades["instrument"], trades["exchange_ns"] = of, half * (HOUR_NS // 2)
    trades["id_lo"], trades["id_kind"] = id, kind
    found = ids_by_hour(trades)
    assert set(found) == {(of, half // 2 * HOUR_NS) for of, half, _, _ in given_rows}
    for key, ids in found.items():
        mine = [row[1:] for row in given_rows if (row[0], row[1] // 2 * HOUR_NS) == key]
        counts = ID_INTEGER if any(kind == ID_INTEGER for *_, kind in mine) else ID_AGGREGATE
        counting = {id for _, id, kind in mine if kind == counts}
        assert {id for first, last in ids.runs for id in range(first, last + 1)} == counting
        assert all(last + 1 < first for (_, last), (first, _) in zip(ids.runs, ids.runs[1:], strict=False))
        assert ids.trades == (len(counting) if counting else len(mine))
        times = [half * (HOUR_NS // 2) for half, _, _ in mine]
        assert (ids.from_ns, ids.to_ns) == (min(times), max(times))


def group(*trades: tuple[int, int, int]) -> Grouped:
    """Trades of (instrument, id, time)."""
    made = np.zeros(len(trades), TRADES)
    made["id_kind"] = ID_INTEGER
    for name, column in zip(("instrument", "id_lo", "exchange_ns"), np.array(trades).T, strict=True):
        made[name] = column
    return grouped(made)


def test_an_hour_takes_in_only_ids_that_go_on_where_it_ended() -> None:
    growing, known = Growing(), {1: {0: Ids(((5, 6), (9, 9)), 3, 10, 20)}, 2: {0: Ids(((5, 5),), 1, 10, 10)}}
    growing.put({(of, 0): hours[0] for of, hours in known.items()})
    assert growing.extend(group((1, 11, 30), (2, 4, 30), (3, 1, 30)), clock_ns=30).tolist() == [False] * 3
    assert growing.extend(group((1, 10, 30), (2, 6, 8), (2, 7, 6)), clock_ns=30).tolist() == [True, True]
    assert growing.extend(group((1, 11, 30), (1, 12, HOUR_NS)), clock_ns=30).tolist() == [False, False]
    assert growing.extend(group((1, 11, 40)), clock_ns=HOUR_NS).tolist() == [False]
    assert growing.take([1, 2, 3], known) == {
        (1, 0): Ids(((5, 6), (9, 10)), 4, 10, 30),
        (2, 0): Ids(((5, 7),), 3, 6, 10),
    }
    assert growing.extend(group((1, 11, 30)), clock_ns=30).tolist() == [False]
    assert growing.take([1, 2, 3], known) == {}


def test_what_was_reported_of_another_time_is_seen_with_the_next_trade(tmp_path: Path, market: SimpleNamespace) -> None:
    noon = market.noon_ns
    bare = [(2, noon + at, noon + at, seq, ID_NONE, 0, 0, 1, 1, 1) for at, seq in enumerate((5, 6, 9))]
    healed = Gap(seq=7, known_ns=0, instrument=1, stream="trades", from_id=2, to_id=2, from_ns=5, to_ns=6, healed=True)
    lost = Connection(seq=9, known_ns=noon + 1, venue="binance", name="trades", state="lost")

    def said() -> list[tuple[str, str]]:
        return [(one.state, one.how[-18:]) for one in Reader(tmp_path).certificates()]

    with Tables(tmp_path) as tables:
        first = [market.trade(2, 1, 0), market.trade(3, 3, 1)]
        tables.write([market.chunk(1, 5, market.listing(), trades=[*first, bare[0]])])
        tables.write([market.chunk(6, 6, trades=[market.trade(6, 4, 2), bare[1]])])
        tables.write([market.chunk(7, 7, [healed])])
        assert said() == [("gap known", "2 to 2 are missing"), ("cannot tell", "he connection held")]
        tables.write([market.chunk(8, 8, trades=[market.trade(8, 5, 3)])])
        assert [state for state, _ in said()] == ["cannot tell", "cannot tell"]
        tables.write([market.chunk(9, 9, [lost], trades=[bare[2]])])
        assert said()[1] == ("cannot tell", "onnections lost: 1")


H = HOUR_NS
TURNS = {
    "it ends and the next one begins": ([(1, 7, 30), (1, 8, H)], Ids(((5, 7),), 3, 10, 30), Ids(((8, 8),), 1, H, H)),
    "only the next one begins": ([(1, 7, H)], Ids(((5, 6),), 2, 10, 20), Ids(((7, 7),), 1, H, H)),
    "with a hole between": ([(1, 9, H)], Ids(((5, 6),), 2, 10, 20), Ids(((9, 9),), 1, H, H)),
    "its first id is another one now": ([(1, 4, 30), (1, 7, H)], None, None),
    "the next one has an id of before": ([(1, 6, H)], None, None),
    "an hour of before has more": ([(1, 3, -1), (1, 7, H)], None, None),
    "an hour lies between": ([(1, 7, 2 * H)], None, None),
    "the clock is beyond the next one": ([(1, 7, H), (2, 1, 2 * H)], None, None),
}


@pytest.mark.parametrize(("trades", "ids", "after"), TURNS.values(), ids=TURNS)
def test_a_turn_is_where_no_other_hour_can_change(
    tmp_path: Path, trades: list[tuple[int, int, int]], ids: Ids | None, after: Ids | None
) -> None:
    def grown() -> Hours:
        hours = Hours(tmp_path)
        hours.fold(group((1, 5, 10), (1, 6, 20)), 20, ())
        hours.let_grow({(1, 0): Ids(((5, 6),), 2, 10, 20)})
        return hours

    given, clock_ns = group(*trades), max(at for _, _, at in trades)
    turns = [Turn(1, 0, None, ids, after)] if ids is not None and after is not None else []
    hours = grown()
    changed, found = hours.fold(given, clock_ns, ())
    assert found == turns
    assert {hour for of, hour in changed if of == 1} == (
        set() if turns else {at // H * H for of, _, at in trades if of == 1}
    )
    assert hours.traded[1] == sorted({0, *(at // H * H for of, _, at in trades if of == 1)})
    assert grown().fold(given, clock_ns, {1})[1] == []


def test_an_hour_that_turns_is_still_called_healed(tmp_path: Path, market: SimpleNamespace) -> None:
    noon = market.noon_ns
    healed = Gap(
        seq=4, known_ns=0, instrument=1, stream="trades", from_id=2, to_id=2, from_ns=noon, to_ns=noon, healed=True
    )
    with Tables(tmp_path) as tables:
        first = [market.trade(2, 1, -1), market.trade(3, 2, 0), market.trade(4, 3, 9)]
        tables.write([market.chunk(1, 4, [*market.listing(), healed], trades=first)])
        tables.write([market.chunk(5, 5, trades=[market.trade(5, 4, 10)])])
        tables.write([market.chunk(6, 6, trades=[market.trade(6, 5, market.hour_ns)])])
        assert [one.state for one in Reader(tmp_path).certificates(1)] == ["cannot tell", "healed", "cannot tell"]
