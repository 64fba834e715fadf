"""What an import can say of itself: by ids where its source has those of the venue, else that nobody can tell."""

import io
import json
from itertools import pairwise

import pyarrow.parquet as pq
import pytest

from ninefold.commands import certify as command
from ninefold.imports import run
from ninefold.market.arrays import ID_INTEGER, ID_TEXT
from ninefold.market.time import HOUR_NS, MINUTE_NS
from ninefold.store.completeness import Hole, completeness
from ninefold.store.export import CERTIFICATES_KEY, export
from ninefold.store.read import Reader
from tests.history.test_certified import answer, opened

BTC = "binance:BTC/USDT"
NOON = 1_704_110_400 * 10**9  # 2024-01-01
TOLD = {"what": "trades", "venue": "binance"}


def trades(ids, minutes=10, start=0, symbol="BTC/USDT", named=True):
    """A row for each id, so many minutes apart; start: minutes behind noon."""
    rows = [
        f"{NOON // 10**6 + (start + n * minutes) * 60_000},{symbol},1.5,1,buy,{id if named else ''}"
        for n, id in enumerate(ids)
    ]
    return "time,symbol,price,size,side,id\n" + "".join(row + "\n" for row in rows)


def bars(minutes):
    rows = [f"{NOON // 10**6 + at * 60_000},1,1,1,1,2\n" for at in minutes]
    return "time,open,high,low,close,volume\n" + "".join(rows)


def states(data_dir, instrument=BTC, width_ns=None):
    """State and hours of each span."""
    found = completeness(data_dir, instrument, None, None, width_ns=width_ns).spans
    assert all(one.to_ns == other.from_ns for one, other in pairwise(found))
    return [(one.state, (one.to_ns - one.from_ns) / HOUR_NS) for one in found]


def lines(data_dir, capsys):
    command.run(data_dir, None, json_=True)
    return json.loads(capsys.readouterr().out)["certificates"]


def test_ids_that_follow_each_other_prove_an_hour_and_missing_ones_are_named(importing, write, capsys):
    """Six an hour from 12:00 to 18:00; 118 to 120, of 15:00 to 15:30, are not there."""
    path = write("t.csv", trades([*range(100, 118), *range(121, 138)]))
    importing.one("csv", path, **TOLD)
    assert states(importing.data_dir) == [
        ("cannot tell", 1),
        ("complete", 1),
        ("gap known", 2),
        ("complete", 1),
        ("cannot tell", 1),
    ]
    found = completeness(importing.data_dir, BTC, None, None)
    assert found.holes == (Hole(NOON + 170 * MINUTE_NS, NOON + 180 * MINUTE_NS, 118, 120),)
    told = lines(importing.data_dir, capsys)
    assert [(one["part"], one["trades"], one["missing"]) for one in told] == [
        ("imported", 6, missing) for missing in (0, 0, 3, 3, 0)
    ] + [("imported", 5, 0)]
    assert told[-1]["how"] == "no trade after this hour was imported"


def test_a_source_without_ids_can_tell_nothing_but_that_all_it_had_was_counted_back(importing, write, capsys):
    importing.one("csv", write("t.csv", trades([0] * 9, named=False)), **TOLD)
    assert states(importing.data_dir) == [("cannot tell", 2)]
    first, second = lines(importing.data_dir, capsys)
    assert "stored and counted back" in first["how"] and (first["trades"], second["trades"]) == (6, 3)
    assert first["missing"] is None


@pytest.mark.parametrize(
    ("venue", "more", "kind", "said"),
    [
        ("bitstamp", {}, ID_TEXT, "cannot tell"),  # all its markets share their ids
        ("deribit", {}, ID_TEXT, "cannot tell"),
        ("nowhere", {}, ID_TEXT, "cannot tell"),
        ("nowhere", {"id_kind": "integer"}, ID_INTEGER, "gap known"),
        ("coinbase", {}, ID_INTEGER, "gap known"),
    ],
)
def test_ids_count_only_where_they_follow_each_other_by_venue_or_mapping(importing, write, venue, more, kind, said):
    importing.one("csv", write("t.csv", trades(range(100, 160, 2))), what="trades", venue=venue, **more)
    assert {state for state, _ in states(importing.data_dir, f"{venue}:BTC/USDT")} == {said}
    assert set(Reader(importing.data_dir).trades(1)["id_kind"]) == {kind}


def test_two_sources_prove_each_other_where_their_ids_meet_and_nothing_is_missing_between_others(importing, write):
    """The second goes on where the first ended, the third is of another day."""
    importing.one("csv", write("one.csv", trades(range(100, 109))), **TOLD)
    assert states(importing.data_dir) == [("cannot tell", 1), ("cannot tell", 1)]
    importing.one("csv", write("two.csv", trades(range(109, 120), start=90)), **TOLD)
    assert states(importing.data_dir) == [("cannot tell", 1), ("complete", 2), ("cannot tell", 1)]
    importing.one("csv", write("three.csv", trades(range(500, 507), start=24 * 60)), **TOLD)
    assert states(importing.data_dir) == [
        ("cannot tell", 1), ("complete", 2), ("cannot tell", 1), ("cannot tell", 20), ("cannot tell", 1), ("cannot tell", 1),
    ]  # fmt: skip


