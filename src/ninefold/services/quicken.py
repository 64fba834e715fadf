"""The compiled loops that read a busy market, loaded when there is one.

In:  nothing. Out: what packs frames, and what makes the short way of an adapter; both ready to run.

They are loaded by name and not with the program, because the compiler takes a third of a second and 100 MB, which a quiet
market never needs. `python -m ninefold.services.quicken` compiles them once, so that no market has to wait for that.
"""

from __future__ import annotations

import importlib

from ninefold.services.intake import PackFrames
from ninefold.venues.collector import MakeQuick

QUICK, PACKING = "ninefold.venues.quick", "ninefold.journal.pack_loop"


def compiled() -> tuple[MakeQuick, PackFrames]:
    """Takes ten seconds where nothing was compiled before, a third of a second after that."""
    quick, packing = importlib.import_module(QUICK), importlib.import_module(PACKING)
    quick.warm()
    packing.warm()
    return quick.Quick, packing.packed


if __name__ == "__main__":
    compiled()
