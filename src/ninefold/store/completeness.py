"""How complete the trades of an instrument are over a stretch of time: what an answer made from them can carry.

In:  certificates; for hours that lack trades their ids, or the gaps that were reported, to say from when to when.
Out: spans that cover the stretch without a hole, each with its state and why; the holes. Versions of an instrument
     count together: in an hour the ones that traded speak, and the worst of them counts.
States: those of certificates. Where nothing is stored nobody can tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from ninefold.market.instruments import Instrument
from ninefold.market.records import Gap
from ninefold.market.time import HOUR_NS
from ninefold.store.certificates import COUNTING, Certificate, missing_ids, open_gaps
from ninefold.store.forms import instruments_wanted
from ninefold.store.ids import runs_of
from ninefold.store.layout import effective_ns
from ninefold.store.read import Reader

WORST_FIRST = ("let go", "gap known", "cannot tell", "healed", "complete")
NOTHING = "nothing is stored of this time"


class Span(msgspec.Struct, frozen=True):
    """[from_ns, to_ns) of one state. missing: how many trades, None where nobody can count."""

    from_ns: int
    to_ns: int
    state: str
    how: str
    missing: int | None


class Hole(msgspec.Struct, frozen=True):
    """Trades were missed between two moments; the first and last missing id, None where the venue gives none."""

    from_ns: int
    to_ns: int
    first_id: int | None
    last_id: int | None


class Completeness(msgspec.Struct, frozen=True):
    """spans: rising, without a hole between them. holes: rising; of the spans in state "gap known"."""

    instrument: str
    from_ns: int
    to_ns: int
    spans: tuple[Span, ...]
    holes: tuple[Hole, ...]

    @property
    def complete(self) -> bool:
        """Whether every trade of it is proven to be here."""
        return bool(self.spans) and all(one.state in ("complete", "healed") for one in self.spans)


def completeness(
    data_dir: Path, instrument: str, from_ns: int | None, to_ns: int | None, as_of_ns: int | None = None
) -> Completeness:
    """What the certificates say about [from_ns, to_ns).

    from_ns, to_ns: None for the first and the last time of which anything is stored.
    as_of_ns:       as it was known at that moment.
    raises:         UnknownInstrument, NoDataDir, WrongFormat.
    """
    reader = Reader(data_dir, as_of_ns)
    [found] = completeness_of(reader, instruments_wanted(reader.registry(), instrument), from_ns, to_ns)
    return found


def completeness_of(
    reader: Reader, instruments: Mapping[str, Sequence[Instrument]], from_ns: int | None, to_ns: int | None
) -> list[Completeness]:
    """The same of several instruments, by name with their versions; the tables are read once."""
    by_id: dict[int, list[Certificate]] = {}
    ids = [version.id for versions in instruments.values() for version in versions]
    for one in reader.certificates(ids[0] if len(ids) == 1 else None):
        by_id.setdefault(one.instrument, []).append(one)
    gaps = [one for one in reader.records([Gap]) if isinstance(one, Gap) and one.stream == "trades"]
    found = []
    for name, versions in instruments.items():
        certificates = [one for version in versions for one in by_id.get(version.id, [])]
        found.append(_of_one(reader, name, certificates, gaps, from_ns, to_ns))
    return found


def _of_one(
    reader: Reader,
    instrument: str,
    certificates: Sequence[Certificate],
    gaps: Sequence[Gap],
    from_ns: int | None,
    to_ns: int | None,
) -> Completeness:
    start = min((one.from_ns for one in certificates), default=0) if from_ns is None else from_ns
    end = max((one.to_ns for one in certificates), default=start) if to_ns is None else to_ns
    speaking = [one for one in _speaking(certificates) if one.hour_ns < end and one.hour_ns + HOUR_NS > start]
    lacking = [one for one in speaking if one.state == "gap known"]
    holes = [hole for one in lacking for hole in _holes(reader, one, certificates, gaps) if _within(hole, start, end)]
    return Completeness(instrument, start, end, tuple(_spans(speaking, start, end)), tuple(_joined(holes)))


def plain(one: Completeness) -> dict[str, object]:
    """For JSON: times and ids as text, for they exceed what a number there can hold exactly."""

    def texts(struct: msgspec.Struct) -> dict[str, object]:
        found = msgspec.structs.asdict(struct)
        return {
            name: str(value) if name.endswith(("_ns", "_id")) and value is not None else value
            for name, value in found.items()
        }

    return {**texts(one), "spans": [texts(span) for span in one.spans], "holes": [texts(hole) for hole in one.holes]}


def _speaking(certificates: Iterable[Certificate]) -> list[Certificate]:
    """One for each hour: of the versions that traded in it, or of the newest, the one with the worst state."""
    hours: dict[int, list[Certificate]] = {}
    for one in certificates:
        hours.setdefault(one.hour_ns, []).append(one)
    found = []
    for hour in sorted(hours):
        traded = [one for one in hours[hour] if one.trades]
        newest = max(hours[hour], key=lambda one: one.instrument)
        found.append(min(traded or [newest], key=lambda one: WORST_FIRST.index(one.state)))
    return found


def _spans(certificates: Sequence[Certificate], start: int, end: int) -> list[Span]:
    made: list[Span] = []

    def put(to_ns: int, state: str, how: str, missing: int | None) -> None:
        from_ns = made[-1].to_ns if made else start
        to_ns = min(to_ns, end)
        if to_ns <= from_ns:
            return
        if made and (made[-1].state, made[-1].how) == (state, how):
            missing = None if missing is None or made[-1].missing is None else made[-1].missing + missing
            from_ns = made.pop().from_ns
        made.append(Span(from_ns, to_ns, state, how, missing))

    for one in certificates:
        put(one.hour_ns, "cannot tell", NOTHING, None)
        put(one.hour_ns + HOUR_NS if one.closed else one.to_ns, one.state, one.how, one.missing)
    put(end, "cannot tell", NOTHING, None)
    return made


def _holes(reader: Reader, one: Certificate, all_hours: Sequence[Certificate], gaps: Sequence[Gap]) -> list[Hole]:
    """When trades of an hour were missed, within the hour; the whole hour if nobody knows."""
    end = one.hour_ns + HOUR_NS
    mine = [gap for gap in gaps if gap.instrument == one.instrument]
    if one.missing is None:
        found = [
            Hole(max(gap.from_ns, one.hour_ns), min(gap.to_ns, end), None, None) for gap in open_gaps(mine, one.hour_ns)
        ]
    else:
        found = _by_ids(reader, one, all_hours, mine)
    return found or [Hole(one.hour_ns, end, None, None)]


def _by_ids(reader: Reader, one: Certificate, all_hours: Sequence[Certificate], gaps: Sequence[Gap]) -> list[Hole]:
    """Between the times of the trades around the missing ids."""
    end = one.hour_ns + HOUR_NS
    rows = reader.trades(one.instrument, one.hour_ns, end)
    rows = rows[np.isin(rows["id_kind"], COUNTING)]
    numbers, first = np.unique(rows["id_lo"], return_index=True)
    times = effective_ns("trades", rows)[first]
    known = [other for other in all_hours if other.instrument == one.instrument and other.first_id is not None]
    before = max(
        (other for other in known if other.hour_ns < one.hour_ns), key=lambda other: other.hour_ns, default=None
    )
    after = min(
        (other for other in known if other.hour_ns > one.hour_ns), key=lambda other: other.hour_ns, default=None
    )
    low = before.last_id if before else (int(numbers[0]) if len(numbers) else None)
    high = after.first_id if after else (int(numbers[-1]) if len(numbers) else None)
    if low is None or high is None or low > high:
        return []
    runs = [(low, low), (high, high), *runs_of(numbers), *((gap.from_id, gap.to_id) for gap in gaps if gap.healed)]
    found = []
    for lost_from, lost_to in missing_ids(runs, low, high):
        left = int(np.searchsorted(numbers, np.uint64(lost_from))) - 1
        right = int(np.searchsorted(numbers, np.uint64(lost_to), "right"))
        bounds = (times[left] if left >= 0 else one.hour_ns, times[right] if right < len(times) else end)
        found.append(Hole(int(min(bounds)), int(max(bounds)), lost_from, lost_to))
    return found


def _joined(holes: Iterable[Hole]) -> list[Hole]:
    """One that lies in two hours is one."""
    made: list[Hole] = []
    for hole in sorted(holes, key=lambda one: (one.from_ns, one.to_ns)):
        if made and (made[-1].first_id, made[-1].last_id, made[-1].to_ns) == (
            hole.first_id,
            hole.last_id,
            hole.from_ns,
        ):
            hole = msgspec.structs.replace(hole, from_ns=made.pop().from_ns)
        made.append(hole)
    return made


def _within(hole: Hole, start: int, end: int) -> bool:
    return hole.from_ns < end and hole.to_ns >= start
