"""Certificates of what came from elsewhere, for a range of which all is said to be here: a download that was answered to its
end, a source that was imported to its end.

In:  the range of one instrument; the hours that got new trades; the trades that are stored.
Out: a certificate for each hour that the range touches, and a new revision of each that its trades change.

The rule is that of captured trades (certificates.py): ids that follow each other from the last trade before an hour to the
first one after it. Between two ranges nothing was asked for, so nothing is missing there: a trade beyond a range proves
where the range begins or ends if its id is the next one, and else says nothing. Where ids do not count nobody can tell
whether all is there; the words of the range say what is known then.
Only hours with new trades and those around them are read and judged, however much is stored.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping
from itertools import pairwise
from typing import NamedTuple, Protocol

import msgspec

from ninefold.market.time import HOUR_NS
from ninefold.store.certificates import Certificate, Ids, certify
from ninefold.store.ids import merged

Hours = dict[int, Ids]  # by where they begin


class Words(Protocol):
    """How a range is spoken of. no_later: of an hour with no trade behind it.

    without_ids: of an hour whose ids prove nothing, by the hour and the ids of it and around it; None: what was said before.
    """

    no_later: str

    def without_ids(self, hour: int, facts: Facts) -> str | None: ...


class Range(NamedTuple):
    """[start_ns, end_ns) of one instrument (its id). now_ns: our clock; hours that are not over are open."""

    instrument: int
    start_ns: int
    end_ns: int
    now_ns: int
    words: Words


class Held(Protocol):
    """Trades of one instrument that are stored, the new ones too."""

    def within(self, start_ns: int, end_ns: int) -> Hours: ...

    def nearest(self, time_ns: int, before: bool) -> Ids | None: ...


def certified(
    asked: Range, latest: Mapping[int, Certificate], fresh: Collection[int], seq: int, held: Held
) -> list[Certificate]:
    """What is new to say once a range is here.

    latest: the certificates that there are, by hour. fresh: hours with trades that none of them counts.
    seq:    of the new certificates: up to where they count.
    """
    if not latest and not fresh:
        return []
    wanted = range(asked.start_ns // HOUR_NS * HOUR_NS, asked.end_ns, HOUR_NS)
    hours = sorted({*latest, *wanted})
    unknown = [hour for hour in wanted if hour not in latest or not latest[hour].closed]
    changed = _around({*unknown, *fresh}, fresh, latest, hours)
    known = {hour: span(one) for hour, one in latest.items() if one.trades and hour not in changed}
    for start_ns, end_ns in sorted(set(_stretches(sorted(changed)).values())):
        known |= held.within(start_ns, end_ns)
    around = _Around(hours, known, held)
    made = []
    for hour in sorted(changed):
        old = latest.get(hour)
        new = _judged(asked, hour, around.of(hour), old)
        if old is None or msgspec.structs.replace(new, revision=old.revision, seq=old.seq) != old:
            revision = 0 if old is None else old.revision + 1
            made.append(msgspec.structs.replace(new, revision=revision, seq=seq))
    return made


class Facts(NamedTuple):
    ids: Ids | None
    before: Ids | None
    after: Ids | None


def _judged(asked: Range, hour: int, facts: Facts, old: Certificate | None) -> Certificate:
    made = certify(asked.instrument, hour, *facts, gaps=(), losses=0, closed=asked.now_ns >= hour + HOUR_NS)
    if not any(one is not None and one.runs for one in facts):
        how = asked.words.without_ids(hour, facts)
        return msgspec.structs.replace(made, how=old.how if how is None and old is not None else how)
    if made.state == "cannot tell" and facts.before is not None and made.closed:
        return msgspec.structs.replace(made, how=asked.words.no_later)
    return made


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
        spans.append((traded[before] if before >= 0 else min(hour, hours[0]), last))
    found: set[int] = set()
    for first, last in merged(spans):
        found.update(hours[bisect_left(hours, first) : bisect_right(hours, last)])
    return found


class _Around:
    """What an hour is judged by. hours: those that were asked for, rising; known: the ids of those with trades."""

    def __init__(self, hours: list[int], known: Hours, held: Held) -> None:
        self._held = held
        self._stretches = _stretches(hours)
        self._known = known
        self._traded = sorted(known)
        self._beyond: dict[tuple[int, bool], Ids | None] = {}

    def of(self, hour: int) -> Facts:
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
        return Facts(ids, before, after)

    def _inside(self, at: int, end: int) -> bool:
        return at < len(self._traded) and self._traded[at] < end

    def _outside(self, time_ns: int, before: bool) -> Ids | None:
        key = time_ns, before
        if key not in self._beyond:
            self._beyond[key] = self._held.nearest(time_ns, before)
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


def span(one: Certificate) -> Ids:
    """Of an hour that is not judged again: what it misses inside is its own matter."""
    runs = () if one.first_id is None or one.last_id is None else ((one.first_id, one.last_id),)
    return Ids(runs, one.trades, one.from_ns, one.to_ns)
