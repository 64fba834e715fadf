"""How streams of Binance, spot and futures, are asked for: in the path of a websocket, and behind it by messages.

In:  venue symbols and kinds of streams. Out: by part of the symbols the path, and what is said once the websocket is open.

The venue gives at most 1024 streams over a websocket, and takes at most five messages a second of one ("WebSocket Streams" of
spot, USD-M and COIN-M). Names in the path spare a message and its answer; but no page says how long a path may be, and some
230 names were refused to others, so there are fewer, and the others are asked for by at most four messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from ninefold.venues.lines import parts

STREAMS_MOST = 1024
PATH_MOST = 4_000  # bytes of names
NAMES_MOST = 250  # of a message


def asked_for(
    symbols: Sequence[str], streams: Sequence[str]
) -> Iterator[tuple[tuple[str, ...], str, tuple[bytes, ...]]]:
    for part in parts(symbols, lambda _: len(streams), STREAMS_MOST):
        names = [f"{symbol.lower()}@{stream}" for symbol in part for stream in streams]
        [first, *_] = parts(names, lambda name: len(name) + 1, PATH_MOST)
        later = names[len(first) :]
        said = (later[start : start + NAMES_MOST] for start in range(0, len(later), NAMES_MOST))
        say = tuple(
            msgspec.json.encode({"method": "SUBSCRIBE", "params": one, "id": id}) for id, one in enumerate(said, 1)
        )
        yield part, "/stream?streams=" + "/".join(first), say
