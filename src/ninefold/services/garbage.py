"""When Python looks for garbage that refers to itself: seldom, and not whenever many objects have been made.

Next to nothing of ours is such garbage (a replay of 40,000 frames made none once it ran), and a look at everything took
50 ms with 2,000 instruments.
"""

from __future__ import annotations

import asyncio
import gc

YOUNG_S = 10.0  # between looks at what was made since the last one
ALL_EVERY = 360  # of these looks, one is at everything


async def seldom() -> None:
    """Until cancelled. What lives at the start is not looked at again."""
    gc.freeze()
    gc.disable()
    looks = 0
    try:
        while True:
            await asyncio.sleep(YOUNG_S)
            looks += 1
            gc.collect(1 if looks % ALL_EVERY else 2)
    finally:
        gc.enable()
