"""What every record is: the input that caused it, and when the pipeline knew it."""

from __future__ import annotations

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", gc=False):
    seq: int
    known_ns: int
