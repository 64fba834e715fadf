"""Is what is stored whole? The logs read end to end, then the tables against what the logs say they must hold.

In:  a data dir, also of a running pipeline: tables are compared up to the position they had at the beginning.
Out: one `Check` for each thing looked at; the first thing that is wrong with a log, the first row that differs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from itertools import takewhile
from pathlib import Path

import msgspec
import numpy as np

from ninefold.config import Config, Venue
from ninefold.journal.reader import read
from ninefold.journal.recordings import BadRecording, venue_of
from ninefold.journal.segment import Record, segments
from ninefold.journal.walk import Log, inputs_of
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry
from ninefold.market.records import AnyRecord
from ninefold.market.time import SECOND_NS
from ninefold.services.compare import UNREADABLE, Check, Instruments, Progress, compared, same_rows, sums_of_stream
from ninefold.services.parsers import collector_of
from ninefold.store.checksums import Sums
from ninefold.store.data_dir import check_data_dir
from ninefold.store.read import Reader
from ninefold.venues.collector import Collector
from ninefold.venues.table import RECORDED, VENUES

TAKE_EVERY = 256  # inputs that are folded before their rows are taken
_record = msgspec.json.Decoder(AnyRecord)


def verify(data_dir: Path, progress: Progress) -> list[Check]:
    """raises: NoDataDir, WrongFormat. Whatever else is wrong is in the checks."""
    check_data_dir(data_dir)
    position, broken = _position(data_dir)
    stream, journal = Log(data_dir / "stream"), Log(data_dir / "journal")
    sums, instruments = sums_of_stream(stream, position, progress)
    if not stream.records:
        instruments = _listed(data_dir)
    collector, why = _collector(data_dir, instruments)
    trades = _trades_of(journal, collector, instruments, position, progress)
    checks = [
        _journal(journal, stream, position),
        _stream(stream, journal, position),
        _tables(position, broken, stream, data_dir),
    ]
    if position:
        mend = f"`ninefold rebuild --data-dir {data_dir}`"
        until = min(position, stream.last_seq)
        made = compared(data_dir / "tables", sums, until, stream.folder, instruments, progress, mend, _begin(stream))
        checks += [_trades(data_dir, trades, journal, position, instruments, made, why), *made]
    return [*checks, _ledger(data_dir, stream)]


# what the journal's frames and answers give


def _collector(data_dir: Path, instruments: Instruments) -> tuple[Collector | None, str]:
    """The parser that the journal was made with, or why there is none."""
    try:
        first = venue_of(data_dir, RECORDED)
    except (BadRecording, OSError, ValueError) as error:
        return None, str(error)
    pairs: dict[str, set[str]] = {first: set()}
    for instrument in instruments.values():
        pairs.setdefault(instrument.venue, set()).add(instrument.symbol)
    unknown = sorted(name for name in pairs if name not in VENUES)
    if unknown:
        return None, f"the journal is of {', '.join(unknown)}; adapters exist for {', '.join(VENUES)}"
    venues = [Venue(name=name, pairs=tuple(sorted(symbols))) for name, symbols in pairs.items()]
    is_replay = (data_dir / "source.json").exists()  # takes every symbol
    return collector_of(Config(venue=venues[0], capture=tuple(venues[1:])), is_replay), ""


def _trades_of(
    journal: Log, collector: Collector | None, instruments: Instruments, until_seq: int, progress: Progress
) -> Sums:
    """Walk the journal once: what is wrong with it, and the trades it gives up to a seq."""
    sums = Sums("trades")
    records = inputs_of(journal, partial(progress, "journal"))
    if collector is None:
        for _ in records:
            pass
        return sums
    for rows in _parsed(collector, records, instruments):
        sums.add(rows[rows["seq"] <= until_seq])
    return sums


def _parsed(collector: Collector, records: Iterable[Record], instruments: Instruments) -> Iterator[np.ndarray]:
    """The trades of inputs, with the ids that the tables give to their instruments."""
    for count, record in enumerate(records, 1):
        chunks = collector.feed(record)
        if count % TAKE_EVERY == 0:
            chunks += collector.take()
            collector.drop_outgoing()
            collector.take_lags()
        yield from (_as_stored(chunk, collector.registry, instruments) for chunk in chunks)
    yield from (_as_stored(chunk, collector.registry, instruments) for chunk in collector.take())


def _as_stored(chunk: Chunk, parsed: Registry, instruments: Instruments) -> np.ndarray:
    """A chunk's trades with the ids and in the units that the tables have; today's parser may use finer units."""
    rows = chunk.rows("trades").copy()
    known = {(one.venue, one.venue_symbol, one.version): one for one in instruments.values()}
    numbers = rows["instrument"].copy()
    for number in np.unique(numbers).tolist():
        mine = parsed[number]
        of = known.get((mine.venue, mine.venue_symbol, mine.version))
        here = numbers == number
        rows["instrument"][here] = of.id if of else -1
        if of is not None:
            rows["price"][here] = _rescaled(rows["price"][here], mine.price_decimals - of.price_decimals)
            rows["size"][here] = _rescaled(rows["size"][here], mine.size_decimals - of.size_decimals)
    return rows


def _rescaled(units: np.ndarray, finer: int) -> np.ndarray:
    """In units that are 10**finer times as large; what is not a whole number of them stays, and differs then."""
    factor = 10 ** abs(finer)
    scaled: np.ndarray = units * factor if finer < 0 else np.where(units % factor == 0, units // factor, units)
    return scaled


def _trades(
    data_dir: Path,
    trades: Sums,
    journal: Log,
    position: int,
    instruments: Instruments,
    made: list[Check],
    why: str,
) -> Check:
    name = "journal to trades"
    until = min(position, journal.last_seq)
    if journal.let_go_seq and not why:
        why = f"the journal begins behind seq {journal.let_go_seq:,}: what names its instruments was let go"
    if why or not until:
        return Check(name, None, why or "the journal gives nothing to compare with")

    def again(low: int, high: int) -> Iterator[np.ndarray]:
        collector, _ = _collector(data_dir, instruments)
        records = takewhile(lambda record: record.seq < high, read(journal.folder))
        for rows in _parsed(collector, records, instruments) if collector else ():
            yield rows[rows["seq"] >= low]

    mend = f"`ninefold rebuild --data-dir {data_dir}`"
    again_from_journal = (
        f"`ninefold replay {data_dir} --data-dir NEW` makes everything again from the journal, on paper"
    )
    if not made:
        mend = f"there is no stream log to rebuild from; {again_from_journal}"
    elif any(check.name == "trades" and check.ok for check in made):
        mend = (
            "the stream log and the table agree, so a rebuild changes nothing: a parser was changed since, or the "
            f"journal; {again_from_journal}"
        )
    check = same_rows(data_dir / "tables", "trades", trades, until, again, instruments, lambda rows: None, mend)
    return msgspec.structs.replace(check, name=name)


# the logs, the tables' position, the ledger


def _journal(log: Log, stream: Log, position: int) -> Check:
    if _over_hosts(log.folder.parent):
        return Check("journal", None, "a recorder of several collectors: the journals are on their hosts")
    due_seq = max(position, stream.last_seq)
    problem, do = log.problem, f"put the segment back from a copy of {log.folder}; nothing else holds what was received"
    back, why = f"receive times go back at seq {log.back_seq:,}", _may_go_back(log.folder.parent)
    if not problem and log.last_seq < due_seq:
        problem = f"its end is missing: the stream log or the tables go up to seq {due_seq:,}"
    elif not problem and log.back_seq and not why:
        problem, do = (
            f"{back}: the machine's clock was set back",
            "nothing is lost; let NTP slew the clock, never step it",
        )
    if problem:
        return Check("journal", False, f"{problem}; whole up to seq {log.last_seq:,}", do)
    return _log_check("journal", log, "inputs", f"; {back}, {why}" if log.back_seq else "")


def _over_hosts(data_dir: Path) -> bool:
    return (data_dir / "state" / "merge.snapshot").exists()


def _may_go_back(data_dir: Path) -> str:
    """Why the receive times of a journal need not rise, or "" if they must."""
    if (data_dir / "source.json").exists():
        return "as in the recording"
    return "as services over NATS send their inputs later than they had them" if _over_bus(data_dir) else ""


def _stream(log: Log, journal: Log, position: int) -> Check:
    problem = log.problem
    if not problem and not log.records and _over_bus(log.folder.parent):
        return Check("stream log", None, "none: these services ran over NATS, where the bus holds it")
    if not problem and log.last_seq < position:
        problem = f"its end is missing: the tables go up to seq {position:,}"
    elif not problem and not log.records and journal.records and not segments(log.folder):  # none has begun since
        problem = f"there is none of {journal.records:,} inputs"
    if problem:
        do = f"move {log.folder} away and start the pipeline (or the replay) again: it is made again (docs/operations.md)"
        return Check("stream log", False, f"{problem}; whole up to seq {log.last_seq:,}", do)
    return _log_check("stream log", log, "chunks", "")


def _begin(log: Log) -> int:
    """The first seq that a log can have."""
    return log.let_go_seq + 1 if log.let_go_seq else 0


def _log_check(name: str, log: Log, unit: str, more: str) -> Check:
    if not log.records:
        return Check(name, None, "nothing yet")
    begin = ""
    if log.let_go_seq:
        begun = datetime.fromtimestamp(log.first_ns // SECOND_NS, UTC)
        begin = f"; retention let go what was up to seq {log.let_go_seq:,}, it begins {begun:%Y-%m-%d %H:%M:%S} UTC"
    found = f"{log.records:,} {unit}, whole up to seq {log.last_seq:,} (segments: {log.segments:,})"
    return Check(name, True, found + begin + more)


def _tables(position: int, broken: str, stream: Log, data_dir: Path) -> Check:
    mend = f"`ninefold rebuild --data-dir {data_dir}`"
    if broken:
        return Check("tables", False, f"they cannot be read: {broken}", mend)
    if not position and stream.records:
        do = f"a pipeline that has just started stores within seconds; otherwise {mend}"
        return Check("tables", False, f"nothing is stored of {stream.last_seq:,} inputs", do)
    behind = f" of {stream.last_seq:,}; the pipeline stores the rest" if stream.last_seq > position else ""
    return Check("tables", True if position else None, f"stored up to seq {position:,}{behind}")


def _ledger(data_dir: Path, stream: Log) -> Check:
    file = data_dir / "ledger.db"
    do = f"stop the pipeline and put {file} back from a copy"
    if not file.exists() and _over_hosts(data_dir):
        return Check("ledger", None, "a recorder of several collectors trades nothing")
    if not file.exists():
        return Check("ledger", False if stream.records else None, f"there is no {file}", do if stream.records else "")
    count = 0
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as db:
            if db.execute("PRAGMA user_version").fetchone() == (0,):
                return Check("ledger", None, "nothing yet")  # its writer is making the table of events
            [[said]] = db.execute("PRAGMA quick_check(1)").fetchall()
            if said != "ok":
                return Check("ledger", False, str(said), do)
            for number, payload in db.execute("SELECT number, payload FROM events ORDER BY number"):
                count = number
                _record.decode(payload)
    except sqlite3.DatabaseError as error:
        return Check("ledger", False, f"{file}: {error}", do)
    except msgspec.DecodeError as error:
        return Check("ledger", False, f"event {count:,} cannot be read: {error}", do)
    return Check("ledger", True, f"{count:,} events can be read")


def _position(data_dir: Path) -> tuple[int, str]:
    """Up to where the tables go, or 0 and why nobody can tell."""
    try:
        return Reader(data_dir).position(), ""
    except UNREADABLE as error:
        return 0, " ".join(str(error).split())


def _listed(data_dir: Path) -> Instruments:
    """Instruments as the tables list them, where no stream log does."""
    try:
        return {instrument.id: instrument for instrument in Reader(data_dir).captured()}
    except UNREADABLE:
        return {}  # the table of records is compared too, and says why


def _over_bus(data_dir: Path) -> bool:
    return (data_dir / "state" / "collect.snapshot").exists() or (data_dir / "nats").exists()
