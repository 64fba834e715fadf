"""The sources of headlines: fetched now and then, handed in raw when they changed.

In:  addresses (http or https) or paths of files. Out: inputs; parsing happens behind the door, in `headlines_told`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import aiohttp

from ninefold.config import Source
from ninefold.journal import inputs
from ninefold.journal.inputs import Headlines, encode
from ninefold.services.failures import without_address


async def watch(source: Source, put: Callable[[int, int, int, bytes], None], clock: Callable[[], int]) -> None:
    """Fetch one source again and again until cancelled; what cannot be fetched is told as a malformed input."""
    seen = b""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        while True:
            try:
                body = await _fetch(session, source)
            except (OSError, aiohttp.ClientError, TimeoutError) as error:
                body = b""
                put(
                    inputs.HEADLINES,
                    0,
                    clock(),
                    encode(Headlines(source.name, "failed", without_address(error).encode())),
                )
            if body and body != seen:
                seen = body
                put(inputs.HEADLINES, 0, clock(), encode(Headlines(source.name, source.form, body)))
            await asyncio.sleep(source.every_s)


async def _fetch(session: aiohttp.ClientSession, source: Source) -> bytes:
    if source.address.startswith(("http://", "https://")):
        async with session.get(source.address) as response:
            response.raise_for_status()
            return await response.read()
    return await asyncio.to_thread(Path(source.address).read_bytes)
