"""Run again the commands of docs/proof.md that are marked quick, and say which still hold.

In:  the table rows of docs/proof.md: | number | line | command | what it printed | commit | state |.
     A command is quick when its cell reads: quick: `command`. Each `span` in "what it printed" must come again.
Out: one line for each quick row on standard output; exit status 1 when one of them no longer holds.
"""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATES = ("shown", "thin", "missing")
LIMIT_SECONDS = 120
QUICK = re.compile(r"quick: `([^`]+)`")
CELLS = re.compile(r"(?<!\\)\|")  # a pipe inside a command is written \| in a Markdown table


class BadRow(ValueError):
    """A row of the table that cannot be read."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    number: str
    command: str | None  # None when it is not marked quick
    printed: list[str]  # what the output has to hold
    state: str


def main() -> int:
    rows = list(parse((ROOT / "docs" / "proof.md").read_text(encoding="utf-8")))
    quick = [row for row in rows if row.command]
    broken = [row.number for row in quick if not holds(row)]
    states = Counter(row.state for row in rows)
    print(f"{len(rows)} lines: " + ", ".join(f"{states[state]} {state}" for state in STATES))
    print(f"{len(quick)} run again, {len(quick) - len(broken)} hold; broken: {' '.join(broken) or 'none'}")
    return 1 if broken else 0


def parse(text: str) -> Iterator[Row]:
    """The rows of the table in `text`. Raises BadRow for one with a wrong number of cells or an unknown state."""
    for line in text.splitlines():
        if not re.match(r"\| *\d", line):
            continue
        cells = [cell.strip().replace("\\|", "|") for cell in CELLS.split(line)[1:-1]]
        if len(cells) != 6 or cells[5] not in STATES:
            raise BadRow(f"docs/proof.md: {line[:60]!r} needs six cells, the last one of {', '.join(STATES)}")
        command = QUICK.fullmatch(cells[2])
        yield Row(cells[0], command[1] if command else None, re.findall(r"`([^`]+)`", cells[3]), cells[5])


def holds(row: Row) -> bool:
    """Run the row's command in the repository; True when it ended well and printed all that it has to."""
    assert row.command is not None
    bin_dir = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": os.pathsep.join([bin_dir, os.environ.get("PATH", os.defpath)])}
    try:
        done = subprocess.run(
            ["bash", "-c", row.command],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        print(f"{row.number} BROKEN: no end after {LIMIT_SECONDS} s: {row.command}")
        return False
    lacking = [span for span in row.printed if span not in done.stdout]
    if done.returncode == 0 and not lacking:
        print(f"{row.number} holds: {row.command}")
        return True
    print(f"{row.number} BROKEN: exit status {done.returncode}, not printed: {lacking}: {row.command}")
    print(done.stdout[-2000:])
    return False


if __name__ == "__main__":
    sys.exit(main())