def test_an_hour_is_the_same_however_its_trades_were_spread_over_sources(importing, write):
    """An earlier run's trades of the hour count when a later one adds to it, and a quiet hour is proven by its neighbours."""
    importing.one("csv", write("even.csv", trades(range(100, 130, 2), minutes=20)), **TOLD)
    assert {state for state, _ in states(importing.data_dir)} == {"gap known"}
    importing.one("csv", write("odd.csv", trades(range(101, 131, 2), minutes=20, start=10)), **TOLD)
    assert states(importing.data_dir) == [("cannot tell", 1), ("complete", 3), ("cannot tell", 1)]
    importing.one("csv", write("later.csv", trades([130, 131], minutes=1, start=7 * 60)), **TOLD)
    assert states(importing.data_dir)[:2] == [("cannot tell", 1), ("complete", 4)]


def test_killed_before_it_was_certified_it_is_when_the_same_command_goes_on(importing, write, monkeypatch):
    path = write("t.csv", trades(range(100, 130)))

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(run, "certify", killed)
        with pytest.raises(KeyboardInterrupt):
            importing.one("csv", path, **TOLD)
    assert states(importing.data_dir) == []
    importing.one("csv", path, **TOLD)
    first = Reader(importing.data_dir / "imports").certificates()
    assert states(importing.data_dir) == [("cannot tell", 1), ("complete", 3), ("cannot tell", 1)]
    importing.one("csv", path, **TOLD)  # nothing is new
    assert Reader(importing.data_dir / "imports").certificates() == first


def test_what_was_imported_before_certificates_were_made_is_certified_with_the_next_import(
    importing, write, monkeypatch
):
    with monkeypatch.context() as patched:
        patched.setattr(run, "certify", lambda *_: None)
        importing.one("csv", write("one.csv", trades(range(100, 130))), **TOLD)
        importing.one("csv", write("two.csv", trades(range(500, 530), start=30 * 60)), **TOLD)
    importing.one("csv", write("three.csv", trades([1], symbol="ETH/USDT")), **TOLD)
    found = [(state, hours) for state, hours in states(importing.data_dir) if state != "cannot tell"]
    assert found == [("complete", 3), ("complete", 3)], "nothing is said to be missing between two sources"


def test_a_download_and_an_import_together_prove_what_neither_does(importing, write, capsys):
    """The source lacks the six trades of 13:30, the download has nothing else; it lists the instrument in coarser units."""
    data_dir = importing.data_dir
    rows = [
        {"id": id, "price": "5", "qty": "1", "time": NOON // 10**6 + 5_300_000 + n, "isBuyerMaker": False}
        for n, id in enumerate(range(109, 115))
    ]
    keeper = opened(data_dir)
    keeper.keep(answer("trades BTCUSDT", rows))
    keeper.certify(keeper.registry[1], NOON + HOUR_NS, NOON + 2 * HOUR_NS)
    keeper.close()
    assert [state for state, _ in states(data_dir)] == ["cannot tell"]
    importing.one("csv", write("t.csv", trades([*range(100, 109), *range(115, 124)])), **TOLD)
    alone = [one.state for one in Reader(data_dir / "imports").certificates()]
    assert alone == ["cannot tell", "gap known", "cannot tell"]
    [together] = [one for one in lines(data_dir, capsys) if one["state"] == "complete"]
    assert (together["part"], together["trades"]) == ("downloaded and imported", 12)


def test_bars_of_a_source_are_said_to_be_there_or_missing_and_never_complete(importing, write, capsys):
    path = write("b.csv", bars([*range(60), *range(60, 100), *range(105, 120)]))
    importing.one("csv", path, what="bars", instrument=BTC, timeframe="1m")
    assert states(importing.data_dir, width_ns=MINUTE_NS) == [("cannot tell", 1), ("gap known", 1)]
    whole, lacking = lines(importing.data_dir, capsys)
    assert (whole["of"], whole["part"], whole["missing"], lacking["missing"]) == ("bars 1m", "imported", None, 5)
    assert "as the source had it" in whole["how"] and lacking["how"].startswith("5 of 60 bars of 1m are not there")


def test_exports_carry_what_an_import_says_of_itself(importing, write, tmp_path):
    importing.one("csv", write("t.csv", trades(range(100, 130))), **TOLD)
    out = tmp_path / "out.parquet"
    export(importing.data_dir, "trades", BTC, None, None, "parquet", out)
    said = json.loads(pq.read_schema(io.BytesIO(out.read_bytes())).metadata[CERTIFICATES_KEY])
    assert "complete" in json.dumps(said)
