"""One order explained: why it was decided, whether that can be decided again from what was stored, and what came of it.

In:  a data dir of demo, up or replay, only read; a client order id.
Out: an `Explanation`: the decision as it was stored and as it is made again from the journal, and exactly what differs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ninefold.journal.inputs import CHUNK
from ninefold.journal.reader import read
from ninefold.market.arrays import KINDS
from ninefold.market.chunk import Chunk, decode
from ninefold.market.instruments import Instrument
from ninefold.market.records import AnyRecord, Decision, Fill, Has, May, Order, Tick
from ninefold.market.strategy_records import Guard, LegsMoved
from ninefold.market.time import TIMEFRAME_OF, TIMEFRAMES
from ninefold.services.build import basis_of
from ninefold.services.lives import Life, Run, run_of
from ninefold.services.parity import recorded_venue
from ninefold.services.play_again import Side, play
from ninefold.store.ledger import LedgerReader

Progress = Callable[[str, int, int], None]


class NoSuchOrder(ValueError):
    """A client order id that the ledger does not know."""


class Wish(msgspec.Struct, kw_only=True):
    """What one strategy wanted, and by what. values: what was measured at the bar's close, by term of its formula; None where
    it was not known. left: the exit by which it counted as flat, whatever its formula said. legs: of one that has them, where they
    stood. own: what one that knows what it holds
    was shown of that at the bar, `position` in the instrument's units of size; None for others.
    """

    strategy: str
    formula: str
    target: float | None
    bar: dict[str, Any] | None
    values: dict[str, float | None]
    left: Guard | None = None
    legs: LegsMoved | None = None
    own: dict[str, float] | None = None


class Explanation(msgspec.Struct, kw_only=True):
    """decided: as stored (None: by a version that did not store it); again: made anew. differences: what is not the same, empty
    if nothing. history: the order's states and fills as they became known.
    """

    run: str
    instrument: Instrument
    order: Order
    decided: Decision | None
    again: Decision | None
    tick: Tick | None
    wishes: list[Wish]
    foretold: May | None
    history: list[Order | Fill]
    has: Has | None
    differences: list[str]

    @property
    def same(self) -> bool:
        return not self.differences


def explain(data_dir: Path, order_id: str, progress: Progress) -> Explanation:
    """order_id: whole, or its beginning if no other one begins so.

    raises: NoSuchOrder, NoDataDir, WrongFormat, NoParity, UnreadableIdentity, BadConfig, Damaged.
    """
    run, ledger = run_of(data_dir), LedgerReader(data_dir)
    events = ledger.of_order(_whole(ledger, order_id))
    born = next(event for event in events if isinstance(event, Order))
    stored = next((event for event in events if isinstance(event, Decision)), None)
    found = _Again(run, ledger, born, progress)
    again = next((one for one in found.records(Decision) if one.client_order_id == born.client_order_id), None)
    order_again = next((one for one in found.records(Order) if one.client_order_id == born.client_order_id), None)
    history = [event for event in events if isinstance(event, Order | Fill)]
    differences = [*_differing("the order", born, order_again), *found.changed(stored)]
    if stored is not None:
        differences += _differing("the decision", stored, again)
    return Explanation(
        run=str(data_dir),
        instrument=found.instrument,
        order=[event for event in history if isinstance(event, Order)][-1],
        decided=stored,
        again=again,
        tick=next(iter(found.records(Tick)), None),
        wishes=found.wishes(again or stored),
        foretold=found.mays.get(born.may_id),
        history=history,
        has=_has(data_dir, history),
        differences=differences,
    )


def _whole(ledger: LedgerReader, order_id: str) -> str:
    known = ledger.order_ids(order_id)
    if order_id in known:
        return order_id
    if len(known) == 1:
        return known[0]
    there = f"{len(known)} orders begin so: {', '.join(known[:3])} ..." if known else "there is none that begins so"
    raise NoSuchOrder(f"the ledger knows no order {order_id!r}; {there}; `ninefold export orders` lists them")


class _Again:
    """The run played again up to the tick at which an order was decided."""

    def __init__(self, run: Run, ledger: LedgerReader, order: Order, progress: Progress) -> None:
        self.mays: dict[str, May] = {}
        self._run, self._ledger, self._order = run, ledger, order
        self._chunk = Chunk(0, 0, 0)
        self._life = run.lives[-1]
        self._bars: dict[int, np.void] = {}
        self._values: dict[tuple[int, bytes], np.void] = {}
        self._targets: dict[str, np.void] = {}
        self._left: dict[str, Guard] = {}
        self._own: dict[str, dict[str, float]] = {}
        self._legs: dict[str, LegsMoved] = {}
        events = ledger.events()
        side = Side(partial(recorded_venue, events))
        for step in play(run, [side]):
            chunk = step.chunks[0]
            self._take(chunk)
            progress("inputs", min(chunk.last_seq, order.seq), order.seq)
            if step.booked[0] < order.seq <= step.booked[1] and chunk.first_seq <= order.seq <= chunk.last_seq:
                self._chunk = chunk
                shown = side.execute.itself.shown
                self._own = {name: dict(own) for (name, of), own in shown.items() if of == order.instrument}
                break
        self.instrument = side.execute.registry[order.instrument]
        self._life = _life_at(run, order.seq)

    def records(self, kind: type[Any]) -> list[Any]:
        """Those of the chunk, of a kind, that were made at the tick of the order."""
        return [one for one in self._chunk.records if isinstance(one, kind) and one.seq == self._order.seq]

    def wishes(self, decision: Decision | None) -> list[Wish]:
        """Of each strategy that has a target, or that quotes: its formula, and the bar and the values that it was computed from."""
        if decision is None:
            return []
        formulas = basis_of(self._life.config, self._run.data_dir).formulas
        quoting = [name for name in self._order.strategies if name in formulas and name not in decision.targets]
        targets = {**decision.targets, **dict.fromkeys(quoting)}
        return [self._wish(name, formulas.get(name, ""), target) for name, target in targets.items()]

    def changed(self, stored: Decision | None) -> list[str]:
        """Which formulas and model are not those that the life noted at its start."""
        identity, now = self._life.identity, basis_of(self._life.config, self._run.data_dir)
        if identity is None or stored is None:
            return (
                []
                if stored is not None
                else ["this run's version did not store its decisions: only the order is compared"]
            )
        found = [
            f"the formula of {name} was {identity.strategies[name]!r}, it is {now.formulas.get(name, 'no more')!r}"
            for name in stored.targets
            if name in identity.strategies and identity.strategies[name] != now.formulas.get(name)
        ]
        if identity.model != now.model:
            found.append(f"the forecast model was {identity.model or 'none'}, it is {now.model or 'none'}")
        return found

    def _wish(self, name: str, formula: str, target: float | None) -> Wish:
        row = self._targets.get(name)
        width_ns = int(row["width_ns"]) if row is not None else TIMEFRAMES.get(formula.partition(" ")[0], 0)
        bar = self._bars.get(width_ns)
        values = {
            term.decode(): None if math.isnan(value["value"]) else float(value["value"])
            for (of_width, term), value in sorted(self._values.items())
            if of_width == width_ns and term.decode() in formula
        }
        return Wish(
            strategy=name,
            formula=formula,
            target=target,
            bar=_plain(bar),
            values=values,
            left=self._left.get(name),
            legs=self._legs.get(name),
            own=self._own.get(name),
        )

    def _take(self, chunk: Chunk) -> None:
        """Remember the newest bar of each width, values, targets and exits of the order's instrument, and every MAY."""
        self.mays.update({one.may_id: one for one in chunk.records if isinstance(one, May)})
        for one in chunk.records:
            if isinstance(one, LegsMoved):
                self._legs[one.strategy] = one
            if isinstance(one, Guard) and one.instrument == self._order.instrument:
                self._left.pop(one.strategy, None)
                if one.left:
                    self._left[one.strategy] = one
        mine = {kind: chunk.rows(kind) for kind in ("bars", "values", "targets")}
        mine = {kind: rows[rows["instrument"] == self._order.instrument] for kind, rows in mine.items() if len(rows)}
        for row in mine.get("bars", ()):
            known = self._bars.get(int(row["width_ns"]))
            if known is None or (row["close_ns"], row["revision"]) >= (known["close_ns"], known["revision"]):
                self._bars[int(row["width_ns"])] = row
        for row in mine.get("values", ()):
            self._values[(int(row["width_ns"]), row["term"])] = row
        for row in mine.get("targets", ()):
            self._targets[row["strategy"].decode()] = row


