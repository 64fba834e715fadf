"""The sealed holdout: one wall in time, for all files and instruments; what is known behind it is for the last look.

In:  the wall, and the times at which rows became known, wherever they came from.
Out: which rows may be seen without a look; an error that says how to look. The wall and the looks that were taken are
     kept in `store/trials.py`, which refuses a look too many.

The wall cuts by when a row was known: the close of a bar, not its open, so no bar reaches over it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Wall(NamedTuple):
    at_ns: int  # rows known up to here may be seen
    looks: int  # how often what is behind it may be looked at, by all strategies together


class BehindTheWall(RuntimeError):
    """Rows of the sealed holdout were asked for without a look."""


class NoLooksLeft(RuntimeError):
    """The budget of looks is spent."""


def before_wall(known_ns: ArrayLike, wall: Wall | None) -> NDArray[np.bool_]:
    """Which rows may be seen without a look: all of them if there is no wall.

    known_ns: shape (rows,), in any order, of any file or instrument.

    >>> before_wall([30, 10, 20], Wall(at_ns=20, looks=1))
    array([False,  True,  True])
    """
    known = np.asarray(known_ns, dtype=np.int64)
    return np.ones(known.shape, dtype=np.bool_) if wall is None else known <= wall.at_ns


def check_before_wall(known_ns: ArrayLike, wall: Wall | None, where: str) -> None:
    """Nothing, if all rows may be seen without a look.

    where:  what was asked for, for the message: a file's name, an instrument.
    raises: BehindTheWall.
    """
    hidden = ~before_wall(known_ns, wall)
    if wall is not None and hidden.any():
        at = int(np.flatnonzero(hidden)[0])
        raise BehindTheWall(
            f"{where}: row {at} and {int(hidden.sum()) - 1} more are behind the holdout's wall at {moment(wall.at_ns)}; "
            f"end the time range there, or take one of the {wall.looks} looks"
        )


def moment(at_ns: int) -> str:
    """
    >>> moment(1_609_718_400_000_000_000)
    '2021-01-04 00:00:00 UTC'
    """
    return datetime.fromtimestamp(at_ns // 1_000_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
