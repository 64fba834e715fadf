"""`make fuzz ARGS="--seconds 3600"`: coverage-guided bytes (atheris) into every parser and the journal reader, in turn.

In:  seconds altogether, names of targets (all if none), a folder for what was found.
Out: a table; exit status 1 if a target raised what it may not, or took longer than ten seconds for one input, with the
     file that holds the bytes.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import atheris

HANG_S = 10
MOST_BYTES = 4096
COMPILED = [  # their compiler reads the bytecode
    *(
        "ninefold.market.compiled",
        "ninefold.journal.pack_loop",
        "ninefold.venues.quick_loop",
        "ninefold.venues.quick_message",
    ),
    *("ninefold.venues.quick_names", "ninefold.venues.quick_numbers", "ninefold.venues.quick_words"),
]
RUNS = re.compile(r"Done (\d+) runs|#(\d+)\s")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__.partition(":")[0])
    parser.add_argument("--seconds", type=float, default=3600.0, help="altogether")
    parser.add_argument("--found", type=Path, default=Path("data/fuzz"), help="where bytes that broke something go")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", help="of targets; all if left out")
    given = parser.parse_args()
    if given.one:
        return _fuzz(given.one, given.seconds, given.found)
    from tests.fuzz.targets import targets

    names = given.names or sorted(targets())
    given.found.mkdir(parents=True, exist_ok=True)
    print(f"{'target':24}{'runs':>12}{'seconds':>10}   found", flush=True)
    broken = 0
    for name in names:
        begun = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "tests.fuzz", "--one", name, "--seconds", str(given.seconds / len(names)),
             "--found", str(given.found)],
            capture_output=True,
            text=True,
        )  # fmt: skip
        runs = max((int(a or b) for a, b in RUNS.findall(done.stderr)), default=0)
        told = "nothing" if done.returncode == 0 else _told(name, done.stdout + done.stderr, given.found)
        broken += done.returncode != 0
        print(f"{name:24}{runs:>12,}{time.monotonic() - begun:>10.0f}   {told}", flush=True)
    return 1 if broken else 0


def _told(name: str, said: str, found: Path) -> str:
    log = found / f"{name.replace(' ', '-')}.log"
    log.write_text(said)
    return f"BROKEN, see {log}"


def _fuzz(name: str, seconds: float, found: Path) -> int:
    """One target, in a process of its own: the fuzzer ends the process that it runs in."""
    with atheris.instrument_imports(include=["ninefold"], exclude=COMPILED):
        from tests.fuzz.targets import targets
    feed, seeds = targets()[name]
    with TemporaryDirectory(prefix="ninefold-fuzz-corpus-") as corpus:
        for number, seed in enumerate(seeds):
            (Path(corpus) / str(number)).write_bytes(seed)
        limits = [f"-max_total_time={max(1, round(seconds))}", f"-timeout={HANG_S}", f"-max_len={MOST_BYTES}"]
        prefix = f"-artifact_prefix={found.absolute()}/{name.replace(' ', '-')}-"
        atheris.Setup([sys.argv[0], *limits, prefix, corpus], feed)
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
