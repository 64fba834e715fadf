"""Download the trades of one instrument.

In:  an instrument, a range. Out: an `Outcome`. Trades are wanted by id, from the first one in the range to the last, and
one more on each side, which prove where the range begins and ends. What is stored, downloaded or captured, is not asked
for. Whole days come from files of the archive where those save questions, the rest by REST.
"""

from __future__ import annotations

from ninefold.history.asking import Tally
from ninefold.history.outcome import Outcome, holes_of_trades
from ninefold.history.plan import Run, days, joined, overlap, pieces, total, without
from ninefold.history.venue import CannotDownload
from ninefold.history.work import Work, each
from ninefold.market.arrays import ID_AGGREGATE, ID_INTEGER
from ninefold.market.instruments import Instrument
from ninefold.market.time import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS

LOOK_BACK_NS = (SECOND_NS, 10 * SECOND_NS, MINUTE_NS, 10 * MINUTE_NS, HOUR_NS, DAY_NS)
COUNTING = (ID_INTEGER, ID_AGGREGATE)
FILE_PAGES = 5  # a file of a day is taken if it spares so many questions


async def download_trades(work: Work, of: Instrument, start_ns: int, end_ns: int) -> Outcome:
    """Trades at or after the start and before the end. raises: CannotDownload if the venue tells none of the past."""
    history = work.history
    if history.trades.untold:
        told = history.bars.timeframes if history.bars is not None else ()
        raise CannotDownload(
            f"{history.venue} tells no trades of the past: {history.trades.untold}. It tells bars of "
            f"{' '.join(told) or 'no timeframe'}; the trades from now on are captured by `ninefold collect`"
        )
    return await _Trades(work, of).download(start_ns, end_ns)


class _Trades:
    def __init__(self, work: Work, of: Instrument) -> None:
        self._work, self._of = work, of
        self._tally = Tally()
        self._done = self._total = 0

    async def download(self, start_ns: int, end_ns: int) -> Outcome:
        first = await self._work.located(self._of, start_ns, self._tally)
        end = await self._work.located(self._of, end_ns, self._tally)
        captured = self._captured(start_ns, end_ns)
        wanted = (first, max(first, end))
        around = (max(first - 1, 0), wanted[1] + 1)
        before = self._held(captured)
        missing = without(around, before)
        self._total = total(missing)
        if overlap(wanted, missing):
            missing = await self._take_files(start_ns, end_ns, missing, captured)
        if self._work.history.trades.walks:
            if missing and missing[0][0] == first - 1:
                await self._look_back(first - 1, start_ns)
                missing = without((first, around[1]), self._held(captured))
            for run in missing:
                await self._walk(run, start_ns)
        else:
            await each(pieces(missing, self._work.history.trades.page), self._page, self._work.history.parallel)
        return self._outcome(wanted, before, self._held(captured))

    def _captured(self, start_ns: int, end_ns: int) -> list[Run]:
        """raises: CannotDownload where the same trades would be here twice, single and aggregated."""
        kind = self._work.history.trades.id_kind
        if any(self._work.captured.ids(self._of, start_ns, end_ns, kind=one) for one in COUNTING if one != kind):
            told, here = ("aggregated", "single") if kind == ID_AGGREGATE else ("single", "aggregated")
            raise CannotDownload(
                f"{self._work.history.venue} tells {told} trades of the past, and {here} ones of {self._of.symbol} were "
                "captured in this range: each would count twice. Download bars, or trades of another range or into another "
                "--data-dir"
            )
        return self._work.captured.ids(self._of, start_ns, end_ns, kind=kind)

    def _held(self, captured: list[Run]) -> list[Run]:
        return joined([*self._work.keeper.ids(self._of), *captured])

    async def _page(self, run: Run) -> None:
        await self._work.kept(self._work.history.trades.ask(self._of, *run, 0), self._tally)
        self._count(run[1] - run[0])

    async def _walk(self, run: Run, start_ns: int) -> None:
        """Page by page from the time of the trade before the run, until its end, or until the venue has no more."""
        trades = self._work.history.trades
        at, end = run
        known_ns = self._work.keeper.time_of(self._of, at - 1)
        since_ns = start_ns if known_ns is None else known_ns
        while at < end:
            answer = await self._work.asking.answer(trades.ask(self._of, at, end, since_ns), self._tally)
            self._work.keep(answer)
            rows = trades.read(self._of, answer.body)
            newest = int(rows["id_lo"].max()) if len(rows) else 0
            self._count(max(0, min(newest + 1, end) - at))
            at = max(at, newest + 1)
            if len(rows) < trades.page:
                return
            since_ns = max(int(rows["exchange_ns"].max()), since_ns + 1)

    async def _look_back(self, id: int, start_ns: int) -> None:
        """Find the trade before the range, which proves where it begins, where none can be asked for by id."""
        trades = self._work.history.trades
        for pause_ns in LOOK_BACK_NS:
            answer = await self._work.asking.answer(trades.ask(self._of, id, id + 1, start_ns - pause_ns), self._tally)
            rows = self._work.read(answer, lambda body: trades.read(self._of, body))
            if (rows["id_lo"] == id).any():
                self._work.keep(answer)
                return

    async def _take_files(self, start_ns: int, end_ns: int, missing: list[Run], captured: list[Run]) -> list[Run]:
        """Take files of whole days that spare many questions; returns what is still missing."""
        archive = self._work.history.archive
        path_of = archive.trades if archive is not None else None
        if archive is None or path_of is None or not self._work.asking.has_archive:
            return missing

        async def take(day: Run) -> None:
            ids = [await self._work.located(self._of, at, self._tally) for at in day]
            lacking = total(overlap((ids[0], ids[1]), missing))
            if lacking <= FILE_PAGES * self._work.history.trades.page:
                return
            purpose = f"file-trades {self._of.venue_symbol}"
            answer = await self._work.file(archive, purpose, path_of(self._of, day[0]), self._tally)
            if answer is not None:
                self._work.keep(answer)
                self._count(lacking)

        await each(days(start_ns, end_ns), take, 1)
        held = self._held(captured)
        return [run for one in missing for run in without(one, held)]

    def _count(self, count: int) -> None:
        self._done = min(self._done + count, self._total)
        self._work.progress(f"{self._of.symbol} trades", self._done, self._total)

    def _outcome(self, wanted: Run, before: list[Run], after: list[Run]) -> Outcome:
        holes = without(wanted, after)
        already = total(overlap(wanted, before))
        here = total(overlap(wanted, after))
        return Outcome(
            self._of.symbol,
            "trades",
            asked=total([wanted]),
            stored=here - already,
            already=already,
            verified=here,
            requests=self._tally.requests,
            holes=holes_of_trades(holes),
        )
