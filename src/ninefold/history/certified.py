"""Certificates of downloaded trades: how complete each hour is of a range that was asked for and answered to its end.

In:  a range, recorded in the journal when its download came to its end; the trades that were stored before it.
Out: a certificate for each hour that the range touches, and a new revision of each that its trades change. What is judged
     depends on the journal alone, so tables that are made again have the same rows.

The rule is that of captured trades (store/certificates.py): ids that follow each other from the last trade before an hour to
the first one after it. Between two ranges nothing was asked for, so nothing is missing there: a trade beyond a range proves
where the range begins or ends if its id is the next one, and else says nothing. Where ids do not count nobody can tell
whether the venue told all; what it was asked for is said then.
Only hours with new trades and those around them are read and judged, however much is stored.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping
from itertools import pairwise
from typing import NamedTuple, Protocol

import msgspec

from ninefold.history.plan import joined
from ninefold.market.instruments import Instrument
from ninefold.market.time import HOUR_NS
from ninefold.store.certificates import Certificate, Ids, certify

CERTIFY = "certify"
NO_LATER = "no trade after this hour was downloaded"
NONE_NEAR = "no trade of this hour was downloaded, and none beside it that proves it quiet"
Hours = dict[int, Ids]  # by where they begin


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
    now_ns:    our clock then; hours that are not over are open.
    until_seq: the input that says so; their own seq is that of the last trade that they count.
    """
    latest = {one.hour_ns: one for one in held.certificates(of)}
    known_seq = max((one.seq for one in latest.values()), default=0)
    fresh, last_seq = held.hours_since(of, known_seq, until_seq)
    if not latest and not fresh:
        return []
    wanted = range(asked.start_ns // HOUR_NS * HOUR_NS, asked.end_ns, HOUR_NS)
    hours = sorted({*latest, *wanted})
    unknown = [hour for hour in wanted if hour not in latest or not latest[hour].closed]
    changed = _around({*unknown, *fresh}, fresh, latest, hours)
    known = {hour: _span(one) for hour, one in latest.items() if one.trades and hour not in changed}
    for start_ns, end_ns in sorted(set(_stretches(sorted(changed)).values())):
        known |= held.hours_within(of, start_ns, end_ns, until_seq)
    around = _Around(of, hours, known, until_seq, held)
    made = []
    for hour in sorted(changed):
        old = latest.get(hour)
        new = _judged(asked, of, hour, around.of(hour), now_ns, old)
        if old is None or msgspec.structs.replace(new, revision=old.revision, seq=old.seq) != old:
            revision = 0 if old is None else old.revision + 1
            made.append(msgspec.structs.replace(new, revision=revision, seq=max(last_seq, known_seq)))
    return made


class _Facts(NamedTuple):
    ids: Ids | None
    before: Ids | None
    after: Ids | None


def _judged(
    asked: Asked, of: Instrument, hour: int, facts: _Facts, now_ns: int, old: Certificate | None
) -> Certificate:
    made = certify(of.id, hour, *facts, gaps=(), losses=0, closed=now_ns >= hour + HOUR_NS)
    if not any(one is not None and one.runs for one in facts):
        how = _without_ids(asked, hour, facts)
        return msgspec.structs.replace(made, how=old.how if how is None and old is not None else how)
    if made.state == "cannot tell" and facts.before is not None and made.closed:
        return msgspec.structs.replace(made, how=NO_LATER)
    return made


def _without_ids(asked: Asked, hour: int, facts: _Facts) -> str | None:
    """What can be said where ids prove nothing; None if an earlier download said it."""
    if facts == (None, None, None):
        return NONE_NEAR
    asked_ns = min(asked.end_ns, hour + HOUR_NS) - max(asked.start_ns, hour)
    if asked_ns <= 0:
        return None
    part = "all" if asked_ns == HOUR_NS else "a part"
    return f"the venue gives no ids to count by; it was asked for {part} of the hour, and answered"


def _around(
    new: Collection[int], fresh: Collection[int], latest: Mapping[int, Certificate], hours: list[int]
) -> set[int]:
    """The hours whose certificate can depend on these: to the next ones with trades on both sides, or to all that were
    asked for.
    """
    traded = sorted({hour for hour, one in latest.items() if one.trades} | set(fresh))
    spans = []
    for hour in new:
        before, behind = bisect_left(traded, hour) - 1, bisect_right(traded, hour)
        last = traded[behind] if behind < len(traded) else max(hour, hours[-1])
        spans.append((traded[before] if before >= 0 else min(hour, hours[0]), last + HOUR_NS))
    found: set[int] = set()
    for first, end in joined(spans):
        found.update(hours[bisect_left(hours, first) : bisect_left(hours, end)])
    return found


class _Around:
    """What an hour is judged by. hours: those that were asked for, rising; known: the ids of those with trades."""

    def __init__(self, of: Instrument, hours: list[int], known: Hours, until_seq: int, held: HeldTrades) -> None:
        self._of, self._until_seq, self._held = of, until_seq, held
        self._stretches = _stretches(hours)
        self._known = known
        self._traded = sorted(known)
        self._beyond: dict[tuple[int, bool], Ids | None] = {}

    def of(self, hour: int) -> _Facts:
        start, end = self._stretches[hour]
        at, behind = bisect_left(self._traded, hour), bisect_right(self._traded, hour)
        ids = self._known.get(hour)
        before = self._known[self._traded[at - 1]] if at and self._traded[at - 1] >= start else None
        after = self._known[self._traded[behind]] if self._inside(behind, end) else None
        if before is None:
            outside = self._outside(start, before=True)
            before = outside if _follows(outside, ids or after or self._outside(end, before=False)) else None
        if after is None:
            outside = self._outside(end, before=False)
            after = outside if _follows(ids or before, outside) else None
        return _Facts(ids, before, after)

    def _inside(self, at: int, end: int) -> bool:
        return at < len(self._traded) and self._traded[at] < end

    def _outside(self, time_ns: int, before: bool) -> Ids | None:
        key = time_ns, before
        if key not in self._beyond:
            self._beyond[key] = self._held.nearest(self._of, time_ns, before, self._until_seq)
        return self._beyond[key]


def _follows(one: Ids | None, other: Ids | None) -> bool:
    """Whether no id can lie between the ids of two."""
    if one is None or other is None or not one.runs or not other.runs:
        return False
    return other.first <= one.last + 1


def _stretches(hours: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Each of the hours, rising, to where the hours that follow each other begin and end around it.

    >>> _stretches([0, HOUR_NS, 5 * HOUR_NS])[HOUR_NS] == (0, 2 * HOUR_NS)
    True
    """
    made: dict[int, tuple[int, int]] = {}
    some: list[int] = []
    for hour, following in pairwise([*hours, -1]):
        some.append(hour)
        if following != hour + HOUR_NS:
            made |= dict.fromkeys(some, (some[0], hour + HOUR_NS))
            some = []
    return made


def _span(one: Certificate) -> Ids:
    """Of an hour that is not judged again: what it misses inside is its own matter."""
    runs = () if one.first_id is None or one.last_id is None else ((one.first_id, one.last_id),)
    return Ids(runs, one.trades, one.from_ns, one.to_ns)
