"""Certificates of downloaded trades: how complete each hour is of a range that was asked for and answered to its end.

In:  a range, recorded in the journal when its download came to its end; the trades that were stored before it.
Out: certificates, by the rule of store/range_certificates.py. What is judged depends on the journal alone, so tables that are
     made again have the same rows.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import msgspec

from ninefold.market.instruments import Instrument
from ninefold.market.time import HOUR_NS
from ninefold.store.certificates import Certificate, Ids
from ninefold.store.range_certificates import Facts, Hours, Range
from ninefold.store.range_certificates import certified as certified_range

CERTIFY = "certify"
NONE_NEAR = "no trade of this hour was downloaded, and none beside it that proves it quiet"


class Asked(msgspec.Struct):
    """Trades of [start_ns, end_ns) were asked for, and all questions were answered."""

    venue: str
    symbol: str
    start_ns: int
    end_ns: int


class HeldTrades(Protocol):
    """Downloaded trades whose input is before `until_seq`: see stored.py."""

    def certificates(self, of: Instrument) -> list[Certificate]: ...

    def hours_since(self, of: Instrument, seq: int, until_seq: int) -> tuple[Hours, int]: ...

    def hours_within(self, of: Instrument, start_ns: int, end_ns: int, until_seq: int) -> Hours: ...

    def nearest(self, of: Instrument, time_ns: int, before: bool, until_seq: int) -> Ids | None: ...


def certified(asked: Asked, of: Instrument, now_ns: int, until_seq: int, held: HeldTrades) -> list[Certificate]:
    """What is new to say once a range was answered.

    of:        the first version of the instrument; the others are certified with it.
    now_ns:    our clock then.
    until_seq: the input that says so; their own seq is that of the last trade that they count.
    """
    latest = {one.hour_ns: one for one in held.certificates(of)}
    known_seq = max((one.seq for one in latest.values()), default=0)
    fresh, last_seq = held.hours_since(of, known_seq, until_seq)
    answered = Range(of.id, asked.start_ns, asked.end_ns, now_ns, _Answered(asked))
    return certified_range(answered, latest, fresh, max(last_seq, known_seq), _Of(of, until_seq, held))


class _Of(NamedTuple):
    """What is held of one instrument."""

    of: Instrument
    until_seq: int
    held: HeldTrades

    def within(self, start_ns: int, end_ns: int) -> Hours:
        return self.held.hours_within(self.of, start_ns, end_ns, self.until_seq)

    def nearest(self, time_ns: int, before: bool) -> Ids | None:
        return self.held.nearest(self.of, time_ns, before, self.until_seq)


class _Answered:
    """The words of a range."""

    no_later = "no trade after this hour was downloaded"

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    def without_ids(self, hour: int, facts: Facts) -> str | None:
        if facts == (None, None, None):
            return NONE_NEAR
        asked_ns = min(self._asked.end_ns, hour + HOUR_NS) - max(self._asked.start_ns, hour)
        if asked_ns <= 0:
            return None
        part = "all" if asked_ns == HOUR_NS else "a part"
        return f"the venue gives no ids to count by; it was asked for {part} of the hour, and answered"
