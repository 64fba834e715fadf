"""Bars from the files of a venue's archive.

In:  an instrument, a timeframe, what is missing of it. Out: which days or months are worth their file; each file kept, once
it was checked: against its checksum where the venue gives one, else against what REST tells of the same bars.
"""

from __future__ import annotations

import numpy as np

from ninefold.history.asking import Tally
from ninefold.history.bars import PRICES
from ninefold.history.fold import Added
from ninefold.history.plan import Run, days, months, months_touched, moved, overlap, total
from ninefold.history.venue import Archive, Bars, CannotDownload
from ninefold.history.work import Work
from ninefold.journal.inputs import Answer
from ninefold.market.instruments import Instrument
from ninefold.market.time import DAY_NS, TIMEFRAMES


def reach_ns(told: Bars, width_ns: int, now_ns: int) -> int:
    """Where the oldest bar opens that REST tells; 0 if it tells all."""
    return 0 if told.latest is None else (now_ns // width_ns + 1 - told.latest) * width_ns


class FileBars:
    def __init__(self, work: Work, archive: Archive, of: Instrument, tally: Tally) -> None:
        self._work, self._archive, self._of, self._tally = work, archive, of, tally

    async def wanted(self, told: Bars, timeframe: str, missing: list[Run]) -> list[Run]:
        """Whole days or months of which each spares more than one question, and all months that hold what REST tells no
        more, once the form of the files is proven.
        """
        width_ns, ahead_ns, now_ns = TIMEFRAMES[timeframe], self._archive.ahead_ns, self._work.asking.now_ns()
        start_ns, end_ns = missing[0][0] + ahead_ns, missing[-1][1] + ahead_ns
        month = timeframe in self._archive.by_month
        whole = moved((months if month else days)(start_ns, end_ns), -ahead_ns)
        worth = [one for one in whole if total(overlap(one, missing)) > told.most(width_ns) * width_ns]
        oldest_ns = reach_ns(told, width_ns, now_ns)
        lost = overlap((0, oldest_ns), missing)
        if not lost or not month or not await self._proven(told):
            return worth
        touched = moved(months_touched(start_ns, end_ns), -ahead_ns)
        return sorted({*worth, *(one for one in touched if overlap(one, lost) and one[1] <= now_ns)})

    async def keep(self, told: Bars, timeframe: str, one: Run, span: Run) -> Added | None:
        """What a file of the archive has of a range; None if there is no file (yet)."""
        answer = await self._checked(told, timeframe, one, overlap(span, [one])[0])
        return None if answer is None else self._work.keep(answer)

    async def _proven(self, told: Bars) -> bool:
        """Whether the newest file of the timeframe that proves the form is there, and is what REST tells."""
        now_ns = self._work.asking.now_ns()
        over = moved(months(now_ns - 63 * DAY_NS, now_ns), -self._archive.ahead_ns)[-1]
        return await self._checked(told, self._archive.proof, over, over) is not None

    async def _checked(self, told: Bars, timeframe: str, one: Run, part: Run) -> Answer | None:
        """raises: CannotDownload if it is not what its checksum, or REST, says."""
        path = self._archive.bars(self._of, timeframe, one[0], timeframe in self._archive.by_month)
        purpose = f"file-bars {self._of.venue_symbol} {timeframe} {part[0]} {part[1]}"
        answer = await self._work.file(self._archive, purpose, path, self._tally)
        if answer is not None and not self._archive.summed:
            await self._compare(told, timeframe, one, answer)
        return answer

    async def _compare(self, told: Bars, timeframe: str, one: Run, answer: Answer) -> None:
        """The newest bars that REST tells of a file's span, if it tells any, are those of the file."""
        width_ns = TIMEFRAMES[timeframe]
        oldest_ns = max(one[0], reach_ns(told, width_ns, self._work.asking.now_ns()))
        start_ns = max(oldest_ns, one[1] - told.most(width_ns) * width_ns)
        if start_ns >= one[1]:
            return
        by_file = self._work.read(answer, lambda body: self._archive.read_bars(self._of, width_ns, body))
        asked = await self._work.asking.answer(told.ask(self._of, timeframe, start_ns, one[1]), self._tally)
        by_rest = self._work.read(asked, lambda body: told.read(self._of, width_ns, body))
        inside = (by_rest["open_ns"] >= start_ns) & (by_rest["open_ns"] < one[1])
        by_rest = by_rest[inside]
        _, ours, theirs = np.intersect1d(by_file["open_ns"], by_rest["open_ns"], return_indices=True)
        names = [*PRICES, "volume"]
        same = by_file[names][ours] == by_rest[names][theirs]
        if same.all() and (len(same) or not len(by_rest)):
            return
        wrong = by_file[names][ours][~same].tolist()[:1], by_rest[names][theirs][~same].tolist()[:1]
        found = (
            f"a bar is {wrong[0]} there and {wrong[1]} by REST"
            if len(same)
            else "it has none of the bars that REST tells"
        )
        raise CannotDownload(
            f"{answer.url} is not what {self._work.history.venue} tells by REST: {found}. Nothing of the file was stored; "
            "--rest-url with the venue's own address leaves the files out"
        )
