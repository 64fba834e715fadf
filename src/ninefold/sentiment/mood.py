"""Headlines become scores, scores the mood at every bar: the pure core of `sentiment`.

In:  chunks with headlines as they arrived and finished bars.
Out: the same, each headline once and scored, and the mood of the base asset at every first-revision bar as a value of
     the term `sentiment`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Instrument
from ninefold.market.records import AnyRecord, Headline, Listed
from ninefold.market.values import MOOD, telling
from ninefold.sentiment import aggregate, headlines
from ninefold.sentiment.scorer import score


class Sentiment:
    """State: the running mood of each asset."""

    name = "sentiment"

    def __init__(self) -> None:
        self._mood = aggregate.SentimentState()
        self._bases: dict[int, str] = {}

    def step(self, chunk: Chunk) -> Chunk:
        kept: list[AnyRecord] = []
        for record in chunk.records:
            if isinstance(record, Listed):
                self._bases[record.instrument.id] = record.instrument.base
            if not isinstance(record, Headline):
                kept.append(record)
            elif record.headline_id not in self._mood.seen:
                kept.append(self._count(record))
        chunk.records = kept
        bars = chunk.rows("bars")
        if len(bars):
            chunk.add("values", self._values(bars[bars["revision"] == 0]))
        return chunk

    def warm(self, instruments: Sequence[Instrument], bars: np.ndarray, values: np.ndarray) -> None:
        self._bases.update({instrument.id: instrument.base for instrument in instruments})

    def save(self) -> bytes:
        return aggregate.save(self._mood)

    def load(self, state: bytes) -> None:
        self._mood = aggregate.load(state)

    def _count(self, record: Headline) -> Headline:
        known = score(record.title) if record.score is None else record.score
        headline = headlines.Headline(record.headline_id, record.title, record.url, record.published_ns, record.source)
        arrival_ns = max(record.known_ns, self._mood.last_ns)
        self._mood = aggregate.step(self._mood, aggregate.ScoredHeadline(headline, arrival_ns, known))
        return msgspec.structs.replace(record, score=known)

    def _values(self, bars: np.ndarray) -> np.ndarray:
        known_ns = [max(known, self._mood.last_ns) for known in bars["known_ns"].tolist()]
        bases = [self._bases[instrument] for instrument in bars["instrument"].tolist()]
        moods = [aggregate.value(self._mood, base, at) for base, at in zip(bases, known_ns, strict=True)]
        return telling(bars, MOOD, moods)
