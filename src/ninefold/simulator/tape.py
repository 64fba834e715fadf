"""A recording, read as a whole: its frames in order of time, its snapshots, what it trades.

In:  files of recordings, gzip, one JSON object a line: `orderbook/binance_spot_*` (exchange, channel, msg, ts_ns) and
     `raw/cryptofeed/BINANCE_*` (exchange, dir, msg, ts, url).
Out: `Tape`; `msg` stays the text that was received. raises: BadTape for anything else.
"""

import gzip
import math
import re
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from ninefold.simulator.instruments import KNOWN_STEPS, Instrument, from_steps
from ninefold.simulator.texts import E8, e8_of

EXCHANGES = ("binance-spot", "BINANCE")
SNAPSHOT_SYMBOL = re.compile(r"/depth\?symbol=([A-Z0-9]+)")
FORMS = "orderbook/binance_spot_*.jsonl.gz and raw/cryptofeed/BINANCE_<date>.jsonl.gz of Binance spot"


class BadTape(Exception):
    """The file is not a recording that can be played."""


class Line(msgspec.Struct):
    exchange: str
    msg: str | None = None
    channel: str | None = None
    ts_ns: int | None = None
    ts: float | None = None
    dir: str = "recv"
    url: str = ""


class Wrapped(msgspec.Struct):
    stream: str
    data: msgspec.Raw


class Depth(msgspec.Struct):
    """A REST depth snapshot."""

    last_id: int = msgspec.field(name="lastUpdateId")
    bids: list[tuple[str, str]] = msgspec.field(name="bids")
    asks: list[tuple[str, str]] = msgspec.field(name="asks")


class Diff(msgspec.Struct):
    """A depthUpdate."""

    first_id: int = msgspec.field(name="U")
    last_id: int = msgspec.field(name="u")
    bids: list[tuple[str, str]] = msgspec.field(name="b")
    asks: list[tuple[str, str]] = msgspec.field(name="a")


class Deal(msgspec.Struct):
    """A trade ("t") or an aggregate ("a", "f", "l")."""

    price: str = msgspec.field(name="p")
    size: str = msgspec.field(name="q")
    time_ms: int = msgspec.field(name="T")
    buyer_is_maker: bool = msgspec.field(name="m")
    trade_id: int | None = msgspec.field(name="t", default=None)
    agg_id: int | None = msgspec.field(name="a", default=None)
    first_id: int | None = msgspec.field(name="f", default=None)
    last_id: int | None = msgspec.field(name="l", default=None)


class Frame(NamedTuple):
    """A recorded stream message. at_ns: when it was received; payload: its data, as text received."""

    at_ns: int
    stream: str
    payload: bytes

    @property
    def kind(self) -> str:
        return self.stream.partition("@")[2]

    @property
    def symbol(self) -> str:
        return self.stream.partition("@")[0].upper()


class Tape(NamedTuple):
    """fingerprint: names the files, so that a data directory is not mixed with another tape."""

    fingerprint: str
    frames: list[Frame]
    snapshots: dict[str, Depth]
    instruments: list[Instrument]
    streams: list[str]


def read_tape(paths: Iterable[Path]) -> Tape:
    """Read and merge recordings by receive time. raises: BadTape."""
    frames: list[Frame] = []
    snapshots: dict[str, Depth] = {}
    names = []
    for path in paths:
        names.append(f"{path.name}:{checksum(path):08x}")
        more, found = read_file(path)
        frames += more
        for symbol, snapshot in found.items():
            snapshots.setdefault(symbol, snapshot)
    frames.sort(key=lambda frame: frame.at_ns)
    symbols = dict.fromkeys(frame.symbol for frame in frames)
    instruments = [instrument_of(symbol, frames, snapshots.get(symbol)) for symbol in symbols]
    streams = list(dict.fromkeys(frame.kind for frame in frames))
    return Tape("tape " + " ".join(names), frames, snapshots, instruments, streams)


def checksum(path: Path) -> int:
    try:
        return zlib.crc32(path.read_bytes())
    except OSError as error:
        raise BadTape(f"tape: {path} cannot be read ({error.strerror}).") from None


def read_file(path: Path) -> tuple[list[Frame], dict[str, Depth]]:
    """Frames and first snapshots of one recording."""
    frames: list[Frame] = []
    loose: list[Depth] = []  # snapshots that do not name their symbol
    snapshots: dict[str, Depth] = {}
    decoder, wrapped = msgspec.json.Decoder(Line), msgspec.json.Decoder(Wrapped)
    try:
        with gzip.open(path, "rb") as file:
            for number, text in enumerate(file, 1):
                line = decoder.decode(text)
                if line.exchange not in EXCHANGES:
                    raise BadTape(f"tape: {path}, line {number} is of {line.exchange!r}; playable are {FORMS}.")
                if line.msg is None:
                    continue
                asked = SNAPSHOT_SYMBOL.search(line.url)
                if line.channel == "rest_depth_snapshot":
                    loose.append(msgspec.json.decode(line.msg, type=Depth))
                elif line.dir == "http" and asked:
                    snapshots.setdefault(asked[1], msgspec.json.decode(line.msg, type=Depth))
                elif line.dir == "recv" and line.msg.startswith('{"stream":'):
                    message = wrapped.decode(line.msg)
                    at_ns = line.ts_ns or round((line.ts or 0.0) * 1e9)
                    frames.append(Frame(at_ns, message.stream, bytes(message.data)))
    except (msgspec.DecodeError, OSError, EOFError) as error:
        raise BadTape(f"tape: {path} is not a recording ({error}); playable are {FORMS}.") from None
    if not frames:
        raise BadTape(f"tape: {path} holds no stream messages; playable are {FORMS}.")
    for snapshot in loose:
        snapshots.setdefault(frames[0].symbol, snapshot)
    return frames, snapshots


def instrument_of(symbol: str, frames: list[Frame], snapshot: Depth | None) -> Instrument:
    """Steps from the table, else the finest digits seen."""
    if symbol in KNOWN_STEPS:
        return from_steps(symbol, *KNOWN_STEPS[symbol])
    prices, sizes = [E8], [E8]
    for row in [*(snapshot.bids + snapshot.asks if snapshot else [])]:
        prices.append(e8_of(row[0]))
        sizes.append(e8_of(row[1]))
    for frame in frames:
        if frame.symbol == symbol and frame.kind.startswith("depth"):
            diff = msgspec.json.decode(frame.payload, type=Diff)
            prices += [e8_of(row[0]) for row in diff.bids + diff.asks]
            sizes += [e8_of(row[1]) for row in diff.bids + diff.asks]
        elif frame.symbol == symbol and frame.kind in ("trade", "aggTrade"):
            deal = msgspec.json.decode(frame.payload, type=Deal)
            prices.append(e8_of(deal.price))
            sizes.append(e8_of(deal.size))
    return from_steps(symbol, step_of(prices), step_of(sizes))


def step_of(values: list[int]) -> int:
    """The power of ten, in 1e-8, that divides all values."""
    common = math.gcd(*values)
    step = 1
    while common % (step * 10) == 0:
        step *= 10
    return step
