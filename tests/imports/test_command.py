"""`ninefold import` as it is called: what it prints, what it exits with, what it says when it cannot."""

import pytest

from tests.calling import ninefold, ninefold_process

ROWS = "when,px,qty\n1700000000000,1.5,2\n1700000000001,1.5,x\n"


@pytest.mark.slow
def test_a_mapping_file_and_options_make_one_json_document_and_refused_rows_an_exit_status(write, tmp_path):
    path, data = write("t.csv", ROWS), tmp_path / "data"
    mapping = write(
        "map.toml", 'what = "trades"\ninstrument = "kraken:BTC/USD"\n[columns]\nprice = "px"\nsize = "qty"\n'
    )
    asked = ("import", "csv", path, "--data-dir", data, "--map", mapping, "--column", "time=when")
    done = ninefold_process(*asked, "--json")
    said = done.json
    assert (done.status, done.err) == (1, "")
    assert {name: said[name] for name in ("read", "stored", "there", "refused")} == {
        "read": 2,
        "stored": 1,
        "there": 0,
        "refused": 1,
    }
    assert said["parts"][0]["first"] == "2023-11-14T22:13:20.000000000Z"
    assert "2 read = 0 stored + 1 there already + 1 refused" in ninefold(*asked).out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["csv", "nowhere.csv"], "there is no file or folder nowhere.csv"),
        (["excel", "x"], "there is no source 'excel'; there are postgresql, mongodb, influxdb, csv"),
        (["csv", "t.csv"], "say what they are: --what trades or --what bars"),
        (["csv", "t.csv", "--what", "deals"], "an option cannot be used"),
        (["csv", "t.csv", "--column", "price"], "write OURS=THEIRS"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(write, tmp_path, monkeypatch, arguments, expected):
    write("t.csv", ROWS)
    monkeypatch.chdir(tmp_path)
    done = ninefold("import", *arguments, "--data-dir", tmp_path / "data")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("ninefold: ") and expected in done.err
    assert done.err.count("\n") == 1
