"""A forecast at the close of every bar: the pure core of `forecast`.

In:  chunks with finished bars and their mood; a trained model or none.
Out: the same with the distribution of the return at each horizon for every first-revision bar; its mean over the next bar
     also as a value of the term `forecast`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ninefold.forecast.forecaster import Forecaster
from ninefold.forecast.model import TrainedModel
from ninefold.formula import Scale
from ninefold.market.arrays import rows
from ninefold.market.chunk import Chunk
from ninefold.market.columns import closed_of, columns, coming_of, told_too
from ninefold.market.instruments import Instrument
from ninefold.market.records import Listed
from ninefold.market.values import FORECAST, known_of, telling, told_of


class Forecasts:
    """One forecaster for each instrument and width."""

    name = "forecast"

    def __init__(self, model: TrainedModel | None = None) -> None:
        self._model = model
        self._instruments: dict[int, Instrument] = {}
        self._forecasters: dict[tuple[int, int], Forecaster] = {}

    def step(self, chunk: Chunk) -> Chunk:
        for record in chunk.records:
            if isinstance(record, Listed):
                self._instruments[record.instrument.id] = record.instrument
        first, read = closed_of(chunk)
        if len(first):
            self._forecast(chunk, first, told_too(first, read, known_of(chunk.rows("values"))))
        for key, row in coming_of(chunk):
            self._forecaster(key).foresee(row)
        return chunk

    def warm(self, instruments: Sequence[Instrument], bars: np.ndarray, values: np.ndarray) -> None:
        """Catch up with all bars so far (first revisions, in the order in which they became known)."""
        self._instruments.update({instrument.id: instrument for instrument in instruments})
        known = known_of(values)
        for key in {(int(i), int(w)) for i, w in bars[["instrument", "width_ns"]].tolist()}:
            mine = bars[(bars["instrument"] == key[0]) & (bars["width_ns"] == key[1])]
            self._forecaster(key).warm(columns(mine, told_of(mine, known)))

    def _forecaster(self, key: tuple[int, int]) -> Forecaster:
        if key not in self._forecasters:
            of = self._instruments[key[0]]
            self._forecasters[key] = Forecaster(Scale(of.price_decimals, of.size_decimals), self._model)
        return self._forecasters[key]

    def _forecast(self, chunk: Chunk, bars: np.ndarray, read: Sequence[dict[str, float]]) -> None:
        made: list[tuple] = []  # type: ignore[type-arg]
        keys = bars[["instrument", "width_ns", "close_ns", "known_ns", "seq"]].tolist()
        for (instrument, width_ns, close_ns, known_ns, seq), row in zip(keys, read, strict=True):
            made += self._rows(instrument, width_ns, close_ns, known_ns, seq, row)
        if made:
            forecasts = rows("forecasts", made)
            chunk.add("forecasts", forecasts)
            next_bar = forecasts[forecasts["horizon"] == 1]
            chunk.add("values", telling(next_bar, FORECAST, next_bar["mean"].tolist()))

    def _rows(
        self, instrument: int, width: int, close_ns: int, known_ns: int, seq: int, read: dict[str, float]
    ) -> list[tuple]:  # type: ignore[type-arg]
        made = self._forecaster((instrument, width)).update(read)
        return [
            (
                instrument,
                width,
                close_ns,
                one.horizon,
                one.mean,
                one.q05,
                one.q25,
                one.q50,
                one.q75,
                one.q95,
                one.model.encode(),
                known_ns,
                seq,
            )
            for one in made
        ]
