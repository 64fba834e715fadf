"""What people command, as records: halt, flatten, resume, an order, a cancel.

In:  a Command of the journal. Out: its record; msgspec's error for one whose body cannot be read.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ninefold.journal.inputs import Command
from ninefold.market.records import AnyRecord, Asked, CancelAsked, Flatten, Halted, Resumed

ASKS: dict[str, type[Asked] | type[CancelAsked]] = {"order": Asked, "cancel": CancelAsked}


def commanded(command: Command, seq: int, known_ns: int) -> AnyRecord:
    """The record of one command; what is no known name halts, for somebody wanted something that we do not understand."""
    kind = ASKS.get(command.name)
    if kind is not None:
        asked = msgspec.json.decode(command.body, type=dict[str, Any])
        return msgspec.convert(
            {**asked, "type": kind.__struct_config__.tag, "by": command.by, "seq": seq, "known_ns": known_ns}, kind
        )
    if command.name == "resume":
        return Resumed(seq=seq, known_ns=known_ns, by=command.by)
    if command.name == "flatten":
        return Flatten(seq=seq, known_ns=known_ns, by=command.by, instrument=command.instrument)
    return Halted(seq=seq, known_ns=known_ns, by=command.by, reason=command.reason)
