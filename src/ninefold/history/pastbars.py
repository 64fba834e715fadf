"""Download the bars of one series.

In:  an instrument, a timeframe, a range. Out: an `Outcome`. Told bars come from files of the archive where those save
questions, else by REST; what was not told is settled: flat where trade ids prove that nothing was traded, else unknown.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ninefold.history.asking import Tally
from ninefold.history.bars import differing, made_of_trades
from ninefold.history.filebars import FileBars, reach_ns
from ninefold.history.outcome import Outcome, holes_of_bars
from ninefold.history.plan import Run, covering, joined, overlap, pieces, total, without
from ninefold.history.venue import Bars
from ninefold.history.work import Work, each
from ninefold.market.instruments import Instrument
from ninefold.market.time import DAY_NS, TIMEFRAMES

SETTLED_AT_ONCE = 500_000  # bars


async def download_bars(work: Work, of: Instrument, timeframe: str, start_ns: int, end_ns: int) -> Outcome:
    """Bars that open and close in the range; those of a timeframe that the venue does not tell need its trades first."""
    series = _Series(work, of, timeframe)
    told = series.told
    start_ns, end_ns = -(-start_ns // series.width_ns) * series.width_ns, end_ns // series.width_ns * series.width_ns
    if start_ns >= end_ns:
        return series.outcome
    span = (start_ns, end_ns)
    missing = without(span, series.held(span, known=told is None))
    if missing and told is not None and told.first is not None:
        span = (min(max(start_ns, await series.first(told)), end_ns), end_ns)
        missing = overlap(span, missing)
    if told is not None and series.files is None:
        missing = overlap((series.reach_ns(told), end_ns), missing)
    before = overlap(span, series.held(span, known=True))
    if told is not None and missing:
        await series.ask(told, missing)
        if told.proven:
            await series.prove(span)
    if missing or work.keeper.ids(of):  # trades that came since may prove what was unknown
        holes = _together(without(span, series.held(span, known=True)))
        for piece in pieces(holes, SETTLED_AT_ONCE * series.width_ns):
            work.keeper.settle(of, timeframe, *piece)
    series.conclude(span, before)
    return series.outcome


def _together(holes: list[Run]) -> list[Run]:
    """Holes with less than a day between them as one: each is a commit, and a venue may leave out every quiet minute.

    >>> _together([(0, 1), (9, 10), (11 + DAY_NS, 12 + DAY_NS)]) == [(0, 10), (11 + DAY_NS, 12 + DAY_NS)]
    True
    """
    return [(first, end - DAY_NS) for first, end in joined((first, end + DAY_NS) for first, end in holes)]


class _Series:
    """told: None where bars are made from trades."""

    def __init__(self, work: Work, of: Instrument, timeframe: str) -> None:
        bars = work.history.bars
        self.told: Bars | None = bars if bars is not None and timeframe in bars.timeframes else None
        self.width_ns = TIMEFRAMES[timeframe]
        self.outcome = Outcome(of.symbol, timeframe)
        self.tally = Tally()
        self._work, self._of, self._timeframe = work, of, timeframe
        self._done = self._total = 0
        archive = work.history.archive
        has_files = archive is not None and timeframe in archive.by_day + archive.by_month and work.asking.has_archive
        self.files = FileBars(work, archive, of, self.tally) if archive is not None and has_files else None

    def reach_ns(self, told: Bars) -> int:
        """Where the oldest bar opens that REST tells."""
        return reach_ns(told, self.width_ns, self._work.asking.now_ns())

    def held(self, span: Run, *, known: bool) -> list[Run]:
        """The slots that are stored, downloaded or captured. known: without the unknown ones."""
        captured = self._work.captured.slots(self._of, self.width_ns, *span, known=True)
        self._work.keeper.commit()
        return joined([*self._work.keeper.stored.slots(self._of, self.width_ns, *span, known=known), *captured])

    async def first(self, told: Bars) -> int:
        """Where the very first bar opens."""
        assert told.first is not None
        answer = await self._work.asking.answer(told.first(self._of, self._timeframe), self.tally)
        rows = self._work.read(answer, lambda body: told.read(self._of, self.width_ns, body))
        return int(rows["open_ns"][0]) if len(rows) else 0

    async def ask(self, told: Bars, missing: list[Run]) -> None:
        self._total = total(missing) // self.width_ns
        missing = await self._take_files(told, missing)

        async def page(run: Run) -> None:
            added = await self._work.kept(told.ask(self._of, self._timeframe, *run), self.tally)
            self._count(run, len(added.records))

        await each(covering(missing, told.most(self.width_ns) * self.width_ns), page, self._work.history.parallel)

    async def prove(self, span: Run) -> None:
        """Keep the two trades around every hole: their ids say whether something was traded in it."""
        known = self.held(span, known=True)
        trades = self._work.history.trades
        for (_, hole_ns), (end_ns, _) in pairwise(known):
            after = await self._work.located(self._of, end_ns, self.tally)
            if after > 0 and without((after - 1, after + 1), self._work.keeper.ids(self._of)):
                await self._work.kept(trades.ask(self._of, after - 1, after + 1, hole_ns), self.tally)

    def conclude(self, span: Run, before: list[Run]) -> None:
        known = self.held(span, known=True)
        outcome, width_ns = self.outcome, self.width_ns
        outcome.asked = (span[1] - span[0]) // width_ns
        outcome.already = total(before) // width_ns
        outcome.stored = total(known) // width_ns - outcome.already
        outcome.verified = total(known) // width_ns
        outcome.holes = holes_of_bars(without(span, known), width_ns)
        outcome.requests = self.tally.requests
        if self.told is not None:
            self._compare(span)

    def _compare(self, span: Run) -> None:
        """With bars made of stored trades, where there are any."""
        keeper = self._work.keeper
        if not keeper.ids(self._of):
            return
        for start_ns, end_ns in pieces([span], max(DAY_NS, self.width_ns)):
            trades = keeper.trades(self._of, start_ns, end_ns)
            if not ((trades["exchange_ns"] >= start_ns) & (trades["exchange_ns"] < end_ns)).any():
                continue
            made = made_of_trades(trades, self.width_ns, np.arange(start_ns, end_ns, self.width_ns))
            compared, wrong = differing(keeper.bars(self._of, self.width_ns, start_ns, end_ns), made)
            self.outcome.compared += compared
            self.outcome.differing += wrong

    async def _take_files(self, told: Bars, missing: list[Run]) -> list[Run]:
        """Take the files that are worth it; returns what REST still has to tell."""
        if self.files is not None:

            async def take(one: Run) -> None:
                assert self.files is not None
                added = await self.files.keep(told, self._timeframe, one, span)
                if added is not None:
                    self._count(one, len(added.records))

            span = (missing[0][0], missing[-1][1])
            wanted = await self.files.wanted(told, self._timeframe, missing)
            await each(wanted, take, self._work.history.parallel)
            held = self.held(span, known=False)
            missing = [run for one in missing for run in without(one, held)]
        return overlap((self.reach_ns(told), missing[-1][1]), missing) if missing else missing

    def _count(self, run: Run, impossible: int) -> None:
        self._done = min(self._done + (run[1] - run[0]) // self.width_ns, self._total)
        self.outcome.impossible += impossible
        self._work.progress(f"{self._of.symbol} {self._timeframe}", self._done, self._total)
