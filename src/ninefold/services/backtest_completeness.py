"""How complete the hours are that a back-test read: the block `completeness` of its document.

In:  the stretches of stored rows that it read, none of a file; how many of its bars are unknown.
Out: hours by state, gaps, what `/completeness` and exports say of each instrument, and sentences for people.

It changes no result, and is read when the result is there. Of a file nothing is certified, and that is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ninefold.backtest.bars import Bars
from ninefold.services.backtest_bars import Market
from ninefold.services.lazily import lazily
from ninefold.store.runs import BrokenRun, RunReader, UnknownRun
from ninefold.store.stretch import Stretch

if TYPE_CHECKING:
    from ninefold.store import completeness, completeness_told
    from ninefold.store.completeness import Completeness
else:
    completeness = lazily("ninefold.store.completeness")  # tables take half a second to load, and a file needs none
    completeness_told = lazily("ninefold.store.completeness_told")

COMPLETENESS = "completeness"  # the key of the block
OF_A_FILE = "Read from a file, of which nothing is certified."
NOT_FILLED = "nothing is filled there"
AS_QUIET = "a gap lies in them, and they are made of the trades that are there"


def completeness_of_markets(data_dir: Path, markets: Sequence[Market]) -> dict[str, Any]:
    """raises: UnknownInstrument, NoDataDir, WrongFormat."""
    read = [one for market in markets for one in market.read]
    return told(certified(data_dir, read), sum(int((~market.bars.known).sum()) for market in markets))


def completeness_of_ticks(data_dir: Path, read: Sequence[Stretch], bars: Bars) -> dict[str, Any]:
    """bars: made of the trades that were read, on which money is judged. raises: as `completeness_of_markets`."""
    found = certified(data_dir, read)
    return told(found, _in_gaps(found, bars), AS_QUIET)


def certified(data_dir: Path, read: Iterable[Stretch]) -> list[Completeness]:
    """What the certificates say of what was read; nothing of a file. raises: as `completeness_of_markets`."""
    stretches = list(read)
    return completeness_told.completeness_of_stretches(data_dir, stretches) if stretches else []


def told(found: Sequence[Completeness], unknown_bars: int, meaning: str = NOT_FILLED) -> dict[str, Any]:
    """The block. unknown_bars: those that are unknown, not flat; meaning: what a run makes of them.

    hours, gaps_known: None where nothing is certified. lacking: None where no gap and no unknown bar is known.
    """
    if not found:
        return _block(OF_A_FILE, _lacking([], unknown_bars, meaning), None, None, unknown_bars, found)
    each = [completeness_told.hours_of(one) for one in found]
    hours = {state: sum(one[state] for one in each) for state in each[0]}
    series = f" of {len(found)} series" if len(found) > 1 else ""
    states = ", ".join(f"{count:,} {state}" for state, count in hours.items() if count)
    said = f"{sum(hours.values()):,} hours{series} were read: {states}."
    gaps = sum(len(one.holes) for one in found)
    return _block(said, _lacking(found, unknown_bars, meaning), hours, gaps, unknown_bars, found)


def _in_gaps(found: Sequence[Completeness], bars: Bars) -> int:
    """How many bars that were made of trades a known gap touches: what they lack nobody knows."""
    touched = np.zeros(len(bars), bool)
    for hole in (hole for one in found for hole in one.holes):
        first, last = (
            np.searchsorted(bars.close_ns, hole.from_ns, "right"),
            np.searchsorted(bars.open_ns, hole.to_ns, "right"),
        )
        touched[first:last] = True
    return int(touched.sum())


def completeness_kept(data_dir: Path, run: int) -> dict[str, Any] | None:
    """The block of a run that is kept, as it was then; None where none is, or an earlier version made it."""
    try:
        found: dict[str, Any] | None = RunReader(data_dir).run(run).get(COMPLETENESS)
    except (UnknownRun, BrokenRun):
        return None
    return found


def completeness_said(document: Mapping[str, Any]) -> list[str]:
    """What a document says of it, in sentences."""
    return _sentences(document[COMPLETENESS])


def completeness_again(document: Mapping[str, Any]) -> list[str]:
    """The same of a trial that ran again, and what was said then where that is something else: gaps heal."""
    kept, now = document[COMPLETENESS]["kept"], document[COMPLETENESS]["now"]
    then = [] if kept is None or _sentences(kept) == _sentences(now) else [f"At its time: {' '.join(_sentences(kept))}"]
    return [*_sentences(now), *then]


def _sentences(block: Mapping[str, Any]) -> list[str]:
    return [block["said"], *([block["lacking"]] if block["lacking"] else [])]


def _lacking(found: Sequence[Completeness], unknown_bars: int, meaning: str) -> str | None:
    said = []
    for one in found:
        if one.holes:
            many = "1 gap is" if len(one.holes) == 1 else f"{len(one.holes):,} gaps are"
            said.append(f"{many} known in {one.instrument}: {completeness_told.gaps_of(one.holes)}.")
    if unknown_bars:
        many = "1 bar is" if unknown_bars == 1 else f"{unknown_bars:,} bars are"
        said.append(f"{many} unknown, not flat; {meaning}.")
    return " ".join(said) or None


def _block(
    said: str,
    lacking: str | None,
    hours: dict[str, int] | None,
    gaps_known: int | None,
    unknown_bars: int,
    found: Sequence[Completeness],
) -> dict[str, Any]:
    return {
        "certified": bool(found),
        "said": said,
        "lacking": lacking,
        "hours": hours,
        "gaps_known": gaps_known,
        "unknown_bars": unknown_bars,
        "instruments": [completeness.plain(one) for one in found],
    }
