"""collect: what comes of a venue's public market data, over all its lines.

In:  websocket frames and REST answers. Out: inputs, put through the door as they come; it parses nothing and knows no
     venue rule.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial

from ninefold.config import Venue
from ninefold.journal import inputs
from ninefold.journal.inputs import MARKET, Answer, encode
from ninefold.market.time import MINUTE_NS
from ninefold.services.intake import Intake
from ninefold.services.jobs import all_of
from ninefold.services.market_line import FIRST_PAUSE_S, LONGEST_PAUSE_S, MarketLine
from ninefold.venues.adapter import Question
from ninefold.venues.collector import Collector
from ninefold.venues.limiter import Limit, Limiter
from ninefold.venues.questions import BANNED, Asker
from ninefold.venues.refused import Refused
from ninefold.venues.table import VENUES


class MarketFeed:
    """The lines of one venue's public streams, kept open until cancelled. numbers: of the connections of all venues. limiter:
    shared with who else calls this venue.
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
        limiter = limiter or Limiter(())
        limiter.set([Limit("websockets", MINUTE_NS, entry.opens)])
        self._venue = venue
        self._intake = intake
        self._clock = clock
        self._collector = collector
        self._numbers = numbers
        self._asker = Asker(
            venue.name, venue.rest_url or entry.rest_url, entry.weight_per_minute, self._answered, clock, limiter
        )
        lines = entry.lines([entry.venue_symbol(pair) for pair in venue.pairs], venue.streams or entry.streams)
        make = partial(MarketLine, intake=intake, clock=clock, numbers=numbers, limiter=limiter, flush=self.flush)
        url, alone = venue.stream_url or entry.stream_url, len(lines) == 1
        self.lines = {line.name: make(venue.name, line, url + line.path, alone) for line in lines}

    @property
    def connected(self) -> bool:
        return all(line.connected for line in self.lines.values())

    @property
    def reconnects(self) -> int:
        return sum(line.reconnects for line in self.lines.values())

    def flush(self, line: MarketLine) -> None:
        """Hand on what is waiting, then ask and say what the line's adapter wants."""
        self._intake.flush()
        questions, words = self._collector.take_outgoing(line.line)
        self._asker.ask(questions, line.name)
        line.say(words)

    async def run(self) -> None:
        """Ask the first questions, then stay connected until cancelled."""
        try:
            for question in self._collector.adapters[self._venue.name].start_questions():
                await self._ask_first(question)
            await self.stay_connected()
        finally:
            await self._asker.close()

    async def stay_connected(self) -> None:
        await all_of([line.stay_connected() for line in self.lines.values()])

    async def _ask_first(self, question: Question) -> None:
        """Ask until the venue answers. raises: Refused if it says that the question is wrong."""
        pause_s = FIRST_PAUSE_S
        while True:
            answer = await self._asker.once(question, MARKET)
            if self._answered(answer):
                return
            if 400 <= answer.status < 500 and answer.status not in BANNED:
                said = answer.body[:200].decode("utf-8", "replace")
                raise Refused(f"{self._venue.name} refuses {question.path}: {said}; check venue.pairs in the config")
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def _answered(self, answer: Answer) -> bool:
        self._intake.put(inputs.ANSWER, 0, self._clock(), encode(answer))
        self.flush(self.lines[answer.name])
        return answer.status == 200
