"""`ninefold venues [--json]`: the venues that have an adapter, and what each can do."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ninefold.commands.certify import print_columns
from ninefold.venues.entry import VenueEntry
from ninefold.venues.order_table import ORDER_VENUES, PROVEN
from ninefold.venues.table import VENUES


def run(json_: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False) -> None:
    """What each supports, what its messages allow to prove, and on which recorded sessions its adapter was last proven."""
    if json_:
        print(json.dumps({"venues": [_plain(name, entry) for name, entry in VENUES.items()]}))
        return
    for name, entry in VENUES.items():
        proof = entry.proof
        print(f"{name}  {entry.stream_url}  {entry.rest_url}")
        lines = [
            ("  streams", " ".join(entry.streams)),
            ("  missing trades", proof.trades),
            ("  missing book changes", proof.books),
            ("  orders", orders_of(name)),
            ("  documented", f"read {proof.documented}"),
            ("  last proven on", " ".join(proof.sessions)),
            ("  documented, unproven", proof.unproven or "nothing"),
        ]
        print_columns(lines)


def orders_of(name: str) -> str:
    """How far orders to a venue are proven."""
    if name in PROVEN:
        return "whole runs against the simulated exchange; no order has reached the venue"
    if name in ORDER_VENUES:
        return "documented, unproven: live trading wants account.unproven_venue"
    return "not yet"


def _plain(name: str, entry: VenueEntry) -> dict[str, object]:
    return {
        "venue": name,
        "streams": list(entry.streams),
        "stream_url": entry.stream_url,
        "rest_url": entry.rest_url,
        "weight_per_minute": entry.weight_per_minute,
        "clock": entry.clock[0],
        "recorded_as": list(entry.recorded[0]),
        "orders": name in ORDER_VENUES,
        "orders_proof": orders_of(name),
        "missing_trades": entry.proof.trades,
        "missing_book_changes": entry.proof.books,
        "documented": entry.proof.documented,
        "proven_on": list(entry.proof.sessions),
        "unproven": entry.proof.unproven,
    }
