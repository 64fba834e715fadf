"""Binance spot: signed requests, each at the venue's time.

In:  requests as binance_requests.py writes them.
Out: http status and body of each answer; status 0 and the name of the failure if none came. Keys appear in no text made here.
`call` sends once, now; `no_room` says why it may not: the venue's rate limits are never exceeded. `call_in_time` waits for
room; `until_answered` asks again and again: it is for questions alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp
import msgspec

from ninefold.venues.binance_limits import DEFAULTS, costs_of, limits_of, told_in
from ninefold.venues.binance_orders import NO_SUCH_ORDER, Envelope, error_of
from ninefold.venues.binance_requests import Request, sign
from ninefold.venues.limiter import Limiter
from ninefold.venues.session import MILLISECOND_NS, Session

TIMEOUT_S = 10.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 5.0
WRONG_TIME = -1021


class BinanceClient(Session):
    """fence: raises if nothing may be sent any more; asked before all but questions, whose stamp is
    older then."""

    def __init__(
        self,
        rest_url: str,
        key: str,
        secret: str,
        clock: Callable[[], int],
        fence: Callable[[], None] = lambda: None,
        limiter: Limiter | None = None,
    ) -> None:
        super().__init__(rest_url, clock)
        self._key = key
        self._secret = secret
        self._fence = fence
        self._limiter = limiter or Limiter(())
        self._limiter.set(DEFAULTS)

    async def start(self) -> None:
        """Open the session, read the venue's clock and its rate limits."""
        self.open(TIMEOUT_S)
        await self.read_clock()
        await self.read_limits()

    async def call(self, request: Request) -> tuple[int, str]:
        """One signed request; status 0 and the name of the failure if no answer came."""
        if request.method != "GET":
            self._fence()
        query = sign(request, self._secret)
        url, body, headers = f"{self._rest_url}{request.path}", None, {"X-MBX-APIKEY": self._key}
        if request.method == "POST":
            body, headers["Content-Type"] = query.encode(), "application/x-www-form-urlencoded"
        else:
            url = f"{url}?{query}"
        ticket = self._limiter.leave(costs_of(request.method, request.path), self._clock())
        try:
            async with self.http.request(
                request.method, url, data=body, headers=headers, allow_redirects=False
            ) as response:
                self.heed(response.status, response.headers.get("Retry-After"))
                text = await response.text()
                self._limiter.told(told_in(response.headers.items()), self._clock())
                return response.status, text
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return 0, f"no answer: {type(error).__name__}"
        finally:
            self._limiter.back(ticket, self._clock())

    async def call_in_time(self, ask: Callable[[int], Request]) -> tuple[int, str]:
        """One signed request as soon as there is room for it; it is made then, at the venue's time."""
        request = ask(self.venue_ms())
        while (wait_ms := max(self.quiet_ms(), self._room_ms(request))) > 0:
            await asyncio.sleep(wait_ms / 1000)
            request = ask(self.venue_ms())
        return await self.call(request)

    async def until_answered(self, ask: Callable[[int], Request]) -> tuple[int, str]:
        """Ask, with growing pauses, until the venue answers with success or says that there is no such order."""
        pause_s = FIRST_WAIT_S
        while True:
            status, body = await self.call_in_time(ask)
            code = error_of(Envelope("", "", "", "", status, body))[0] if status != 200 else None
            if status == 200 or code == NO_SUCH_ORDER:
                return status, body
            self.problem = f"a question was answered with http {status}, code {code}"
            if code == WRONG_TIME:
                await self.read_clock()
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_WAIT_S)

    async def read_clock(self) -> None:
        """Estimate the venue's clock from the middle of a question; keep the old estimate if none is answered."""
        asked_ms = self.now_ms()
        try:
            async with self.http.get(f"{self._rest_url}/api/v3/time") as response:
                told = msgspec.json.decode(await response.read(), type=_Time).serverTime
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError) as error:
            self.problem = f"the venue's clock could not be read: {type(error).__name__}"
            return
        self.set_clock(asked_ms, told)

    async def read_limits(self) -> None:
        """What the venue says its rate limits are; the lowest it documents hold if it does not say. They are the same for all
        symbols, so one that it has had for ever will do."""
        try:
            async with self.http.get(f"{self._rest_url}/api/v3/exchangeInfo?symbol=BTCUSDT") as response:
                body = await response.read()
                self._limiter.set(limits_of(body) if response.status == 200 else ())
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError) as error:
            self.problem = f"the venue's rate limits could not be read: {type(error).__name__}"

    def no_room(self, request: Request) -> str:
        """Why a request may not leave now; empty if it may."""
        if (wait_ms := self.quiet_ms()) > 0:
            return f"the venue asked us to wait another {wait_ms} ms"
        if (wait_ms := self._room_ms(request)) > 0:
            return f"the venue's rate limit leaves no room for another {wait_ms} ms"
        return ""

    def _room_ms(self, request: Request) -> int:
        """How long the rate limits let a request wait, in whole milliseconds, rounded up."""
        wait_ns = self._limiter.wait_ns(costs_of(request.method, request.path), self._clock())
        return -(-wait_ns // MILLISECOND_NS)


class _Time(msgspec.Struct):
    serverTime: int
