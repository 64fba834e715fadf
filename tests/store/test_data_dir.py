"""The data dir says which format it has."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import ninefold
from ninefold.store import data_dir
from ninefold.store.data_dir import WrongFormat, open_data_dir
from ninefold.store.delta import Table
from ninefold.store.read import Reader


def test_a_new_data_dir_gets_its_version_and_opens_again(tmp_path: Path) -> None:
    path = open_data_dir(tmp_path / "deep" / "data")
    assert json.loads((path / "VERSION.json").read_text()) == {"format": 2, "written_by": ninefold.__version__}
    assert open_data_dir(path) == path


def test_many_that_open_a_new_data_dir_at_once_all_get_it(tmp_path: Path) -> None:
    for round in range(20):
        path, start = tmp_path / str(round), threading.Barrier(4)

        def open_it(path: Path = path, start: threading.Barrier = start) -> Path:
            start.wait()
            return open_data_dir(path)

        with ThreadPoolExecutor(4) as pool:
            opened = [pool.submit(open_it) for _ in range(4)]
            assert [one.result() for one in opened] == [path] * 4


def test_a_newer_format_is_refused_naming_both_versions_and_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "VERSION.json").write_text('{"format": 3, "written_by": "9.9.9"}')
    says = (
        rf"data format 3 \(written by ninefold 9\.9\.9\), this is ninefold {ninefold.__version__} which reads "
        "formats up to 2; upgrade"
    )
    for opened in (open_data_dir, Reader):
        with pytest.raises(WrongFormat, match=says):
            opened(tmp_path)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"format": "new"}'])
def test_a_version_that_cannot_be_read_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "VERSION.json").write_text(text)
    with pytest.raises(WrongFormat, match="it must be like"):
        open_data_dir(tmp_path)


def test_an_older_format_is_migrated_step_by_step_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = open_data_dir(tmp_path)
    monkeypatch.setattr(data_dir, "FORMAT", 4)
    with pytest.raises(WrongFormat, match=r"data format 2, this is ninefold .* with format 4, and there is no way"):
        open_data_dir(path)
    seen: list[int] = []

    def second(path: Path) -> None:
        seen.append(json.loads((path / "VERSION.json").read_text())["format"])

    monkeypatch.setattr(data_dir, "MIGRATIONS", {2: lambda path: seen.append(2), 3: second})
    open_data_dir(path)
    assert seen == [2, 3]
    assert json.loads((path / "VERSION.json").read_text())["format"] == 4


def test_a_data_dir_of_format_1_is_taken_as_it_is(tmp_path: Path) -> None:
    """Format 2 only allows compressed segments."""
    path = open_data_dir(tmp_path)
    (path / "VERSION.json").write_text('{"format": 1, "written_by": "0.1.0"}')
    open_data_dir(path)
    assert json.loads((path / "VERSION.json").read_text())["format"] == 2


def test_a_path_that_cannot_be_a_data_dir_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=f"cannot write {tmp_path}/file"):
        open_data_dir(tmp_path / "file")


def test_tables_of_another_layout_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Table(tmp_path, "records")
    monkeypatch.setattr("ninefold.store.delta.SCHEMAS", {"records": Table(tmp_path, "certificates").schema})
    with pytest.raises(
        WrongFormat,
        match="has the columns seq n known_ns type instrument payload, this version writes instrument hour_ns",
    ):
        Table(tmp_path, "records")
