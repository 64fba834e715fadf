"""What the journal holds: the kinds of input records and their payloads. Everything from outside is one of these
before anything acts on it.
"""

from __future__ import annotations

import msgspec

FRAME = 1  # a websocket frame exactly as received
ANSWER = 2  # a REST answer: Answer
TICK = 3  # our clock, every 100 ms; no payload
CONNECTION = 4  # a connection opened or was lost: ConnectionChange
HEADLINES = 5  # what a source of headlines gave: Headlines
COMMAND = 6  # halt, flatten, resume, an order by hand: Command
ACCOUNT = 7  # what the venue says about our account: AccountEvent
STARTED = 8  # the pipeline (re)started: Run

CHUNK = 16  # stream log: a finished chunk

MARKET = "market"  # the first websocket of a venue's public data; others are "market 2" and so on


class Answer(msgspec.Struct, array_like=True, gc=False):
    """purpose: what was asked for ("depth", "exchangeInfo", "trades"); url as asked; status 0 if no answer came. name: of the
    connection whose reader asked.
    """

    venue: str
    purpose: str
    url: str
    status: int
    body: bytes
    name: str = MARKET


class ConnectionChange(msgspec.Struct, array_like=True, gc=False):
    """state: "open", "lost" or "silent"; number is the record's connection.

    symbols, streams: what comes over it, as the venue writes it; None: all that is wanted, over the only one there is.
    trades: whether trades do.
    """

    venue: str
    name: str
    state: str
    reason: str = ""
    symbols: tuple[str, ...] | None = None
    streams: tuple[str, ...] | None = None
    trades: bool = True

    @property
    def is_market(self) -> bool:
        return self.name.partition(" ")[0] == MARKET

    @property
    def line(self) -> str:
        return line_of(self.venue, self.name)


class Headlines(msgspec.Struct, array_like=True, gc=False):
    source: str
    form: str  # "rss" | "lines" | "fear_greed"
    body: bytes


class Command(msgspec.Struct, array_like=True, gc=False):
    """body: of an order or a cancel what is asked for, the fields of Asked or CancelAsked as JSON."""

    name: str  # "halt" | "flatten" | "resume" | "order" | "cancel"
    by: str
    reason: str = ""
    instrument: str = ""  # to be sold out, by its name; empty: all
    body: str = ""


class AccountEvent(msgspec.Struct, array_like=True, gc=False):
    venue: str
    kind: str
    body: bytes


class Begun(msgspec.Struct, array_like=True, gc=False):
    """From where a start went on, so that the run can be played again.

    journal_seq: the last input that was journalled before. from_seq: of the snapshot, 0 without one. ledger_seq, stream_seq:
    up to where ledger and stream log had what was made. identity: of program, settings and model (services/identity.py).
    """

    journal_seq: int
    from_seq: int
    ledger_seq: int
    stream_seq: int
    identity: bytes


class Run(msgspec.Struct, array_like=True, gc=False):
    """run: name of this start. replay: true if inputs come from a recording or another journal. begun: None in journals
    of versions that did not note it, and of services that run alone.
    """

    run: str
    replay: bool
    venue: str = ""
    begun: Begun | None = None


class Input(msgspec.Struct, array_like=True, gc=False):
    """An input before it has its seq, as services that are not collect send it."""

    kind: int
    connection: int
    receive_ns: int
    payload: bytes


def line_of(venue: str, name: str) -> str:
    """What a connection of a venue is called among those of all venues: "binance", "binance 2".

    >>> line_of("binance", "market"), line_of("binance", "market 2")
    ('binance', 'binance 2')
    """
    return venue + name.removeprefix(MARKET)


def venue_of_line(line: str) -> str:
    return line.partition(" ")[0]


encode = msgspec.msgpack.Encoder().encode
