"""What may be fed any bytes: the parsers of every venue, the journal, and what else reads text from outside; past.py has
what venues tell of the past and the files of other programs, short_ways.py the compiled loops.

In:  bytes. Out: nothing; a target raises where the bytes did what no bytes may: an error that is not one of the stated
ones, a row that fits no layout, a malformed frame that changed something.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

import msgspec

from ninefold.config import BadConfig
from ninefold.config import parse as parse_config
from ninefold.formula import FormulaError
from ninefold.formula import parse as parse_formula
from ninefold.journal import inputs
from ninefold.journal.inputs import ConnectionChange, Headlines, Input, encode
from ninefold.journal.letgo import LetGo
from ninefold.journal.reader import Follower, read
from ninefold.journal.segment import Damaged, WrongVersion, header, pack, path_of
from ninefold.journal.walk import Log, inputs_of
from ninefold.journal.writer import LogWriter
from ninefold.market.chunk import WrongLayout, decode
from ninefold.services import headlines_told
from ninefold.venues.table import VENUES
from tests.fuzz import past, short_ways
from tests.venues.contract_messages import accepted, body_of, samples_of, with_body
from tests.venues.hearing import Listener
from tests.venues.test_contract import reading_of

Target = Callable[[bytes], None]
DAMAGE = (Damaged, WrongVersion, LetGo)  # what a log that is broken may raise


def targets() -> dict[str, tuple[Target, list[bytes]]]:
    """Name to what is fed and what to begin with."""
    made: dict[str, tuple[Target, list[bytes]]] = {}
    for venue in VENUES:
        reading = reading_of(venue)
        begin = Listener(VENUES[venue])
        samples = samples_of(VENUES[venue], reading)
        for sample in samples:
            begin.hear(sample.one)
        state, seq = begin.adapter.save(), begin.seq
        for kind in (inputs.FRAME, inputs.ANSWER):
            name = f"{venue} {'frames' if kind == inputs.FRAME else 'answers'}"
            ones = [sample.one for sample in samples if sample.one.kind == kind]
            if ones:
                made[name] = (
                    _venue(venue, state, seq, ones),
                    [bytes([n]) + body_of(one) for n, one in enumerate(ones)],
                )
    made["journal"] = (_journal, [_segment()[:-1], _segment()])
    made["journal writer"] = (_reopened, [_segment()[:-1], _segment()])
    made["chunks"] = (_allowing(decode, msgspec.DecodeError, WrongLayout, ValueError), [b"\x96"])
    made["formulas"] = (_text(parse_formula, FormulaError), [b"sma(close, 10) > 2 * sma(close, 30)"])
    made["config"] = (_text(parse_config, BadConfig), [b'[venue]\nname = "kraken"\npairs = ["BTC/USD"]'])
    for form, sample in (("rss", RSS), ("lines", LINES), ("fear_greed", INDEX)):
        made[form] = (_headlines(form), [sample])
    return made | past.targets() | short_ways.targets()


RSS = b"<rss><channel><item><title>Up</title><pubDate>Sat, 31 Jan 2026 12:00:00 GMT</pubDate></item></channel></rss>"
LINES = b'{"published": "2026-01-31T12:00:00Z", "title": "Up", "url": "https://news.example.com/3"}\n'
INDEX = b"date,value,value_classification\n2026-01-30,70,Greed\n"


def _venue(venue: str, state: bytes, seq: int, ones: list[Input]) -> Target:
    """The first byte says which sample's url an answer has; the rest is the body."""

    def feed(data: bytes) -> None:
        if data:
            listener = Listener(VENUES[venue])
            listener.adapter.load(state)
            listener.seq = seq
            accepted(listener, with_body(ones[data[0] % len(ones)], data[1:]))

    return feed


def _allowing(parse: Callable[[bytes], object], *errors: type[Exception]) -> Target:
    def feed(data: bytes) -> None:
        with contextlib.suppress(errors):
            parse(data)

    return feed


def _text(parse: Callable[[str], object], error: type[Exception]) -> Target:
    return _allowing(lambda data: parse(data.decode("utf-8", "replace")), error)


def _headlines(form: str) -> Target:
    def parse(data: bytes) -> object:
        return headlines_told.parse(Headlines("worked example", form, data), 1, 1)

    return _allowing(parse, ValueError)  # what `collect` tells as malformed


def _segment() -> bytes:
    change = encode(ConnectionChange("binance", "market", "open"))
    return header(1) + pack(inputs.CONNECTION, 1, 1, 5, change) + pack(inputs.FRAME, 1, 2, 6, b"{}")


def _journal(data: bytes) -> None:
    """Whatever stands in a segment, as the last one and as a closed one."""
    folder = Path(mkdtemp(prefix="ninefold-fuzz-"))
    try:
        path_of(folder, 1).write_bytes(data)
        for closed in (False, True):
            if closed:
                path_of(folder, 1_000).write_bytes(header(2))
            for reader in (
                lambda: list(read(folder)),
                Follower(folder).poll,
                lambda: list(inputs_of(Log(folder), lambda done, all: None)),
            ):
                with contextlib.suppress(DAMAGE):
                    reader()
    finally:
        shutil.rmtree(folder)


def _reopened(data: bytes) -> None:
    """A writer opens what was left, goes on behind it, and both can be read."""
    folder = Path(mkdtemp(prefix="ninefold-fuzz-"))
    try:
        path_of(folder, 1).write_bytes(data)
        try:
            writer = LogWriter(folder)
        except DAMAGE:
            return
        last_seq = writer.last_seq
        if last_seq < 2**62:
            writer.append(inputs.FRAME, 1, last_seq + 1, 7, b"{}")
            writer.flush()
        writer.close()
        try:
            found = [record.seq for record in read(folder)]
        except DAMAGE:
            return
        if last_seq < 2**62 and (not found or found[-1] != last_seq + 1):
            raise AssertionError(f"written behind {last_seq}, and read were {found[-3:]}")
    finally:
        shutil.rmtree(folder)
