"""What strategies held at earlier inputs: as they were shown it then, found again in the ledger.

In:  the ledger's events, oldest first; seq of inputs at which strategies decided.
Out: for each what was held when it was decided: with all fills up to that input, without what was crossed by its own decision.

So nothing of it is stored beside the ledger, and after a restart the past is what the account itself says that it was.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable
from typing import NamedTuple

import numpy as np

from ninefold.execution.account import Account
from ninefold.execution.booked import Booked
from ninefold.execution.entries import Key
from ninefold.market.records import AnyRecord, Crossed, Fill, Listed


class Stood(NamedTuple):
    """amount: of base (10**-8), signed; average: entry price in ticks of `tick` (10**-8 of quote); seq: of the input it began
    with. All 0 without a position."""

    amount: int
    average: int
    tick: int
    seq: int


NOTHING = Stood(0, 0, 0, 0)


class HeldBefore:
    """strategies: of whom it will be asked."""

    def __init__(self, events: Iterable[AnyRecord], strategies: Collection[str]) -> None:
        self._strategies = frozenset(strategies)
        self._moments: dict[Key, list[int]] = {}  # twice the seq, and one more behind what was decided there
        self._stood: dict[Key, list[Stood]] = {}
        if self._strategies:
            self._fold_all(events)

    def at(self, strategy: str, instrument: int, seq: int) -> Stood:
        """What was held at an input."""
        key = (strategy, instrument)
        place = bisect_right(self._moments.get(key, ()), 2 * seq)
        return self._stood[key][place - 1] if place else NOTHING

    def at_each(self, strategy: str, instrument: int, seqs: np.ndarray) -> np.ndarray:
        """Of inputs of shape (n,): rows of `Stood`, int64 of shape (n, 4)."""
        key = (strategy, instrument)
        table = np.array([NOTHING, *self._stood.get(key, ())], np.int64)
        found: np.ndarray = table[np.searchsorted(self._moments.get(key, []), 2 * seqs, "right")]
        return found

    def _fold_all(self, events: Iterable[AnyRecord]) -> None:
        booked, last_seq = Booked(), 0
        for event in events:
            if event.seq < last_seq:
                self._begin_again(event.seq)
            last_seq = event.seq
            booked.fold(event)
            moment = _moment(event)
            if isinstance(event, Listed):
                self._note_all(booked.account, moment)
            elif isinstance(event, Fill | Crossed):
                number = booked.account.number_of(event.instrument)
                for strategy in self._strategies:
                    self._note(booked.account, (strategy, number), moment)

    def _begin_again(self, seq: int) -> None:
        """A power loss took the journal's end, and its numbers came again: what was booked under them was known by then."""
        for key, moments in self._moments.items():
            self._moments[key] = [min(moment, 2 * seq) for moment in moments]

    def _note_all(self, account: Account, moment: int) -> None:
        """An instrument may go on under another number."""
        held = [key for key in account.attribution.entries.of if key[0] in self._strategies]
        for key in {*held, *self._moments}:
            self._note(account, key, moment)

    def _note(self, account: Account, key: Key, moment: int) -> None:
        entry = account.attribution.entries.of.get(key)
        amount = account.attribution.held(*key)
        now = NOTHING if entry is None else Stood(amount, entry.average, entry.tick, entry.seq)
        stood = self._stood.setdefault(key, [])
        if now != (stood[-1] if stood else NOTHING):
            stood.append(now)
            self._moments.setdefault(key, []).append(moment)


def _moment(event: AnyRecord) -> int:
    """From when on it counts: what was crossed, behind the decision that did it."""
    return 2 * event.seq + isinstance(event, Crossed)
