"""What the adapters of many venues do alike with frames, answers and connections.

In:  a venue's readers (`read` a frame, `read_answer`), its words (`ask_book`, `ask_trades`) and its data.
Out: an Adapter. A frame is read and turned into whole numbers before the first of it counts, so one that is malformed
     changes nothing. What it tells becomes rows in market_rows.py.
A venue's file adds how its messages read, what its books are checked by, and what it asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import msgspec

from ninefold.journal.inputs import Answer, ConnectionChange
from ninefold.market.instruments import Instrument
from ninefold.market.time import UNKNOWN_NS
from ninefold.venues.adapter import BadFrame, Question
from ninefold.venues.market_rows import MarketRows, Numbers, key_of
from ninefold.venues.rows import pause_after
from ninefold.venues.told import Deal, Told

__all__ = ["NOTHING", "Heard", "MarketAdapter", "Numbers", "key_of"]


class Heard(NamedTuple):
    """What a frame tells; of which stream; the venue's time on it, UNKNOWN_NS if it has none.

    note: what only the venue's own adapter understands; see `noted`.
    """

    told: Sequence[Told] = ()
    stream: str = ""
    time_ns: int = UNKNOWN_NS
    note: object = None


NOTHING = Heard()


class MarketAdapter(MarketRows):
    """The Adapter, but for what a venue adds here and in MarketRows; its arguments are those of Rows."""

    weights: ClassVar[dict[str, int]] = {}  # of the answers that can be read, by purpose
    page_purpose = ""  # of the answers that hold the latest trades, oldest first when read

    # what a venue adds

    def start_questions(self) -> list[Question]:
        raise NotImplementedError

    def read(self, payload: bytes) -> Heard:
        """What a frame tells; changes nothing. raises: BadFrame, NotExact, msgspec.DecodeError."""
        raise NotImplementedError

    def read_answer(self, answer: Answer) -> Sequence[Told]:
        """The same of an answer."""
        raise NotImplementedError

    def answered(self, answer: Answer, told: Sequence[Told]) -> None:
        """What an answer means beyond what it tells: how far its trades reach."""

    def noted(self, note: object, seq: int, receive_ns: int) -> None:
        """Act on a frame's note, before what the frame tells."""

    def streams_of(self, symbol: str) -> Sequence[str]:
        """Those of the subscribed streams that there are for a symbol."""
        return self._streams

    def page(self, answer: Answer, told: Sequence[Told], receive_ns: int) -> tuple[str, int | None]:
        """Of which symbol a page of latest trades is, and since when it holds all; None: since its first trade."""
        raise NotImplementedError

    def opened(self, receive_ns: int) -> None:
        """A new connection; nothing of an older one holds."""

    # what all do alike

    def frame(self, connection: int, seq: int, receive_ns: int, payload: bytes) -> None:
        """Parse one frame; what cannot be parsed, and what the venue refuses, becomes a Malformed record."""
        self._counted.pass_time(receive_ns)
        self._fresh = False
        try:
            heard = self.read(payload)
            numbers = [self._numbers(one) for one in heard.told]
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            self._malformed(seq, receive_ns, str(error), payload)
        else:
            if heard.note is not None:
                self.noted(heard.note, seq, receive_ns)
            for one, found in zip(heard.told, numbers, strict=True):
                self._take(one, found, seq, receive_ns)
                if heard.stream and not isinstance(one, Instrument):
                    self.seen[f"{one.symbol}@{heard.stream}"] = receive_ns
            if heard.time_ns != UNKNOWN_NS:
                self.gathered.stamps.append((connection, heard.time_ns, receive_ns))
            self._ask_due(receive_ns)
        self._tell(seq, receive_ns)

    def answer(self, answer: Answer, seq: int, receive_ns: int) -> None:
        """Parse a REST answer. A refused or missing one is asked again later."""
        self._counted.pass_time(receive_ns)
        known = answer.purpose in self.weights
        if answer.status != 200 and known:
            due_ns = receive_ns + pause_after(answer.status)
            self.questions.append(Question(answer.purpose, answer.url, self.weights[answer.purpose], due_ns))
        elif answer.status == 200:
            try:
                if not known:
                    raise BadFrame(f"no answer is expected for {answer.purpose!r}")
                told = self.read_answer(answer)
                numbers = [self._numbers(one) for one in told]
            except (msgspec.DecodeError, ValueError, RecursionError) as error:
                self._malformed(seq, receive_ns, f"{answer.purpose}: {error}", answer.body)
                self._counted.forget_questions()
            else:
                for place in self._new_of(answer, told, receive_ns):
                    self._take(told[place], numbers[place], seq, receive_ns, live=False)
                self.answered(answer, told)
                self._ask_due(receive_ns)
        self._tell(seq, receive_ns)

    def connection(self, change: ConnectionChange, number: int, seq: int, receive_ns: int) -> None:
        """A lost connection makes books unknown; after a new one the trades that may have been missed are asked for."""
        self._tell_connection(change, seq, receive_ns)
        if not change.is_market:
            return
        if not self._fresh:
            for book in self._books.values():
                book.reset()
        self._fresh = False
        self._asked.clear()
        self._anew.clear()
        self.say.clear()
        self.opened(receive_ns)
        if change.state == "open":
            wanted = self._subscribed(change)
            for of in wanted:
                streams = [one for one in self.streams_of(of) if change.streams is None or one in change.streams]
                self.seen.update({f"{of}@{stream}": receive_ns for stream in streams})
            self._counted.opened(receive_ns, wanted)
            self._overlap.lost()  # one that follows none that was told as lost follows one that ended with the program
            self._overlap.opened(wanted)
        else:
            self._counted.lost(receive_ns)
            self._overlap.lost()
        self._tell(seq, receive_ns)

    def _new_of(self, answer: Answer, told: Sequence[Told], receive_ns: int) -> Sequence[int]:
        """The places of what is to be taken: all, but of a page of latest trades only what was missed."""
        if answer.purpose != self.page_purpose:
            return range(len(told))
        symbol, since_ns = self.page(answer, told, receive_ns)
        trades = [(key_of(deal), deal.time_ns) for deal in told if isinstance(deal, Deal)]
        return self._overlap.page(symbol, trades, since_ns, receive_ns)

    def _ask_due(self, receive_ns: int) -> None:
        for symbol in sorted(symbol for symbol, due_ns in self._anew.items() if due_ns <= receive_ns):
            del self._anew[symbol]
            self.ask_book(symbol, receive_ns)
