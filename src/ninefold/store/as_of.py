"""What was known at a past moment.

In:  a kind and a moment.
Out: the condition that a stored row was known by then; the last input that surely was. Market rows became known when
     our collector had them (receive_ns), all others when the decider had them (known_ns).
"""

from __future__ import annotations

from pathlib import Path

import pyarrow.compute as pc

from ninefold.store.certificates import LET_GO
from ninefold.store.delta import stored_files
from ninefold.store.layout import MARKET_KINDS
from ninefold.store.scan import scan

_TIMED = {"trades": "receive_ns", "books": "receive_ns", "quotes": "receive_ns", "records": "known_ns"}


def known_field(kind: str) -> str:
    """The field that says when a row of a kind became known."""
    return "receive_ns" if kind in MARKET_KINDS else "known_ns"


def known_by(kind: str, as_of_ns: int | None) -> pc.Expression | None:
    """The condition that a row was known at a moment; None if there is no moment, then all were."""
    return None if as_of_ns is None else pc.field(known_field(kind)) <= as_of_ns


def certified_by(folder: Path, as_of_ns: int | None) -> pc.Expression | None:
    """The condition that a certificate was known at a moment. That trades were let go counts at every moment: who asks
    what was known then does not get them any more.
    """
    if as_of_ns is None:
        return None
    return (pc.field("seq") <= known_seq(folder, as_of_ns)) | (pc.field("state") == LET_GO)


def known_seq(folder: Path, as_of_ns: int) -> int:
    """The greatest seq of a stored row that was known by then, 0 if there is none.

    What carries a seq and no time (certificates) was known if its seq is not above it, as far as receive times rise.
    """
    latest = 0
    for kind, field in _TIMED.items():
        straddling = []
        for file in stored_files(folder, kind):
            low, high = file.bounds[field]
            if high <= as_of_ns:
                latest = max(latest, file.bounds["seq"][1])
            elif low <= as_of_ns:
                straddling.append(file)
        straddling = [file for file in straddling if file.bounds["seq"][1] > latest]
        seqs = scan(kind, straddling, known_by(kind, as_of_ns)).column("seq")
        latest = max(latest, pc.max(seqs).as_py() or 0)
    return latest
