"""From one record of the history's journal to the rows that it adds.

In:  a record, and what is stored already.
Out: rows; of what is stored nothing is given again. A bar that was unknown and is told or made later comes as its next
     revision. An answer that cannot be read gives a Malformed record, and so does one with impossible bars.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import msgspec
import numpy as np

from ninefold.history.bars import believable, empty_bars, made_of_trades
from ninefold.history.certified import CERTIFY, Asked, HeldTrades, certified
from ninefold.history.plan import Run, holds
from ninefold.history.table import HISTORIES
from ninefold.history.venue import UNREADABLE
from ninefold.journal.inputs import ANSWER, Answer, Command
from ninefold.journal.segment import Record
from ninefold.market.arrays import BAR_UNKNOWN, empty
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.records import AnyRecord, Listed
from ninefold.market.time import DAY_NS, TIMEFRAMES
from ninefold.store.certificates import Certificate
from ninefold.venues.adapter import BadFrame, malformed

SETTLE = "settle"


class Held(HeldTrades, Protocol):
    """What is stored, also of the records just before: see stored.py."""

    def ids(self, of: Instrument) -> list[Run]: ...

    def bars(self, of: Instrument, width_ns: int, start_ns: int, end_ns: int) -> np.ndarray: ...

    def trades(self, of: Instrument, start_ns: int, end_ns: int) -> np.ndarray: ...

    def first_and_last_bar(self, of: Instrument, width_ns: int) -> tuple[int, int] | None: ...


@dataclass
class Added:
    """What a record adds; problem: why nothing could be read from it."""

    seq: int
    trades: np.ndarray = field(default_factory=lambda: empty("trades"))
    bars: np.ndarray = field(default_factory=lambda: empty("bars"))
    records: list[AnyRecord] = field(default_factory=list)
    certificates: list[Certificate] = field(default_factory=list)
    problem: str = ""


class Series(msgspec.Struct):
    """What a settlement is of: bars of one width that open in [start_ns, end_ns)."""

    venue: str
    symbol: str
    timeframe: str
    start_ns: int
    end_ns: int


def fold(record: Record, registry: Registry, held: Held) -> Added:
    """What one record adds; instruments that it lists are added to the registry."""
    added = Added(record.seq)
    try:
        if record.kind == ANSWER:
            _answer(msgspec.msgpack.decode(record.payload, type=Answer), record, registry, held, added)
        else:
            _command(msgspec.msgpack.decode(record.payload, type=Command), record, registry, held, added)
    except UNREADABLE as error:
        added.problem = str(error)
        excerpt = record.payload[:160]
        added.records.append(malformed("history", record.seq, record.receive_ns, str(error), excerpt))
    added.trades["seq"] = added.bars["seq"] = record.seq
    added.trades["receive_ns"] = added.bars["known_ns"] = record.receive_ns
    return added


def _answer(answer: Answer, record: Record, registry: Registry, held: Held, added: Added) -> None:
    history = HISTORIES[answer.venue]
    kind, *of = answer.purpose.split(" ")
    if kind == "rules":
        told = {one.venue_symbol: one for one in history.read_rules(answer.body)}
        for symbol in of:
            added.records += _listed(told[symbol], record, registry)
        return
    instrument = _instrument(registry, answer.venue, of[0])
    file = history.archive if kind.startswith("file-") else None
    if kind.endswith("trades"):
        read = history.trades.read if file is None else file.read_trades
        if read is None:
            raise BadFrame(f"files of {answer.venue} hold no trades that are read")
        added.trades = _new_trades(read(instrument, answer.body), held.ids(instrument))
        return
    timeframe, start_ns, end_ns = of[1], int(of[2]), int(of[3])
    if history.bars is None:
        raise BadFrame(f"{answer.venue} tells no bars")
    read_bars = history.bars.read if file is None else file.read_bars
    told_bars = read_bars(instrument, TIMEFRAMES[timeframe], answer.body)
    told_bars = told_bars[(told_bars["open_ns"] >= start_ns) & (told_bars["open_ns"] < end_ns)]
    possible = believable(told_bars, TIMEFRAMES[timeframe])
    if not possible.all():
        worst = told_bars[~possible][0]
        reason = (
            f"{(~possible).sum()} bars of {timeframe} are impossible, the first opens at {worst['open_ns']}: {worst}"
        )
        added.records.append(malformed(answer.venue, record.seq, record.receive_ns, reason, answer.body))
    stored = held.bars(instrument, TIMEFRAMES[timeframe], start_ns, end_ns)
    added.bars = _new_bars(told_bars[possible], stored)


def _command(command: Command, record: Record, registry: Registry, held: Held, added: Added) -> None:
    if command.name == CERTIFY:
        asked = msgspec.json.decode(command.reason, type=Asked)
        _instrument(registry, asked.venue, asked.symbol)
        first = next(one for one in registry if (one.venue, one.venue_symbol) == (asked.venue, asked.symbol))
        added.certificates = certified(asked, first, record.receive_ns, record.seq, held)
        return
    series = msgspec.json.decode(command.reason, type=Series)
    added.bars = _settled(_instrument(registry, series.venue, series.symbol), series, held)


def _listed(told: Instrument, record: Record, registry: Registry) -> list[AnyRecord]:
    """A version of its own only for other units: what an order may be does not matter to the past."""
    known = registry.find(told.venue, told.venue_symbol)
    if known is not None and units(known) == units(told):
        return []
    return [Listed(seq=record.seq, known_ns=record.receive_ns, instrument=registry.add(told))]


def units(of: Instrument) -> tuple[int, int]:
    return of.price_decimals, of.size_decimals


def _instrument(registry: Registry, venue: str, symbol: str) -> Instrument:
    found = registry.find(venue, symbol)
    if found is None:
        raise BadFrame(f"the rules of {symbol!r} of {venue} are not known")
    return found


def _new_trades(told: np.ndarray, ids: list[Run]) -> np.ndarray:
    told = told[np.unique(told["id_lo"], return_index=True)[1]]
    new: np.ndarray = told[~holds(told["id_lo"].astype(np.int64), ids)]
    return new


def _new_bars(told: np.ndarray, stored: np.ndarray) -> np.ndarray:
    """Those that are not stored, or stored as unknown."""
    told = told[np.argsort(told["open_ns"], kind="stable")]
    place = np.searchsorted(stored["open_ns"], told["open_ns"])
    here = np.zeros(len(told), bool)
    if len(stored):
        place = np.minimum(place, len(stored) - 1)
        here = stored["open_ns"][place] == told["open_ns"]
        unknown = here & (stored["state"][place] == BAR_UNKNOWN) & (told["state"] != BAR_UNKNOWN)
        told["revision"][unknown] = stored["revision"][place[unknown]] + 1
        here &= ~unknown
    new: np.ndarray = told[~here]
    return new


def _settled(of: Instrument, series: Series, held: Held) -> np.ndarray:
    """The bars that no answer told: made of trades where ids prove them, and unknown between others."""
    width_ns = TIMEFRAMES[series.timeframe]
    stored = held.bars(of, width_ns, series.start_ns, series.end_ns)
    known = stored["open_ns"][stored["state"] != BAR_UNKNOWN]
    opens = np.setdiff1d(np.arange(series.start_ns, series.end_ns, width_ns), known, assume_unique=True)
    parts = [empty("bars")]
    for start_ns in np.unique(opens // DAY_NS * DAY_NS).tolist():
        slots = np.arange(max(start_ns, series.start_ns), min(start_ns + DAY_NS, series.end_ns), width_ns)
        trades = held.trades(of, int(slots[0]), int(slots[-1]) + width_ns)
        made = made_of_trades(trades, width_ns, slots) if len(trades) else empty_bars(of.id, width_ns, slots)
        parts.append(made[np.isin(made["open_ns"], opens, assume_unique=True)])
    made = np.concatenate(parts)
    made["instrument"] = of.id
    sure = made["open_ns"][made["state"] != BAR_UNKNOWN].tolist()
    ends = [*(held.first_and_last_bar(of, width_ns) or ()), *sure[:1], *sure[-1:]]
    if not ends:
        return empty("bars")
    inside = (made["open_ns"] >= min(ends)) & (made["open_ns"] <= max(ends))
    return _new_bars(made[inside], stored)
