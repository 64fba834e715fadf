"""What every venue's adapter must make of single messages: its samples, samples with other numbers, broken ones. Each
check raises AssertionError where one does not.

In:  the venue's table entry, its reading, its files below tests/samples.
Out: how many cases there were: with none, the check has proven nothing.
"""

from __future__ import annotations

import json
import re
from copy import deepcopy
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple

import msgspec
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ninefold.journal import inputs
from ninefold.journal.inputs import Answer, ConnectionChange, Input, encode
from ninefold.market.records import Malformed
from ninefold.venues.entry import VenueEntry

from .contract import Where, quiet, same
from .hearing import Heard, Listener, read
from .reading import Best, Deal, Level, Reader, Reading, Told

SAMPLES = Path(__file__).parent.parent / "samples"
RECEIVED_NS = 1_800_000_000_000_000_000
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null')
EXAMPLES, THOROUGH_EXAMPLES = 25, 600
EACH = 4  # of the texts, which take turns at the places of a message; thorough: all at each


def same_every_time(thorough: bool) -> settings:
    """A planted fault is caught each time or never; no shrinking, messages are small."""
    return settings(
        max_examples=THOROUGH_EXAMPLES if thorough else EXAMPLES,
        phases=(Phase.generate,),
        deadline=None,
        database=None,
        derandomize=True,
        report_multiple_bugs=False,
    )


wholes = st.integers(0, 9_999) | st.integers(0, 10**14)
fractions = st.text("0123456789", min_size=1, max_size=5) | st.text("0123456789", min_size=1, max_size=20)
NUMBERS = st.builds(lambda whole, fraction: f"{whole}.{fraction}", wholes, fractions) | wholes.map(str)
NO_FLOAT = str(2**53 + 1)
EXACT = (
    *(f"{NO_FLOAT[:place]}.{NO_FLOAT[place:]}" for place in range(1, 16)),
    str(2**63 - 1),
    str(2**63),
    "1e5",
    "1E-3",
)
NAMED = (
    "NaN",
    "sNaN",
    "Infinity",
    "0x10",
    "1_000",
    "\uff11\uff12",
    "\u0663.\u0665",
)  # the last in digits of other scripts
POINTED = ("", " 1", "1 ", "+1", "-1", "-0", "1e400", "1,5", ".5", "5.", "1.2.3", "--1", "-", ".", "00.10")
DEEP = {"deep": "[" * 100_000, "deep and closed": "[" * 100_000 + "]" * 100_000, "deep names": '{"a":' * 100_000}
HUGE = ("9" * 19, "9" * 400, "-1", "1e400", "-0.0", "9223372036854775808", "18446744073709551616")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.decimals().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
).map(json.dumps)
# Which token by what; from where on how many bytes by which.
REPLACED = st.tuples(st.integers(0, 99), VALUES | st.sampled_from(HUGE + tuple(DEEP)))
GARBLED = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 3), st.binary(max_size=3)))


def samples_are_told(entry: VenueEntry, reading: Reading, thorough: bool = False) -> int:
    """The venue's samples, one after another, are told as the naive reading tells them; also after a restart."""
    samples = samples_of(entry, reading)
    for sample in samples:
        for wanted in (None, wanted_of(samples)):
            listener, reader = after(entry, reading, wanted, sample)
            restarted, _ = after(entry, reading, wanted, sample)
            restarted.restart()
            heard = listener.hear(sample.one)
            same(heard, read(reader, sample.one), reading, Where(0, sample.one))
            quiet(heard, Where(0, sample.one), (Malformed,))
            assert restarted.hear(sample.one) == heard, f"restarted, {Where(0, sample.one)} is told otherwise"
    return sum(len(sample.told) for sample in samples)


def every_digit_is_kept(entry: VenueEntry, reading: Reading, thorough: bool = False) -> int:
    """A price or size of a sample written in another way comes out as the same decimal, or the message is malformed."""
    samples = samples_of(entry, reading)
    begun = Begun(entry, reading, samples)
    places = [(sample, match) for sample in samples for match in numbers_of(sample)]

    def put(sample: Sample, match: re.Match[str], text: str) -> None:
        one = sample.put(match, json.dumps(text) if match[0].startswith('"') else text)
        listener, reader = begun(sample)
        if heard := accepted(listener, one):
            same(heard, told_if_any(reader, one), reading, Where(0, one))

    for number, (sample, match) in enumerate(places):
        texts = EXACT + NAMED + POINTED if match[0].startswith('"') else EXACT
        for text in texts if thorough else texts[number % EACH :: EACH]:
            put(sample, match, text)

    @same_every_time(thorough)
    @given(place=st.sampled_from(places), text=NUMBERS)
    def check(place: tuple[Sample, re.Match[str]], text: str) -> None:
        put(*place, text)

    check()
    return len(places)


def nothing_breaks_it(entry: VenueEntry, reading: Reading, thorough: bool = False) -> int:
    """Whatever a frame or an answer holds, nothing is raised and rows fit their layouts. A frame that cannot be read is
    one Malformed record, changes nothing else, and what comes after it is read.
    """
    samples = samples_of(entry, reading)
    begun = Begun(entry, reading, samples)

    @same_every_time(thorough)
    @given(sample=st.sampled_from(samples), change=REPLACED | GARBLED)
    def check(sample: Sample, change: tuple[int, str] | list[tuple[int, int, bytes]]) -> None:
        one = garbled(sample.one, change) if isinstance(change, list) else replaced(sample, *change)
        listener, reader = begun(sample)
        if accepted(listener, one) is None and one.kind == inputs.FRAME:
            same(listener.hear(sample.one), read(reader, sample.one), reading, Where(0, one))

    check()
    return len(samples)


