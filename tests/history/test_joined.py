"""What is said of captured and downloaded data together: the truth of the rows that readers get."""

import io
import json
import random
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pyarrow.parquet as pq
import pytest

from ninefold.commands import certify as command
from ninefold.market.arrays import BAR_OK, BAR_UNKNOWN, BUY, ID_INTEGER, SELL, rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import listed
from ninefold.market.records import Gap, Listed, Tick
from ninefold.market.time import DAY_NS, HOUR_NS, MINUTE_NS
from ninefold.store.completeness import Hole, completeness
from ninefold.store.completeness_told import line_of
from ninefold.store.export import CERTIFICATES_KEY, carried, export
from ninefold.store.load import load_bars
from ninefold.store.read import Reader
from ninefold.store.tables import Tables

from .exchange import JANUARY, Exchange, S, random_trades
from .running import fetch
from .test_certified import certify, opened
from .test_certified import trades as told

NOW = JANUARY + 40 * DAY_NS
TRUTH = random_trades(5, JANUARY - HOUR_NS, JANUARY + 8 * HOUR_NS, 60 * S)
BTC = "binance:BTC/USDT"


def capture(data_dir, trades, gaps=(), bars=(), hours=8):
    """As a pipeline stored it, until the end of an hour; BTC/USDT is its second instrument."""
    names = [("SOLUSDT", "SOL"), ("BTCUSDT", "BTC")]
    both = [listed("binance", symbol, base, "USDT", tick="0.01", lot="0.00001", finer=(2, 3)) for symbol, base in names]
    with Tables(data_dir) as tables:
        registry = tables.registry()
        records = [Listed(seq=1, known_ns=NOW, instrument=registry.add(one)) for one in both]
        stored = [
            (2, one.time_ns, one.time_ns, 2, ID_INTEGER, 0, one.id, *priced(one), BUY if one.buy else SELL)
            for one in trades
        ]
        made = np.zeros(len(bars), Chunk(0, 0, 0).rows("bars").dtype)
        for row, (minute, state) in zip(made, bars, strict=True):
            row["open_ns"] = JANUARY + minute * MINUTE_NS
            row["state"], row["instrument"], row["width_ns"], row["known_ns"], row["seq"] = state, 2, MINUTE_NS, NOW, 3
        made["close_ns"] = made["open_ns"] + MINUTE_NS
        said = [
            Gap(seq=4, known_ns=NOW, instrument=2, stream="trades", from_id=first, to_id=last, from_ns=at, to_ns=end)
            for first, last, at, end in gaps
        ]
        clock = Tick(seq=4, known_ns=NOW, exchange_ns=JANUARY + int(hours * HOUR_NS))
        arrays = ({"trades": rows("trades", stored)} if stored else {}) | ({"bars": made} if len(made) else {})
        tables.write(
            [Chunk(1, 1, NOW, {}, records), Chunk(2, 3, NOW, arrays, []), Chunk(4, 4, NOW, {}, [*said, clock])]
        )


def priced(one):
    return int(Decimal(one.price).scaleb(4)), int(Decimal(one.size).scaleb(8))


def hours(first, end):
    return JANUARY + int(first * HOUR_NS), JANUARY + int(end * HOUR_NS)


def within(first, end):
    start_ns, end_ns = hours(first, end)
    return [one for one in TRUTH if start_ns <= one.time_ns < end_ns]


def states(data_dir, first=0, end=8, width_ns=None):
    """State and hours of each span."""
    found = completeness(data_dir, BTC, *hours(first, end), width_ns=width_ns).spans
    assert all(one.to_ns == other.from_ns for one, other in pairwise(found))
    return [(one.state, (one.to_ns - one.from_ns) / HOUR_NS) for one in found]


def lines(data_dir, capsys):
    command.run(data_dir, BTC, json_=True)
    return json.loads(capsys.readouterr().out)["certificates"]


def test_an_hour_that_was_captured_with_a_gap_and_downloaded_is_healed(tmp_path, capsys):
    """The pipeline missed three trades and said so; the download asks for nothing but these."""
    missed = within(3.4, 3.6)[:3]
    ids = [one.id for one in missed]
    gaps = [(ids[0], ids[-1], missed[0].time_ns, missed[-1].time_ns)]
    capture(tmp_path, [one for one in TRUTH if one not in missed], gaps)
    assert states(tmp_path) == [("complete", 3), ("gap known", 1), ("complete", 3), ("cannot tell", 1)]
    exchange = Exchange(TRUTH, NOW)
    fetch(exchange, tmp_path, "trades", span=hours(2, 6))
    assert states(tmp_path) == [("complete", 3), ("healed", 1), ("complete", 3), ("cannot tell", 1)]
    found = completeness(tmp_path, BTC, *hours(0, 8))
    assert found.holes == ()
    assert "captured and downloaded trades together" in found.spans[1].how
    assert [one["part"] for one in lines(tmp_path, capsys)][1:] == [
        *["captured"] * 3, "captured and downloaded", *["captured"] * 4,
    ]  # fmt: skip


