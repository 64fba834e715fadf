"""Read recordings as the inputs they once were.

In:  a file of recorded market data (JSON lines, gzip): long book recordings (exchange, channel, msg, ts_ns) or whole
     captured sessions
     (exchange, conn, dir, msg, ts, url); or the journal of a data dir.
Out: inputs in recorded order with their recorded receive times. A recording has no clock of its own: ticks are put in
     at every 100 ms of receive time.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import msgspec

from ninefold.journal import inputs
from ninefold.journal.inputs import Answer, ConnectionChange, Input, encode
from ninefold.journal.reader import read
from ninefold.journal.segment import segments
from ninefold.market.time import TICK_NS

SECONDS = 10**9


class Recorded(NamedTuple):
    """How recordings of a venue are read. purpose: of a recorded REST question, from its url.

    snapshot_url: what was asked for a depth snapshot whose recording does not say it; {} stands for the symbol.
    """

    venue: str
    purpose: Callable[[str], str]
    snapshot_url: str = ""


Venues = Mapping[str, Recorded]  # a recording's name of a venue to how it is read


class BadRecording(ValueError):
    """A file that is no recording we can read."""


class _Line(msgspec.Struct):
    exchange: str
    channel: str | None = None
    msg: str | None = None
    ts_ns: int | None = None
    ts: Decimal | None = None
    dir: str = "recv"
    conn: str = "0"
    url: str = ""


def open_source(source: Path, venues: Venues) -> Iterator[Input]:
    """Inputs of a recording (file) or of a journal (a data dir or its journal folder), oldest first.

    raises: BadRecording naming what was found and what can be read.
    """
    if not source.exists():
        raise BadRecording(f"there is no {source}; give a recording (.jsonl.gz) or a data dir that holds a journal")
    if source.is_dir():
        folder = source / "journal" if (source / "journal").is_dir() else source
        if not segments(folder):
            raise BadRecording(f"{source} holds no journal (no *.nfj segments)")
        return (Input(record.kind, record.connection, record.receive_ns, record.payload) for record in read(folder))
    return _ticked(_recorded(source, venues))


def venue_of(source: Path, venues: Venues) -> str:
    """The venue whose messages a recording or a journal holds. raises: BadRecording."""
    for one in open_source(source, venues):
        if one.kind == inputs.STARTED:
            return msgspec.msgpack.decode(one.payload, type=inputs.Run).venue
        if one.kind == inputs.ANSWER:
            return msgspec.msgpack.decode(one.payload, type=Answer).venue
        if one.kind == inputs.CONNECTION:
            return msgspec.msgpack.decode(one.payload, type=ConnectionChange).venue
    raise BadRecording(f"{source} is empty")


def _recorded(path: Path, venues: Venues) -> Iterator[Input]:
    connections: dict[str, int] = {}
    receive_ns = 0
    for number, line in _lines(path):
        if line.dir not in ("recv", "http") or line.msg is None:
            continue
        known_ns = (
            line.ts_ns if line.ts_ns is not None else int(line.ts * SECONDS) if line.ts is not None else receive_ns
        )
        if not known_ns:
            raise BadRecording(f"{path} line {number}: the first message carries no receive time (ts_ns or ts)")
        receive_ns = max(receive_ns, known_ns)
        venue = _venue(line.exchange, path, venues)
        if line.dir == "http" or line.channel == "rest_depth_snapshot":
            yield Input(inputs.ANSWER, 0, known_ns, encode(_answer(line, venue, path)))
            continue
        if line.conn not in connections:
            connections[line.conn] = len(connections) + 1
            change = ConnectionChange(venue.venue, "market", "open", f"recorded in {path.name}")
            yield Input(inputs.CONNECTION, connections[line.conn], known_ns, encode(change))
        yield Input(inputs.FRAME, connections[line.conn], known_ns, line.msg.encode())


def _ticked(recorded: Iterator[Input]) -> Iterator[Input]:
    """Put a tick of our clock before the first input at or after every 100 ms mark; the newest mark stands for a
    longer pause.
    """
    mark = 0
    for one in recorded:
        now = one.receive_ns // TICK_NS * TICK_NS
        if mark and now > mark:
            yield Input(inputs.TICK, 0, now, b"")
        mark = max(mark, now)
        yield one


def _answer(line: _Line, venue: Recorded, path: Path) -> Answer:
    body = (line.msg or "").encode()
    if line.channel == "rest_depth_snapshot":
        symbol = path.name.split("_")[2].upper()  # binance_spot_btcusdt_20240808.jsonl.gz
        return Answer(venue.venue, "depth", venue.snapshot_url.format(symbol), 200, body)
    return Answer(venue.venue, venue.purpose(line.url), line.url, 200, body)


def _lines(path: Path) -> Iterator[tuple[int, _Line]]:
    decoder = msgspec.json.Decoder(_Line)
    try:
        with gzip.open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield number, decoder.decode(line)
                except msgspec.DecodeError as error:
                    raise BadRecording(f"{path} line {number} is no line of a recording: {error}") from error
    except (gzip.BadGzipFile, EOFError) as error:
        raise BadRecording(f"{path} cannot be read as gzip ({error}); recordings are JSON lines, gzipped") from error


def _venue(exchange: str, path: Path, venues: Venues) -> Recorded:
    try:
        return venues[exchange]
    except KeyError:
        raise BadRecording(f"{path} was recorded from {exchange!r}; adapters exist for {', '.join(venues)}") from None
