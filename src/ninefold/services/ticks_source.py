"""Where the trades and books of a back-test come from: a Parquet file of trades, or what is stored of an instrument.

In:  a path; or a data dir and a name; a range. Out: `Source`: blocks of trades, as often as they are asked for, and the session of books if
     there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ninefold.backtest.funding import NO_FUNDING, Funding
from ninefold.backtest.ticks.events import TRADE, Session
from ninefold.backtest.ticks.tape import BadTicks, Ticks
from ninefold.services.backtest_stored import SPOT
from ninefold.services.funding_read import funding_of
from ninefold.services.tick_files import instrument_of_store, session_of_store, tape_of_file
from ninefold.store.stretch import Stretch
from ninefold.store.timerange import parse_timerange


class Seen(NamedTuple):
    """snapshot: identity of the data by their content. last_ns: when the last of it was known."""

    snapshot: str
    last_ns: int


@dataclass(frozen=True, slots=True)
class Source:
    """highest: no price is above it, ticks. spot: nothing can be sold that is not held. session: None of a file. read: the
    stored rows it is made of; none of a file. funding: of its time."""

    name: str
    tick: Fraction
    lot: Fraction
    highest: int
    spot: bool
    blocks: Callable[[], Iterable[Ticks]]
    session: Session | None = None
    read: tuple[Stretch, ...] = ()
    funding: Funding = NO_FUNDING

    def seen(self, sides: bool = False) -> Seen:
        """sides: whether the takers' of a file count: free code on trades reads them."""
        digest = blake2b(f"{self.tick} {self.lot}".encode(), digest_size=16)
        digest.update(self.funding.content)
        last_ns = 0
        if self.session is not None:
            events = self.session.events
            digest.update(events.tobytes())
            return Seen(digest.hexdigest(), int(max(events["exchange_ns"].max(), events["known_ns"].max())))
        for block in self.blocks():
            last_ns = max(last_ns, int(block.exchange_ns[-1])) if len(block) else last_ns
            read = (block.exchange_ns, block.price, block.size, block.taker_side if sides else None)
            for of in read:
                digest.update(b"" if of is None else of.tobytes())
        return Seen(digest.hexdigest(), last_ns)

    def whole(self) -> Ticks:
        """All trades at once."""
        blocks = list(self.blocks())

        def joined(name: str) -> np.ndarray | None:
            columns = [getattr(block, name) for block in blocks]
            return None if any(one is None for one in columns) else np.concatenate(columns)

        at, price, size = (
            np.concatenate([getattr(one, name) for one in blocks]) for name in ("exchange_ns", "price", "size")
        )
        return Ticks(at, price, size, joined("known_ns"), joined("taker_side"), self.tick, self.lot)


class Asked(NamedTuple):
    """file or instrument: where it is. short: a file's trades are a perpetual's. funding: a file of it, or RECORDED."""

    data_dir: Path
    file: Path | None
    instrument: str | None
    timerange: str | None
    short: bool = False
    funding: str | None = None


def source_of(asked: Asked) -> Source:
    """raises: BadTicks for neither or both, and what spot has not; ValueError for a range that is none; BadFunding; as `tape_of_file`
    and `session_of_store`."""
    data_dir, file, instrument, timerange, short, _ = asked
    range_ns = parse_timerange(timerange)
    if (file is None) == (instrument is None):
        raise BadTicks("give either --trades FILE.parquet or --instrument NAME, such as binanceusdm:BTC/USDT:USDT")
    if file is not None:
        tape = tape_of_file(file, range_ns)
        funding = funding_of(asked, not short, range_ns)
        return Source(str(file), tape.tick, tape.lot, tape.highest, not short, tape.blocks, funding=funding)
    session = session_of_store(data_dir, str(instrument), range_ns)
    spot = instrument_of_store(data_dir, str(instrument)).kind == SPOT
    if spot and short:
        raise BadTicks(f"{instrument} is spot, which is not sold short; leave --short out")
    trades = session.events[session.events["kind"] == TRADE]
    if not len(trades):
        raise BadTicks(
            f"{data_dir} holds no trades of {instrument}{' in this range' if timerange else ''}, by which positions are valued"
        )
    at, price, size, known = (trades[name] for name in ("exchange_ns", "price", "size", "known_ns"))
    ticks = Ticks(at, price, size, known, trades["side"], session.tick, session.lot)
    read = Stretch(str(instrument), None, int(session.exchange_ns[0]), int(session.exchange_ns[-1]) + 1)
    funding = funding_of(asked, spot, range_ns)
    steps = (session.tick, session.lot, session.highest)
    return Source(str(instrument), *steps, spot, lambda: [ticks], session, (read,), funding)
