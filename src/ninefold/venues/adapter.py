"""What every venue adapter does, and where it puts what it parsed.

In:  frames and REST answers exactly as received, with their seq and receive_ns.
Out: rows and records in a `Gathered`, and the REST questions and websocket messages that have to leave now.
An adapter is pure: the sockets around it know no venue rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

import numpy as np

from ninefold.journal.inputs import MARKET, Answer, ConnectionChange
from ninefold.market.arrays import KINDS, rows, stacked
from ninefold.market.instruments import Registry
from ninefold.market.records import AnyRecord, Malformed
from ninefold.venues.form import Form

if TYPE_CHECKING:
    from ninefold.venues.quick import Quick


QUIET_S = 10.0  # the busiest symbols never pause this long, and venues answer pings: cut and connect again


class BadFrame(ValueError):
    """A frame or answer that cannot be understood; it stays in the journal and is counted."""


class UnknownVenue(ValueError):
    """A venue that has no adapter."""


@dataclass(frozen=True)
class Question:
    """A REST question. purpose and url come back in the Answer; `weight` is what it costs of the venue's limit.

    body: JSON that is posted; without one the question is a GET.
    """

    purpose: str
    path: str
    weight: int = 1
    not_before_ns: int = 0
    body: bytes = b""


@dataclass(frozen=True)
class Line:
    """A websocket: its path behind the venue's address, what comes over it, what is said once it is open, and what every
    `ping_s` seconds (nothing: a ping of the protocol itself).

    trades:  whether trades of its symbols come over it.
    quiet_s: how long nothing may come; of one that may be quiet for longer than most, pings of the protocol are asked
             whether it is still there.
    """

    path: str
    symbols: tuple[str, ...]
    streams: tuple[str, ...]
    say: tuple[bytes, ...] = ()
    ping: bytes = b""
    ping_s: float = 0.0
    trades: bool = True
    quiet_s: float = QUIET_S
    name: str = MARKET


@dataclass(slots=True)
class Gathered:
    """Parsed rows since the last `take`, in order; stamps: (connection, exchange_ns, receive_ns) of frames that carry
    a venue time.
    """

    trades: list[tuple] = field(default_factory=list)  # type: ignore[type-arg]
    books: list[tuple] = field(default_factory=list)  # type: ignore[type-arg]
    quotes: list[tuple] = field(default_factory=list)  # type: ignore[type-arg]
    bars: list[tuple] = field(default_factory=list)  # type: ignore[type-arg]
    records: list[AnyRecord] = field(default_factory=list)
    stamps: list[tuple[int, int, int]] = field(default_factory=list)
    duplicates: int = 0
    _before: dict[str, list[np.ndarray]] = field(default_factory=dict)  # rows of a kind before those in its list

    def add(self, kind: str, made: np.ndarray) -> None:
        """Rows that are an array already."""
        if len(made):
            self._close(kind)
            self._before.setdefault(kind, []).append(made)

    def arrays(self) -> dict[str, np.ndarray]:
        """The rows as arrays; the lists are empty afterwards."""
        for kind in ("trades", "books", "quotes", "bars"):
            self._close(kind)
        found, self._before = self._before, {}
        assert found.keys() <= KINDS.keys()
        return {kind: parts[0] if len(parts) == 1 else stacked(kind, parts) for kind, parts in found.items()}

    def _close(self, kind: str) -> None:
        """Make an array of the list of a kind."""
        values = getattr(self, kind)
        if values:
            self._before.setdefault(kind, []).append(rows(kind, values))
            setattr(self, kind, [])


class Adapter(Protocol):
    """See binance.py for the first one. A venue has one for each of its lines: what comes over one touches nothing of another.

    gathered: may be shared by the adapters of several venues.
    seen: stream to the receive time of its last frame (or of the subscription).
    say: messages for the open websocket, for venues that are asked there; whoever sends them empties the list.
    """

    venue: str
    gathered: Gathered
    questions: list[Question]
    say: list[bytes]
    seen: dict[str, int]

    def start_questions(self) -> list[Question]: ...

    def frame(self, connection: int, seq: int, receive_ns: int, payload: bytes) -> None: ...

    def answer(self, answer: Answer, seq: int, receive_ns: int) -> None: ...

    def connection(self, change: ConnectionChange, number: int, seq: int, receive_ns: int) -> None: ...

    def learn(self, first: Self) -> None:
        """Take over the rules that the reader of the venue's first line was told."""
        ...

    def adopt(self, other: Self, symbols: Iterable[str]) -> None:
        """Take over what the reader of another line knows of the trades of symbols; it forgets them."""
        ...

    def save(self) -> bytes: ...

    def load(self, state: bytes) -> None: ...

    @property
    def registry(self) -> Registry: ...


@runtime_checkable
class Quickened(Protocol):
    """An adapter whose commonest messages may take the compiled short way; see quick.py.

    quick: None as long as there is none. quick_until_ns: from which receive time on the adapter has something to do at the
    next frame, whatever it is. best_form: of the best bid and ask, if it has one. settled, settled_best: what happened to a
    symbol on the short way. Before that time a frame looks at no
    symbol but its own, and the adapter asks for what happened to that one (`Quick.settle_one`).
    """

    form: Form
    best_form: Form | None
    quick: Quick | None

    def quick_until_ns(self) -> int: ...

    def settled(self, symbol: str, next_id: int, last_ns: int, seen_ns: int) -> None: ...

    def settled_best(self, symbol: str, best_id: int, seen_ns: int) -> None: ...


def malformed(venue: str, seq: int, known_ns: int, reason: str, payload: bytes) -> Malformed:
    return Malformed(
        seq=seq, known_ns=known_ns, venue=venue, reason=reason, excerpt=payload[:160].decode("utf-8", "replace")
    )
