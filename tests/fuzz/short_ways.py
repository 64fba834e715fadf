"""The compiled loops, fed any bytes: they must tell what the slow obvious way tells.

In:  bytes. Out: nothing; a target raises where the two ways differ.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ninefold.journal import inputs
from ninefold.journal.pack_loop import PADDING, packed
from ninefold.journal.plain import plain_messages
from ninefold.journal.segment import pack
from tests.venues.test_quick import START_MS, START_NS, WRITERS, best, both

Target = Callable[[bytes], None]


def targets() -> dict[str, tuple[Target, list[bytes]]]:
    made: dict[str, tuple[Target, list[bytes]]] = {
        "packed messages": (_packed, [b"\x81\x02{}\x82\x7e\x00\x80" + bytes(128)])
    }
    for venue, write in WRITERS.items():
        made[f"{venue} trades"] = (_trades(venue), [write("BTC", 101, START_MS + 1, "61203.10", "0.5", True).encode()])
    made["binance best bid and ask"] = (
        _trades("binance"),
        [best("BTC", 7, "61203.10", "1.5", "61203.11", "2").encode()],
    )
    return made


def _packed(data: bytes) -> None:
    """Any bytes as those of a socket."""
    found = list(plain_messages(memoryview(data), 0, len(data)))
    want = b"".join(pack(inputs.FRAME, 3, seq, 5, payload) for seq, (_, payload) in enumerate(found, 1))
    padded, have, stop, seq = np.frombuffer(data + b"\x81" * PADDING, np.uint8), b"", 0, 1
    while stop < len(data):
        frames, stop = packed(padded, stop, len(data), 3, seq, 5)
        if frames is None:
            break
        have, seq = have + bytes(frames.packed()), frames.last_seq + 1
    if (have, stop) != (want, found[-1][0] if found else 0):
        raise AssertionError(f"{have!r} up to {stop} instead of {want!r}")


def _trades(venue: str) -> Target:
    """Any bytes as a message behind a trade, which has taught the loop its symbol, and before another one."""
    first, last = (
        WRITERS[venue]("BTC", id, START_MS + id - 100, "61203.10", "0.5", True).encode() for id in (100, 102)
    )

    def feed(data: bytes) -> None:
        both((venue,), [(1, START_NS, [first]), (1, START_NS + 1, [data, last])])

    return feed
