"""Run jobs side by side until told to stop or one of them ends."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

AGAIN_S = 0.5


async def until(stop: asyncio.Event, jobs: Sequence[Coroutine[Any, Any, None]]) -> None:
    """raises: what the first job that ended by itself raised; the others are cancelled."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    stopping = asyncio.ensure_future(stop.wait())
    done, _ = await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
    await end(*tasks, stopping)
    for task in tasks:
        if task in done and (error := task.exception()) is not None:
            raise error


async def all_of(jobs: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Jobs that never end by themselves. raises: what the first one that fails raises; the others are cancelled."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        await asyncio.gather(*tasks)
    finally:
        await end(*tasks)


async def end(*tasks: asyncio.Future[Any]) -> None:
    """Cancel until all have ended: a library that waits with a timeout can swallow a cancellation (asyncio.wait_for does
    before Python 3.12)."""
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN_S)
    for task in tasks:
        if not task.cancelled():
            task.exception()
