"""The sources of headlines: fetched now and then, handed in raw when they changed.

In:  addresses (http or https) or paths of files. Out: inputs; parsing happens behind the door, in `parse`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import aiohttp

from ninefold.config import Source
from ninefold.journal import inputs
from ninefold.journal.inputs import Headlines, encode
from ninefold.market.records import Headline
from ninefold.sentiment.fear_greed import parse_fear_greed
from ninefold.sentiment.headlines import parse_lines, parse_rss
from ninefold.services.failures import without_address

PARSERS = {"rss": parse_rss, "lines": parse_lines}


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


def parse(given: Headlines, seq: int, known_ns: int) -> list[Headline]:
    """Headlines of what a source gave. raises: ValueError saying what is wrong with it."""
    if given.form == "failed":
        raise ValueError(f"headlines of {given.source} could not be fetched: {given.body.decode('utf-8', 'replace')}")
    if given.form == "fear_greed":
        newest = parse_fear_greed(given.body)[-1:]
        return [
            Headline(
                seq=seq,
                known_ns=known_ns,
                source=given.source,
                headline_id=f"fear_greed:{value.day_ns}",
                title=f"Fear & Greed index {value.value}: {value.classification}",
                url="",
                published_ns=value.day_ns,
                score=value.score,
            )
            for value in newest
        ]
    return [
        Headline(
            seq=seq,
            known_ns=known_ns,
            source=given.source,
            headline_id=one.id,
            title=one.title,
            url=one.url,
            published_ns=one.published_ns,
        )
        for one in PARSERS[given.form](given.body)
    ]


async def _fetch(session: aiohttp.ClientSession, source: Source) -> bytes:
    if source.address.startswith(("http://", "https://")):
        async with session.get(source.address) as response:
            response.raise_for_status()
            return await response.read()
    return await asyncio.to_thread(Path(source.address).read_bytes)
