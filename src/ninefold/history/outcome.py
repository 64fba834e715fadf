"""What a download did, for one pair and timeframe (or "trades")."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from ninefold.history.plan import Run
from ninefold.market.time import SECOND_NS


class Hole(msgspec.Struct, frozen=True):
    """What is not here and why it may be so. first, last: times of the first and last missing bar, or trade ids."""

    first: str
    last: str
    count: int


class Outcome(msgspec.Struct):
    """asked: bars or trades in the range. stored: what came now. already: was here before. holes: what is unknown.

    verified: bars that are aligned, follow each other and have possible prices; trades whose ids follow each other.
    compared, differing: bars told by the venue that were also made of stored trades, and how many are not the same.
    impossible: bars that were told with prices that cannot be; they are holes.
    """

    pair: str
    what: str
    asked: int = 0
    stored: int = 0
    already: int = 0
    verified: int = 0
    compared: int = 0
    differing: int = 0
    impossible: int = 0
    requests: int = 0
    seconds: float = 0.0
    holes: list[Hole] = []

    @property
    def missing(self) -> int:
        return sum(hole.count for hole in self.holes)


def holes_of_bars(runs: list[Run], width_ns: int) -> list[Hole]:
    return [
        Hole(moment(first), moment(end - width_ns), (end - first) // width_ns) for first, end in runs if first < end
    ]


def holes_of_trades(runs: list[Run]) -> list[Hole]:
    return [Hole(str(first), str(end - 1), end - first) for first, end in runs]


def moment(time_ns: int) -> str:
    """
    >>> moment(1_704_067_200_000_000_000)
    '2024-01-01T00:00:00Z'
    """
    return datetime.fromtimestamp(time_ns // SECOND_NS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
