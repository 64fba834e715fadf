"""Values of a command line that are read at once are what typer makes of them, and its errors are its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import pytest
import typer

from ninefold.commands.plain_values import read_plainly

SAID = [
    ["--text", "a b", "--number", "-7", "--part", "0.25", "--file", "some/where", "--each", "1", "--each", "x=2"],
    ["--number", "+12", "--part", "3", "--files", "a", "--files", "/b", "--yes", "--least", "4"],
    ["--part", "1e-5", "--number", " 5 "],  # not plain: read typer's way
    [],
]
WRONG = {
    "a number that is none": ["--number", "five"],
    "a part that is none": ["--part", "half"],
    "below the least": ["--least", "-1"],
    "no value": ["--text"],
    "no such option": ["--other", "1"],
}


def command(plainly: bool, got: list[object]) -> object:
    app = typer.Typer(add_completion=False)

    @app.command()
    def run(
        text: str = "usual",
        number: int = 1,
        part: float = 2,
        file: Path | None = None,
        each: Annotated[list[str] | None, typer.Option()] = None,
        files: Annotated[list[Path] | None, typer.Option()] = None,
        least: Annotated[float, typer.Option(min=0)] = 1,
        yes: Annotated[bool, typer.Option("--yes")] = False,
    ) -> None:
        got.extend([text, number, part, file, each, files, least, yes])

    made = typer.main.get_command(app)
    if plainly:
        read_plainly(made)
    return made


def read(plainly: bool, said: list[str]) -> list[tuple[type, object]]:
    got: list[object] = []
    with pytest.raises(SystemExit) as ended:
        command(plainly, got)(said, prog_name="x")
    assert ended.value.code == 0
    return [(type(one), one) for one in got]


@pytest.mark.parametrize("said", SAID)
def test_what_is_said_is_read_as_typer_reads_it(said: list[str]) -> None:
    assert read(True, said) == read(False, said)


@pytest.mark.parametrize("said", WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_refused_as_typer_refuses_it(said: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    told = []
    for plainly in (True, False):
        with pytest.raises(SystemExit) as ended:
            command(plainly, [])(said, prog_name="x")
        told.append((ended.value.code, capsys.readouterr()))
    assert told[0] == told[1]
    assert told[0][0] == 2


def test_a_command_starts_without_the_library_that_reads_the_rest(tmp_path: Path) -> None:
    code = "import atexit, sys; atexit.register(lambda: print('pydantic' in sys.modules)); from ninefold.cli import main; main()"
    words = [sys.executable, "-c", code, "halt", "--data-dir", str(tmp_path / "none")]
    assert subprocess.run(words, capture_output=True, text=True, check=False).stdout == "False\n"
