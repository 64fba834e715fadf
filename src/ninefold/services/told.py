"""Long lists of a document, made part by part when they are read: a trade as a dict takes ten times what it does as a row.

In:  how long each part is, and what makes it. Out: a sequence; a document as JSON in parts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Any

import msgspec

PART = 65_536  # numbers of a part


class Told(Sequence[Any]):
    """lengths: of the parts, each at least 1. part: makes one, a list ready for JSON.

    >>> told = Told([2, 1], lambda number: [["a", "b"], ["c"]][number])
    >>> told[-1], told[1:], list(told), b"".join(told.as_json())
    ('c', ['b', 'c'], ['a', 'b', 'c'], b'["a","b","c"]')
    """

    def __init__(self, lengths: Sequence[int], part: Callable[[int], list[Any]]) -> None:
        self._ends, self._part = list(accumulate(lengths)), part

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        place = range(len(self))[at]
        number = bisect_right(self._ends, place)
        return self._part(number)[place - self._ends[number]]

    def __iter__(self) -> Iterator[Any]:
        for number in range(len(self._ends)):
            yield from self._part(number)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(lambda a, b: a == b, self, other))

    def as_json(self) -> Iterator[bytes]:
        yield b"["
        for number in range(len(self._ends)):
            yield (b"," if number else b"") + msgspec.json.encode(self._part(number))[1:-1]
        yield b"]"


def as_json(document: dict[str, Any]) -> Iterator[bytes]:
    """The bytes of one JSON object; what is `Told` in parts.

    >>> b"".join(as_json({"a": 1, "b": Told([1], lambda _: [None])}))
    b'{"a":1,"b":[null]}'
    """
    before = b"{"
    for name, value in document.items():
        yield before + msgspec.json.encode(name) + b":"
        yield from value.as_json() if isinstance(value, Told) else [msgspec.json.encode(value)]
        before = b","
    yield b"}" if document else b"{}"


def whole(document: dict[str, Any]) -> dict[str, Any]:
    """The same with lists, for what keeps it."""
    return {name: list(value) if isinstance(value, Told) else value for name, value in document.items()}
