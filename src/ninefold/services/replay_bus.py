"""The same replay with every stage in a process of its own, over a NATS server started for it.

In:  a source. Out: the same data dir, to the byte, as a replay in one process makes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import msgspec

from ninefold.bus.nats import NatsBus
from ninefold.bus.server import NatsServer
from ninefold.bus.status import CHAIN, Meter, Status
from ninefold.config import Strategies
from ninefold.journal.recordings import open_source
from ninefold.journal.writer import LogWriter
from ninefold.services.build import strategies_of
from ninefold.services.children import Child, ChildFailed, start
from ninefold.services.collect_alone import Publisher
from ninefold.services.intake import Intake
from ninefold.services.parsers import collector_of
from ninefold.services.replay import BATCH, DEFAULT_STRATEGIES, NotFresh, claim, config_of, finish
from ninefold.services.statuses import hear
from ninefold.services.summary import summary
from ninefold.store.data_dir import open_data_dir
from ninefold.store.read import Reader
from ninefold.venues.table import RECORDED

POLL_S = 0.1


async def replay_over_bus(
    source: Path,
    data_dir: Path,
    progress: Callable[[int], None] = lambda inputs: None,
    strategies: Strategies = DEFAULT_STRATEGIES,
) -> dict[str, object]:
    """Play it; returns the summary. raises: BadConfig, BadRecording, OtherSource, BusFailed, ChildFailed, NotFresh."""
    open_data_dir(data_dir)
    config = config_of(source, data_dir, strategies)
    strategies_of(config)
    said = claim(source, data_dir)
    if said.finished or (data_dir / "journal").exists():
        raise NotFresh(f"{data_dir} holds a replay already; a replay over a bus begins in an empty --data-dir")
    began = time.perf_counter()
    server = await NatsServer.start(data_dir / "nats")
    children: list[Child] = []
    newest: dict[str, Status] = {}
    try:
        config_file = data_dir / "running.json"
        config_file.write_bytes(msgspec.json.encode(config))
        bus = await NatsBus.connect(server.url, "ninefold replay")
        await bus.make("collect")
        await hear(bus, lambda statuses: newest.update({status.service: status for status in statuses}))
        for name in (*CHAIN, "record"):
            command = ["-m", "ninefold", "service", name, "--bus", server.url, "--config", str(config_file)]
            children.append(await start(name, command, data_dir / "logs"))
        meter, count, last_seq = await _play(source, data_dir, bus, progress)
        await _until_stored(data_dir, last_seq, children)
        await _until_told(newest, last_seq, children)
        newest["collect"] = meter.status(0)
        await bus.close()
    finally:
        for child in children:
            await child.stop()
        await server.stop()
    finish(data_dir, said)
    elapsed_s = round(time.perf_counter() - began, 3)
    return {**summary(newest), "source": str(source), "inputs": count, "elapsed_s": elapsed_s}


async def _play(source: Path, data_dir: Path, bus: NatsBus, progress: Callable[[int], None]) -> tuple[Meter, int, int]:
    """Journal and publish everything; returns the counts, how many inputs there were, and the last seq."""
    journal = LogWriter(data_dir / "journal")
    meter = Meter("collect", 0)
    publisher = Publisher(bus, 0)
    collector = collector_of(config_of(source, data_dir), replay=True)
    intake = Intake(journal, collector, publisher.put, meter)
    inputs = open_source(source, RECORDED)
    count = 0
    while taken := list(islice(inputs, BATCH)):
        for one in taken:
            intake.put(one.kind, one.connection, one.receive_ns, one.payload)
        intake.flush()
        collector.drop_outgoing()
        await publisher.publish()
        count += len(taken)
        progress(count)
    intake.tell_meter()
    journal.close()
    return meter, count, collector.last_seq


async def _until_stored(data_dir: Path, last_seq: int, children: list[Child]) -> None:
    while Reader(data_dir).position() < last_seq:
        _all_running(children)
        await asyncio.sleep(POLL_S)


async def _until_told(newest: dict[str, Status], last_seq: int, children: list[Child]) -> None:
    """Until the last stage said that it saw everything; the ones before it have then, and say so within a second."""
    while any(name not in newest or newest[name].last_seq < last_seq for name in CHAIN):
        _all_running(children)
        await asyncio.sleep(POLL_S)


def _all_running(children: list[Child]) -> None:
    for child in children:
        if child.process.returncode is not None:
            raise ChildFailed(child.last_words())
