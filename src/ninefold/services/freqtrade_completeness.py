"""How complete the bars are that the candles of a freqtrade strategy were made of: the block `completeness` of its document.

In:  what came of it, and the bars that were read. Out: the block as other back-tests have it, from the first candle that the
     strategy warmed up with to the end. A candle of unknown bars is flat there, as freqtrade fills its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ninefold.freqtrade.run import Found
from ninefold.market.time import SECOND_NS
from ninefold.services.backtest_completeness import certified, told
from ninefold.store.stretch import Stretch

AS_FLAT = "they are taken as flat, as freqtrade fills candles"


class Read(NamedTuple):
    """Bars that candles of `candle_s` seconds were made of. known: of shape (n,). instrument: None of a file."""

    instrument: str | None
    width_ns: int
    candle_s: int
    open_ns: np.ndarray
    known: np.ndarray


def completeness_of_candles(data_dir: Path, found: Found, read: Iterable[Read]) -> dict[str, Any]:
    """raises: UnknownInstrument, NoDataDir, WrongFormat."""
    warm_up = int(getattr(found.strategy, "startup_candle_count", 0)) + 1
    stretches, unknown = [], 0
    for one in _longest(read):
        start_ns = (found.seconds.start - warm_up * one.candle_s) * SECOND_NS
        first, last = np.searchsorted(one.open_ns, [start_ns, found.seconds.stop * SECOND_NS]).tolist()
        if first < last:
            unknown += int((~one.known[first:last]).sum())
            if one.instrument is not None:
                span = int(one.open_ns[first]), int(one.open_ns[last - 1]) + one.width_ns
                stretches.append(Stretch(one.instrument, one.width_ns, *span))
    return told(certified(data_dir, stretches), unknown, AS_FLAT)


def _longest(read: Iterable[Read]) -> Iterable[Read]:
    """Of those on the same bars the one with the widest candles, which warms up longest."""
    found: dict[tuple[str | None, int, int], Read] = {}
    for one in sorted(read, key=lambda one: one.candle_s):
        found[one.instrument, one.width_ns, id(one.open_ns) if one.instrument is None else 0] = one
    return found.values()
