"""What the exchange has against what the ledger says, after a crash and a start.

In:  the data dir of a life that is over, the exchange's own database and state, what it owned before.
Out: what is wrong, each with its kind: lost, doubled, orphan, unequal, early.
"""

from __future__ import annotations

import json
import sqlite3
import urllib.request
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from ninefold.execution.asked import HAND
from ninefold.execution.held import EXITS
from ninefold.execution.money import base_amount, quote_amount
from ninefold.execution.orders import TERMINAL
from ninefold.journal.reader import read
from ninefold.market.chunk import decode
from ninefold.market.instruments import Instrument
from ninefold.market.numbers import to_units
from ninefold.market.records import Balance, Fill, Listed, Order, Started
from ninefold.simulator.instruments import GENERATED
from ninefold.store.ledger import LedgerReader

SYMBOL = "BTCUSDT"
ENDS = {"FILLED": {"filled"}, "EXPIRED": {"expired"}, "CANCELED": {"cancelled"}}


class Before(NamedTuple):
    """What the exchange's account was before a case. order_id: its newest order."""

    balances: dict[str, int]
    order_id: int


class TheirOrder(NamedTuple):
    client_id: str
    side: int
    lots: int
    filled_lots: int
    status: str
    kind: str
    time_ms: int
    update_ms: int


def look(rest: str, database: Path) -> Before:
    [[order_id]] = _ask(database, "select coalesce(max(order_id), 0) from orders")
    return Before(_balances(rest), order_id)


def what_is_wrong(data_dir: Path, rest: str, database: Path, before: Before) -> list[str]:
    theirs = [
        TheirOrder(*row)
        for row in _ask(
            database,
            f"select client_id, side, lots, filled_lots, status, type, time_ms, update_ms from orders where order_id > {before.order_id}"
            " order by order_id",
        )
    ]
    ledger = LedgerReader(data_dir)
    ours = {order.client_order_id: order for order in ledger.orders() if order.status != "refused"}
    instruments = {e.instrument.id: e.instrument for e in ledger.events() if isinstance(e, Listed)}
    wrong = [
        f"doubled: {number} orders {of}" for of, number in Counter(t.client_id for t in theirs).items() if number > 1
    ]
    wrong += [f"orphan: the ledger knows no order {one.client_id}" for one in theirs if one.client_id not in ours]
    wrong += _orders(ours, {one.client_id: one for one in theirs}, instruments)
    wrong += _positions(theirs, {id for id, order in ours.items() if order.strategies == (HAND,)})
    wrong += _at_once(theirs, ours)
    wrong += _fills(ledger.fills(), instruments, database, before)
    wrong += _account(ledger, instruments, _balances(rest), before)
    return wrong + _early(data_dir)


def _orders(ours: dict[str, Order], theirs: dict[str, TheirOrder], instruments: dict[int, Instrument]) -> list[str]:
    wrong = []
    lot = GENERATED[SYMBOL].lot_e8
    for id, order in ours.items():
        there, filled = theirs.get(id), base_amount(instruments[order.instrument], order.filled)
        if order.status not in TERMINAL:
            wrong.append(f"lost: {id} is {order.status}")
        elif there is None and order.order_type in EXITS and order.status == "cancelled" and not order.filled:
            continue  # it was with us only
        elif there is None and (order.status not in ("rejected", "expired") or order.filled):
            wrong.append(f"unequal: {id} is {order.status}, and the exchange never had it")
        elif there is not None and order.status not in ENDS.get(there.status, ()):
            wrong.append(f"lost: {id} is {order.status} ({order.reason}), and at the exchange {there.status}")
        elif there is not None and filled != there.filled_lots * lot:
            wrong.append(f"lost: {id} has {filled} filled, at the exchange {there.filled_lots * lot}")
    return wrong


def _positions(theirs: list[TheirOrder], by_hand: set[str]) -> list[str]:
    """The script wants one position or none, and one bracket: more was bought twice, less was sold twice."""
    lots = [(one.client_id in by_hand, one.lots) for one in theirs]
    held, most = 0, sum(max((size for hand, size in lots if hand is whose), default=0) for whose in (True, False))
    for one in theirs:
        held += one.side * one.filled_lots
        if not -1 <= held <= most * 1.01 + 1:
            return [f"doubled: after {one.client_id} {held} lots are held, wanted were 0 to {most}"]
    return []


def _at_once(theirs: list[TheirOrder], ours: dict[str, Order]) -> list[str]:
    """What the exchange kept for a stop was over before the take-profit beside it was sent."""
    taken = {id for id, order in ours.items() if order.order_type == "take_profit"}
    return [
        f"doubled: {sold.client_id} was sent while {kept.client_id} could sell the same"
        for sold in theirs
        for kept in theirs
        if sold.client_id in taken and kept.kind == "STOP_LOSS" and kept.time_ms <= sold.time_ms < kept.update_ms
    ]


def _fills(fills: list[Fill], instruments: dict[int, Instrument], database: Path, before: Before) -> list[str]:
    rows = _ask(
        database,
        "select client_id, trade_id, fills.lots, value_e8, fee_e8, fee_asset from fills join orders using (order_id)"
        f" where order_id > {before.order_id}",
    )
    lot = GENERATED[SYMBOL].lot_e8
    theirs = {(id, str(trade), lots * lot, value, fee, asset) for id, trade, lots, value, fee, asset in rows}
    mine = {
        (
            fill.client_order_id,
            fill.trade_id,
            base_amount(instruments[fill.instrument], fill.size),
            quote_amount(instruments[fill.instrument], fill.price, fill.size),
            fill.fee,
            fill.fee_asset,
        )
        for fill in fills
    }
    return [f"lost: fill {one}" for one in sorted(theirs - mine)] + [
        f"doubled: fill {one} is none" for one in sorted(mine - theirs)
    ]


def _account(
    ledger: LedgerReader, instruments: dict[int, Instrument], now: dict[str, int], before: Before
) -> list[str]:
    """What there was and our fills, and what the ledger was shown last, against what there is: to the last unit."""
    booked = dict(before.balances)
    for fill in ledger.fills():
        of = instruments[fill.instrument]
        booked[of.base] += fill.side * base_amount(of, fill.size)
        booked[of.quote] -= fill.side * quote_amount(of, fill.price, fill.size)
        booked[fill.fee_asset] -= fill.fee
    shown = {event.asset: event.free + event.locked for event in ledger.events() if isinstance(event, Balance)}
    return [
        f"unequal: {asset} is {has} at the exchange, {booked[asset]} by our fills, {shown.get(asset)} as we were shown"
        for asset, has in now.items()
        if has != booked[asset] or shown.get(asset, has) != has
    ]


def _early(data_dir: Path) -> list[str]:
    """Orders that were decided in a life before its balances were known."""
    wrong, told = [], False
    for record in read(data_dir / "stream"):
        for one in decode(record.payload).records:
            if isinstance(one, Started):
                told = False
            elif isinstance(one, Balance):
                told = True
            elif isinstance(one, Order) and one.status == "sent" and not told:
                wrong.append(f"early: {one.client_order_id} was decided before the account was known")
    return wrong


def _balances(rest: str) -> dict[str, int]:
    with urllib.request.urlopen(f"{rest}/sim/v1/state", timeout=10) as answer:
        told = json.load(answer)["account"]["balances"]
    return {asset: to_units(held["free"], 8) + to_units(held["locked"], 8) for asset, held in told.items()}


def _ask(database: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as db:
        return db.execute(query).fetchall()
