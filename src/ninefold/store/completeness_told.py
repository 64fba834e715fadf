"""Completeness in counts and in words: the same wherever an answer carries it.

In:  `Completeness`, or the stretches of stored rows that were read.
Out: hours by their state, gaps as from-to, a line of text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ninefold.market.time import HOUR_NS, MINUTE_NS, SECOND_NS
from ninefold.store.beside_certificates import WORST_FIRST
from ninefold.store.completeness import Completeness, Hole, completeness_of
from ninefold.store.forms import instruments_wanted
from ninefold.store.read import Reader
from ninefold.store.stretch import Stretch

SHOWN_HOLES = 3
BEST_FIRST = WORST_FIRST[::-1]
A_DAY, A_MOMENT, OF_THE_DAY = "%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%H:%M:%S"


def completeness_of_stretches(data_dir: Path, stretches: Iterable[Stretch]) -> list[Completeness]:
    """Of each once; those of one width and one time are asked for together.

    raises: UnknownInstrument, NoDataDir, WrongFormat.
    """
    reader = Reader(data_dir)
    registry = reader.registry()
    together: dict[tuple[int, int, int | None], list[str]] = {}
    for one in dict.fromkeys(stretches):
        together.setdefault((one.from_ns, one.to_ns, one.width_ns), []).append(one.instrument)
    found = []
    for asked, names in together.items():
        wanted = {name: of for one in names for name, of in instruments_wanted(registry, one).items()}
        found += completeness_of(reader, wanted, *asked)
    return found


def hours_of(one: Completeness) -> dict[str, int]:
    """How many hours of the clock it touches, by the worst state in each; the best state first."""
    first, last = one.from_ns // HOUR_NS, -(-one.to_ns // HOUR_NS)
    worst = np.full(last - first, len(WORST_FIRST))
    for span in one.spans:
        part = worst[span.from_ns // HOUR_NS - first : -(-span.to_ns // HOUR_NS) - first]
        np.minimum(part, WORST_FIRST.index(span.state), out=part)
    counts = np.bincount(worst, minlength=len(WORST_FIRST)).tolist()
    return dict(zip(BEST_FIRST, counts[len(WORST_FIRST) - 1 :: -1], strict=True))


def gaps_of(holes: Sequence[Hole], moment: str = A_MOMENT) -> str:
    """The first of them as from-to, UTC, and how many more there are. moment: the form of when one begins."""
    shown = [f"{utc(hole.from_ns):{moment}}-{utc(hole.to_ns):{OF_THE_DAY}}" for hole in holes[:SHOWN_HOLES]]
    more = f" and {len(holes) - SHOWN_HOLES} more" if len(holes) > SHOWN_HOLES else ""
    return ", ".join(shown) + more


def line_of(one: Completeness) -> str:
    """One line: what of the time is complete, and what is not."""
    if not one.spans:
        return f"{one.instrument}: no trades are stored"
    days = [f"{utc(at):{A_DAY}}" for at in (one.from_ns, one.to_ns - 1)]
    same_day = days[0] == days[1]
    parts = []
    for state in BEST_FIRST:
        lasted_ns = sum(span.to_ns - span.from_ns for span in one.spans if span.state == state)
        if not lasted_ns:
            continue
        part = f"{_lasted(lasted_ns)} {state}"
        if state == "gap known":
            known = "1 gap known" if len(one.holes) == 1 else f"{len(one.holes)} gaps known"
            part = f"{_lasted(lasted_ns)} with {known} {gaps_of(one.holes, OF_THE_DAY if same_day else A_MOMENT)}"
        parts.append(part)
    return f"{one.instrument} {days[0] if same_day else ' to '.join(days)}: {', '.join(parts)}"


def utc(time_ns: int) -> datetime:
    return datetime.fromtimestamp(time_ns // SECOND_NS, UTC)


def _lasted(duration_ns: int) -> str:
    for unit, size in (("h", HOUR_NS), ("min", MINUTE_NS)):
        if duration_ns >= size:
            return f"{round(duration_ns / size, 1):g} {unit}"
    return f"{duration_ns / SECOND_NS:.3g} s"
