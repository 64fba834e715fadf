"""A trained model: what it was taught, its bytes, and its forecasts.

In:  one row of features (see `features`), or many.
Out: a distribution of the log return for each horizon; none where a feature is unknown.
"""

import hashlib
import math
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from ninefold.forecast.boosters import Trees
from ninefold.forecast.drift import Range
from ninefold.forecast.rows import QUANTILES, ForecastRow, row
from ninefold.forecast.score import Score

Floats = NDArray[np.float64]

VERSION = 1
AGAIN = "run `ninefold train` again"


class ModelRecord(msgspec.Struct, frozen=True, kw_only=True):
    """All of a model as values. `trees` has one tuple a horizon: LightGBM texts of the quantiles, then of the mean."""

    version: int = VERSION
    features: tuple[tuple[str, str], ...]  # name and formula; the first is the volatility
    horizons: tuple[int, ...]
    trees: tuple[tuple[str, ...], ...]
    ranges: tuple[Range, ...]  # of the teaching rows, for the drift guard
    scores: tuple[Score, ...]  # on bars that taught nothing, one a horizon
    series: tuple[str, ...]
    from_ns: int
    until_ns: int
    bars: int
    data: str  # hash of the bars
    seed: int
    libraries: dict[str, str]


class TrainedModel:
    """A model ready to be asked.

    id: the first 16 hexadecimal digits of the SHA-256 of its bytes: equal models have equal ids.
    Any number of instruments may share one model, but not threads: `predict` uses one buffer.
    """

    def __init__(self, record: ModelRecord) -> None:
        self.record = record
        self.id = digest(encoded(record))[:16]
        width = len(record.features) - 1
        self._trees = [[Trees(text, width) for text in texts] for texts in record.trees]
        self._inputs = np.empty(width)
        self._address = self._inputs.ctypes.data

    def predict(self, features: Floats) -> tuple[ForecastRow, ...]:
        """Forecast from one row, shape (k,); nothing if any feature is NaN (warm-up, unknown bar)."""
        if np.isnan(features).any():
            return ()
        self._inputs[:] = tree_inputs(features)
        rows = []
        for horizon, trees in zip(self.record.horizons, self._trees, strict=True):
            stretch = float(features[0]) * math.sqrt(horizon)
            *quantiles, mean = (tree.one(self._address) * stretch for tree in trees)
            rows.append(row(horizon, quantiles, mean, self.id))
        return tuple(rows)

    def predict_many(self, features: Floats) -> Floats:
        """Forecasts for many rows at once: the numbers of `predict`.

        features: shape (n, k).
        returns:  shape (n, horizons, 6): q05, q25, q50, q75, q95, mean; NaN where a feature is NaN.
        """
        found = np.full((len(features), len(self._trees), len(QUANTILES) + 1), np.nan)
        known = ~np.isnan(features).any(axis=1)
        if known.any():
            inputs = tree_inputs(features[known])
            for at, (horizon, trees) in enumerate(zip(self.record.horizons, self._trees, strict=True)):
                stretch = features[known, 0] * math.sqrt(horizon)
                answers = np.column_stack([tree.many(inputs) * stretch for tree in trees])
                answers[:, :-1] = np.sort(answers[:, :-1], axis=1)
                found[known, at] = answers
        return found

    def to_bytes(self) -> bytes:
        """The model's hash, then the model; the same model gives the same bytes."""
        body = encoded(self.record)
        return digest(body).encode() + body

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """The model that `to_bytes` wrote.

        raises: ValueError if the bytes were damaged, or were written by another version of the program.
        """
        written, body = raw[:64], raw[64:]
        if digest(body).encode() != written:
            raise ValueError(f"model: {len(raw)} bytes whose hash differs: they are damaged; {AGAIN}")
        found = msgspec.msgpack.decode(body, type=Header).version
        if found != VERSION:
            raise ValueError(f"model: version {found}; this program reads version {VERSION}; {AGAIN}")
        return cls(msgspec.msgpack.decode(body, type=ModelRecord))


class Header(msgspec.Struct):
    version: int


def tree_inputs(features: Floats) -> Floats:
    """What the trees see: every feature but the volatility, which scales their answer. Last axis k, then k - 1."""
    return features[..., 1:]


def encoded(record: ModelRecord) -> bytes:
    return msgspec.msgpack.encode(record, order="deterministic")


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
