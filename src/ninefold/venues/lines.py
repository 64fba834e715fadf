"""How what is wanted of a venue is split over several websockets, where it gives no more over one.

In:  venue symbols, what each costs of a line's limit, the lines that were made of their parts.
Out: the parts, in the order of the symbols and as few as may be, so that a symbol more changes only the last; the lines by
     name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from ninefold.journal.inputs import MARKET
from ninefold.venues.adapter import Line


def parts(symbols: Sequence[str], cost: Callable[[str], int], most: int) -> list[tuple[str, ...]]:
    """Of each the costs are at most `most`; a symbol that is dearer is alone. Without symbols there is one part, empty.

    >>> parts(["a", "bb", "cc", "d"], len, 3)
    [('a', 'bb'), ('cc', 'd')]
    """
    found: list[list[str]] = [[]]
    left = most
    for symbol in symbols:
        left -= cost(symbol)
        if left < 0 and found[-1]:
            found.append([])
            left = most - cost(symbol)
        found[-1].append(symbol)
    return [tuple(part) for part in found]


def numbered(lines: Iterable[Line]) -> tuple[Line, ...]:
    """By their places: "market", "market 2" and so on."""
    return tuple(replace(one, name=f"{MARKET} {n}" if n > 1 else MARKET) for n, one in enumerate(lines, 1))
