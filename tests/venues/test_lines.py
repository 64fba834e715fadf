"""Lines: how what is wanted is split over websockets, and that what comes over one touches nothing of another."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import msgspec
import pytest

from ninefold.config import Config, Venue
from ninefold.journal import inputs
from ninefold.journal.inputs import Answer, ConnectionChange, encode
from ninefold.journal.segment import Record
from ninefold.market.chunk import Chunk
from ninefold.market.time import SECOND_NS
from ninefold.services.parsers import collector_of
from ninefold.venues.adapter import Adapter, Line
from ninefold.venues.collector import Collector
from ninefold.venues.table import VENUES

from . import readings
from .contract_lines import (
    lines_say_what_comes_over_them,
    lines_stay_as_they_are,
    no_line_exceeds_what_the_venue_gives,
    symbols_of,
    together_all_is_asked_for_once,
)
from .reading import Reading
from .speaking import SAMPLES

CHECKS = {
    "together all is asked for, once": together_all_is_asked_for_once,
    "lines say what comes over them": lines_say_what_comes_over_them,
    "no line exceeds what the venue gives": no_line_exceeds_what_the_venue_gives,
    "lines stay as they are": lines_stay_as_they_are,
}
NATIVE = [venue for venue in VENUES if venue != "ccxt"]
MANY = 200  # pairs
START_NS = 1_800_000_000 * SECOND_NS
SPLIT = {"binance", "binanceusdm", "binancecoinm", "bitfinex", "bybit", "bitget"}  # more pairs need more lines there


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
@pytest.mark.parametrize("venue", NATIVE)
def test_the_contract_of_lines_holds_for_one_pair_and_for_many(venue, check):
    entry = VENUES[venue]
    assert check(entry, venue, 1) >= 1
    assert check(entry, venue, MANY) >= 1


@pytest.mark.parametrize("venue", sorted(SPLIT))
def test_more_pairs_are_split_over_more_lines(venue):
    entry = VENUES[venue]
    few, many = (len(entry.lines(symbols_of(venue, entry, count), entry.streams)) for count in (6, 1_200))
    assert few < many == no_line_exceeds_what_the_venue_gives(entry, venue, 1_200)


def test_what_no_line_can_give_is_refused_with_what_to_do():
    with pytest.raises(ValueError, match="name fewer pairs or streams"):
        together_all_is_asked_for_once(VENUES["hyperliquid"], "hyperliquid", 300)


# faults of lines


def a_pair_is_forgotten(lines: list[Line]) -> list[Line]:
    return [*lines[:-1], replace(lines[-1], path="/", say=lines[-1].say[:-1])]


def a_line_is_said_twice(lines: list[Line]) -> list[Line]:
    return [*lines, replace(lines[0], name=f"market {len(lines) + 1}")]


def all_in_one(lines: list[Line]) -> list[Line]:
    say = tuple(word for line in lines for word in line.say)
    return [replace(lines[0], symbols=tuple(one for line in lines for one in line.symbols), say=say)]


def of_the_wrong_pairs(lines: list[Line]) -> list[Line]:
    return [replace(line, symbols=other.symbols) for line, other in zip(lines, [*lines[1:], lines[0]], strict=True)]


def backwards(lines: list[Line]) -> list[Line]:
    return lines[::-1]


def one_pair_more_moves_all(lines: list[Line]) -> list[Line]:
    symbols = [symbol for line in reversed(lines) for symbol in reversed(line.symbols)]
    return [replace(line, symbols=tuple(symbols.pop(0) for _ in line.symbols)) for line in lines]


FAULTS = [
    (a_pair_is_forgotten, together_all_is_asked_for_once),
    (a_line_is_said_twice, together_all_is_asked_for_once),
    (all_in_one, no_line_exceeds_what_the_venue_gives),
    (of_the_wrong_pairs, lines_say_what_comes_over_them),
    (backwards, lines_stay_as_they_are),
    (one_pair_more_moves_all, lines_stay_as_they_are),
]


@pytest.mark.parametrize(("fault", "check"), FAULTS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("venue", ["bitfinex", "bitget"])
def test_a_fault_of_lines_is_caught(venue, fault, check):
    entry = VENUES[venue]

    def lines(symbols: list[str], streams: tuple[str, ...]) -> tuple[Line, ...]:
        made = list(entry.lines(symbols, streams))
        return tuple(fault(made)) if len(symbols) > 1 else tuple(made)

    with pytest.raises(AssertionError):
        check(replace(entry, lines=lines), venue, MANY)


# what comes over a line


class Lines:
    """Two lines of a venue and the collector behind them; the samples may come over either."""

    def __init__(self, venue: str, make: type[Collector] = Collector) -> None:
        self.venue = venue
        self.reading: Reading = import_module(f"{readings.__name__}.{venue}").READING
        self.collector = collector_of(Config(venue=Venue(name=venue, pairs=())), replay=True)
        self.collector.__class__ = make
        self.seq = 0
        self.now_ns = START_NS

    def put(self, kind: int, connection: int, payload: bytes) -> list[Chunk]:
        self.seq += 1
        self.now_ns += 1_000_000
        chunks = self.collector.feed(Record(kind, connection, self.seq, self.now_ns, payload))
        return [*chunks, *self.collector.take()]

    def change(self, connection: int, state: str) -> list[Chunk]:
        name = "market" if connection == 1 else "market 2"
        change = ConnectionChange(self.venue, name, state, "", (), (), trades=False)
        return self.put(inputs.CONNECTION, connection, encode(change))

    def samples(self, connection: int) -> int:
        """Everything that the venue may say and answer, over one line; how much that was."""
        recorded, count = VENUES[self.venue].recorded[1], 0
        frames = [("", path.name) for path in sorted((SAMPLES / self.venue).glob("*.json"))]
        for url, file in self.reading.samples or frames:
            body = (SAMPLES / self.venue / file).read_bytes()
            if url:
                name = "market" if connection == 1 else "market 2"
                answer = Answer(self.venue, recorded.purpose(url), url, 200, body, name)
                self.put(inputs.ANSWER, 0, encode(answer))
            else:
                self.put(inputs.FRAME, connection, body)
            count += 1
        return count

    def state(self, connection: int) -> dict[str, object]:
        """Of a line's reader, without what all share: the instruments."""
        adapter = self.collector.adapters[self.venue if connection == 1 else f"{self.venue} 2"]
        own: dict[str, object] = msgspec.msgpack.decode(adapter.save(), strict=False)
        own.pop("instruments")
        return own

    def said(self, connection: int) -> list[bytes]:
        return self.collector.take_outgoing(self.venue if connection == 1 else f"{self.venue} 2")[1]


