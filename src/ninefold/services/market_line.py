"""One line of a venue's public market data: a websocket that is kept open.

In:  websocket frames. Out: inputs, put through the door as they come; it parses nothing and knows no venue rule.
A lost connection is opened again with growing pauses; one that is silent is cut; both are inputs too.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from ninefold.journal import inputs
from ninefold.journal.inputs import ConnectionChange, encode
from ninefold.services.intake import Intake
from ninefold.services.websocket import Line as Websocket
from ninefold.services.websocket import open_line
from ninefold.venues.adapter import QUIET_S, Line
from ninefold.venues.limiter import Limiter

LOOK_S = 1.0
PONG_S = 10.0  # a line that may be quiet is there as long as it answers pings; asked every PONG_S / 2
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 10.0
OPENING = {"websockets": 1}  # what it costs of the venue's limits


class _Listener:
    """Puts what one connection says through the door; flushes when nothing more is in the buffer."""

    def __init__(self, line: MarketLine, intake: Intake, number: int) -> None:
        self._line = line
        self._intake = intake
        self._number = number

    def plain(self, data: np.ndarray, start: int, end: int) -> int:
        now = self._line.clock()
        stop = self._intake.put_plain(self._number, now, data, start, end)
        if stop > start:  # else it is a ping, a pong, or not whole
            self._line.last_frame_ns = now
        return stop

    def message(self, payload: bytes) -> None:
        now = self._line.last_frame_ns = self._line.clock()
        self._intake.put(inputs.FRAME, self._number, now, payload)

    def taken(self) -> None:
        self._line.flush_soon()


class MarketLine:
    """Of `venue`, at `url`, kept open until cancelled. alone: whether there is no other of the venue. numbers: of the
    connections of all venues. limiter: of all who call the venue. flush: hands on what waits, and says what is to be said.
    """

    def __init__(
        self,
        venue: str,
        line: Line,
        url: str,
        alone: bool,
        intake: Intake,
        clock: Callable[[], int],
        numbers: Iterator[int],
        limiter: Limiter,
        flush: Callable[[MarketLine], None],
    ) -> None:
        self.line = inputs.line_of(venue, line.name)
        self.name = line.name
        self._venue = venue
        self.asked = line
        self._url = url
        self._alone = alone
        self._intake = intake
        self.clock = clock
        self._numbers = numbers
        self._limiter = limiter
        self._flush = flush
        self._websocket: Websocket | None = None
        self.last_frame_ns = 0
        self.reconnects = 0
        self.connected = False

    def opened(self, number: int) -> _Listener:
        self.last_frame_ns = self.clock()
        self.connected = True
        self.tell(number, "open", "")
        return _Listener(self, self._intake, number)

    def flush_soon(self) -> None:
        """Outside the callback of the socket, which would swallow what goes wrong."""
        asyncio.get_running_loop().call_soon(self._flush, self)

    def say(self, messages: Sequence[bytes]) -> None:
        """On the open websocket; without one there is nobody to hear, and the next one begins anew."""
        if self._websocket is not None:
            for message in messages:
                self._websocket.say(message)

    def tell(self, number: int, state: str, reason: str) -> None:
        symbols, streams = (None, None) if self._alone else (self.asked.symbols, self.asked.streams)
        trades = self._alone or self.asked.trades
        change = ConnectionChange(self._venue, self.name, state, reason, symbols, streams, trades)
        self._intake.put(inputs.CONNECTION, number, self.clock(), encode(change))
        self._flush(self)

    async def stay_connected(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            await self._leave()
            number = next(self._numbers)
            try:
                websocket = await open_line(self._url, partial(self.opened, number))
            except (OSError, TimeoutError) as error:
                self.tell(number, "failed", str(error))
            else:
                pause_s = FIRST_PAUSE_S
                reason = await self._talk(websocket)
                self.connected = False
                self.tell(number, "lost", reason)
            self.reconnects += 1
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _leave(self) -> None:
        """Wait until the venue lets one more websocket be opened; it counts from now, however long it stays open."""
        while (wait_ns := self._limiter.wait_ns(OPENING, self.clock())) > 0:
            await asyncio.sleep(wait_ns / 1e9)
        now = self.clock()
        self._limiter.back(self._limiter.leave(OPENING, now), now)

    async def _talk(self, websocket: Websocket) -> str:
        """Say what the venue wants to hear, and listen until the connection ends; why it ended."""
        self._websocket = websocket
        self.say(self.asked.say)
        pinging = asyncio.ensure_future(self._ping())
        try:
            return await self._watch(websocket)
        finally:
            self._websocket = None
            pinging.cancel()

    async def _ping(self) -> None:
        asks = self.asked.quiet_s > QUIET_S and not self.asked.ping_s
        ping_s = PONG_S / 2 if asks else self.asked.ping_s
        while ping_s:
            await asyncio.sleep(ping_s)
            if self.asked.ping:
                self.say((self.asked.ping,))
            elif self._websocket is not None:
                self._websocket.ping()

    async def _watch(self, websocket: Websocket) -> str:
        """Wait until the connection ends or is silent for too long."""
        loop = asyncio.get_running_loop()
        quiet_s, pongs, there_ns = self.asked.quiet_s, 0, self.clock()
        try:
            while True:
                asked = loop.time()
                done, _ = await asyncio.wait({websocket.closed}, timeout=LOOK_S)
                if done:
                    return "closed by the venue"
                now, late = self.clock(), loop.time() - asked > 2 * LOOK_S  # then it was us who did not listen
                if late or websocket.pongs != pongs:
                    pongs, there_ns = websocket.pongs, now
                if now - self.last_frame_ns > quiet_s * 1e9 and not late:
                    return f"silent for {quiet_s:.0f} s"
                if now - max(there_ns, self.last_frame_ns) > PONG_S * 1e9:
                    return f"no answer to a ping for {PONG_S:.0f} s"
        finally:
            websocket.cut()
