"""collect: the sockets of a venue's public market data.

In:  websocket frames and REST answers. Out: inputs, put through the door as they come; it parses nothing and knows no
     venue rule.
A lost connection is opened again with growing pauses; one that is silent is cut; both are inputs too.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from ninefold.config import Venue
from ninefold.journal import inputs
from ninefold.journal.inputs import Answer, ConnectionChange, encode
from ninefold.services.intake import Intake
from ninefold.services.websocket import Line, open_line
from ninefold.venues.adapter import Question
from ninefold.venues.collector import Collector
from ninefold.venues.limiter import Limiter
from ninefold.venues.questions import BANNED, Asker
from ninefold.venues.refused import Refused
from ninefold.venues.table import VENUES

SILENT_S = (
    10.0  # Binance's busiest symbols never pause this long, and its server pings every 20 s: cut and connect again
)
LOOK_S = 1.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 10.0
MARKET = "market"


class _Listener:
    """Puts what one connection says through the door; flushes when nothing more is in the buffer."""

    def __init__(self, feed: MarketFeed, intake: Intake, number: int) -> None:
        self._feed = feed
        self._intake = intake
        self._number = number

    def plain(self, data: np.ndarray, start: int, end: int) -> int:
        return self._intake.put_plain(self._number, self._feed.heard(), data, start, end)

    def message(self, payload: bytes) -> None:
        self._intake.put(inputs.FRAME, self._number, self._feed.heard(), payload)

    def taken(self) -> None:
        self._feed.flush_soon()


class MarketFeed:
    """One connection to one venue's public streams, kept open until cancelled. numbers: of the connections of all
    venues. limiter: shared with who else calls this venue.
    """

    def __init__(
        self,
        venue: Venue,
        intake: Intake,
        clock: Callable[[], int],
        collector: Collector,
        numbers: Iterator[int],
        limiter: Limiter | None = None,
    ) -> None:
        entry = VENUES[venue.name]
        symbols = [entry.venue_symbol(pair) for pair in venue.pairs]
        self._venue = venue
        self._line = entry.line(symbols, venue.streams or entry.streams)
        self._url = (venue.stream_url or entry.stream_url) + self._line.path
        self._intake = intake
        self._clock = clock
        self._collector = collector
        self._websocket: Line | None = None
        self._asker = Asker(
            venue.name, venue.rest_url or entry.rest_url, entry.weight_per_minute, self._answered, clock, limiter
        )
        self._numbers = numbers
        self._last_frame_ns = 0
        self.reconnects = 0
        self.connected = False

    def heard(self) -> int:
        """Something has come: when that was."""
        self._last_frame_ns = self._clock()
        return self._last_frame_ns

    def opened(self, number: int) -> _Listener:
        self.heard()
        self.connected = True
        self._tell(number, "open", "")
        return _Listener(self, self._intake, number)

    def flush_soon(self) -> None:
        """Outside the callback of the socket, which would swallow what goes wrong."""
        asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Hand on what is waiting, then ask and say what the venue's adapter wants."""
        self._intake.flush()
        questions, words = self._collector.take_outgoing(self._venue.name)
        self._asker.ask(questions)
        self._say(words)

    async def run(self) -> None:
        """Ask the first questions, then stay connected until cancelled."""
        try:
            for question in self._collector.adapters[self._venue.name].start_questions():
                await self._ask_first(question)
            await self._stay_connected()
        finally:
            await self._asker.close()

    async def _ask_first(self, question: Question) -> None:
        """Ask until the venue answers. raises: Refused if it says that the question is wrong."""
        pause_s = FIRST_PAUSE_S
        while True:
            answer = await self._asker.once(question)
            if self._answered(answer):
                return
            if 400 <= answer.status < 500 and answer.status not in BANNED:
                said = answer.body[:200].decode("utf-8", "replace")
                raise Refused(f"{self._venue.name} refuses {question.path}: {said}; check venue.pairs in the config")
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _stay_connected(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            number = next(self._numbers)
            try:
                websocket = await open_line(self._url, partial(self.opened, number))
            except (OSError, TimeoutError) as error:
                self._tell(number, "failed", str(error))
            else:
                pause_s = FIRST_PAUSE_S
                reason = await self._talk(websocket)
                self.connected = False
                self._tell(number, "lost", reason)
            self.reconnects += 1
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _talk(self, websocket: Line) -> str:
        """Say what the venue wants to hear, and listen until the connection ends; why it ended."""
        self._websocket = websocket
        self._say(self._line.say)
        pinging = asyncio.ensure_future(self._ping())
        try:
            return await self._watch(websocket)
        finally:
            self._websocket = None
            pinging.cancel()

    async def _ping(self) -> None:
        while self._line.ping_s:
            await asyncio.sleep(self._line.ping_s)
            if self._line.ping:
                self._say((self._line.ping,))
            elif self._websocket is not None:
                self._websocket.ping()

    def _say(self, messages: Sequence[bytes]) -> None:
        """On the open websocket; without one there is nobody to hear, and the next line begins anew."""
        if self._websocket is not None:
            for message in messages:
                self._websocket.say(message)

    async def _watch(self, websocket: Line) -> str:
        """Wait until the connection ends or is silent for too long."""
        try:
            while True:
                asked = asyncio.get_running_loop().time()
                done, _ = await asyncio.wait({websocket.closed}, timeout=LOOK_S)
                if done:
                    return "closed by the venue"
                late = asyncio.get_running_loop().time() - asked > 2 * LOOK_S  # then it was us who did not listen
                if self._clock() - self._last_frame_ns > SILENT_S * 1e9 and not late:
                    return f"silent for {SILENT_S:.0f} s"
        finally:
            websocket.cut()

    def _tell(self, number: int, state: str, reason: str) -> None:
        change = ConnectionChange(self._venue.name, MARKET, state, reason)
        self._intake.put(inputs.CONNECTION, number, self._clock(), encode(change))
        self.flush()

    def _answered(self, answer: Answer) -> bool:
        self._intake.put(inputs.ANSWER, 0, self._clock(), encode(answer))
        self.flush()
        return answer.status == 200
