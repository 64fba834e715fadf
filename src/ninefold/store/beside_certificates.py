"""One certificate for each hour of an instrument, of what was captured, downloaded and imported together.

In:  the certificates of the parts, each of which knows its own trades alone; where that is not enough, the trades.
Out: the certificate that is true of the rows that readers get. One that proves its hour holds for all: the other parts can
     only repeat its trades. Where none does, but several have trades in the hour or next to it, the hour is judged again by
     the ids of all: a download asks only for what the pipeline missed, and says of itself that most is missing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import NamedTuple

import msgspec

from ninefold.market.instruments import Instrument
from ninefold.market.records import Gap
from ninefold.market.time import HOUR_NS
from ninefold.store.beside import HISTORY, IMPORTS
from ninefold.store.certificates import LET_GO, Certificate, Ids, judged
from ninefold.store.data_dir import NoDataDir
from ninefold.store.ids import ids_by_hour, joined
from ninefold.store.read import Reader

CAPTURED, DOWNLOADED, IMPORTED = "captured", "downloaded", "imported"
BESIDE = {DOWNLOADED: HISTORY, IMPORTED: IMPORTS}  # a part and its folder
PROVEN = ("complete", "healed")
WORST_FIRST = (LET_GO, "gap known", "cannot tell", "healed", "complete")


class Certified(NamedTuple):
    """part: CAPTURED, DOWNLOADED or IMPORTED, or several of them in words."""

    certificate: Certificate
    part: str


class Parts:
    """Certificates of one instrument by hour, of each part. hours: of all, rising; traded: those in which an id is known.

    Of the versions of an instrument those count that traded in the hour, or the newest, and of these the worst.
    """

    def __init__(self, certificates: Mapping[str, Iterable[Certificate]]) -> None:
        """certificates: by part, what counts first first."""
        self.parts = {part: _speaking(some) for part, some in certificates.items()}
        self.hours = sorted({hour for some in self.parts.values() for hour in some})
        self.traded = [hour for hour in self.hours if self.bounds(hour) is not None]
        self._stretches: list[tuple[int, int]] = []
        for hour in self.hours:
            start = self._stretches.pop()[0] if self._stretches and self._stretches[-1][1] == hour else hour
            self._stretches.append((start, hour + HOUR_NS))

    def of(self, hour: int) -> list[Certificate]:
        return [some[hour] for some in self.parts.values() if hour in some]

    def bounds(self, hour: int) -> tuple[int, int] | None:
        """The first and the last id that is known of an hour."""
        some = self.of(hour)
        first = [one.first_id for one in some if one.first_id is not None]
        last = [one.last_id for one in some if one.last_id is not None]
        return (min(first), max(last)) if first and last else None

    def around(self, hour: int) -> tuple[int | None, int | None]:
        """The hours with ids next to this one, before and after it."""
        at, behind = bisect_left(self.traded, hour), bisect_right(self.traded, hour)
        before = self.traded[at - 1] if at else None
        return before, self.traded[behind] if behind < len(self.traded) else None

    def stretch(self, hour: int) -> tuple[int, int]:
        """From when to when the hours around this one have certificates."""
        at = bisect_right(self._stretches, hour, key=lambda one: one[0]) - 1
        return self._stretches[at]

    def closed(self, hour: int) -> bool:
        """Whether a part knows that the hour is over: a pipeline that was stopped in it does not."""
        return any(one.closed for one in self.of(hour))

    def near(self, hour: int) -> list[str]:
        """The parts that have ids of the hour or of those next to it."""
        hours = (hour, *self.around(hour))
        return [
            part
            for part, some in self.parts.items()
            if any(at in some and some[at].first_id is not None for at in hours if at is not None)
        ]

    def meet(self, hour: int) -> bool:
        """Whether several parts have ids there."""
        return len(self.near(hour)) > 1


def parts_of(reader: Reader, instruments: Mapping[str, Sequence[Instrument]]) -> dict[str, Parts]:
    """By name. instruments: names and their versions, as the reader's registry has them."""
    ids = [one.id for versions in instruments.values() for one in versions]
    captured: dict[int, list[Certificate]] = {}
    for one in reader.certificates(ids[0] if len(ids) == 1 else None):
        captured.setdefault(one.instrument, []).append(one)
    beside = {part: _beside(reader, folder) for part, folder in BESIDE.items()}
    found = {}
    for name, versions in instruments.items():
        mine = [one for version in versions for one in captured.get(version.id, [])]
        keys = dict.fromkeys((one.venue, one.venue_symbol) for one in versions)
        theirs = {part: [one for key in keys for one in some.get(key, [])] for part, some in beside.items()}
        found[name] = Parts({CAPTURED: mine, **theirs})
    return found


