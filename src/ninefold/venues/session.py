"""A session with a venue's REST address: one connection pool, the venue's time as we know it, and how long it wants quiet.

In:  our wall clock. Out: what every client of a venue's account needs beside its own requests.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.connector import Connection

from ninefold.venues.questions import wait_seconds

MUST_WAIT = (418, 429)  # Retry-After says how many seconds
MILLISECOND_NS = 1_000_000


class Session:
    """clock: our wall clock in ns. problem: what went wrong last, in words. offset_ms: the venue's clock less ours."""

    def __init__(self, rest_url: str, clock: Callable[[], int]) -> None:
        self.problem = "not started"
        self.offset_ms = 0
        self._rest_url = rest_url.rstrip("/")
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._quiet_until_ms = 0

    def open(self, timeout_s: float) -> None:
        """timeout_s: of one request."""
        timeout, no_cookies = aiohttp.ClientTimeout(total=timeout_s), aiohttp.DummyCookieJar()
        self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=no_cookies, request_class=AtOnce)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    @property
    def http(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the gateway is not started; await start() first")
        return self._session

    def now_ms(self) -> int:
        return self._clock() // MILLISECOND_NS

    def venue_ms(self) -> int:
        """The venue's time, as far as we know it."""
        return self.now_ms() + self.offset_ms

    def quiet_ms(self) -> int:
        """How much longer the venue has asked us to wait; 0 or less: not at all."""
        return self._quiet_until_ms - self.now_ms()

    def heed(self, http_status: int, retry_after: str | None) -> None:
        """Be quiet for as long as an answer asks for. retry_after: its header of this name."""
        if http_status in MUST_WAIT:
            now_ms = self.now_ms()
            pause_ms = int(1000 * wait_seconds(retry_after, now_ms / 1000))
            self._quiet_until_ms = max(self._quiet_until_ms, now_ms + pause_ms)

    def set_clock(self, asked_ms: int, told_ms: int) -> None:
        """The venue told its time between `asked_ms` and now: in the middle, as far as we know."""
        self.offset_ms = told_ms - (asked_ms + self.now_ms()) // 2


class AtOnce(aiohttp.ClientRequest):
    """Writes its body where it is sent, and not a turn of the loop later, in which a market may be read; from Python 3.12 on all
    of them do."""

    def write_bytes(
        self, writer: AbstractStreamWriter, conn: Connection, content_length: int | None = None
    ) -> Coroutine[Any, Any, None]:
        return begun(super().write_bytes(writer, conn, content_length))


def begun(work: Coroutine[Any, Any, None]) -> Coroutine[Any, Any, None]:
    """Begin some work; what is left of it from where it first waits."""
    try:
        awaited = work.send(None)
    except StopIteration:
        return _nothing()
    return _rest(work, awaited)


async def _nothing() -> None:
    pass


async def _rest(work: Coroutine[Any, Any, None], awaited: object) -> None:
    await _Waiting(work, awaited)


class _Waiting:
    """Work that waits for `awaited`; whoever waits for the work is told of everything as if it had begun there."""

    def __init__(self, work: Coroutine[Any, Any, None], awaited: object) -> None:
        self._work = work
        self._awaited = awaited

    def __await__(self) -> Generator[Any, Any, None]:
        awaited = self._awaited
        while True:
            try:
                yield awaited
            except BaseException as thrown:
                go_on = partial(self._work.throw, thrown)
            else:
                go_on = partial(self._work.send, None)
            try:
                awaited = go_on()
            except StopIteration:
                return
