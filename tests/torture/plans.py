"""Random plans of faults, made from a seed, and what must be true of what the pipeline told and kept under one.

In:  a seed; the story of a plan: what was traded, what came over the wire, what was told and stored.
Out: bodies for `POST /sim/v1/faults`; AssertionErrors that say what was not found, what was invented, what is missing.
Pure: nothing here knows a process or a file, and no check sees the plan.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple

from ninefold.market.records import Gap
from ninefold.market.time import HOUR_NS
from ninefold.store.certificates import Ids, certify

Body = dict[str, Any]
LOSING = ("drop", "silence", "disconnect", "reset")
LATEST_BEGIN_S, MOST_FAULTS = 2.0, 5
LONG_SILENCE = 0.02  # of the plans have one after which the collector cuts the line
KINDS = {"drop": 4, "silence": 2, "reorder": 2, "duplicate": 2, "disconnect": 3, "reset": 2, "malformed": 1,
         "limit": 2, "ban": 1, "outage": 3, "hangup": 2}  # fmt: skip
ONLY = ("", "", "@trade", "@depth", "btcusdt", "ethusdt@trade", "coinbase:", "@matches", "kraken:", "kraken:BTC/USDT@trade",
        "@book")  # fmt: skip
ASKED_ONLY = ("", "", "/api/", "/coinbase/", "/kraken/")
CUT_ONLY = ("", "", "binance", "coinbase", "kraken")


def plan(seed: int) -> list[Body]:
    """One to five faults of random kinds, times and lengths, several at once as chance will have it."""
    chance = Random(seed)
    if chance.random() < LONG_SILENCE:
        return [{"kind": "silence", "seconds": 12.0}]
    kinds = chance.choices(list(KINDS), list(KINDS.values()), k=chance.randint(1, MOST_FAULTS))
    return [_fault(chance, kind) for kind in kinds]


def _fault(chance: Random, kind: str) -> Body:
    body: Body = {"kind": kind, "after": round(chance.uniform(0.0, LATEST_BEGIN_S), 3)}
    if kind == "reset":
        return body
    body["seconds"] = round(chance.uniform(0.1, 3.0), 3)
    asked = {"limit": ASKED_ONLY, "ban": ASKED_ONLY, "outage": ASKED_ONLY, "hangup": ASKED_ONLY, "disconnect": CUT_ONLY}
    body["only"] = chance.choice(asked.get(kind, ONLY))
    if kind in ("drop", "reorder", "duplicate", "malformed"):
        body["share"] = round(chance.choice((0.02, 0.1, 0.3, 0.6)), 3)
    return body


class Kept(NamedTuple):
    """A stored trade, as the exchange has it or not; seq: the input that brought it."""

    deal: tuple[Any, ...]
    exchange_ns: int
    seq: int


class Certified(NamedTuple):
    """What the certificate of an hour said since a commit of the store."""

    hour_ns: int
    state: str
    missing: int | None


@dataclass(frozen=True)
class Story:
    """One symbol under one plan. The stretch is the ids begin .. end, both of which came over the wire.

    traded: the exchange's deals of the stretch. heard: ids that came in a frame. withheld, cut: of the exchange's own
    log, ids that it did not send, and the last ids that it sent before a cut: what was under way may be lost with it.
    kept: stored rows by id, from begin on. gaps: told of trades of the stretch. commits: position of the store and the
    certificates then, oldest first.
    """

    symbol: str
    begin: int
    end: int
    traded: dict[int, tuple[Any, ...]]
    heard: frozenset[int]
    withheld: frozenset[int]
    cut: tuple[int, ...]
    kept: dict[int, list[Kept]]
    gaps: tuple[Gap, ...]
    commits: tuple[tuple[int, tuple[Certified, ...]], ...]

    @property
    def unheard(self) -> list[int]:
        """Ids that never came over the wire: only a gap can have told of them."""
        return [id for id in range(self.begin, self.end + 1) if id not in self.heard]


def check(story: Story) -> None:
    """All that must be true after healing."""
    check_wire(story)
    check_kept(story)
    check_found(story)
    check_none_invented(story)
    check_healed(story)
    check_certificates(story)
    check_stretch(story)


def check_wire(story: Story) -> None:
    """What did not reach the journal is what was withheld or cut off under way; nothing withheld reached it."""
    under_way = {id for last in story.cut for id in _run_down(last, story.heard)}
    lost = [id for id in story.unheard if id not in story.withheld and id not in under_way]
    assert not lost, f"{story.symbol}: sent and not in the journal: {_some(lost)}"
    both = sorted(story.withheld & story.heard)
    assert not both, f"{story.symbol}: withheld and yet in the journal: {_some(both)}"


def check_kept(story: Story) -> None:
    """Stored is exactly what was traded, each trade once."""
    missing = sorted(story.traded.keys() - story.kept.keys())
    extra = sorted(id for id in story.kept.keys() - story.traded.keys() if id <= story.end)
    assert not missing, f"{story.symbol}: never stored: {_some(missing)}"
    assert not extra, f"{story.symbol}: stored and never traded: {_some(extra)}"
    doubled = [id for id, rows in story.kept.items() if len(rows) > 1]
    assert not doubled, f"{story.symbol}: stored twice: {_some(doubled)}"
    for id, deal in story.traded.items():
        stored = story.kept[id][0].deal
        assert stored == deal, f"{story.symbol} trade {id}: stored {stored}, the exchange has {deal}"


def check_found(story: Story) -> None:
    """Whatever did not come over the wire was told: as a gap no later than it was stored, or as healed."""
    silent = [id for id in story.unheard if not any(_tells(gap, id, story.kept[id][0].seq) for gap in story.gaps)]
    assert not silent, f"{story.symbol}: no gap was told of {_some(silent)}"


def check_none_invented(story: Story) -> None:
    """No gap is told of a trade that came over the wire. One told as healed at once says only what was looked up."""
    for gap in story.gaps:
        if gap.healed:
            continue
        heard = [id for id in range(gap.from_id, gap.to_id + 1) if id in story.heard]
        assert not heard, f"{story.symbol}: the gap {gap.from_id}..{gap.to_id} speaks of {_some(heard)}, which came"


def check_healed(story: Story) -> None:
    """Each gap is told as healed afterwards, the whole of it."""
    for gap in story.gaps:
        whole = any(
            one.healed and one.seq >= gap.seq and one.from_id <= gap.from_id and one.to_id >= gap.to_id
            for one in story.gaps
        )
        assert gap.healed or whole, f"{story.symbol}: nobody told that {gap.from_id}..{gap.to_id} was healed"


def check_certificates(story: Story) -> None:
    """At every commit the hour's certificate is "gap known" just while a trade is missing, and counts the missing."""
    for position, certificates in story.commits:
        stored = {id: rows[0].exchange_ns for id, rows in story.kept.items() if rows[0].seq <= position}
        bare = {ns // HOUR_NS * HOUR_NS for ns in stored.values()} - {one.hour_ns for one in certificates}
        assert not bare, f"{story.symbol} at seq {position}: hours {sorted(bare)} have trades and no certificate"
        for one in certificates:
            missing = _missing(stored, one.hour_ns)
            said = f"{story.symbol} at seq {position}: the certificate says {one.state!r}, {one.missing} missing"
            assert (one.state == "gap known") == bool(missing), f"{said}; it is {_some(missing) or 'none'}"
            assert one.missing == len(missing), f"{said}; it is {len(missing)}"


def check_stretch(story: Story) -> None:
    """Judged by the rule of certificates as if it were an hour, the stretch is healed if it had a gap, else complete."""
    state = stretch_state(story)
    if story.unheard:
        assert state == "healed", f"{story.symbol}: certified {state!r}; {_some(story.unheard)} had to be healed"
    elif story.gaps:
        assert state in ("healed", "complete"), f"{story.symbol}: certified {state!r}; nothing was missed"
    else:
        assert state == "complete", f"{story.symbol}: certified {state!r}; nothing was missed"


def stretch_state(story: Story) -> str:
    """What the product's rule says when it is asked about the stretch alone."""
    rows = {id: rows[0].exchange_ns for id, rows in story.kept.items() if id <= story.end}
    ids = Ids(tuple(_runs(rows)), len(rows), min(rows.values()), max(rows.values())) if rows else None
    begin_ns = ids.from_ns if ids else max((gap.from_ns for gap in story.gaps), default=0)
    before = Ids(((story.begin - 1, story.begin - 1),), 1, begin_ns - HOUR_NS, begin_ns)
    after = Ids(((story.end + 1, story.end + 1),), 1, begin_ns + HOUR_NS, begin_ns + 2 * HOUR_NS)
    return certify(0, begin_ns, ids, before, after, story.gaps, losses=0, closed=True).state


def _missing(stored: dict[int, int], hour_ns: int) -> list[int]:
    """Ids missing from the last one before the hour to the first one after it, as far as these are stored."""
    own = [id for id, ns in stored.items() if hour_ns <= ns < hour_ns + HOUR_NS]
    before = [id for id, ns in stored.items() if ns < hour_ns]
    after = [id for id, ns in stored.items() if ns >= hour_ns + HOUR_NS]
    if not own and not (before and after):
        return []
    low = max(before) if before else min(own)
    high = min(after) if after else max(own)
    return [id for id in range(low, high + 1) if id not in stored]


def _runs(ids: Iterable[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for id in sorted(ids):
        if found and found[-1][1] == id - 1:
            found[-1] = (found[-1][0], id)
        else:
            found.append((id, id))
    return found


def _tells(gap: Gap, id: int, until_seq: int) -> bool:
    return gap.from_id <= id <= gap.to_id and (gap.healed or gap.seq <= until_seq)


def _run_down(last: int, heard: frozenset[int]) -> Iterable[int]:
    """`last` and the ids right before it that were not heard."""
    while last > 0 and last not in heard:
        yield last
        last -= 1


def _some(ids: Iterable[int]) -> str:
    listed = sorted(ids)
    return ", ".join(map(str, listed[:5])) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")