class Sample(NamedTuple):
    """One message of the venue's samples, those that come before it, and what it tells after them."""

    one: Input
    before: list[Input]
    told: list[Told]

    def text(self) -> str:
        return body_of(self.one).decode()

    def put(self, match: re.Match[str], token: str) -> Input:
        return with_body(self.one, f"{match.string[: match.start()]}{token}{match.string[match.end() :]}".encode())


def samples_of(entry: VenueEntry, reading: Reading) -> list[Sample]:
    folder = SAMPLES / reading.venue
    named = reading.samples or [("", path.name) for path in sorted(folder.glob("*.json"))]
    change = ConnectionChange(reading.venue, "market", "open")
    session = [Input(inputs.CONNECTION, 1, RECEIVED_NS, encode(change))]
    reader, found = reading.begin(), []
    for url, name in named:
        one = message(entry, url, (folder / name).read_text().strip())
        found.append(Sample(one, list(session), read(reader, one)))
        session.append(one)
    return found


def wanted_of(samples: list[Sample]) -> frozenset[str]:
    """The symbols that the samples are of."""
    return frozenset(told.symbol for sample in samples for told in sample.told)


def after(
    entry: VenueEntry, reading: Reading, wanted: frozenset[str] | None, sample: Sample
) -> tuple[Listener, Reader]:
    """Both ways of reading, to which everything before a sample was given."""
    listener, reader = Listener(entry, wanted), reading.begin()
    for one in sample.before:
        listener.hear(one)
        read(reader, one)
    return listener, reader


class Begun:
    """`after` again and again for the same samples: what came before one is given once, and kept as an adapter saves it."""

    def __init__(self, entry: VenueEntry, reading: Reading, samples: list[Sample]) -> None:
        self._entry, self._reading, self._wanted = entry, reading, wanted_of(samples)
        self._saved: dict[int, tuple[bytes, int, Reader]] = {}  # by how much came before

    def __call__(self, sample: Sample) -> tuple[Listener, Reader]:
        if len(sample.before) not in self._saved:
            listener, reader = after(self._entry, self._reading, self._wanted, sample)
            self._saved[len(sample.before)] = listener.adapter.save(), listener.seq, reader
        state, seq, reader = self._saved[len(sample.before)]
        listener = Listener(self._entry, self._wanted)
        listener.adapter.load(state)
        listener.seq = seq
        return listener, deepcopy(reader)


def message(entry: VenueEntry, url: str, text: str) -> Input:
    """A frame, or the answer to a url."""
    if not url:
        return Input(inputs.FRAME, 1, RECEIVED_NS, text.encode())
    recorded = entry.recorded[1]
    return Input(
        inputs.ANSWER, 0, RECEIVED_NS, encode(Answer(recorded.venue, recorded.purpose(url), url, 200, text.encode()))
    )


def body_of(one: Input) -> bytes:
    return msgspec.msgpack.decode(one.payload, type=Answer).body if one.kind == inputs.ANSWER else one.payload


def with_body(one: Input, body: bytes) -> Input:
    if one.kind == inputs.ANSWER:
        answer = msgspec.msgpack.decode(one.payload, type=Answer)
        body = encode(msgspec.structs.replace(answer, body=body))
    return msgspec.structs.replace(one, payload=body)


def numbers_of(sample: Sample) -> list[re.Match[str]]:
    """Where in a sample its prices and sizes stand (and what happens to be equal to one)."""
    told: set[Decimal] = set()
    for one in sample.told:
        told |= {*one[2:4]} if isinstance(one, Deal | Level) else {*one[1:]} if isinstance(one, Best) else set()
    return [match for match in TOKEN.finditer(sample.text()) if decimal(match[0].strip('"')) in told]


def decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def told_if_any(reader: Reader, one: Input) -> list[Told]:
    """Nothing if it cannot be read: then the adapter must not make anything of it either."""
    try:
        found = read(reader, one)
    except (LookupError, ValueError, TypeError, ArithmeticError):
        return []
    unknown = any(isinstance(value, Decimal) and not value.is_finite() for told in found for value in told)
    return [] if unknown else found


def accepted(listener: Listener, one: Input) -> Heard | None:
    """What is made of an input; None if it is told as malformed. Then a frame must have changed nothing else."""
    state = listener.adapter.save()
    heard = listener.hear(one)
    if not any(isinstance(record, Malformed) for record in heard.records):
        return heard
    if one.kind == inputs.FRAME:
        assert len(heard.records) == 1, f"{Where(0, one)}: {heard.records}"
        assert not any(heard._replace(records=[])), f"{Where(0, one)}: malformed, and yet {heard}"
        assert listener.adapter.save() == state, f"{Where(0, one)}: malformed, and yet the state changed"
    return None


def replaced(sample: Sample, which: int, token: str) -> Input:
    """With a name or value replaced."""
    tokens = list(TOKEN.finditer(sample.text()))
    return sample.put(tokens[which % len(tokens)], DEEP.get(token, token))


def garbled(one: Input, edits: list[tuple[int, int, bytes]]) -> Input:
    """With some bytes left out, changed or put in; or, after an even number of edits, cut where the first one was."""
    raw = bytearray(body_of(one))
    for at, count, new in edits:
        at %= len(raw) + 1
        raw[at : at + count] = new
    return with_body(one, bytes(raw if len(edits) % 2 else raw[: edits[0][0] if edits else 0]))
