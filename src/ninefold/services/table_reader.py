"""The reader of the tables, for processes that need it only where a start goes on from what was stored.

In:  a data dir. Out: a Reader. Arrow and Delta are loaded with the first: a tenth of a second and more of each start.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ninefold.services import lean

if TYPE_CHECKING:
    from ninefold.store.read import Reader


def reader_of(data_dir: Path) -> Reader:
    """raises: NoDataDir, WrongFormat."""
    found: Reader = lean.load("ninefold.store.read").Reader(data_dir)
    return found
