"""Play a journal or a recording through the whole chain, as fast as it goes, into a data dir of its own.

In:  a source of inputs with their recorded receive times.
Out: journal, stream log, tables and ledger, as if it had been live and on paper. The same input gives the same bytes,
     wherever it is cut.
An interrupted replay goes on where its journal ends; a finished one is not played again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from itertools import islice
from pathlib import Path

import msgspec

from ninefold.backtest.models import LatencyModel
from ninefold.backtest.paper import PaperVenue
from ninefold.bus.status import CHAIN, Meter
from ninefold.config import Account, Config, Strategies, Venue
from ninefold.journal.content import bytes_of
from ninefold.journal.inputs import Begun, Input
from ninefold.journal.reader import read
from ninefold.journal.recordings import open_source, venue_of
from ninefold.journal.writer import LogWriter
from ninefold.market.chunk import Chunk, decode
from ninefold.market.instruments import Registry
from ninefold.services.build import stage_of
from ninefold.services.chain import Chain
from ninefold.services.execute import Execute
from ninefold.services.identity import encode_identity, identity_of
from ninefold.services.intake import Intake
from ninefold.services.parsers import collector_of
from ninefold.services.stage import TimedStage
from ninefold.services.stopped import say
from ninefold.services.summary import summary
from ninefold.store.data_dir import open_data_dir
from ninefold.store.tables import Tables
from ninefold.venues.table import RECORDED

BATCH = 256  # inputs put through the door at once; results do not depend on it
DEFAULT_STRATEGIES = Strategies()
STORE_ROWS = 200_000  # rows a commit


class OtherSource(ValueError):
    """A data dir that already holds something else."""


class NotFresh(ValueError):
    """A data dir in which a replay over a bus was begun before."""


class Source(msgspec.Struct):
    """begun: each time it was begun or went on; empty if a version did it that did not note it."""

    name: str
    identity: str
    finished: bool = False
    begun: list[Begun] = []


def replay(
    source: Path,
    data_dir: Path,
    batch: int | Callable[[], int] = BATCH,
    progress: Callable[[int], None] = lambda inputs: None,
    latency: LatencyModel | None = None,
    strategies: Strategies = DEFAULT_STRATEGIES,
) -> dict[str, object]:
    """Play it; returns the summary. batch: how many inputs at once, a number or a function that gives the next one.
    latency: of the paper account, if not as usual.

    raises: BadRecording, OtherSource, BadConfig for strategies that are not there.
    """
    open_data_dir(data_dir)
    said = claim(source, data_dir)
    started = time.perf_counter()
    player = _Player(config_of(source, data_dir, strategies), latency or LatencyModel())
    said.begun.append(player.begun)
    _write(data_dir, said)
    count = player.catch_up()
    if not said.finished:
        waiting = islice(open_source(source, RECORDED), count, None)
        while taken := list(islice(waiting, batch if isinstance(batch, int) else batch())):
            count += len(taken)
            player.play(taken)
            progress(count)
    player.close()
    finish(data_dir, said)
    elapsed_s = time.perf_counter() - started
    return {**player.summary(), "source": str(source), "inputs": count, "elapsed_s": round(elapsed_s, 3)}


def config_of(source: Path, data_dir: Path, strategies: Strategies = DEFAULT_STRATEGIES) -> Config:
    """What a replay of a source runs with: defaults, on paper. raises: BadRecording."""
    venue = Venue(name=venue_of(source, RECORDED))
    paper = Account(orders="paper")
    return Config(data_dir=str(data_dir), mode="replay", venue=venue, account=paper, strategies=strategies)


class _Player:
    def __init__(self, config: Config, latency: LatencyModel) -> None:
        self._data_dir = data_dir = Path(config.data_dir)
        with ExitStack() as opened:  # a start that is refused leaves nothing open
            self._journal = opened.enter_context(closing(LogWriter(data_dir / "journal")))
            self._stream = opened.enter_context(closing(LogWriter(data_dir / "stream")))
            self.collector = collector_of(config, replay=True)
            paper = partial(PaperVenue, latency=latency)
            made = [stage_of(name, config, data_dir, Registry(), paper) for name in CHAIN]
            self._execute = next(stage for stage in made if isinstance(stage, Execute))
            self._stages = [TimedStage(stage, Meter(stage.name, 0), None) for stage in made]
            self._meter = Meter("collect", 0)
            self._chain = Chain(self._stages, self._stream, self._after)
            self._intake = Intake(self._journal, self.collector, self._chain.hand_on, self._meter)
            self._tables = Tables(data_dir)
            self._chunks: list[Chunk] = []
            self._rows = 0
            identity = encode_identity(identity_of(config, data_dir, latency))
            self.begun = Begun(self._journal.last_seq, 0, self._execute.ledger_seq, self._stream.last_seq, identity)
            self._logs = opened.pop_all()

    def catch_up(self) -> int:
        """Store what the stream log has, then feed again what the journal has; returns how many inputs that is.

        The tables take from the stream log what it has: made again, a chunk that the ledger has already would come
        without its account records.
        """
        for record in read(self._data_dir / "stream", max(self._tables.position() - 1, 0)):
            self._keep(decode(record.payload))
        self._store()
        records = list(read(self._data_dir / "journal"))
        self._intake.feed(records)
        return len(records)

    def play(self, inputs: list[Input]) -> None:
        for one in inputs:
            self._intake.put(one.kind, one.connection, one.receive_ns, one.payload)
        self._intake.flush()
        self.collector.drop_outgoing()

    def close(self) -> None:
        self._store()
        self._tables.close()
        self._logs.close()

    def summary(self) -> dict[str, object]:
        self._intake.tell_meter()
        self._execute.gauge(self._stages[-1].meter)
        statuses = {meter.service: meter.status(0) for meter in (self._meter, *(stage.meter for stage in self._stages))}
        offsets = {str(number): offset.median_ns for number, offset in self.collector.offsets().items()}
        return {**summary(statuses), "clock_offset_ns": offsets}

    def _after(self, chunk: Chunk) -> None:
        self._execute.write(chunk)
        say(chunk)
        self._keep(chunk)

    def _keep(self, chunk: Chunk) -> None:
        self._chunks.append(chunk)
        self._rows += sum(len(rows) for rows in chunk.arrays.values())
        if self._rows >= STORE_ROWS:
            self._store()

    def _store(self) -> None:
        self._tables.write(self._chunks)
        self._chunks, self._rows = [], 0


def claim(source: Path, data_dir: Path) -> Source:
    """Note which source this data dir is of. raises: OtherSource."""
    path = data_dir / "source.json"
    mine = Source(source.name, _identity(source))
    if not path.exists():
        if any((data_dir / "journal").glob("*")):
            raise OtherSource(f"{data_dir} already holds the data of a live run; replay into an empty --data-dir")
        _write(data_dir, mine)
        return mine
    held = msgspec.json.decode(path.read_bytes(), type=Source)
    if held.identity != mine.identity:
        raise OtherSource(
            f"{data_dir} already holds a replay of {held.name}, this is {source.name}; replay into an empty --data-dir"
        )
    return held


def finish(data_dir: Path, said: Source) -> None:
    """Note that everything of the source is here."""
    said.finished = True
    _write(data_dir, said)


def _write(data_dir: Path, said: Source) -> None:
    temporary = data_dir / ".source.json.new"
    temporary.write_bytes(msgspec.json.encode(said))
    temporary.replace(data_dir / "source.json")


def _identity(source: Path) -> str:
    """What tells a source from others: the hash of a recording, or of all segments of a journal."""
    digest = hashlib.sha256()
    for path in _files(source):
        for part in bytes_of(path):  # the same before and after a segment was compressed
            digest.update(part)
    return digest.hexdigest()


def _files(source: Path) -> Iterator[Path]:
    if source.is_dir():
        yield from sorted((source / "journal" if (source / "journal").is_dir() else source).glob("*.nfj"))
    elif source.exists():
        yield source