@pytest.mark.parametrize("stopped", [6, 5.6])
@pytest.mark.slow
def test_before_and_behind_what_was_captured_a_download_proves_the_hours_at_the_seams(tmp_path, capsys, stopped):
    capture(tmp_path, within(2.3, 5.6), hours=stopped)
    assert [state for state, _ in states(tmp_path, 2, 6)][:3] == ["cannot tell", "complete", "cannot tell"]
    fetch(Exchange(TRUTH, NOW), tmp_path, "trades", span=hours(0, 7))
    assert {state for state, _ in states(tmp_path, 0, 7)} == {"complete"}
    parts = {int(one["hour"][11:13]): one["part"] for one in lines(tmp_path, capsys) if one["of"] == "trades"}
    assert parts == {
        **dict.fromkeys((0, 1, 6), "downloaded"), 2: "captured and downloaded",
        **dict.fromkeys((3, 4), "captured"), 5: "captured and downloaded",
    }  # fmt: skip


def test_between_what_was_downloaded_and_what_was_captured_later_nothing_is_missing_because_nobody_asked(tmp_path):
    capture(tmp_path, within(4.3, 7))
    fetch(Exchange(TRUTH, NOW), tmp_path, "trades", span=hours(0, 1))
    assert states(tmp_path, 0, 6) == [("complete", 1), ("cannot tell", 3), ("cannot tell", 1), ("complete", 1)]
    assert completeness(tmp_path, BTC, *hours(0, 6)).holes == ()


def test_hours_whose_trades_were_let_go_and_that_were_downloaded_again_are_complete(tmp_path):
    capture(tmp_path, within(0.3, 7))
    with Tables(tmp_path) as tables:
        [day] = [file.day for file in tables._tables["trades"].files()]
        tables.let_go("trades", [type("Day", (), {"day": day})()], NOW)
    assert states(tmp_path, 1, 6) == [("let go", 5)]
    fetch(Exchange(TRUTH, NOW), tmp_path, "trades", span=hours(2, 4))
    assert states(tmp_path, 1, 6) == [("let go", 1), ("complete", 2), ("let go", 2)]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 18, *(pytest.param(seed, marks=pytest.mark.torture) for seed in range(100, 140))])
def test_what_is_called_complete_has_every_trade_and_every_missing_one_lies_in_a_known_gap(tmp_path, seed):
    """Captured at random, downloaded at random from a venue that does not tell some."""
    chance = random.Random(seed)
    start = chance.uniform(0, 3)
    seen = [one for one in within(start, start + 4) if chance.random() < 0.99]
    capture(tmp_path, seen)
    exchange = Exchange(TRUTH, NOW)
    exchange.gone = {one.id for one in TRUTH if chance.random() < 0.005} - {TRUTH[0].id, TRUTH[-1].id}
    for _ in range(2):
        first = chance.randint(0, 6)
        fetch(exchange, tmp_path, "trades", span=hours(first, chance.randint(first + 1, 8)))
    found = completeness(tmp_path, BTC, *hours(0, 8))
    here = set(Reader(tmp_path).trades(2)["id_lo"].tolist())
    for span in found.spans:
        inside = [one for one in TRUTH if span.from_ns <= one.time_ns < span.to_ns]
        if span.state in ("complete", "healed"):
            assert here.issuperset(one.id for one in inside)
        mine = [one.id for one in inside if one.id in here]
        if span.state == "gap known" and mine:  # before our first trade and behind our last one nobody knows
            lost = [one for one in inside if one.id not in here and mine[0] < one.id < mine[-1]]
            assert all(any(hole.from_ns <= one.time_ns <= hole.to_ns for hole in found.holes) for one in lost)
    for hole in found.holes:
        assert here.isdisjoint(range(hole.first_id, hole.last_id + 1)), "no gap is invented"


def test_bars_that_were_downloaded_alone_are_complete_where_the_venue_told_them_all(tmp_path, capsys):
    exchange = Exchange(TRUTH, NOW)
    exchange.withheld = {JANUARY + 2 * HOUR_NS + at * MINUTE_NS for at in (10, 11, 20)}
    exchange.gone = {one.id for one in within(2, 2.4)}  # so nothing proves that these were quiet
    fetch(exchange, tmp_path, "1m", "1h", span=hours(0.5, 4))
    assert states(tmp_path) == [("cannot tell", 8)], "of trades nothing is known"
    minutes = states(tmp_path, 0, 5, MINUTE_NS)
    assert minutes == [
        *(("cannot tell", 0.5), ("complete", 1.5), ("gap known", 1), ("complete", 1), ("cannot tell", 1)),
    ]
    found = completeness(tmp_path, BTC, None, None, width_ns=MINUTE_NS)
    assert (found.from_ns, found.to_ns) == hours(0.5, 4)
    two = JANUARY + 2 * HOUR_NS
    assert found.holes == (Hole(two + 10 * MINUTE_NS, two + 21 * MINUTE_NS, None, None),)
    assert found.spans[1].how == "3 of 60 bars of 1m are not known: the venue did not tell them"
    assert states(tmp_path, 1, 4, HOUR_NS) == [("complete", 3)]
    [said] = json.loads(load_bars(BTC, "1m", tmp_path).schema.metadata[CERTIFICATES_KEY])
    assert [one["state"] for one in said["spans"]] == ["complete", "gap known", "complete"]
    export(tmp_path, "bars", BTC, "1m", None, "parquet", tmp_path / "bars.parquet")
    assert json.loads(pq.read_schema(tmp_path / "bars.parquet").metadata[CERTIFICATES_KEY]) == [said]
    [line] = [line_of(one) for one in carried(tmp_path, "bars", BTC, "1m", None)]
    assert line == f"{BTC} 2024-01-01: 2.5 h complete, 1 h with 1 gap known 02:10:00-02:21:00"
    table = lines(tmp_path, capsys)
    assert [(one["hour"][11:13], one["of"], one["state"], one["missing"]) for one in table] == [
        ("00", "bars 1m", "complete", 0),
        *((f"0{hour}", of, *state) for hour, state in LINES.items() for of, state in state.items()),
    ]
    assert {one["part"] for one in table} == {"downloaded"}


