"""`ninefold certify` and `ninefold venues`: what they print for people and as JSON."""

import json
import sys
from pathlib import Path

import msgspec
import pytest

from ninefold.cli import main
from ninefold.market.arrays import BUY, ID_INTEGER, rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import listed
from ninefold.market.records import Gap, Listed, Tick
from ninefold.market.time import HOUR_NS, MINUTE_NS
from ninefold.store.tables import Tables
from ninefold.venues.table import VENUES

NOON_NS = 1_704_110_400_000_000_000  # 2024-01-01 12:00 UTC
BTC = msgspec.structs.replace(listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001"), id=1)
ADA = msgspec.structs.replace(listed("binance", "ADABTC", "ADA", "BTC", tick="0.00000001", lot="1"), id=2)
IDS = {1: [10, 11, 12, 16, 17, 18, 19], 2: [5, 6]}  # a trade each half hour from 12:15 on; BTC's 13 to 15 were missed


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four hours: BTC's first has no trade before it, in its second ids are missing, its third was healed."""
    path = tmp_path_factory.mktemp("data")
    half_hour_ns = HOUR_NS // 2
    values = [
        (of, at, at + 5, 2 + place, ID_INTEGER, 0, id, 100, 10, BUY)
        for of, ids in IDS.items()
        for place, id in enumerate(ids)
        for at in [NOON_NS + place * half_hour_ns + 15 * MINUTE_NS]
    ]
    values.sort(key=lambda row: row[3])
    healed = Gap(
        seq=9,
        known_ns=NOON_NS,
        instrument=1,
        stream="trades",
        from_id=17,
        to_id=17,
        from_ns=NOON_NS + 2 * HOUR_NS,
        to_ns=NOON_NS + 2 * HOUR_NS + MINUTE_NS,
        healed=True,
    )
    listings = [Listed(seq=1, known_ns=NOON_NS, instrument=one) for one in (BTC, ADA)]
    clock = Tick(seq=9, known_ns=NOON_NS, exchange_ns=NOON_NS + 4 * HOUR_NS)
    with Tables(path) as tables:
        tables.write([Chunk(1, 1, NOON_NS, {}, [*listings])])
        tables.write([Chunk(2, 9, NOON_NS, {"trades": rows("trades", values)}, [healed, clock])])
    return path


def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["ninefold", *arguments])
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as ended:
        main()
    return (ended.value.code or 0, *capsys.readouterr())


def test_every_hour_has_its_state_newest_hours_last(data, monkeypatch, capsys) -> None:
    status, out, _ = said(monkeypatch, capsys, "certify", "--data-dir", str(data), "--json")
    assert status == 0
    found = json.loads(out)["certificates"]
    assert [one["hour"][11:13] for one in found] == ["12", "12", "13", "13", "14", "14", "15", "15"]
    bitcoin = [one for one in found if one["instrument"] == "binance:BTC/USDT"]
    assert [one["state"] for one in bitcoin] == ["cannot tell", "gap known", "healed", "cannot tell"]
    assert [one["missing"] for one in bitcoin] == [0, 3, 0, 0]
    assert (bitcoin[1]["first_id"], bitcoin[1]["last_id"], bitcoin[1]["trades"]) == ("12", "16", 2)
    assert (bitcoin[1]["from_ns"], bitcoin[1]["to_ns"]) == (str(NOON_NS + HOUR_NS), str(NOON_NS + 2 * HOUR_NS))
    assert "ids 13 to 15 are missing" in bitcoin[1]["how"]


def test_a_person_reads_a_table_of_one_instrument(data, monkeypatch, capsys) -> None:
    arguments = ["certify", "--data-dir", str(data), "--instrument", "binance:BTC/USDT"]
    status, out, _ = said(monkeypatch, capsys, *arguments)
    assert status == 0
    assert "ADA" not in out
    rows_shown = [line for line in out.splitlines() if "2024-01-01" in line]
    assert [line.split()[1] for line in rows_shown] == ["12:00", "13:00", "14:00", "15:00"]
    assert "gap known" in rows_shown[1] and "13:00:00" in rows_shown[1] and "14:00:00" in rows_shown[1]
    assert "12:15:00" in rows_shown[0]  # our first trade: before it nothing is known


def test_an_instrument_that_is_not_there_is_told_with_the_nearest(data, monkeypatch, capsys) -> None:
    status, out, errors = said(
        monkeypatch, capsys, "certify", "--data-dir", str(data), "--instrument", "binance:BTC/USD"
    )
    assert (status, out) == (2, "")
    assert "did you mean 'binance:BTC/USDT'?" in errors


def test_every_venue_is_listed_with_what_its_entry_says(monkeypatch, capsys) -> None:
    status, out, _ = said(monkeypatch, capsys, "venues", "--json")
    found = {one["venue"]: one for one in json.loads(out)["venues"]}
    assert (status, list(found)) == (0, list(VENUES))
    assert found["binance"]["streams"] == ["trade", "depth@100ms", "bookTicker"]
    assert found["binance"]["rest_url"] == "https://api.binance.com"
    assert found["binance"]["recorded_as"] == ["binance-spot", "BINANCE"]
    status, out, _ = said(monkeypatch, capsys, "venues")
    assert all(name in out for name in VENUES)
