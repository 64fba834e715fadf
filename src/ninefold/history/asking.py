"""The edge: questions to a venue and files from its archive, at the venue's pace, asked again when that can help.

In:  questions and paths.
Out: answers with status 200 that complain of nothing; the bytes of files, of which those with a checksum have the right one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

from ninefold.history.files import check_sum
from ninefold.history.venue import CannotDownload, History
from ninefold.journal.inputs import Answer
from ninefold.venues.adapter import Question
from ninefold.venues.questions import BANNED, Asker, wait_seconds

FIRST_TRIES = 3  # before anything was answered: an address that is wrong stays wrong
TRIES = 10
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0
SILENT_S = 60.0  # without a byte of a file
REFUSED_PLACES = (403, 451)
SAYING = (200, 400)  # statuses of answers that say in their body whether it passes by itself


class Refused(CannotDownload):
    """The venue says that the question is wrong, and will say so again."""


@dataclass
class Tally:
    """What was sent for one thing that is downloaded."""

    requests: int = 0


class Asking:
    """rest_url, archive_url: where; without an archive there are no files. tell: called when the venue makes us wait."""

    def __init__(
        self,
        history: History,
        rest_url: str,
        archive_url: str,
        weight_per_minute: int,
        clock: Callable[[], int],
        tell: Callable[[str], None],
    ) -> None:
        self._history = history
        self._rest_url, self._archive_url = rest_url, archive_url
        self._clock = clock
        self._tell = tell
        self._asker = Asker(history.venue, rest_url, weight_per_minute, lambda answer: None, clock)
        self._places = asyncio.Semaphore(history.parallel)
        self._session: aiohttp.ClientSession | None = None
        self._due_s = 0.0
        self._answered = False

    @property
    def has_archive(self) -> bool:
        return bool(self._archive_url)

    def now_ns(self) -> int:
        return self._clock()

    async def answer(self, question: Question, tally: Tally) -> Answer:
        """raises: CannotDownload when the venue refuses, or cannot be reached."""
        tries = 0
        while True:
            async with self._places:
                await self._pace()
                tally.requests += 1
                answer = await self._asker.once(question)
            said, passing = self._history.complaint(answer.body) if answer.status in SAYING else ("", False)
            if answer.status == 200 and not said:
                self._answered = True
                return answer
            if answer.status in BANNED:
                self._tell(f"{self._history.venue} asks us to wait (status {answer.status}); going on after that")
                continue
            if not passing and (answer.status == 200 or 400 <= answer.status < 500):
                raise self._refused(question, answer, said if answer.status == 200 else "")
            tries += 1
            if tries >= (TRIES if self._answered else FIRST_TRIES):
                raise self._unreachable(self._rest_url, said or _reason(answer.status, answer.body))
            await asyncio.sleep(min(FIRST_WAIT_S * 2 ** (tries - 1), LONGEST_WAIT_S))

    async def file(self, path: str, tally: Tally, summed: bool) -> bytes | None:
        """The bytes of a file of the archive, None if it has none of that name (yet). summed: it has its checksum beside it.

        raises: CannotDownload if its checksum differs, naming both; or if the archive cannot be reached.
        """
        if not summed:
            return await self._get(path, tally)
        said = await self._get(path + ".CHECKSUM", tally)
        data = await self._get(path, tally) if said is not None else None
        if said is None or data is None:
            return None
        check_sum(path, data, said)
        return data

    async def close(self) -> None:
        await self._asker.close()
        if self._session is not None:
            await self._session.close()

    async def _get(self, path: str, tally: Tally) -> bytes | None:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=None, sock_read=SILENT_S, sock_connect=SILENT_S)
            )
        reason, wait_s = "", FIRST_WAIT_S
        for _ in range(TRIES if self._answered else FIRST_TRIES):
            tally.requests += 1
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
            try:
                async with self._places, self._session.get(self._archive_url + path) as response:
                    body = await response.read()
                if response.status == 200:
                    return body
                if response.status == 404:
                    return None
                reason = _reason(response.status, body)
                if response.status in BANNED:
                    wait_s = wait_seconds(response.headers.get("Retry-After"), self._clock() / 1e9)
            except (aiohttp.ClientError, TimeoutError) as error:
                reason = str(error) or type(error).__name__
            await asyncio.sleep(wait_s)
        raise self._unreachable(self._archive_url + path, reason)

    async def _pace(self) -> None:
        """Leave the venue's pause between the beginnings of two questions."""
        now_s = asyncio.get_running_loop().time()
        at_s = max(self._due_s, now_s)
        self._due_s = at_s + self._history.pace_s
        if at_s > now_s:
            await asyncio.sleep(at_s - now_s)

    def _refused(self, question: Question, answer: Answer, said: str) -> CannotDownload:
        if answer.status in REFUSED_PLACES:
            return CannotDownload(
                f"{self._history.venue} does not answer from here (status {answer.status}); some venues serve some countries "
                "only. Try another --venue"
            )
        return Refused(
            f"{self._history.venue} refuses {question.path}: {said or _reason(answer.status, answer.body)}. What came before "
            "is stored"
        )

    def _unreachable(self, where: str, reason: str) -> CannotDownload:
        kept = (
            "What came before is stored: run the same command again to go on"
            if self._answered
            else "Nothing was asked yet"
        )
        return CannotDownload(
            f"{where} does not answer ({reason}). Look at the network, the proxy and the clock of this machine "
            f"(`ninefold doctor` does), or try another --venue. {kept}"
        )


def _reason(status: int, body: bytes) -> str:
    text = " ".join(body[:200].decode("utf-8", "replace").split())
    return f"status {status}: {text}" if status else text or "no answer came"
