"""`python -m tests.leaks`: the score of the leak check on its corpus; exit status 1 if it is not perfect."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.leaks.score import FREQTRADE, LIBRARIES, PLANTED, SOUND, Said, classes, said, score


def main() -> None:
    total = sum(len(one.CASES) for one in (*PLANTED.values(), *SOUND.values())) + sum(
        map(len, map(classes, FREQTRADE.values()))
    )
    all_said = list(track(said(), "checking", total, console=Console(stderr=True), transient=True))
    table = Table("kind", *LIBRARIES, box=None, pad_edge=False)
    for leaks in (True, False):
        for kind in dict.fromkeys(one.kind for one in all_said if one.leaks == leaks):
            of_kind = [one for one in all_said if one.leaks == leaks and one.kind == kind]
            table.add_row(f"{kind}{'' if leaks else ' (sound)'}", *(_part(of_kind, library) for library in LIBRARIES))
    Console().print(table)
    for one in all_said:
        if not one.right:
            print(f"{one.library} {one.name}: {one.checked.verdict}: {one.checked.why}")
    found = score(all_said)
    print(
        f"{found.found} of {found.found + found.missed} planted leaks found, {found.accused} of {found.sound} sound strategies "
        f"accused, {found.unjudged} not judged: recall {found.recall:.3f}, precision {found.precision:.3f}"
    )
    sys.exit(0 if all(one.right for one in all_said) else 1)


def _part(of_kind: list[Said], library: str) -> str:
    there = [one for one in of_kind if one.library == library]
    return f"{sum(one.right for one in there)} of {len(there)}" if there else "-"


main()
