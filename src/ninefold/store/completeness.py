"""How complete what was stored of an instrument is over a stretch of time: what an answer made from it can carry.

In:  certificates of captured, downloaded and imported trades, for hours that lack some their ids or the gaps that were reported; of an
     answer made of bars, their width too: bars that were downloaded are worth what the venue told,
     imported ones less.
Out: spans that cover the stretch without a hole, each with its state and why; the holes.
States: those of certificates. Where nothing is stored nobody can tell.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from ninefold.market.instruments import Instrument
from ninefold.market.records import Gap
from ninefold.market.time import HOUR_NS, TIMEFRAME_OF
from ninefold.store.beside import FOLDERS
from ninefold.store.beside_certificates import PROVEN, Certified, Parts, certified, parts_of
from ninefold.store.forms import instruments_wanted
from ninefold.store.holes import Hole as Hole
from ninefold.store.holes import holes_of, joined_holes
from ninefold.store.read import Reader
from ninefold.store.told_bars import Told, ToldBars, told_bars

NOTHING = "nothing certifies this time: a download or an import of it, if there was one, did not end"


class Span(msgspec.Struct, frozen=True, gc=False):
    """[from_ns, to_ns) of one state. missing: how many trades, None where nobody can count."""

    from_ns: int
    to_ns: int
    state: str
    how: str
    missing: int | None


class Completeness(msgspec.Struct, frozen=True):
    """spans: rising, without a hole between them. holes: rising; of the spans in state "gap known"."""

    instrument: str
    from_ns: int
    to_ns: int
    spans: tuple[Span, ...]
    holes: tuple[Hole, ...]

    @property
    def complete(self) -> bool:
        """Whether every trade of it, or every bar, is proven to be here."""
        return bool(self.spans) and all(one.state in PROVEN for one in self.spans)


def completeness(
    data_dir: Path,
    instrument: str,
    from_ns: int | None,
    to_ns: int | None,
    as_of_ns: int | None = None,
    width_ns: int | None = None,
) -> Completeness:
    """What the certificates say about [from_ns, to_ns).

    from_ns, to_ns: None for the first and the last time of which anything is stored.
    as_of_ns:       as it was known at that moment.
    width_ns:       of bars of this width; None for trades.
    raises:         UnknownInstrument, NoDataDir, WrongFormat.
    """
    reader = Reader(data_dir, as_of_ns)
    [found] = completeness_of(reader, instruments_wanted(reader.registry(), instrument), from_ns, to_ns, width_ns)
    return found


def completeness_of(
    reader: Reader,
    instruments: Mapping[str, Sequence[Instrument]],
    from_ns: int | None,
    to_ns: int | None,
    width_ns: int | None = None,
) -> list[Completeness]:
    """The same of several instruments, by name with their versions; the tables are read once."""
    gaps = [one for one in reader.records([Gap]) if isinstance(one, Gap) and one.stream == "trades"]
    parts = parts_of(reader, instruments)
    found = []
    for name, versions in instruments.items():
        ids = {one.id for one in versions}
        mine = [one for one in gaps if one.instrument in ids]
        told = [] if width_ns is None else [told_bars(reader, versions, width_ns, place) for place in FOLDERS]
        found.append(_of_one(reader, name, versions, parts[name], mine, told, from_ns, to_ns, width_ns))
    return found


def _of_one(
    reader: Reader,
    instrument: str,
    versions: Sequence[Instrument],
    parts: Parts,
    gaps: Sequence[Gap],
    told: Sequence[ToldBars],
    from_ns: int | None,
    to_ns: int | None,
    width_ns: int | None,
) -> Completeness:
    bars = [one.stretches() for one in told]
    every = [one for some in parts.parts.values() for one in some.values()]
    known = [(one.from_ns, one.to_ns) for one in every]
    known += [(one.from_ns, one.to_ns) for some in bars for one in some]
    start = min((first for first, _ in known), default=0) if from_ns is None else from_ns
    end = max((last for _, last in known), default=start) if to_ns is None else to_ns
    hours = certified(reader, versions, parts, gaps, start, end)
    lacking = [one.certificate for one in hours if one.certificate.state == "gap known"]
    holes = {one.hour_ns: holes_of(reader, versions, one, parts, gaps) for one in lacking}
    spans = [_span(one) for one in hours]
    if width_ns is not None:
        downloaded, imported = ([one for one in some if one.from_ns < end and one.to_ns > start] for some in bars)
        spans, holes = _with_bars(spans, holes, told[0], downloaded, TIMEFRAME_OF[width_ns])
        spans = _over(spans, [_imported(one, TIMEFRAME_OF[width_ns]) for one in imported])
    inside = [hole for some in holes.values() for hole in some if hole.from_ns < end and hole.to_ns >= start]
    return Completeness(instrument, start, end, tuple(_covering(spans, start, end)), tuple(joined_holes(inside)))


def plain(one: Completeness) -> dict[str, object]:
    """For JSON: times and ids as text, for they exceed what a number there can hold exactly."""

    def texts(struct: msgspec.Struct) -> dict[str, object]:
        found = msgspec.structs.asdict(struct)
        return {
            name: str(value) if name.endswith(("_ns", "_id")) and value is not None else value
            for name, value in found.items()
        }

    return {**texts(one), "spans": [texts(span) for span in one.spans], "holes": [texts(hole) for hole in one.holes]}


def how_told(one: Told, timeframe: str) -> str:
    """In words, of downloaded bars of an hour."""
    if one.lost:
        return f"{one.lost} of {one.known + one.lost} bars of {timeframe} are not known: the venue did not tell them"
    return f"every bar of {timeframe} is known, as the venue told it"


def how_imported(one: Told, timeframe: str) -> str:
    """In words, of imported bars of an hour."""
    if one.lost:
        return f"{one.lost} of {one.known + one.lost} bars of {timeframe} are not there: the source did not have them"
    return f"every bar of {timeframe} is there, as the source had it; nobody can tell whether it had every trade"


def _imported(one: Told, timeframe: str) -> Span:
    return Span(one.from_ns, one.to_ns, "gap known" if one.lost else "cannot tell", how_imported(one, timeframe), None)


def _span(one: Certified) -> Span:
    found = one.certificate
    end = found.hour_ns + HOUR_NS if found.closed else found.to_ns
    return Span(found.hour_ns, end, found.state, found.how, found.missing)


def _with_bars(
    spans: Sequence[Span], holes: Mapping[int, list[Hole]], told: ToldBars, bars: Sequence[Told], timeframe: str
) -> tuple[list[Span], dict[int, list[Hole]]]:
    """What is true of bars: trades that are proven prove them too; else what the venue told of them counts. holes: by hour."""
    mended = {hour for hour, some in holes.items() if all(told.hold(one.from_ns, one.to_ns) for one in some)}
    how = f"trades are missing, and of that time every bar of {timeframe} is known, as the venue told it"
    spans = [Span(one.from_ns, one.to_ns, "healed", how, 0) if one.from_ns in mended else one for one in spans]
    whole = [Span(one.from_ns, one.to_ns, "complete", how_told(one, timeframe), 0) for one in bars if not one.lost]
    lacking = [one for one in bars if one.lost_from_ns is not None]
    lost = [Span(one.from_ns, one.to_ns, "gap known", how_told(one, timeframe), None) for one in lacking]
    made = _over([one for one in spans if one.state in PROVEN], whole)
    made = _over(_over(made, [one for one in spans if one.state not in PROVEN]), lost)
    left = [one for one in made if one.state == "gap known"]
    kept = {hour: some for hour, some in holes.items() if _touched(left, hour, hour + HOUR_NS)}
    for one in lacking:
        if one.lost_from_ns is not None and one.lost_to_ns is not None and _touched(left, one.from_ns, one.to_ns):
            kept.setdefault(one.from_ns, [Hole(one.lost_from_ns, one.lost_to_ns, None, None)])
    return made, kept


def _touched(spans: Sequence[Span], from_ns: int, to_ns: int) -> bool:
    """Whether one of the spans, rising, lies in that time."""
    at = bisect_right(spans, from_ns, key=lambda one: one.to_ns)
    return at < len(spans) and spans[at].from_ns < to_ns


def _over(above: Sequence[Span], below: Sequence[Span]) -> list[Span]:
    """Spans, and what of those below they leave free; each rising and without an overlap."""
    made = list(above)
    at = 0
    for one in below:
        while at < len(above) and above[at].to_ns <= one.from_ns:
            at += 1
        free, next_one = one.from_ns, at
        while free < one.to_ns:
            until = above[next_one].from_ns if next_one < len(above) else one.to_ns
            if until > free:
                made.append(msgspec.structs.replace(one, from_ns=free, to_ns=min(until, one.to_ns)))
            free = above[next_one].to_ns if next_one < len(above) else one.to_ns
            next_one += 1
    return sorted(made, key=lambda one: one.from_ns)


def _covering(spans: Sequence[Span], start: int, end: int) -> list[Span]:
    """The spans from the start to the end, equal ones together, and where nothing is stored."""
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

    for one in spans:
        put(one.from_ns, "cannot tell", NOTHING, None)
        put(one.to_ns, one.state, one.how, one.missing)
    put(end, "cannot tell", NOTHING, None)
    return made
