"""How complete an answer is: what the certificates of its time say, carried beside the data."""

from __future__ import annotations

import io
import json
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pyarrow.parquet as pq
import pytest

from ninefold.market.instruments import UnknownInstrument
from ninefold.market.records import Gap, Tick
from ninefold.market.time import HOUR_NS, MINUTE_NS
from ninefold.store.completeness import Hole, Span, completeness, plain
from ninefold.store.completeness_told import line_of
from ninefold.store.export import CERTIFICATES_KEY, carried, export
from ninefold.store.load import load_bars
from ninefold.store.sql import SqlError, sql
from ninefold.store.tables import Tables
from tests.calling import ninefold

BTC, ADA = "binance:BTC/USDT", "binance:ADA/BTC"
IDS = [10, 11, 12, 13, 14, 15, 16, 20, 21, 24, 30, 31]  # BTC's: one each half hour from 12:15 on
LINE = (
    "binance:BTC/USDT 2024-01-01: 1 h complete, 1 h healed, 45 min cannot tell, "
    "3 h with 3 gaps known 15:15:00-15:45:00, 16:15:00-16:45:00, 16:45:00-17:15:00"
)


@pytest.fixture
def stored(tmp_path: Path, market: SimpleNamespace) -> Path:
    """BTC from 12:15 on: 13:00 is complete, 14:00 was healed, 15:00 and 16:00 have a hole, another one is at 17:00."""
    noon = market.noon_ns
    trades = [market.trade(2 + n, id, 15 * MINUTE_NS + n * HOUR_NS // 2) for n, id in enumerate(IDS)]
    gap = {"instrument": 1, "stream": "trades", "from_id": 14, "to_id": 14, "healed": True}
    healed = Gap(seq=20, known_ns=noon + 6 * HOUR_NS, from_ns=noon + 2 * HOUR_NS, to_ns=noon + 2 * HOUR_NS, **gap)
    clock = Tick(seq=20, known_ns=noon + 6 * HOUR_NS, exchange_ns=noon + 6 * HOUR_NS)
    with Tables(tmp_path) as tables:
        tables.write([market.chunk(1, 1, market.listing())])
        tables.write([market.chunk(2, 20, [healed, clock], trades=trades, bars=[market.bar(20, 0)])])
    return tmp_path


def states(data_dir: Path, *span: int | None) -> list[tuple[str, float]]:
    found = completeness(data_dir, BTC, *span).spans
    assert all(one.to_ns == other.from_ns for one, other in pairwise(found))
    return [(one.state, (one.to_ns - one.from_ns) / HOUR_NS) for one in found]


def test_spans_cover_the_whole_of_what_is_asked_and_holes_have_their_bounds(stored: Path, market) -> None:
    noon, quarter = market.noon_ns, 15 * MINUTE_NS
    found = completeness(stored, BTC, noon - HOUR_NS, noon + 9 * HOUR_NS)
    assert states(stored, noon - HOUR_NS, noon + 9 * HOUR_NS) == [
        *(("cannot tell", 1), ("cannot tell", 1), ("complete", 1), ("healed", 1)),
        *(("gap known", 1), ("gap known", 1), ("gap known", 1), ("cannot tell", 3)),
    ]
    assert found.spans[4] == Span(noon + 3 * HOUR_NS, noon + 4 * HOUR_NS, "gap known", "ids 17 to 19 are missing", 3)
    assert found.holes == (
        Hole(noon + 13 * quarter, noon + 15 * quarter, 17, 19),
        Hole(noon + 17 * quarter, noon + 19 * quarter, 22, 23),
        Hole(noon + 19 * quarter, noon + 21 * quarter, 25, 29),  # lies in two hours, and is one
    )
    assert (found.from_ns, found.to_ns, found.complete) == (noon - HOUR_NS, noon + 9 * HOUR_NS, False)


def test_a_part_of_it_is_asked_for_and_the_whole_if_no_bounds_are_given(stored: Path, market) -> None:
    noon = market.noon_ns
    assert states(stored, noon + 3 * HOUR_NS // 2, noon + 5 * HOUR_NS // 2) == [("complete", 0.5), ("healed", 0.5)]
    assert completeness(stored, BTC, noon + HOUR_NS, noon + 3 * HOUR_NS).complete
    assert completeness(stored, BTC, noon + 3 * HOUR_NS, noon + 3 * HOUR_NS + 14 * MINUTE_NS).holes == ()
    assert states(stored, None, None)[0] == ("cannot tell", 0.75)
    whole = completeness(stored, BTC, None, None)
    assert (whole.from_ns, whole.to_ns) == (noon + 15 * MINUTE_NS, noon + 6 * HOUR_NS)
    nothing = completeness(stored, ADA, None, None)
    assert (nothing.spans, nothing.complete, line_of(nothing)) == ((), False, f"{ADA}: no trades are stored")
    with pytest.raises(UnknownInstrument):
        completeness(stored, "binance:BTC/EUR", None, None)


def test_where_the_venue_gives_no_ids_the_reported_gaps_are_the_holes(tmp_path: Path, market) -> None:
    noon = market.noon_ns
    trades = [(1, noon + at * MINUTE_NS, noon, 2 + at, 0, 0, 0, 10, 5, 1) for at in (1, 50)]
    of = {"known_ns": noon, "instrument": 1, "stream": "trades", "from_id": 0, "to_id": 0}
    lost = Gap(seq=60, from_ns=noon + 5 * MINUTE_NS, to_ns=noon + 9 * MINUTE_NS, **of)
    other = Gap(seq=61, from_ns=noon + 20 * MINUTE_NS, to_ns=noon + 30 * MINUTE_NS, **of)
    healed = Gap(seq=62, from_ns=noon + 20 * MINUTE_NS, to_ns=noon + 30 * MINUTE_NS, healed=True, **of)
    with Tables(tmp_path) as tables:
        tables.write([market.chunk(1, 70, [*market.listing(), lost, other, healed], trades=trades)])
    assert completeness(tmp_path, BTC, None, None).holes == (
        Hole(noon + 5 * MINUTE_NS, noon + 9 * MINUTE_NS, None, None),
    )


def test_of_the_versions_of_an_instrument_the_ones_that_traded_speak(tmp_path: Path, market) -> None:
    """The first version trades until 13:30, the second from 14:10 on; the first one's hours after that say nothing."""
    noon = market.noon_ns
    old = [market.trade(2 + n, 10 + n, n * 30 * MINUTE_NS) for n in range(4)]
    new = [market.trade(10 + n, 14 + n, 130 * MINUTE_NS + n * 30 * MINUTE_NS, instrument=3) for n in range(4)]
    clock = Tick(seq=20, known_ns=noon, exchange_ns=noon + 4 * HOUR_NS)
    finer = market.relisted(3, tick="0.001", lot="1")
    with Tables(tmp_path) as tables:
        tables.write([market.chunk(1, 20, [*market.listing(), finer, clock], trades=[*old, *new])])
    found = completeness(tmp_path, BTC, None, None)
    assert [(one.state, one.how.split(" ")[0]) for one in found.spans] == [
        *(("cannot tell", "our"), ("cannot tell", "no"), ("cannot tell", "our"), ("cannot tell", "no")),
    ]


def test_exports_say_it_beside_the_data(stored: Path, tmp_path: Path, market) -> None:
    out = tmp_path / "trades.parquet"
    export(stored, "trades", BTC, None, None, "parquet", out)
    [said] = json.loads(pq.read_schema(out).metadata[CERTIFICATES_KEY])
    whole = completeness(stored, BTC, None, None)
    assert said == json.loads(json.dumps(plain(whole)))
    assert said["holes"][0] == {
        **{"from_ns": str(market.noon_ns + 195 * MINUTE_NS), "to_ns": str(market.noon_ns + 225 * MINUTE_NS)},
        **{"first_id": "17", "last_id": "19"},
    }
    assert json.loads(load_bars(BTC, "1m", stored).schema.metadata[CERTIFICATES_KEY]) == [said]
    assert [line_of(one) for one in carried(stored, "trades", BTC, None, None)] == [LINE]
    assert carried(stored, "orders", BTC, None, None) == []
    export(stored, "orders", None, None, None, "parquet", out)
    assert CERTIFICATES_KEY not in (pq.read_schema(out).metadata or {})
    [of_a_minute] = carried(stored, "bars", BTC, "1m", "20240101-20240102")
    assert of_a_minute.from_ns == market.noon_ns - 12 * HOUR_NS - MINUTE_NS
    assert carried(stored, "trades", BTC, None, None, market.noon_ns + 5 * HOUR_NS)[0].spans == ()
    assert out.read_bytes() and export(stored, "trades", None, None, None, "csv", io.BytesIO()) == len(IDS)


@pytest.mark.slow
def test_the_command_says_a_line_for_each_instrument_on_standard_error(stored: Path) -> None:
    said = ninefold("export", "trades", "--data-dir", stored)
    assert said.err.splitlines() == [f"{ADA}: no trades are stored", LINE, "12 rows"]
    assert len(said.out.splitlines()) == 13


@pytest.mark.slow
def test_a_query_has_the_spans_and_the_gaps_as_tables(stored: Path) -> None:
    whole = completeness(stored, BTC, None, None)
    columns = "instrument, from_ns, to_ns, state, how, missing"
    rows = sql(stored, f"SELECT {columns} FROM completeness ORDER BY from_ns").to_pylist()
    assert [{"instrument": BTC, **msgspec.structs.asdict(span)} for span in whole.spans] == rows
    gaps = sql(stored, "SELECT * FROM Known_Gaps ORDER BY from_ns").to_pylist()
    assert gaps == [{"instrument": BTC, **msgspec.structs.asdict(hole)} for hole in whole.holes]
    with pytest.raises(SqlError, match="known_gaps has the columns instrument, from_ns, to_ns, first_id, last_id"):
        sql(stored, "SELECT nothing FROM known_gaps")
    with pytest.raises(SqlError, match="tables: bars"):
        sql(stored, "SELECT * FROM nothing")
