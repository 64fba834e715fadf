"""The websockets with an account's events, at a venue of the table of order entries.

In:  the venue's lines, opened with what its Requests say. Out: raw frames to `heard`; `subscribed` while all of them stand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp
import msgspec

from ninefold.venues.account_answers import complaint
from ninefold.venues.entry_client import FIRST_WAIT_S, LONGEST_WAIT_S, EntryClient
from ninefold.venues.order_entry import OrderEntry
from ninefold.venues.signed import Line, Token

HEARTBEAT_S = 20.0
ANSWER_S = 10.0  # how long a venue may take to answer a login
PONG = b"pong"


class EntryLines:
    """heard: takes each frame. opened: called when all lines stand; again: whether they had stood before. move: a line's
    address as the config has it, for its own."""

    def __init__(
        self,
        entry: OrderEntry,
        client: EntryClient,
        move: Callable[[str], str],
        heard: Callable[[bytes], None],
        opened: Callable[[bool], None],
    ) -> None:
        self.subscribed = asyncio.Event()
        self._entry = entry
        self._client = client
        self._move = move
        self._heard = heard
        self._opened = opened
        self._standing = 0

    async def follow(self) -> None:
        """Keep the lines open; when one ends, all are opened anew, since events may be missing from then on."""
        pause_s, again = FIRST_WAIT_S, False
        while True:
            try:
                await self._listen(again)
            except* (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError, _LineEnded) as errors:
                self._client.problem = f"no line of account events: {_why(errors)}"
            if self.subscribed.is_set():
                pause_s, again = FIRST_WAIT_S, True
            self.subscribed.clear()
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_WAIT_S)
            await self._client.read_clock()

    async def _listen(self, again: bool) -> None:
        self._standing = 0
        token = self._entry.requests.TOKEN
        told = await self._token(token) if token is not None else ""
        lines = self._entry.requests.lines(self._client.keys, self._client.venue_ms(), self._client.nonce(), told)
        async with asyncio.TaskGroup() as group:
            for line in lines:
                group.create_task(self._line(line, len(lines), again))
            if token is not None and token.keep is not None:
                group.create_task(self._keep(token))

    async def _token(self, token: Token) -> str:
        _, body = await self._client.until_answered(token.ask)
        return token.read(body)

    async def _keep(self, token: Token) -> None:
        while True:
            await asyncio.sleep(token.keep_s)
            if token.keep is not None:
                await self._client.ask(token.keep)

    async def _line(self, line: Line, of: int, again: bool) -> None:
        async with self._client.http.ws_connect(self._move(line.url), heartbeat=HEARTBEAT_S) as socket:
            for hello in line.hello:
                await socket.send_str(hello.decode())
                async with asyncio.timeout(ANSWER_S):
                    self._take(await socket.receive())
            self._standing += 1
            if self._standing == of:
                self._client.problem = ""
                self.subscribed.set()
                self._opened(again)
            async with asyncio.TaskGroup() as group:
                pinging = group.create_task(_ping(socket, line))
                async for message in socket:
                    self._take(message)
                pinging.cancel()
        raise _LineEnded("the venue closed it")

    def _take(self, message: aiohttp.WSMessage) -> None:
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise _LineEnded("the venue closed it")
        payload = message.data.encode()
        said = complaint(payload)
        if said:
            raise _LineEnded(f"the venue says {said!r}")
        if payload != PONG:
            self._heard(payload)


async def _ping(socket: aiohttp.ClientWebSocketResponse, line: Line) -> None:
    while line.ping:
        await asyncio.sleep(line.ping_s)
        await socket.send_str(line.ping.decode())


def _why(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) if isinstance(error, _LineEnded) else type(error).__name__


class _LineEnded(Exception):
    """A line is of no more use."""