def what_comes_over_one_line_touches_nothing_of_another(venue: str, make: type[Collector] = Collector) -> int:
    lines = Lines(venue, make)
    lines.change(1, "open")
    lines.change(2, "open")
    count = lines.samples(1)
    for here, there in ((2, 1), (1, 2)):
        before = lines.state(there)
        lines.samples(here)
        lines.change(here, "lost")
        lines.change(here, "open")
        assert lines.state(there) == before, f"line {there} is not what it was before line {here} spoke"
    return count


def what_is_said_goes_out_on_the_line_that_asked(venue: str, make: type[Collector] = Collector) -> int:
    lines = Lines(venue, make)
    lines.change(1, "open")
    lines.change(2, "open")
    for connection in (1, 2):
        lines.said(connection)
    lines.samples(2)
    assert not lines.said(1), "line 1 answers what line 2 was asked"
    return len(lines.said(2))


class OneForAll(Collector):
    """One reader for all lines of a venue."""

    def _adapter(self, line: str) -> Adapter:
        first = super()._adapter(inputs.venue_of_line(line))
        if line not in self.adapters:
            self.adapters[line] = first
            self._clocks.add(line)
        return first


class ByTheFirst(Collector):
    """Whatever is to be said is said on the first line."""

    def take_outgoing(self, line: str):
        venue = inputs.venue_of_line(line)
        words = [word for of in sorted(self.adapters) for word in super(ByTheFirst, self).take_outgoing(of)[1]]
        return [], words if line == venue else []


@pytest.mark.parametrize("venue", NATIVE)
def test_what_comes_over_one_line_touches_nothing_of_another(venue):
    assert what_comes_over_one_line_touches_nothing_of_another(venue)


@pytest.mark.parametrize("venue", NATIVE)
def test_what_is_said_goes_out_on_the_line_that_asked(venue):
    said = what_is_said_goes_out_on_the_line_that_asked(venue)
    assert said or venue not in ("htx", "deribit")  # those ask whether we are there


def test_faults_of_readers_are_caught():
    for venue in ("binanceusdm", "bitfinex", "htx"):
        with pytest.raises(AssertionError):
            what_comes_over_one_line_touches_nothing_of_another(venue, OneForAll)
    for venue in ("htx", "deribit"):
        with pytest.raises(AssertionError):
            what_is_said_goes_out_on_the_line_that_asked(venue, ByTheFirst)
