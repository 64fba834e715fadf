"""What is said of one way in which a run was played again, or compared with back-tests."""

from __future__ import annotations

import msgspec

from ninefold.execution.reasons import Difference


class Played(msgspec.Struct, kw_only=True):
    """One way in which the run was played again. compared, same: by kind. equity: at the end, in 10**-8 of the quote asset."""

    compared: dict[str, int]
    same: dict[str, int]
    differences: list[Difference]
    equity: int | None
