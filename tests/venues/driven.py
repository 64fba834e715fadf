"""An adapter of any venue that is connected, and short ways to feed it. Times are those of the samples."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ninefold.journal.inputs import Answer, ConnectionChange
from ninefold.market.instruments import Instrument
from ninefold.market.numbers import to_text
from ninefold.market.records import Gap, Listed
from ninefold.venues.table import VENUES

SECOND = 10**9
TEN = 1_795_341_600 * SECOND  # 2026-11-22 10:00:00 UTC
RECEIVED = TEN + 3 * SECOND
SAMPLES = Path(__file__).parent.parent / "samples"


class Driven:
    """wanted: venue symbols. rules: the url and the sample of the answer that lists them, given before it connects."""

    def __init__(self, venue: str, wanted: set[str], rules: tuple[str, str] | None = None) -> None:
        self.venue, self.entry, self._wanted = venue, VENUES[venue], frozenset(wanted)
        self.adapter = self.entry.adapter(self._wanted, self.entry.streams, None)
        self.seq, self.now = 0, RECEIVED
        if rules is not None:
            self.answer(rules[0], self.sample(rules[1]))
        self.connection("open")

    def sample(self, name: str) -> bytes:
        return (SAMPLES / self.venue / f"{name}.json").read_bytes().strip()

    def swapped(self, name: str, old: str, new: str) -> bytes:
        """A sample with other text in the first place where `old` stands."""
        text = self.sample(name).decode()
        assert old in text
        return text.replace(old, new, 1).encode()

    def frame(self, payload: bytes) -> None:
        self.seq += 1
        self.adapter.frame(1, self.seq, self.now, payload)

    def samples(self, *names: str) -> None:
        for name in names:
            self.frame(self.sample(name))

    def answer(self, url: str, body: bytes, status: int = 200) -> None:
        self.seq += 1
        purpose = self.entry.recorded[1].purpose(url)
        self.adapter.answer(Answer(self.venue, purpose, url, status, body), self.seq, self.now)

    def connection(self, state: str) -> None:
        self.seq += 1
        self.adapter.connection(ConnectionChange(self.venue, "market", state), 1, self.seq, self.now)

    def reconnect(self) -> None:
        self.connection("lost")
        self.connection("open")

    def restart(self) -> None:
        saved = self.adapter.save()
        self.adapter = self.entry.adapter(self._wanted, self.entry.streams, None)
        self.adapter.load(saved)

    def forget(self) -> None:
        gathered = self.adapter.gathered
        for made in (gathered.trades, gathered.books, gathered.quotes, gathered.records, gathered.stamps):
            made.clear()
        self.adapter.questions.clear()
        self.adapter.say.clear()

    def instrument(self, symbol: str) -> Instrument:
        found = self.adapter.registry.find(self.venue, symbol)
        assert found is not None
        return found

    def trades(self) -> list[tuple]:
        """(id, price, size, side) of the rows so far, numbers as texts."""
        return [(row[6], *self._texts(row[0], row[7], row[8]), row[9]) for row in self.adapter.gathered.trades]

    def levels(self) -> list[tuple]:
        """(action, side, price, size)."""
        return [(row[5], row[6], *self._texts(row[0], row[7], row[8])) for row in self.adapter.gathered.books]

    def bests(self) -> list[tuple]:
        return [
            (*self._texts(row[0], row[5], row[6]), *self._texts(row[0], row[7], row[8]))
            for row in self.adapter.gathered.quotes
        ]

    def asked(self) -> list[str]:
        questions, self.adapter.questions = self.adapter.questions, []
        return [question.path for question in questions]

    def said(self) -> list[bytes]:
        said, self.adapter.say = self.adapter.say, []
        return said

    def of(self, kind: type) -> list:
        return [record for record in self.adapter.gathered.records if isinstance(record, kind)]

    def gaps(self) -> list[tuple]:
        return [(gap.stream, gap.from_id, gap.to_id, gap.healed) for gap in self.of(Gap)]

    def listed(self) -> dict[str, Instrument]:
        return {one.instrument.venue_symbol: one.instrument for one in self.of(Listed)}

    def _texts(self, of: int, price: int, size: int) -> tuple[str, str]:
        known = self.adapter.registry[of]
        return known.price_text(price), known.size_text(size)


def rules_of(of: Instrument) -> dict[str, object]:
    """What an instrument is, with its steps as texts."""
    names = ("symbol", "base", "quote", "kind", "settle", "contract_size", "min_notional", "rules_known")
    return {
        **{name: getattr(of, name) for name in names},
        "tick": to_text(of.tick_size, of.price_decimals).rstrip("0").rstrip("."),
        "lot": to_text(of.lot_size, of.size_decimals).rstrip("0").rstrip("."),
    }


def json_of(payload: bytes) -> object:
    return msgspec.json.decode(payload)
