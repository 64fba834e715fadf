"""Rows that are kept by the thousand and read by the hundred: held as JSON text, a quarter of what dicts take."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ninefold.api.rows import Json

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Json).decode


class Packed:
    """The newest `most` rows by id. A row that is put again keeps its place."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._rows: dict[str, bytes] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def put(self, id: str, row: Json) -> str | None:
        """Keep a row; returns the id of the oldest one if it had to go."""
        self._rows[id] = _encode(row)
        if len(self._rows) <= self._most:
            return None
        oldest = next(iter(self._rows))
        del self._rows[oldest]
        return oldest

    def get(self, id: str) -> Json | None:
        found = self._rows.get(id)
        return None if found is None else _decode(found)

    def newest_first(self) -> Iterator[Json]:
        return map(_decode, reversed(self._rows.values()))
