"""Exits of strategies: what each holds is left at its stop, its take-profit, its trailing stop, or after so many bars.

In:  the rules by strategy; trades, closed bars, targets and `Renewed` records; at a tick, what each strategy holds.
Out: at a tick `Guard` records of what changed; which strategies count as flat from now on (`counted`), and which of them have
     yet to give back what they hold (`due`).

An exit changes what its strategy wants: nothing, until its target changes or its entry holds again while nothing is held. All
else goes as with any other target: it is netted with what the others want, passes the risk gate, and is attributed.

The rules are those of back-tests on bars (`backtest/slow.py`): distances from the average entry price in whole ticks, at least
one; of stop and trailing stop the nearer counts; a take-profit needs a trade beyond it; a trailing stop follows the bars that
have closed, not the one under way; at a close the time exit comes first, then the target. Back-tests look at bars, here every
trade is looked at: so of a stop and a take-profit within one bar the one that was reached at an earlier tick leaves.
What has gone off is in the ledger, and so is the best price, so after a restart the same holds before the first input.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec
import numpy as np

from ninefold.execution.attribution import Attribution
from ninefold.execution.entries import Entry, Key, tick_of
from ninefold.execution.families import AGAIN_NS
from ninefold.execution.held import Prices
from ninefold.execution.money import ONE
from ninefold.market.arrays import BAR_UNKNOWN
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.records import AnyRecord, Tick
from ninefold.market.strategy_records import Guard, Renewed

STOP, TRAILING, TAKE, TIME = "stop loss", "trailing stop", "take profit", "time exit"


class ExitRule(NamedTuple):
    """Distances in 10**-8 of a price; bars: how many it is held at most; 0: none. width_ns: of the strategy's bars."""

    width_ns: int
    stop: int = 0
    take: int = 0
    trail: int = 0
    bars: int = 0


class Levels(NamedTuple):
    """Prices in ticks at which a position is left; 0: none. why: which of the stops it is."""

    stop: int
    why: str
    take: int


