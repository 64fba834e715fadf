"""What became of a flatten: sold, left and why, refused and why.

In:  the data dir, from which event on. Out: the state as the ledger has it now.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from ninefold.execution.booked import Booked
from ninefold.execution.limits.state import FLATTEN
from ninefold.execution.money import text
from ninefold.market.instruments import Instrument
from ninefold.market.records import Fill, Flattened, Order
from ninefold.store.ledger import LedgerReader


class Selling(msgspec.Struct):
    """done: nothing more can be sold. sold: an execution a line. held: what there is of it now, by instrument. left: what
    cannot be sold, with the reason; refused: why the newest order of an instrument did not leave.
    """

    done: bool
    sold: list[str]
    held: dict[str, str]
    left: list[str]
    refused: dict[str, str]


def booked(data_dir: Path) -> Booked:
    """The account as the ledger tells it. raises: NoDataDir, WrongFormat."""
    made = Booked()
    for event in LedgerReader(data_dir).events():
        made.fold(event)
    return made


def selling(data_dir: Path, instrument: str, since_seq: int) -> Selling:
    """instrument: by its name, or "" for all. since_seq: the ledger's last event before it was asked for."""
    account, reader = booked(data_dir), LedgerReader(data_dir)
    found = Selling(False, [], {}, [], {})
    ours: set[str] = set()
    told: set[tuple[str, str]] = set()  # a fill is told by the answer and by the account's line
    for event in reader.events(since_seq):
        if isinstance(event, Flattened):
            found.done, found.left = True, list(event.left)
        elif isinstance(event, Order) and event.strategies == (FLATTEN,):
            of = account.registry[event.instrument]
            ours.add(event.client_order_id)
            found.refused.pop(of.name, None)
            if event.reason:
                found.refused[of.name] = event.reason
        elif isinstance(event, Fill) and event.client_order_id in ours:
            key = event.client_order_id, event.trade_id
            if key in told:
                continue
            told.add(key)
            found.sold.append(_line(event, account.registry[event.instrument]))
    for number, amount in account.account.positions.items():
        of = account.registry[number]
        if amount and instrument in ("", of.name):
            found.held[of.name] = text(amount, of.base)
    return found


def _line(fill: Fill, of: Instrument) -> str:
    return f"{of.size_text(fill.size)} {of.base} at {of.price_text(fill.price)} {of.quote} on {of.venue}"
