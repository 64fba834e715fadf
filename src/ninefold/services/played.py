"""What is said of one way in which a run was played again, or compared with back-tests."""

from __future__ import annotations

from collections import Counter

import msgspec

from ninefold.execution.reasons import Difference, Found


class Played(msgspec.Struct, kw_only=True):
    """One way in which the run was played again. compared, same: by kind. equity: at the end, in 10**-8 of the quote asset."""

    compared: dict[str, int]
    same: dict[str, int]
    differences: list[Difference]
    equity: int | None


def with_found(played: Played, more: Found) -> Played:
    """With what was compared beside it."""
    differ = Counter(one.kind for one in more.differences)
    return Played(
        compared={**played.compared, **more.compared},
        same={**played.same, **{kind: number - differ[kind] for kind, number in more.compared.items()}},
        differences=sorted([*played.differences, *more.differences], key=lambda one: one.seq),
        equity=played.equity,
    )