def certified(
    reader: Reader, versions: Sequence[Instrument], parts: Parts, gaps: Sequence[Gap], start_ns: int, end_ns: int
) -> list[Certified]:
    """Hours that overlap [start_ns, end_ns), rising. gaps: those of the trades of these versions."""
    found = []
    for hour in parts.hours:
        if hour < end_ns and hour + HOUR_NS > start_ns:
            one = _best(parts, hour)
            if one.certificate.state not in PROVEN and parts.closed(hour) and parts.meet(hour):
                ids = _ids(reader, versions, hour, hour + HOUR_NS)
                one = _together(one, parts, ids, *neighbours_of(reader, versions, parts, hour, ids), gaps)
            found.append(one)
    return found


def neighbours_of(
    reader: Reader, versions: Sequence[Instrument], parts: Parts, hour: int, ids: Ids | None
) -> tuple[Ids | None, Ids | None]:
    """The ids before and after those of an hour. Before the hours with certificates around this one, and behind them, nothing
    was asked for: a trade there counts only if its id is the next one.
    """
    start, end = parts.stretch(hour)
    before_hour, after_hour = parts.around(hour)
    before = _bounds(parts, before_hour) if before_hour is not None and before_hour >= start else None
    after = _bounds(parts, after_hour) if after_hour is not None and after_hour < end else None
    if not parts.meet(hour):
        return before, after
    earlier = _ids(reader, versions, None, hour, 1, newest=True)
    later = _ids(reader, versions, hour + HOUR_NS, None, 1)
    if earlier is not None and (earlier.to_ns >= start or _follows(earlier, ids or after or later)):
        before = _both(before, earlier)
    if later is not None and (later.from_ns < end or _follows(ids or before, later)):
        after = _both(after, later)
    return before, after


def _best(parts: Parts, hour: int) -> Certified:
    """Of one part: what is proven, then what has trades, then what counts first."""
    some = [Certified(certificates[hour], part) for part, certificates in parts.parts.items() if hour in certificates]
    return min(some, key=lambda one: (one.certificate.state not in PROVEN, not one.certificate.trades))


def _together(
    one: Certified, parts: Parts, ids: Ids | None, before: Ids | None, after: Ids | None, gaps: Sequence[Gap]
) -> Certified:
    """By the ids of all parts."""
    old = one.certificate
    names = " and ".join(parts.near(old.hour_ns))
    state, missing, how = judged(old.hour_ns, ids, before, after, gaps, losses=0, closed=True)
    if old.state == LET_GO and state not in PROVEN:
        return one
    counts = ids is not None and bool(ids.runs)
    made = msgspec.structs.replace(
        old,
        state=state,
        missing=missing,
        how=f"{names} trades together: {how}",
        first_id=ids.first if ids and counts else None,
        last_id=ids.last if ids and counts else None,
        trades=ids.trades if ids else 0,
        from_ns=ids.from_ns if ids and before is None else old.hour_ns,
        to_ns=old.hour_ns + HOUR_NS,
    )
    return Certified(made, names)


def _bounds(parts: Parts, hour: int) -> Ids | None:
    """What a neighbour misses inside is its own matter."""
    bounds = parts.bounds(hour)
    return None if bounds is None else Ids((bounds,), 0, hour, hour + HOUR_NS)


def _ids(
    reader: Reader,
    versions: Sequence[Instrument],
    start_ns: int | None,
    end_ns: int | None,
    limit: int | None = None,
    newest: bool = False,
) -> Ids | None:
    """Of the trades that readers get."""
    some = [
        ids
        for version in versions
        for ids in ids_by_hour(reader.trades(version.id, start_ns, end_ns, limit, newest)).values()
    ]
    if limit is not None and some:  # one of each version
        return max(some, key=lambda ids: ids.to_ns) if newest else min(some, key=lambda ids: ids.from_ns)
    return reduce(joined, some) if some else None


def _follows(one: Ids | None, other: Ids | None) -> bool:
    """Whether no id can lie between the ids of two."""
    if one is None or other is None or not one.runs or not other.runs:
        return False
    return other.first <= one.last + 1


def _both(one: Ids | None, other: Ids | None) -> Ids | None:
    return joined(one, other) if one is not None and other is not None else one or other


def _beside(reader: Reader, folder: str) -> dict[tuple[str, str], list[Certificate]]:
    """By venue and symbol."""
    try:
        part = Reader(reader.path / folder, reader.as_of_ns)
    except NoDataDir:
        return {}
    names = {one.id: (one.venue, one.venue_symbol) for one in part.captured()}
    found: dict[tuple[str, str], list[Certificate]] = {}
    for one in part.certificates():
        if one.instrument in names:
            found.setdefault(names[one.instrument], []).append(one)
    return found


def _speaking(certificates: Iterable[Certificate]) -> dict[int, Certificate]:
    hours: dict[int, list[Certificate]] = {}
    for one in certificates:
        hours.setdefault(one.hour_ns, []).append(one)
    found = {}
    for hour in sorted(hours):
        traded = [one for one in hours[hour] if one.trades]
        newest = max(hours[hour], key=lambda one: one.instrument)
        found[hour] = min(traded or [newest], key=lambda one: WORST_FIRST.index(one.state))
    return found
