"""Orders through ccxt: its calls, one at a time, and the account asked for again and again.

In:  requests as ccxt_requests.py makes them. Out: a status in place of http's, and what the call gave as JSON, or the name of
     the error and its text. A new order is called for once: ccxt is told to try nothing again. An order that ccxt's pace
     would keep too long does not leave, and after the wait the fence is asked.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import aiohttp

from ninefold.config import Venue
from ninefold.services.ccxt_exchange import SHARING, UNEXPECTED, exchange_of
from ninefold.venues.account_answers import ABSENT, NO_ANSWER, NOT_SENT, TAKEN
from ninefold.venues.ccxt_answers import ERROR, GAVE
from ninefold.venues.entry_client import FIRST_WAIT_S, LONGEST_WAIT_S
from ninefold.venues.order_entry import OrderEntry
from ninefold.venues.session import MILLISECOND_NS
from ninefold.venues.signed import Keys, Unsigned

POLL_S = 3.0  # between two looks at the account
QUIET_MS = 10_000  # after the exchange said that there were too many calls
dump = partial(json.dumps, default=str, separators=(",", ":"))


class _NoRoom(Exception):
    """ccxt's pace kept a call until it was too late for it."""


class CcxtClient:
    """Implements entry_gateway.Client. fence: raises if nothing may be sent any more. make: the object of ccxt."""

    def __init__(
        self,
        entry: OrderEntry,
        venue: Venue,
        keys: Keys,
        clock: Callable[[], int],
        fence: Callable[[], None],
        make: Callable[[Venue, int], Any] = exchange_of,
    ) -> None:
        """raises: BadConfig without ccxt, and for an exchange that it does not know."""
        self.problem = "not started"
        self._entry = entry
        self._clock = clock
        self._fence = fence
        self._exchange = make(venue, SHARING)
        self._exchange.apiKey, self._exchange.secret, self._exchange.password = keys.key, keys.secret, keys.passphrase
        self._exchange.options.update({"adjustForTimeDifference": True, "maxRetriesOnFailure": 0})
        self._pace, self._exchange.throttle = self._exchange.throttle, self._leave
        self._turn = asyncio.Lock()
        self._by_s: float | None = None  # when what is called now has to have left
        self._fenced = False
        self._left = False  # a request of what is called now
        self._quiet_until_ms = 0

    async def start(self) -> None:
        """The markets are learnt before the first question, as often as it takes (Polling)."""

    async def close(self) -> None:
        await self._exchange.close()

    def quiet_ms(self) -> int:
        return self._quiet_until_ms - self._clock() // MILLISECOND_NS

    async def learn(self) -> None:
        """The markets, of which every call needs to know."""
        async with self._turn:
            self._by_s, self._fenced = None, False
            await self._exchange.load_markets()

    async def order(self, request: Unsigned, within_s: float) -> tuple[int, str]:
        """An order, once; NOT_SENT and why if its turn, or ccxt's pace, does not come in time. raises: what the fence raises."""
        by_s = asyncio.get_running_loop().time() + within_s
        try:
            async with asyncio.timeout_at(by_s):
                await self._turn.acquire()
        except TimeoutError:
            return NOT_SENT, f"other calls of {self._entry.reading.venue} took more than {within_s} s"
        try:
            if (wait_ms := self.quiet_ms()) > 0:
                return NOT_SENT, f"the venue asked us to wait another {wait_ms} ms"
            return await self._called(request, by_s, fenced=True)
        finally:
            self._turn.release()

    async def cancel(self, request: Unsigned) -> tuple[int, str]:
        """A cancel, once. raises: what the fence raises."""
        async with self._turn:
            return await self._called(request, fenced=True)

    async def until_answered(self, request: Unsigned) -> tuple[int, str]:
        """Ask, with growing pauses, until there is an answer or no such order."""
        pause_s = FIRST_WAIT_S
        while True:
            async with self._turn:
                status, body = await self._called(request)
            verdict = self._entry.reading.judge(status, body)
            if verdict.outcome in (TAKEN, ABSENT):
                self.problem = ""
                return status, body
            self.problem = f"a question was answered with {verdict.reason}"
            await asyncio.sleep(max(pause_s, self.quiet_ms() / 1000))
            pause_s = min(2 * pause_s, LONGEST_WAIT_S)

    async def _leave(self, cost: float | None = None) -> None:
        """In place of ccxt's own wait before each of its requests. raises: _NoRoom, what the fence raises."""
        try:
            async with asyncio.timeout_at(self._by_s):
                await self._pace(cost)
        except TimeoutError:
            raise _NoRoom from None
        if self._fenced:
            self._fence()
        self._left = True

    async def _called(self, request: Unsigned, by_s: float | None = None, *, fenced: bool = False) -> tuple[int, str]:
        ccxt = import_module("ccxt")
        self._by_s, self._fenced, self._left = by_s, fenced, False
        arguments = request.body if isinstance(request.body, dict) else {}
        try:
            return GAVE, dump(await getattr(self._exchange, request.path)(**arguments))
        except _NoRoom:
            reason = f"the pace of {self._entry.reading.venue} leaves no room in time"
            return NO_ANSWER if self._left else NOT_SENT, reason
        except (ccxt.RateLimitExceeded, ccxt.DDoSProtection) as error:
            self._quiet_until_ms = self._clock() // MILLISECOND_NS + QUIET_MS
            return ERROR, self._said(error)
        except ccxt.BaseError as error:
            return ERROR, self._said(error)
        except (aiohttp.ClientError, TimeoutError, *UNEXPECTED) as error:
            return NO_ANSWER, f"ccxt could not make anything of it: {type(error).__name__}"

    def _said(self, error: Exception) -> str:
        """ccxt's texts tell urls and answers, in which an exchange may want or repeat the key."""
        text = str(error)
        for each in (self._exchange.apiKey, self._exchange.secret, self._exchange.password):
            text = text.replace(each, "...") if each else text
        return f"{type(error).__name__}: {text}"


class Polling:
    """Implements entry_gateway.AccountLine: opened is called again and again, so that everything is asked for."""

    def __init__(self, client: CcxtClient, heard: Callable[[bytes], None], opened: Callable[[bool], None]) -> None:
        self.subscribed = asyncio.Event()
        self._client = client
        self._opened = opened

    async def follow(self) -> None:
        ccxt = import_module("ccxt")
        while True:
            try:
                await self._client.learn()
                self._opened(self.subscribed.is_set())
                self.subscribed.set()
            except (ccxt.BaseError, aiohttp.ClientError, TimeoutError, *UNEXPECTED) as error:
                self._client.problem = f"the exchange's markets could not be read: {type(error).__name__}"
            await asyncio.sleep(POLL_S)
