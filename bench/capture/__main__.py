"""All parts of `make bench-capture`, one after the other; their tables go into docs/benchmarks.md.

In:  nothing, or --short (does it work), --long (20 million rows, ten minutes, 400 million trades), --only PART.
Out: tables on standard output, a JSON document a part in bench/out, and with --docs the tables in docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

from bench.capture import run
from bench.capture.quiet import touch_memory
from bench.capture.run import OURS, ROOT, Said, module

OUT = ROOT / "bench" / "out"
PAGE = ROOT / "docs" / "benchmarks.md"
PARTS = ("parse", "speed", "bound", "latency", "storing", "stream", "steady", "growth")
LONG_ONLY = ("growth",)
STEADY = ("stream", "steady")
SHORT_STEADY_S = 60  # of these, if it is not the long form
BETWEEN = "<!-- {} -->"
END = "<!-- end -->"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="small: does it work, not how fast it is")
    parser.add_argument("--long", action="store_true", help="as docs/benchmarks.md has it: some two hours")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part; may be given more than once")
    parser.add_argument("--docs", action="store_true", help="write the tables into docs/benchmarks.md")
    parser.add_argument(
        "--scratch", type=Path, help="where data is kept while it runs; a new temporary folder if not given"
    )
    asked = parser.parse_args()
    parts = asked.only or [part for part in PARTS if asked.long or part not in LONG_ONLY]
    if not asked.short:
        touch_memory()
    failed = [part for part in parts if not measured(part, asked)]
    if asked.docs:
        write(PAGE, [part for part in parts if part not in failed])
    if failed:
        sys.exit(f"not measured: {', '.join(failed)}")


def measured(part: str, asked: argparse.Namespace) -> bool:
    """Run one part; False if it failed, which it has said itself."""
    run.progress(f"part {part}")
    words = ["--short"] if asked.short else []
    if asked.long and part == "storing":
        words.append("--long")
    if not (asked.long or asked.short) and part in STEADY:
        words += ["--seconds", str(SHORT_STEADY_S)]
    if asked.scratch:
        words += ["--scratch", str(asked.scratch)]
    command = module(OURS, part, *words, "--json", OUT / f"{part}.json")
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def write(page: Path, parts: list[str]) -> None:
    """Put the tables of the parts between their marks."""
    text = page.read_text()
    for part in parts:
        found = json.loads((OUT / f"{part}.json").read_text())
        shown = [f"**{table['title']}**\n\n{run.markdown(table['head'], table['rows'])}" for table in found["tables"]]
        made = "\n\n".join([where(found), *shown])
        begin = BETWEEN.format(part)
        marked = re.compile(f"{re.escape(begin)}.*?{re.escape(END)}", re.DOTALL)
        places = marked.findall(text)
        if len(places) != 1:
            raise ValueError(f"{page} has {len(places)} places marked {begin}; each part needs one")
        text = text.replace(places[0], f"{begin}\n\n{made}\n\n{END}")
    page.write_text(text)


def where(found: Said) -> str:
    """The machine, the day and the versions, in two lines."""
    at = found["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in at["versions"].items())
    machine = f"{at['cpu']}, {at['cores']} cores, {at['memory_gib']} GiB, {at['system']}, Python {at['python']}, load {at['load']}"
    command = f"python -m bench.capture.{found['part']} {found['command']}".strip()
    return f"{at['date']}; {machine}.  \n`{command}`; {versions}."


if __name__ == "__main__":
    main()
