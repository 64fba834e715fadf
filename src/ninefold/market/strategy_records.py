"""Records of how strategies stand: the entry that holds, exits, legs, free code that failed. The rest is in `records`."""

from __future__ import annotations

import msgspec

from ninefold.market.record import Record


class Renewed(Record, frozen=True, kw_only=True, tag="renewed"):
    """At a bar the entry of a strategy holds whose side it wants already: after an exit it goes in again."""

    instrument: int
    strategy: str


class StrategyFailed(Record, frozen=True, kw_only=True, tag="strategy_failed"):
    """A strategy's free code failed, and is asked no more. known_ns, seq: of the first decision without it.

    instrument, close_ns: of the bar. place: file and line. error: what went wrong there. formula: digest of what it is: with
    another one it is asked again.
    """

    strategy: str
    instrument: int
    close_ns: int
    place: str
    error: str
    formula: str
    text: str


class Guard(Record, frozen=True, kw_only=True, tag="guard"):
    """How the exits of what a strategy holds stand; the ledger keeps every change.

    stop, take: prices at which it is left, in the instrument's units, the stop of the nearer kind; 0: none.
    best:   most favourable price since the entry, as of the last close, in ticks.
    left:   the exit that went off ("stop loss"), from then on it counts as flat; "": it is held, or may be entered again.
    price:  of the trade that set it off, in the instrument's units; 0 if none did.
    target: in 10**-8, what it wanted then: when that changes it counts again; None: not known yet, since a restart.
    """

    instrument: int
    strategy: str
    stop: int = 0
    take: int = 0
    best: int = 0
    left: str = ""
    price: int = 0
    target: int | None = None


class LegsMoved(Record, frozen=True, kw_only=True, tag="legs_moved"):
    """Where the legs of a strategy stand together.

    state:   waiting (other targets, nothing sent yet), refused (none is sent), sent, held (all have what was wanted), unwinding (one
             could not be filled: all go back to `before`), unwound.
    targets: by instrument, in 10**-8, by which it was decided. wanted: amounts of base (10**-8); before: those that were held
             when it was sent. orders: client order ids by instrument, of those that left last.
    whole:   False since a leg could not be filled: what is held is neither what was wanted nor what was before.
    why:     what led to that, "" if only its targets did. text: the same for people, with all legs.
    """

    strategy: str
    state: str
    targets: dict[int, int]
    wanted: dict[int, int]
    before: dict[int, int] = msgspec.field(default_factory=dict)
    orders: dict[int, str] = msgspec.field(default_factory=dict)
    whole: bool = True
    why: str = ""
    text: str = ""