LINES = {
    1: {"bars 1m": ("complete", 0), "bars 1h": ("complete", 0)},
    2: {"bars 1m": ("gap known", 3), "bars 1h": ("complete", 0)},
    3: {"bars 1m": ("complete", 0), "bars 1h": ("complete", 0)},
}


def test_of_a_captured_hour_with_a_gap_the_bars_are_healed_if_the_venue_told_those_of_the_gap(tmp_path):
    missed = within(3.4, 3.43)
    first, last = missed[0].id, missed[-1].id
    around = [one.time_ns for one in TRUTH if one.id in (first - 1, last + 1)]
    doubtful = {(at - JANUARY) // MINUTE_NS for at in range(around[0], around[1] + MINUTE_NS, MINUTE_NS)}
    doubtful |= {(around[1] - JANUARY) // MINUTE_NS}
    bars = [(minute, BAR_UNKNOWN if minute in doubtful else BAR_OK) for minute in range(8 * 60)]
    capture(tmp_path, [one for one in TRUTH if one not in missed], [(first, last, *around)], bars)
    assert states(tmp_path, 0, 7, MINUTE_NS) == [("complete", 3), ("gap known", 1), ("complete", 3)]
    fetch(Exchange(TRUTH, NOW), tmp_path, "1m", span=hours(2, 6))
    assert states(tmp_path, 0, 7) == [("complete", 3), ("gap known", 1), ("complete", 3)], (
        "the trades are missing still"
    )
    assert states(tmp_path, 0, 7, MINUTE_NS) == [("complete", 3), ("healed", 1), ("complete", 3)]
    assert completeness(tmp_path, BTC, *hours(0, 7), width_ns=MINUTE_NS).holes == ()


def test_a_captured_bar_that_readers_get_is_worth_what_its_trades_are(tmp_path):
    """Bars of the first hour of a capture were downloaded too, but those that were captured count."""
    bars = [(minute, BAR_OK) for minute in range(200, 240)]
    capture(tmp_path, within(3.3, 4), bars=bars, hours=4)
    fetch(Exchange(TRUTH, NOW), tmp_path, "1m", span=hours(2, 6))
    assert states(tmp_path, 2, 6, MINUTE_NS) == [("complete", 1), ("cannot tell", 1), ("complete", 2)]


def test_what_was_known_then_has_the_certificates_of_then(tmp_path):
    """Without a pipeline; the download's own clock says when it knew."""
    for number, span in enumerate([(0, 2), (2, 4)]):
        fetch(Exchange(TRUTH, NOW + number * DAY_NS), tmp_path, "trades", span=hours(*span))
    as_of = [completeness(tmp_path, BTC, *hours(0, 4), as_of_ns=NOW + at).spans for at in (-1, 0, DAY_NS)]
    told = [[(one.state, (one.to_ns - one.from_ns) // HOUR_NS) for one in spans] for spans in as_of]
    assert told == [[("cannot tell", 4)], [("complete", 2), ("cannot tell", 2)], [("complete", 4)]]


def test_bars_that_were_not_known_then_prove_nothing_then(tmp_path):
    fetch(Exchange(TRUTH, NOW), tmp_path, "1m", span=hours(0, 2))
    for at, state in ((NOW - 1, "cannot tell"), (NOW, "complete")):
        [span] = completeness(tmp_path, BTC, *hours(0, 2), as_of_ns=at, width_ns=MINUTE_NS).spans
        assert span.state == state


def test_of_what_is_not_certified_nothing_is_said(tmp_path):
    keeper = opened(tmp_path)
    keeper.keep(told((1, 5), (2, 65)))
    keeper.close()
    assert [one.state for one in completeness(tmp_path, BTC, *hours(0, 2)).spans] == ["cannot tell"]
    keeper = opened(tmp_path)
    certify(keeper, 0, 1)
    keeper.close()
    assert len(completeness(tmp_path, BTC, *hours(0, 2)).spans) == 2
    out = io.BytesIO()
    assert export(tmp_path, "trades", BTC, None, None, "csv", out) == 2
