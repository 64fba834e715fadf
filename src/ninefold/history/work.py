"""What bars and trades share while they are downloaded: ask, keep what came, find a trade by time, work side by side.

In:  questions and files. Out: what they added to the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TypeVar

import numpy as np

from ninefold.history.asking import Asking, Tally
from ninefold.history.fold import Added
from ninefold.history.keep import Keeper
from ninefold.history.stored import Stored
from ninefold.history.venue import UNREADABLE, Archive, CannotDownload, History
from ninefold.journal.inputs import Answer
from ninefold.market.instruments import Instrument
from ninefold.venues.adapter import Question

Progress = Callable[[str, int, int], None]
Item = TypeVar("Item")


class Work:
    """captured: what the pipeline of the same data dir has stored; that is not asked for."""

    def __init__(self, history: History, keeper: Keeper, asking: Asking, captured: Stored, progress: Progress) -> None:
        self.history, self.keeper, self.asking, self.captured, self.progress = (
            history,
            keeper,
            asking,
            captured,
            progress,
        )

    async def kept(self, question: Question, tally: Tally) -> Added:
        """Ask, and keep the answer. raises: CannotDownload, also if it cannot be read."""
        return self.keep(await self.asking.answer(question, tally))

    async def file(self, archive: Archive, purpose: str, path: str, tally: Tally) -> Answer | None:
        """A file of the archive, which is not kept (yet); None if there is none of that name."""
        data = await self.asking.file(path, tally, archive.summed)
        return None if data is None else Answer(self.history.venue, purpose, path, 200, data)

    def keep(self, answer: Answer) -> Added:
        added = self.keeper.keep(answer)
        if added.problem:
            raise CannotDownload(
                f"{self.history.venue} answered {answer.url} with something that cannot be read: {added.problem}. The answer "
                f"is in {self.keeper.path / 'journal'} under seq {added.seq}, nothing of it was stored"
            )
        return added

    def read(self, answer: Answer, reader: Callable[[bytes], np.ndarray]) -> np.ndarray:
        """The rows of an answer that is not kept (yet). raises: CannotDownload if it cannot be read."""
        try:
            return reader(answer.body)
        except UNREADABLE as error:
            raise self._unreadable(answer, error) from error

    async def located(self, of: Instrument, time_ns: int, tally: Tally) -> int:
        """The id of the first trade at or after a time; the next id if there is none yet."""
        walk = self.history.trades.locate(of, time_ns)
        question = next(walk)
        while True:
            answer = await self.asking.answer(question, tally)
            try:
                question = walk.send(answer.body)
            except StopIteration as found:
                return int(found.value)
            except UNREADABLE as error:
                raise self._unreadable(answer, error) from error

    def _unreadable(self, answer: Answer, error: Exception) -> CannotDownload:
        return CannotDownload(f"{self.history.venue} answered {answer.url} with something that cannot be read: {error}")


async def each(items: Iterable[Item], do: Callable[[Item], Awaitable[object]], workers: int) -> None:
    """Work through the items, so many side by side. The first failure ends all and is raised."""
    left = iter(items)
    tasks = [asyncio.create_task(_through(left, do)) for _ in range(workers)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _through(left: Iterator[Item], do: Callable[[Item], Awaitable[object]]) -> None:
    for item in left:
        await do(item)
