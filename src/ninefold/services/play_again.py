"""A run played again from its input log: the same chain, started and restarted where the run was.

In:  a `Run`, only read; the accounts to play it with. Out: step by step what comes of the inputs.
Each life begins as the run's process did: from the state at the input from which it went on, formulas warmed up from the
bars so far, the account from the ledger as far as that was. What the next life found in the logs counts as made by this one,
what it did not find there as made by the next: as the run's own logs have it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ninefold.bus.status import CHAIN
from ninefold.execution.decisions import Basis
from ninefold.journal.inputs import Begun
from ninefold.journal.reader import read
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.records import AnyRecord, Balance, Fill, Order
from ninefold.services.build import (
    basis_of,
    exits_of,
    history,
    knowing_themselves,
    legs_of,
    quoting_of,
    sized_names,
    stage_of,
    strategies_of,
)
from ninefold.services.execute import Execute, MakeVenue
from ninefold.services.lives import Life, NoParity, Run
from ninefold.services.parsers import collector_of
from ninefold.services.stage import Kept, Stage, Warmed

LOOK_EVERY = 1_024  # inputs between two looks at what nobody takes here
States = dict[str, bytes]
Warm = tuple[np.ndarray, np.ndarray]  # bars, values


class Memory:
    """A ledger that is not kept on disk."""

    def __init__(self, known: list[AnyRecord], done_seq: int) -> None:
        self.known = known
        self.made: list[AnyRecord] = []
        self._done_seq = done_seq

    def events(self) -> list[AnyRecord]:
        return self.known

    def last_seq(self) -> int:
        return self._done_seq

    def note(self, records: Sequence[AnyRecord], last_seq: int) -> int:
        self.made.extend(records)
        return len(records)

    def sync(self) -> None:
        """It is not kept."""

    shorten = sync

    def go_back(self, seq: int) -> None:
        self._done_seq = min(self._done_seq, seq)


class Side:
    """One account through all lives. venue: who stands for the venue in a life, None if its words are in the journal and are
    heard. events: its ledger after the lives so far.
    """

    execute: Execute

    def __init__(self, venue: Callable[[Life], MakeVenue | None]) -> None:
        self.events: list[AnyRecord] = []
        self._venue_of = venue
        self._venue: MakeVenue | None = None
        self._memory = Memory([], 0)

    def begin(self, life: Life, instruments: Sequence[Instrument], warmed: Warm | None, basis: Basis) -> None:
        """warmed: bars and values from which the life's formulas were warmed up, if it went on from a state."""
        done_seq = life.begun.ledger_seq
        self._venue = self._venue_of(life)
        self._memory = Memory([event for event in self.events if event.seq <= done_seq], done_seq)
        names = sized_names(strategies_of(life.config))
        known, exits, itself = Registry(list(instruments)), exits_of(life.config), knowing_themselves(life.config)
        self.execute = Execute(
            life.config,
            names,
            self._memory,
            known,
            self._venue,
            basis=basis,
            exits=exits,
            itself=itself,
            legs=legs_of(life.config),
            quoting=quoting_of(life.config),
        )
        if warmed is not None:
            self.execute.warm(instruments, *warmed)

    def step(self, decided: Chunk) -> Chunk:
        """The chunk with what execute makes of it; the one that is given stays as it is."""
        records = decided.records
        if self._venue is not None:
            records = [record for record in records if not isinstance(record, Order | Fill | Balance)]
        chunk = Chunk(decided.first_seq, decided.last_seq, decided.known_ns, dict(decided.arrays), list(records))
        self.execute.step(chunk)
        self.execute.take_orders()
        self.execute.write(chunk)
        return chunk

    def end(self, until_seq: int) -> None:
        """until_seq: up to where the next life found the ledger."""
        self.events = self._memory.known + [event for event in self._memory.made if event.seq <= until_seq]


class Step(NamedTuple):
    """One chunk: what each side made of it. streamed, booked: after which seq and up to which its outputs are this life's in the
    stream log and in the ledger.
    """

    chunks: list[Chunk]
    streamed: tuple[int, int]
    booked: tuple[int, int]


def play(run: Run, sides: Sequence[Side]) -> Iterator[Step]:
    """Every chunk of every life; what a life went through again after a crash comes again. raises: NoParity, Damaged."""
    saved: dict[int, States] = {}
    wanted = {life.begun.from_seq for life in run.lives}
    for number, life in enumerate(run.lives):
        begun, following = life.begun, run.lives[number + 1].begun if number + 1 < len(run.lives) else run.end
        streamed = (begun.stream_seq, following.stream_seq)
        booked = (begun.ledger_seq, following.ledger_seq)
        playing = _Playing(run, life, saved)
        for side in sides:
            instruments = list(playing.collector.registry)
            side.begin(life, instruments, playing.warmed, basis_of(life.config, run.data_dir))
        for chunk in playing.chunks(following, wanted, saved):
            yield Step([side.step(chunk) for side in sides], streamed, booked)
        for side in sides:
            side.end(booked[1])


class _Playing:
    """The chain of one life up to decide."""

    def __init__(self, run: Run, life: Life, saved: dict[int, States]) -> None:
        from_seq = life.begun.from_seq
        states = saved.get(from_seq)
        if from_seq and states is None:
            raise NoParity(f"the journal of {run.data_dir} has no input {from_seq:,}, from which the run went on")
        self._data_dir = run.data_dir
        self._begun = life.begun
        self.collector = collector_of(life.config, replay=run.is_replay)
        if states is not None:
            self.collector.load(states["collect"])
        instruments = list(self.collector.registry)
        self._stages: list[Stage] = [
            stage_of(name, life.config, run.data_dir, Registry(instruments)) for name in CHAIN if name != "execute"
        ]
        self.warmed: Warm | None = None
        if states is not None:
            self.warmed = history(self._data_dir, self._begun.from_seq)
            self._restore(states, instruments, *self.warmed)

    def chunks(self, following: Begun, wanted: set[int], saved: dict[int, States]) -> Iterator[Chunk]:
        """What decide hands on. Chunks end where the run's did when it went on: others there would be made twice."""
        begun = self._begun
        cuts = wanted | {begun.stream_seq, begun.journal_seq, following.stream_seq}
        for record in read(self._data_dir / "journal", begun.from_seq):
            if record.seq > following.journal_seq:
                break
            yield from map(self._step, self.collector.feed(record))
            if record.seq in cuts:
                yield from map(self._step, self.collector.take())
                if record.seq in wanted and record.seq > begun.journal_seq:
                    saved[record.seq] = self._states()
            if record.seq % LOOK_EVERY == 0:
                self.collector.drop_outgoing()
                self.collector.take_lags()
        yield from map(self._step, self.collector.take())

    def _step(self, chunk: Chunk) -> Chunk:
        for stage in self._stages:
            chunk = stage.step(chunk)
        return chunk

    def _states(self) -> States:
        states = {stage.name: stage.save() for stage in self._stages if isinstance(stage, Kept)}
        return {**states, "collect": self.collector.save()}

    def _restore(self, states: States, instruments: list[Instrument], bars: np.ndarray, values: np.ndarray) -> None:
        for stage in self._stages:
            if isinstance(stage, Kept):
                stage.load(states[stage.name])
            if isinstance(stage, Warmed):
                stage.warm(instruments, bars, values)
