"""Strategies whose free code has failed: the ledger keeps it, so that a restart asks none of them again.

In:  failures; the ledger's events; what the strategies are now.
Out: records for ledger, page and Slack; by strategy the input from which on it is not asked; a line for the terminal.

One that is the same is not asked again, even if it would not fail another time: then its second run would not be its first.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime

from ninefold.execution.decisions import Basis, digest
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Instrument
from ninefold.market.records import AnyRecord, Tick
from ninefold.market.strategy_records import StrategyFailed
from ninefold.market.time import SECOND_NS, TIMEFRAME_OF
from ninefold.strategy.itself import Failure


def failed_since(events: Iterable[AnyRecord], basis: Basis) -> dict[str, int]:
    """By strategy, the input at which it failed, of those that are still the same."""
    return {
        one.strategy: one.seq for one in events if isinstance(one, StrategyFailed) and one.formula == _what(one, basis)
    }


def record_of(failure: Failure, tick: Tick, of: Instrument, basis: Basis) -> StrategyFailed:
    """tick: of the first decision without it. of: the instrument of its bar."""
    closed = datetime.fromtimestamp(failure.close_ns // SECOND_NS, UTC)
    bar = f"the {TIMEFRAME_OF[failure.width_ns]} bar of {of.name} closing {closed:%Y-%m-%d %H:%M:%S} UTC"
    return StrategyFailed(
        seq=tick.seq,
        known_ns=tick.known_ns,
        strategy=failure.strategy,
        instrument=of.id,
        close_ns=failure.close_ns,
        place=failure.place,
        error=failure.said,
        formula=_what(failure, basis),
        text=f"{failure.strategy} is stopped: {failure.said} at {failure.place}, at {bar}. It counts as flat on all instruments "
        "until its code or its settings change; mend it, and start again",
    )


def _what(one: StrategyFailed | Failure, basis: Basis) -> str:
    return digest(basis.formulas.get(one.strategy, ""))


def say(chunk: Chunk) -> None:
    """On standard error, what of a chunk tells of failures."""
    for record in chunk.records:
        if isinstance(record, StrategyFailed):
            print(f"ninefold: {record.text}", file=sys.stderr, flush=True)