def _has(data_dir: Path, history: list[Order | Fill]) -> Has | None:
    """What was told of the order once it was complete: by the input that made it so."""
    first_seq, last_seq = history[0].seq, history[-1].seq
    for record in read(data_dir / "stream", first_seq - 1):
        for one in decode(record.payload).records if record.kind == CHUNK else ():
            if isinstance(one, Has) and one.client_order_id == history[0].client_order_id:
                return one
        if record.seq >= last_seq:
            break
    return None


def _life_at(run: Run, seq: int) -> Life:
    """The life in which an input came."""
    return next((life for life in reversed(run.lives) if life.begun.ledger_seq < seq), run.lives[0])


def _plain(row: np.void | None) -> dict[str, Any] | None:
    if row is None:
        return None
    plain = {name: row[name].item() for name in KINDS["bars"].names or ()}
    return {**plain, "timeframe": TIMEFRAME_OF.get(plain["width_ns"], str(plain["width_ns"]))}


def _differing(what: str, stored: AnyRecord, again: AnyRecord | None) -> list[str]:
    if again is None:
        return [f"{what} is not made again"]
    names: Iterable[str] = type(stored).__struct_fields__
    return [
        f"{what}: {name} was {getattr(stored, name)!r}, and is {getattr(again, name)!r} again"
        for name in names
        if getattr(stored, name) != getattr(again, name)
    ]
