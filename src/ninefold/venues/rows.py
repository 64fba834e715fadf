"""What every adapter has: what it knows of instruments, what it gathered, what it wants to ask and to say.

In:  which symbols and streams were subscribed, and the registry that numbers the instruments of all venues.
Out: `gathered`, `questions`, `say` and `seen`, as adapter.py wants them. What a venue's messages mean is added by its files.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import msgspec

from ninefold.journal.inputs import ConnectionChange
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.records import Connection, Listed
from ninefold.market.time import SECOND_NS
from ninefold.venues.adapter import BadFrame, Gathered, Question, malformed

REFUSED_NS = 10 * SECOND_NS  # a question that was refused is asked again after this


class Rows:
    """wanted: the venue symbols that were subscribed; None takes whatever a recording holds.
    streams: the kinds that were subscribed for each; None: the venue's own.
    """

    venue = ""
    default_streams: tuple[str, ...] = ()
    called = "symbol"  # what the venue calls an instrument

    def __init__(
        self,
        wanted: frozenset[str] | None = None,
        streams: tuple[str, ...] | None = None,
        registry: Registry | None = None,
    ) -> None:
        self._registry = Registry() if registry is None else registry
        self._wanted = wanted
        self._streams = self.default_streams if streams is None else streams
        self._instruments: dict[str, Instrument] = {}
        self.seen: dict[str, int] = {}
        self.gathered = Gathered()
        self.questions: list[Question] = []
        self.say: list[bytes] = []
        self.begin()

    # what a venue adds

    def begin(self) -> None:
        """Set what is kept besides to what it is before the first input."""

    def _listing(self, symbol: str) -> Instrument:
        """What a symbol is by its rules or, where they are not known, by its name. raises: BadFrame."""
        raise NotImplementedError

    def known_rules(self) -> list[dict[str, Any]]:
        """What it was told of instruments, by venue symbol."""
        return []

    def known_trades(self) -> list[dict[str, Any]]:
        """What it remembers of trades, by venue symbol."""
        return []

    # what all do alike

    def learn(self, first: Self) -> None:
        self._instruments.update(first._instruments)
        for mine, told in zip(self.known_rules(), first.known_rules(), strict=True):
            mine.update(told)

    def adopt(self, other: Self, symbols: Iterable[str]) -> None:
        of = set(symbols)
        for mine, theirs in zip(self.known_trades(), other.known_trades(), strict=True):
            for symbol in [one for one in theirs if one in of]:
                mine[symbol] = theirs.pop(symbol)

    @property
    def registry(self) -> Registry:
        return self._registry

    def _rules_of(self, symbol: str) -> Instrument:
        """How an instrument's numbers are held, also before it is listed. raises: BadFrame."""
        known = self._instruments.get(symbol)
        if known is not None:
            return known
        if self._wanted is not None and symbol not in self._wanted:
            subscribed = ", ".join(sorted(self._wanted))
            raise BadFrame(f"{self.called} {symbol!r} was not subscribed; subscribed are {subscribed}")
        return self._listing(symbol)

    def _numbered(self, symbol: str) -> Instrument:
        """The same. If it is not in the registry yet it has the id that it will get there. raises: BadFrame."""
        known = self._instruments.get(symbol)
        return known or msgspec.structs.replace(self._rules_of(symbol), id=len(self._registry) + 1)

    def _register(self, symbol: str, rules: Instrument, seq: int, known_ns: int) -> tuple[Instrument, bool]:
        """List an instrument; whether it, or this version of its rules, is new."""
        count = len(self._registry)
        of = self._instruments[symbol] = self._registry.add(rules)
        is_new = len(self._registry) > count
        if is_new:
            self.gathered.records.append(Listed(seq=seq, known_ns=known_ns, instrument=of))
        return of, is_new

    def _tell_connection(self, change: ConnectionChange, seq: int, known_ns: int) -> None:
        what = {"venue": self.venue, "name": change.name, "state": change.state, "reason": change.reason}
        told = Connection(seq=seq, known_ns=known_ns, **what, instruments=self._over(change), trades=change.trades)
        self.gathered.records.append(told)

    def _over(self, change: ConnectionChange) -> tuple[int, ...] | None:
        """The instruments of which something comes over a connection; None: all of the venue."""
        if change.symbols is None:
            return None
        known = [self._registry.find(self.venue, symbol) for symbol in change.symbols]
        return tuple(sorted(one.id for one in known if one is not None))

    def _subscribed(self, change: ConnectionChange) -> list[str]:
        """The symbols of which something comes over a connection."""
        return sorted((self._wanted or ()) if change.symbols is None else change.symbols)

    def _malformed(self, seq: int, known_ns: int, reason: str, payload: bytes) -> None:
        self.gathered.records.append(malformed(self.venue, seq, known_ns, reason, payload))


def pause_after(status: int) -> int:
    """How long to wait before a question is asked again that got this http status instead of an answer, in ns."""
    return REFUSED_NS if 400 <= status < 500 else SECOND_NS
