"""What a venue's history is: data and small pure functions. A venue is one file with one of these, and a line in the table.

In:  instruments, times, ids. Out: questions to ask; BARS and TRADES rows from the bodies of answers.
Rows that are read have no seq, receive_ns or known_ns yet: those are of the input that they come from.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import NoReturn

import msgspec
import numpy as np

from ninefold.market.arrays import ID_INTEGER
from ninefold.market.instruments import Instrument
from ninefold.market.numbers import INT64_MAX
from ninefold.venues.adapter import BadFrame, Question

Locate = Generator[Question, bytes, int]
UNREADABLE = (msgspec.DecodeError, ValueError, OverflowError)  # a body; the last: a number is too large


class CannotDownload(RuntimeError):
    """What a user can mend; the message says how."""


@dataclass(frozen=True)
class Archive:
    """Files of whole days or months.

    bars:     instrument, timeframe, start of the day or month, whether it is a month: the file's path.
    trades:   instrument, start of the day: the file's path. None: there are none, or none that are read.
    by_day, by_month: timeframes of which a file of a day, or of a month, is worth it; others are asked for by REST.
    summed:   whether each has its checksum beside it at path + '.CHECKSUM'; else its newest bars must be those of REST.
    proof:    where REST does not reach back as far as the files do: files of this timeframe prove the form of the others.
    ahead_ns: how long before those of UTC its days and months begin.
    """

    url: str
    bars: Callable[[Instrument, str, int, bool], str]
    by_day: tuple[str, ...]
    by_month: tuple[str, ...]
    read_bars: Callable[[Instrument, int, bytes], np.ndarray]
    trades: Callable[[Instrument, int], str] | None = None
    read_trades: Callable[[Instrument, bytes], np.ndarray] | None = None
    summed: bool = True
    proof: str = ""
    ahead_ns: int = 0


@dataclass(frozen=True)
class Bars:
    """Bars that a venue tells.

    ask:    instrument, timeframe, start, end (at most `page` bars). first: asks for the very first one, where that can be.
    proven: trades are found by time so cheaply that those around every missing bar are asked for, to prove it quiet.
    latest: how many bars up to now the venue tells; older ones are not asked for. None: all there are.
    longest_ns: the longest span of a question, however few bars there are in it.
    """

    timeframes: tuple[str, ...]
    page: int
    ask: Callable[[Instrument, str, int, int], Question]
    first: Callable[[Instrument, str], Question] | None
    proven: bool
    read: Callable[[Instrument, int, bytes], np.ndarray]
    latest: int | None = None
    longest_ns: int = INT64_MAX

    def most(self, width_ns: int) -> int:
        """Bars of this width in a question."""
        return min(self.page, self.longest_ns // width_ns)


@dataclass(frozen=True)
class Trades:
    """Trades that a venue tells.

    ask:    instrument, ids [first, end) (at most `page`), a time at or before the first of them.
    walks:  pages follow each other by time and not by id, so one is asked for after the other.
    locate: the id of the first trade at or after a time, or the next id if there is none yet; a generator that gives
            questions and takes bodies.
    untold: why a venue tells no trades of the past; empty where it does.
    id_kind: of the ids, which follow each other: of single trades or of aggregates.
    """

    page: int
    ask: Callable[[Instrument, int, int, int], Question]
    read: Callable[[Instrument, bytes], np.ndarray]
    walks: bool
    locate: Callable[[Instrument, int], Locate]
    untold: str = ""
    id_kind: int = ID_INTEGER


@dataclass(frozen=True)
class History:
    """A venue. bars: None if it tells none of the past; bars of timeframes that are not told are made from trades.

    pace_s:    between the beginnings of two questions. parallel: questions under way at once.
    rules:     asks for the rules of some symbols, all_rules for those of all; read_rules reads either.
    complaint: what an answer with status 200 complains of, "" if of nothing; and whether it passes by itself.
    """

    venue: str
    pace_s: float
    parallel: int
    rules: Callable[[list[str]], Question]
    all_rules: Callable[[], Question]
    read_rules: Callable[[bytes], list[Instrument]]
    complaint: Callable[[bytes], tuple[str, bool]]
    bars: Bars | None
    trades: Trades
    archive: Archive | None = None


def no_complaint(body: bytes) -> tuple[str, bool]:
    """Of a venue that complains by the status of its answers."""
    return "", False


def no_trades(why: str) -> Trades:
    """Of a venue that tells no trades of the past. why: as in "it gives only its latest 1,000"."""

    def refuse(*_: object) -> NoReturn:
        raise BadFrame(f"trades of the past are not told here: {why}")

    return Trades(1, refuse, refuse, False, refuse, untold=why)
