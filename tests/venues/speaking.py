"""Speak to an adapter as its venue would, and take what it makes of it.

In:  a venue's table entry, the symbols that are wanted, payloads.
Out: trades, book rows, quotes, records, questions and words since the last taking.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ninefold.journal.inputs import Answer, ConnectionChange
from ninefold.market.instruments import Instrument
from ninefold.market.time import SECOND_NS
from ninefold.venues.adapter import Question
from ninefold.venues.table import VENUES

SAMPLES = Path(__file__).parent.parent / "samples"


class Speaking:
    """now_ns: when the next input is received; it passes only when a test lets it."""

    def __init__(self, venue: str, *wanted: str, streams: tuple[str, ...] | None = None) -> None:
        entry = VENUES[venue]
        self.venue = venue
        self.adapter = entry.adapter(frozenset(wanted) or None, streams or entry.streams, None)
        self.seq = 0
        self.now_ns = 1_800_000_000 * SECOND_NS

    def sample(self, name: str) -> Any:
        return json.loads((SAMPLES / self.venue / f"{name}.json").read_text())

    def frame(self, message: object) -> None:
        self.seq += 1
        self.adapter.frame(1, self.seq, self.now_ns, json.dumps(message, separators=(",", ":")).encode())

    def answer(self, url: str, body: object, status: int = 200) -> None:
        self.seq += 1
        purpose = VENUES[self.venue].recorded[1].purpose(url)
        self.adapter.answer(Answer(self.venue, purpose, url, status, json.dumps(body).encode()), self.seq, self.now_ns)

    def connection(self, state: str) -> None:
        self.seq += 1
        self.adapter.connection(ConnectionChange(self.venue, "market", state), 1, self.seq, self.now_ns)

    def forget(self) -> None:
        """What was made so far is of no interest."""
        gathered = self.adapter.gathered
        for made in (gathered.trades, gathered.books, gathered.quotes, gathered.records, gathered.stamps):
            made.clear()
        self.asked()
        self.said()

    def of(self, kind: type) -> list[Any]:
        """Take the records of one kind."""
        records = self.adapter.gathered.records
        found = [one for one in records if isinstance(one, kind)]
        self.adapter.gathered.records = [one for one in records if not isinstance(one, kind)]
        return found

    def ids(self) -> list[int]:
        """Take the trades, by their ids."""
        trades, self.adapter.gathered.trades = self.adapter.gathered.trades, []
        return [row[6] for row in trades]

    def levels(self) -> list[tuple[int, int, int, int]]:
        """Take the book rows: (action, side, price, size)."""
        books, self.adapter.gathered.books = self.adapter.gathered.books, []
        return [row[5:9] for row in books]

    def asked(self) -> list[str]:
        return [question.path for question in self.questions()]

    def questions(self) -> list[Question]:
        questions, self.adapter.questions = self.adapter.questions, []
        return questions

    def said(self) -> list[bytes]:
        words = list(self.adapter.say)
        self.adapter.say.clear()
        return words

    def restart(self) -> None:
        """Go on with a new adapter that knows what this one saved."""
        state, wanted, streams = self.adapter.save(), self.adapter._wanted, self.adapter._streams  # type: ignore[attr-defined]
        self.adapter = VENUES[self.venue].adapter(wanted, streams, None)
        self.adapter.load(state)

    def named(self, name: str) -> Instrument:
        return self.adapter.registry.named(f"{self.venue}:{name}")
