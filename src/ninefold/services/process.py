"""What every process of ninefold does around its own work: run on uvloop, stop on SIGINT, SIGTERM, or when its parent
is gone.

In:  a coroutine that takes a stop event. Out: an exit status.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import uvloop

PARENT = "NINEFOLD_PARENT"  # set to "stdin" by a parent that keeps our standard input open as long as it lives


def run(work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run until the work ends or a signal stops it."""
    uvloop.run(_supervised(work))


def run_last(work: Callable[[asyncio.Event], Awaitable[None]]) -> NoReturn:
    """`run`, and then the end of the process: by then all is written and closed, and to take an interpreter with a
    thousand modules apart would cost half a second of CPU, nine times when nine services stop together. What was loaded so
    far stays, so nobody looks through it for garbage while the process works.
    """
    gc.freeze()
    run(work)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


async def _supervised(work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    failed: list[BaseException] = []

    def fail(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What went wrong in a callback of ours ends the process: going on would hide it. What a library's task left
        behind (a connection reset while closing) is logged."""
        error = context.get("exception")
        if isinstance(error, BaseException) and "handle" in context:
            failed.append(error)
            stop.set()
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(fail)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if os.environ.get(PARENT) == "stdin":
        loop.add_reader(sys.stdin.fileno(), _orphaned, loop, stop)
    try:
        await work(stop)
    finally:
        if failed:
            raise failed[0]


def _orphaned(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        loop.remove_reader(sys.stdin.fileno())
        stop.set()