def levels(rule: ExitRule, side: int, average: int, best: int) -> Levels:
    """
    >>> levels(ExitRule(1, stop=2_000_000, take=5_000_000, trail=1_000_000), 1, 1000, 1015)
    Levels(stop=1005, why='trailing stop', take=1050)
    """
    stops = []
    if rule.stop:
        stops.append((average - side * max(1, average * rule.stop // ONE), STOP))
    if rule.trail:
        stops.append((best - side * max(1, best * rule.trail // ONE), TRAILING))
    stop, why = max(stops, key=lambda one: one[0] * side) if stops else (0, "")
    take = average + side * max(1, -(-average * rule.take // ONE)) if rule.take else 0
    return Levels(max(stop, 0), why, max(take, 0))


class Guards:
    """rules: by strategy, of those that have exits. attribution: what each holds, and since when; only `Entry.best` is set here.
    due: by instrument, the strategies whose exit has gone off and that should sell at this tick."""

    def __init__(self, rules: Mapping[str, ExitRule], registry: Registry, attribution: Attribution) -> None:
        self.due: dict[int, tuple[str, ...]] = {}
        self._rules = rules
        self._registry = registry
        self._attribution = attribution
        self._left: dict[Key, Guard] = {}  # those that count as flat
        self._said: dict[Key, int] = {}  # newest targets
        self._renewed: set[Key] = set()
        self._tried_ns: dict[Key, int] = {}
        self._told: dict[Key, tuple[int, int, int]] = {}  # stop, take and best price, as the ledger has them
        self._prices = Prices()
        self._watched: frozenset[int] | None = None  # instruments of what is held; found anew after each tick
        self._closed: dict[tuple[int, int], deque[int]] = {}  # seq of the newest bars by instrument and width
        self._most_bars = max((rule.bars for rule in rules.values()), default=0)

    @property
    def instruments(self) -> frozenset[int]:
        """Where a strategy is guarded, or counts as flat."""
        return frozenset(of for _, of in [*self._left, *(key for key, _, _ in self._held())])

    def standing(self, instrument: int) -> dict[str, Levels | str]:
        """By strategy, where what it holds is left; or the exit by which it counts as flat."""
        found: dict[str, Levels | str] = {
            key[0]: levels(self._rules[key[0]], side, entry.average, entry.best)
            for key, entry, side in self._held()
            if key[1] == instrument
        }
        return found | {name: guard.left for (name, of), guard in self._left.items() if of == instrument}

    def counted(self, instrument: int, targets: Mapping[str, float]) -> dict[str, float]:
        """Targets of an instrument, 0 for those that have left."""
        return {**targets, **{name: 0.0 for name, of in self._left if of == instrument}}

    def words(self, instrument: int) -> str:
        """Why those that are due leave."""
        of, said = self._registry[instrument], []
        for name in self.due.get(instrument, ()):
            guard = self._left[name, instrument]
            said.append(
                f"{guard.left} of {name}" + (f" set off at {of.price_text(guard.price)}" if guard.price else "")
            )
        return ", ".join(said)

    def watch(self, trades: np.ndarray, on_order: Iterable[int]) -> None:
        """See what is traded. on_order: instruments of which something may be got meanwhile."""
        if self._rules and len(trades):
            if self._watched is None:
                self._watched = frozenset(key[1] for key, _, _ in self._held())
            self._prices.fold(trades, self._watched.union(on_order))

    def warm(self, bars: np.ndarray) -> None:
        """Bars of before the first chunk, oldest first."""
        for row in bars[bars["revision"] == 0][["instrument", "width_ns", "seq"]].tolist():
            self._count(*row)

    def pass_by(self, chunk: Chunk) -> None:
        """See a chunk whose records the ledger has already: what it decided is known."""
        if not self._rules:
            return
        self.watch(chunk.rows("trades"), ())
        self.warm(chunk.rows("bars"))
        self._said.update((key, target) for key, target in self._targets(chunk))
        if any(isinstance(record, Tick) for record in chunk.records):
            self._prices.clear()
            self._watched = None

    def fold(self, record: Guard) -> None:
        key = (record.strategy, record.instrument)
        if record.strategy not in self._rules:
            return
        entry = self._attribution.entries.of.get(key)
        if entry is not None and record.best:
            entry.count_in(tick_of(self._registry[record.instrument]))
            entry.best = record.best
        self._told[key] = record.stop, record.take, record.best
        if record.left:
            self._left[key] = record
        else:
            self._left.pop(key, None)

    def relist_to(self, instrument: Instrument) -> None:
        """Who has left an instrument is out of its next version too."""
        for name, old in list(self._left) if instrument.version > 1 else ():
            one = self._registry[old]
            if (one.venue, one.venue_symbol) == (instrument.venue, instrument.venue_symbol) and old < instrument.id:
                self._left[name, instrument.id] = self._left.pop((name, old))

    def look(self, chunk: Chunk, tick: Tick, busy: frozenset[int] | None) -> list[AnyRecord]:
        """What changes at a tick. busy: instruments that may have no other order now; None: nothing may leave at all."""
        if not self._rules:
            return []
        self._watched = None
        made: list[AnyRecord] = []
        for key, entry, side in list(self._held()):
            if key not in self._left:
                made += self._traded(key, entry, side, tick)
        self._prices.clear()
        for bar in chunk.rows("bars")[chunk.rows("bars")["revision"] == 0]:
            made += self._close(bar, tick)
        self._renewed = {(one.strategy, one.instrument) for one in chunk.records if isinstance(one, Renewed)}
        for key, target in self._targets(chunk):
            made += self._want(key, target, tick)
        made += self._stand(tick)
        self._find_due(tick, busy)
        return made

    def _held(self) -> Iterator[tuple[Key, Entry, int]]:
        """What is guarded: whose, since when, on which side."""
        for key, entry in self._attribution.entries.of.items():
            if key[0] in self._rules and (held := self._attribution.held(*key)):
                entry.count_in(tick_of(self._registry[key[1]]))
                yield key, entry, 1 if held > 0 else -1

    def _traded(self, key: Key, entry: Entry, side: int, tick: Tick) -> list[AnyRecord]:
        """Whether a trade has reached an exit; if both, it was the stop."""
        prices = self._prices.since(key[1], entry.seq)
        if not len(prices):
            return []
        stop, why, take = levels(self._rules[key[0]], side, entry.average, entry.best)
        ticks = side * (prices // self._registry[key[1]].tick_size)
        stopped, taken = ticks <= side * stop, ticks > side * take
        if stop and stopped.any():
            return [self._leave(key, entry, why, int(prices[np.argmax(stopped)]), tick)]
        if take and taken.any():
            return [self._leave(key, entry, TAKE, int(prices[np.argmax(taken)]), tick)]
        return []

    def _close(self, bar: np.void, tick: Tick) -> list[AnyRecord]:
        """A bar has closed: the best price goes along, and so does the time."""
        instrument, width_ns, seq = int(bar["instrument"]), int(bar["width_ns"]), int(bar["seq"])
        self._count(instrument, width_ns, seq)
        made: list[AnyRecord] = []
        for key, entry, side in list(self._held()):
            rule = self._rules[key[0]]
            if key[1] != instrument or rule.width_ns != width_ns or key in self._left or entry.seq >= seq:
                continue
            best = int(bar["high" if side > 0 else "low"]) // self._registry[instrument].tick_size
            if bar["state"] != BAR_UNKNOWN and bar["volume"] > 0 and best * side > entry.best * side:
                entry.best = best
            if rule.bars and sum(one > entry.seq for one in self._closed[instrument, width_ns]) >= rule.bars:
                made.append(self._leave(key, entry, TIME, 0, tick))
        return made

    def _stand(self, tick: Tick) -> list[AnyRecord]:
        """Exits that stand elsewhere than was told."""
        made: list[AnyRecord] = []
        for key, entry, side in self._held():
            rule, step = self._rules[key[0]], self._registry[key[1]].tick_size
            stop, _, take = levels(rule, side, entry.average, entry.best)
            now = stop * step, take * step, entry.best if rule.trail else 0
            if key not in self._left and now != self._told.get(key, (0, 0, 0)):
                self._told[key] = now
                made.append(self._guard(key, tick, stop=now[0], take=now[1], best=now[2]))
        return made

    def _want(self, key: Key, target: int, tick: Tick) -> list[AnyRecord]:
        """A new target: whoever has left is in again if it is another one, or if its entry holds again and nothing is held."""
        self._said[key] = target
        guard = self._left.get(key)
        if guard is None:
            return []
        if guard.target is None:
            self._left[key] = msgspec.structs.replace(guard, target=target, seq=tick.seq, known_ns=tick.known_ns)
            return [self._left[key]]
        again = key in self._renewed and key not in self._attribution.entries.of
        if target == guard.target and not again:
            return []
        del self._left[key]
        return [self._guard(key, tick)]

    def _leave(self, key: Key, entry: Entry, why: str, price: int, tick: Tick) -> Guard:
        left = self._guard(key, tick, best=entry.best, left=why, price=price, target=self._said.get(key))
        self._left[key] = left
        self._told.pop(key, None)
        return left

    def _guard(self, key: Key, tick: Tick, **how: object) -> Guard:
        given = {"seq": tick.seq, "known_ns": tick.known_ns, "strategy": key[0], "instrument": key[1], **how}
        return Guard(**given)  # type: ignore[arg-type]

    def _find_due(self, tick: Tick, busy: frozenset[int] | None) -> None:
        """Who has left and holds something still; what did not lead to anything is tried again a second later."""
        self.due = {}
        for key in sorted(self._left) if busy is not None else ():
            late = tick.known_ns - self._tried_ns.get(key, -AGAIN_NS) >= AGAIN_NS
            if late and key in self._attribution.entries.of and key[1] not in (busy or ()):
                self._tried_ns[key] = tick.known_ns
                self.due[key[1]] = (*self.due.get(key[1], ()), key[0])

    def _targets(self, chunk: Chunk) -> Iterator[tuple[Key, int]]:
        """Of strategies with exits, in 10**-8; what cannot be told counts as 0."""
        for instrument, name, target in chunk.rows("targets")[["instrument", "strategy", "target"]].tolist():
            if name.decode() in self._rules:
                yield (name.decode(), instrument), 0 if target != target else round(target * ONE)

    def _count(self, instrument: int, width_ns: int, seq: int) -> None:
        if self._most_bars and any(rule.width_ns == width_ns for rule in self._rules.values()):
            self._closed.setdefault((instrument, width_ns), deque(maxlen=self._most_bars)).append(seq)
