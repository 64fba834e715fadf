"""What a source of headlines gave, as headlines.

In:  an input as `headlines` journals it. Out: headlines with the times when they were published and known.
"""

from __future__ import annotations

from ninefold.journal.inputs import Headlines
from ninefold.market.records import Headline
from ninefold.sentiment.fear_greed import parse_fear_greed
from ninefold.sentiment.headlines import parse_lines, parse_rss

PARSERS = {"rss": parse_rss, "lines": parse_lines}


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
