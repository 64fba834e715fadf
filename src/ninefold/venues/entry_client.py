"""Signed requests to a venue of the table of order entries, and its clock as it can be known from here.

In:  requests. Out: http status and body, 0 and the name of the failure if no answer came. Keys appear in no text made here.
A question is asked until its answer says something; a new order is never sent twice: `call` is all that it gets.
The venue's rate limits are never exceeded: a request waits until there is room for it. Orders wait in the order in which they
came, so do cancels, and so do questions; none of the three waits for another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp

from ninefold.market.time import SECOND_NS
from ninefold.venues.account_answers import ABSENT, NO_ANSWER, NOT_SENT, TAKEN
from ninefold.venues.binance_limits import told_in
from ninefold.venues.limiter import Limiter
from ninefold.venues.order_entry import OrderEntry
from ninefold.venues.session import MILLISECOND_NS, Session
from ninefold.venues.signed import Keys, Unsigned

TIMEOUT_S = 10.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 5.0


class EntryClient(Session):
    """venue_clock: where the venue tells its time, and how its answer is read, in seconds.

    fence: raises if nothing may be sent any more; asked when an order or a cancel is stamped and not yet sent.
    limiter: of the venue's rates, shared with who else calls it from this process.
    """

    def __init__(
        self,
        entry: OrderEntry,
        rest_url: str,
        keys: Keys,
        venue_clock: tuple[str, Callable[[bytes], float]],
        clock: Callable[[], int],
        fence: Callable[[], None],
        limiter: Limiter | None = None,
    ) -> None:
        super().__init__(rest_url, clock)
        self.keys = keys
        self._entry = entry
        self._venue_clock = venue_clock
        self._fence = fence
        self._limiter = limiter or Limiter(())
        self._orders, self._cancels, self._questions = asyncio.Lock(), asyncio.Lock(), asyncio.Lock()
        self._turn = asyncio.Lock()
        self._nonce = 0

    async def start(self) -> None:
        """Open the session and read the venue's clock."""
        self.open(TIMEOUT_S)
        await self.read_clock()

    async def order(self, request: Unsigned, within_s: float) -> tuple[int, str]:
        """Sign and send an order, once; NOT_SENT and why if there is no room for it in time. raises: what the fence raises."""
        by_ns = self._clock() + int(within_s * SECOND_NS)
        async with self._orders:
            while (wait_ns := self._wait_ns(request)) > 0:
                if self._clock() + wait_ns > by_ns:
                    wait_ms = -(-wait_ns // MILLISECOND_NS)
                    return NOT_SENT, f"the venue's rate limit leaves no room for another {wait_ms} ms"
                await asyncio.sleep(wait_ns / SECOND_NS)
            ticket = self._leave(request)
        return await self._in_turn(request, self._fence, ticket)

    async def cancel(self, request: Unsigned) -> tuple[int, str]:
        """Sign and send a cancel, once, when there is room. raises: what the fence raises."""
        return await self._in_turn(request, self._fence, await self._room(request, self._cancels))

    async def ask(self, request: Unsigned) -> tuple[int, str]:
        """Sign and send a question, once, when there is room."""
        return await self._in_turn(request, _no_fence, await self._room(request, self._questions))

    async def _room(self, request: Unsigned, line: asyncio.Lock) -> int:
        async with line:
            while (wait_ns := self._wait_ns(request)) > 0:
                await asyncio.sleep(wait_ns / SECOND_NS)
            return self._leave(request)

    def _wait_ns(self, request: Unsigned) -> int:
        """Until there is room, and the venue does not want quiet."""
        self._limiter.set([use.limit for use in self._entry.uses(request)])
        room_ns = self._limiter.wait_ns(self._costs(request), self._clock())
        return max(room_ns, self.quiet_ms() * MILLISECOND_NS)

    def _leave(self, request: Unsigned) -> int:
        """It counts from now on, though it may still have to wait for its turn."""
        return self._limiter.leave(self._costs(request), self._clock())

    def _costs(self, request: Unsigned) -> dict[str, int]:
        return {use.limit.kind: use.amount for use in self._entry.uses(request)}

    async def _in_turn(self, request: Unsigned, fence: Callable[[], None], ticket: int) -> tuple[int, str]:
        try:
            if not self._entry.requests.IN_TURN:
                return await self._send(request, fence)
            async with self._turn:
                return await self._send(request, fence)
        finally:
            self._limiter.back(ticket, self._clock())

    async def _send(self, request: Unsigned, fence: Callable[[], None]) -> tuple[int, str]:
        sent = self._entry.requests.sign(request, self._rest_url, self.keys, self.venue_ms(), self.nonce())
        fence()
        try:
            async with self.http.request(
                sent.method, sent.url, data=sent.body, headers=sent.headers, allow_redirects=False
            ) as response:
                self.heed(response.status, response.headers.get("Retry-After"))
                self._limiter.told(told_in(response.headers.items()), self._clock())  # no venue but Binance says so
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
