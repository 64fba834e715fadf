"""Signed requests to a venue of the table of order entries, and its clock as it can be known from here.

In:  requests. Out: http status and body, 0 and the name of the failure if no answer came. Keys appear in no text made here.
A question is asked until its answer says something; a new order is never sent twice: `call` is all that it gets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp

from ninefold.venues.account_answers import ABSENT, NO_ANSWER, TAKEN
from ninefold.venues.order_entry import OrderEntry
from ninefold.venues.session import Session
from ninefold.venues.signed import Keys, Unsigned

TIMEOUT_S = 10.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 5.0


class EntryClient(Session):
    """venue_clock: where the venue tells its time, and how its answer is read, in seconds.

    fence: raises if nothing may be sent any more; asked when an order or a cancel is stamped and not yet sent.
    """

    def __init__(
        self,
        entry: OrderEntry,
        rest_url: str,
        keys: Keys,
        venue_clock: tuple[str, Callable[[bytes], float]],
        clock: Callable[[], int],
        fence: Callable[[], None],
    ) -> None:
        super().__init__(rest_url, clock)
        self.keys = keys
        self._entry = entry
        self._venue_clock = venue_clock
        self._fence = fence
        self._turn = asyncio.Lock()
        self._nonce = 0

    async def start(self) -> None:
        """Open the session and read the venue's clock."""
        self.open(TIMEOUT_S)
        await self.read_clock()

    async def call(self, request: Unsigned) -> tuple[int, str]:
        """Sign and send an order or a cancel, once. raises: what the fence raises."""
        return await self._in_turn(request, self._fence)

    async def ask(self, request: Unsigned) -> tuple[int, str]:
        """Sign and send a question, once."""
        return await self._in_turn(request, _no_fence)

    async def _in_turn(self, request: Unsigned, fence: Callable[[], None]) -> tuple[int, str]:
        if not self._entry.requests.IN_TURN:
            return await self._send(request, fence)
        async with self._turn:
            return await self._send(request, fence)

    async def _send(self, request: Unsigned, fence: Callable[[], None]) -> tuple[int, str]:
        sent = self._entry.requests.sign(request, self._rest_url, self.keys, self.venue_ms(), self.nonce())
        fence()
        try:
            async with self.http.request(
                sent.method, sent.url, data=sent.body, headers=sent.headers, allow_redirects=False
            ) as response:
                self.heed(response.status, response.headers.get("Retry-After"))
                return response.status, await response.text()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return NO_ANSWER, f"no answer: {type(error).__name__}"

    async def until_answered(self, request: Unsigned) -> tuple[int, str]:
        """Ask, with growing pauses, until the venue answers with success or says that there is no such order."""
        pause_s = FIRST_WAIT_S
        while True:
            await asyncio.sleep(max(0, self.quiet_ms()) / 1000)
            status, body = await self.ask(request)
            verdict = self._entry.reading.judge(status, body)
            if verdict.outcome in (TAKEN, ABSENT):
                return status, body
            self.problem = f"a question was answered with {verdict.reason or f'http {status}'}"
            await self.read_clock()  # a wrong time is among the reasons
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_WAIT_S)

    async def read_clock(self) -> None:
        """Estimate the venue's clock from the middle of a question; keep the old estimate if none is answered."""
        url, read = self._venue_clock
        asked_ms = self.now_ms()
        try:
            async with self.http.get(url) as response:
                told_ms = int(read(await response.read()) * 1000)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            self.problem = f"the venue's clock could not be read: {type(error).__name__}"
            return
        self.set_clock(asked_ms, told_ms)

    def nonce(self) -> str:
        """Microseconds of our clock, and greater than the one before even if the clock went back."""
        self._nonce = max(self._nonce + 1, self._clock() // 1000)
        return str(self._nonce)


def _no_fence() -> None:
    """Questions change nothing."""
