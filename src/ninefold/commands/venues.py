"""`ninefold venues [--json]`: the venues that have an adapter, and what each can do."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ninefold.commands.certify import print_columns
from ninefold.venues.table import VENUES, VenueEntry


def run(json_: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False) -> None:
    """One row a venue: the streams that are subscribed, its addresses and limits, its names in recordings."""
    if json_:
        print(json.dumps({"venues": [_plain(name, entry) for name, entry in VENUES.items()]}))
        return
    lines = [("venue", "streams", "weight a minute", "recordings of", "REST", "websocket")]
    for name, entry in VENUES.items():
        streams, recorded = " ".join(entry.streams), " ".join(entry.recorded[0])
        lines.append((name, streams, f"{entry.weight_per_minute:,}", recorded, entry.rest_url, entry.stream_url))
    print_columns(lines)


def _plain(name: str, entry: VenueEntry) -> dict[str, object]:
    return {
        "venue": name,
        "streams": list(entry.streams),
        "stream_url": entry.stream_url,
        "rest_url": entry.rest_url,
        "weight_per_minute": entry.weight_per_minute,
        "clock": entry.clock[0],
        "recorded_as": list(entry.recorded[0]),
    }
