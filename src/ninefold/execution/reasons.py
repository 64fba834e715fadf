"""Why a decision came out differently when a run was played again: one reason for each mismatch, by stated rules.

In:  mismatches, oldest first; what is known of the run: inputs that are missing, crashes, what is not the program that it was.
Out: `Difference`s. The first of a kind is explained by what is known; a later one may follow from an earlier one, and has its
     reason then. What no rule explains is UNEXPLAINED.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from ninefold.execution.mismatches import Mismatch
from ninefold.market.instruments import Registry

LATE, FILL, CLOCK, CODE, CRASH, MISSING = "late data", "fill model", "clock", "code", "crash", "missing input"
NETTING, RISK = "netting", "risk"  # of a back-test of one strategy alone
UNEXPLAINED = "UNEXPLAINED"
HIDDEN = (
    "its free code says something else of the same bars and positions: it reads what is not among them, a clock, chance, a "
    "file or what another object left behind"
)
_ACCOUNT = ("exit", "legs", "order", "refusal", "fill", "has")


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One decision or fill that differs: what the run had, what there is again, and why."""

    seq: int
    known_ns: int
    kind: str
    instrument: str
    strategy: str
    what: str
    run: str
    again: str
    reason: str
    why: str


@dataclass(slots=True)
class Found:
    """compared: how many of each kind."""

    compared: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)


class Changed(NamedTuple):
    """What is not as it was when the run was made, in words; "" if it is. strategies: by name."""

    code: str = ""
    model: str = ""
    strategies: Mapping[str, str] = {}


class Known(NamedTuple):
    """missing: (first, last) seq of inputs that are not in the journal. crashes: (after, until) seq of what was made again after
    a crash, or muted. changed: by the first seq for which it holds, rising. free: strategies that are free code.
    """

    missing: Sequence[tuple[int, int]] = ()
    crashes: Sequence[tuple[int, int]] = ()
    changed: Sequence[tuple[int, Changed]] = ()
    free: frozenset[str] = frozenset()


class Reasons:
    def __init__(self, known: Known, registry: Registry) -> None:
        self._known = known
        self._registry = registry
        self._roots: dict[tuple[str, object], Difference] = {}

    def explain(self, mismatches: Iterable[Mismatch]) -> list[Difference]:
        return [self._explain(one) for one in mismatches]

    def _explain(self, one: Mismatch) -> Difference:
        reason, why = self._reason(one)
        found = Difference(
            seq=one.seq,
            known_ns=one.known_ns,
            kind=one.kind,
            instrument=self._registry[one.instrument].name if one.instrument else "",
            strategy=one.strategy,
            what=one.what,
            run=one.run,
            again=one.again,
            reason=reason,
            why=why,
        )
        for scope in _caused(one):
            self._roots.setdefault(scope, found)
        return found

    def _reason(self, one: Mismatch) -> tuple[str, str]:
        for first, last in self._known.missing:
            if one.seq >= first:
                return MISSING, f"the journal lacks the inputs {first:,} to {last:,}"
        for after_seq, until_seq in self._known.crashes:
            if after_seq < one.seq <= until_seq:
                return (
                    CRASH,
                    f"made before the crash behind seq {until_seq:,} and again after it; the ledger has the second",
                )
        if one.kind == "tick":
            return CLOCK, "our clock at this input, or the venue's as estimated, is another one"
        changed = self._changed(one.seq)
        own = [changed.strategies[name] for name in one.strategy.split(",") if name in changed.strategies]
        if own and one.kind in ("target", "may", "legs"):
            return CODE, own[0]
        if changed.model and one.kind in ("forecast", "may"):
            return CODE, changed.model
        for scope in _causes(one):
            if root := self._roots.get(scope):
                return root.reason, f"follows from the {root.kind} at seq {root.seq:,}"
        if changed.code:
            return CODE, changed.code
        hidden = one.kind in ("target", "failure") and one.strategy in self._known.free
        return UNEXPLAINED, HIDDEN if hidden else "no rule explains it"

    def _changed(self, seq: int) -> Changed:
        at = bisect_right(self._known.changed, seq, key=lambda one: one[0])
        return self._known.changed[at - 1][1] if at else Changed()


def behind(found: list[Difference], apart: Difference | None) -> list[Difference]:
    """Other comparisons of a run that was not the same again from some input on. apart: the first difference there; what they
    cannot explain behind it follows from it.
    """
    if apart is None:
        return found
    why = f"follows from the {apart.kind} at seq {apart.seq:,}, which is not the same again"
    return [
        msgspec.structs.replace(one, reason=apart.reason, why=why)
        if one.reason == UNEXPLAINED and one.seq >= apart.seq
        else one
        for one in found
    ]


def _causes(one: Mismatch) -> list[tuple[str, object]]:
    """Where a mismatch may follow from, nearest first."""
    market: list[tuple[str, object]] = [("bar", one.instrument), ("clock", 0)]
    if one.kind in ("bar", "forecast", "target", "failure"):
        return market
    if one.kind in ("may", "score"):
        return [("may", one.what), ("target", one.instrument), ("forecast", one.instrument), *market]
    told = ("told", one.strategy) if one.kind == "legs" else ("target", one.instrument)
    return [("account", one.what), told, ("account", 0), ("foretold", one.instrument), *market]


def _caused(one: Mismatch) -> list[tuple[str, object]]:
    """What may follow from a mismatch."""
    if one.kind == "tick":
        return [("clock", 0)]
    if one.kind in _ACCOUNT:
        return [("account", one.what), ("account", 0)]
    if one.kind in ("may", "score"):
        return [("may", one.what), ("foretold", one.instrument)]  # an order names its MAY
    return [(one.kind, one.instrument), ("told", one.strategy)]
