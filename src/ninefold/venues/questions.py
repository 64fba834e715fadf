"""Ask a venue's REST questions: one of a kind at a time, within its weight limit, raw answers handed on.

In:  the adapter's questions. Out: an Answer each, also when none came (status 0).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime

import aiohttp

from ninefold.journal.inputs import MARKET, Answer
from ninefold.market.time import MINUTE_NS
from ninefold.venues.adapter import Question
from ninefold.venues.binance_limits import told_in
from ninefold.venues.limiter import Limit, Limiter

TIMEOUT_S = 10.0
RETRY_S = 1.0
BANNED = (418, 429)  # the venue asks us to wait: Retry-After says how long
UNCLEAR_S = 60.0  # what is waited when it does not say
JSON = {"Content-Type": "application/json"}


def wait_seconds(retry_after: str | None, now_s: float) -> float:
    """How long a venue asks us to wait: Retry-After is a number of seconds or a date (RFC 9110); else a minute."""
    said = (retry_after or "").strip()
    if said.isascii() and said.isdigit():
        return float(said)
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - now_s)
    except ValueError:
        return UNCLEAR_S


class Asker:
    """answered: called with each answer on the loop. limiter: shared with others who call the venue; one of its own, by the
    weight per minute, without."""

    def __init__(
        self,
        venue: str,
        rest_url: str,
        weight_per_minute: int,
        answered: Callable[[Answer], object],
        clock: Callable[[], int],
        limiter: Limiter | None = None,
    ) -> None:
        self._venue = venue
        self._rest_url = rest_url
        self._limiter = limiter or Limiter(())
        self._limiter.set([Limit("weight", MINUTE_NS, weight_per_minute)])
        self._answered = answered
        self._clock = clock
        self._turn = asyncio.Lock()
        self._asking: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._session: aiohttp.ClientSession | None = None
        self._quiet_until_ns = 0

    def ask(self, questions: Sequence[Question], name: str = MARKET) -> None:
        """Start asking; a question that is being asked already is not asked twice. name: of the connection whose reader asks."""
        for question in questions:
            if (name, question.path) not in self._asking:
                self._asking[name, question.path] = asyncio.create_task(self._ask(question, name))

    async def once(self, question: Question, name: str = MARKET) -> Answer:
        """Ask now and wait for the answer; status 0 if none came."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
        ticket = await self._leave({"weight": question.weight, "requests": 1})
        try:
            method, headers = ("POST", JSON) if question.body else ("GET", None)
            url, sent = self._rest_url + question.path, question.body or None
            async with self._session.request(method, url, data=sent, headers=headers) as response:
                body = await response.read()
                self._limiter.told(told_in(response.headers.items()), self._clock())  # no venue but Binance says so
                if response.status in BANNED:
                    now_ns = self._clock()
                    wait_s = wait_seconds(response.headers.get("Retry-After"), now_ns / 1e9)
                    self._quiet_until_ns = max(self._quiet_until_ns, now_ns + int(wait_s * 1e9))
                return Answer(self._venue, question.purpose, question.path, response.status, body, name)
        except (aiohttp.ClientError, TimeoutError) as error:
            await asyncio.sleep(RETRY_S)
            return Answer(self._venue, question.purpose, question.path, 0, str(error).encode(), name)
        finally:
            self._limiter.back(ticket, self._clock())

    async def close(self) -> None:
        for task in list(self._asking.values()):
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _ask(self, question: Question, name: str) -> None:
        try:
            await self._wait_until(question.not_before_ns)
            answer = await self.once(question, name)
        finally:
            del self._asking[name, question.path]
        self._answered(answer)

    async def _wait_until(self, at_ns: int) -> None:
        wait_ns = at_ns - self._clock()
        if wait_ns > 0:
            await asyncio.sleep(wait_ns / 1e9)

    async def _leave(self, costs: Mapping[str, int]) -> int:
        """Wait for room, one at a time, in the order in which they came: who waits first is asked first."""
        async with self._turn:
            while True:
                now = self._clock()
                wait_ns = max(self._quiet_until_ns - now, self._limiter.wait_ns(costs, now))
                if wait_ns <= 0:
                    return self._limiter.leave(costs, now)
                await asyncio.sleep(wait_ns / 1e9)
