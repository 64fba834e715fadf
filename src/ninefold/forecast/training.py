"""Teach a model on stored bars and say honestly how good it is on bars it never saw.

In:  bars of one or more instruments and widths, oldest first.
Out: a model with its held-out scores, good or bad.

Labels are divided by the trailing volatility times the root of the horizon, so that all bars count alike and one model
serves several instruments and widths (see `features`). The trees that were judged are the trees that are served: the
youngest quarter of the bars judges and never teaches, the price of scores that speak of the model itself.
"""

import hashlib
from collections.abc import Sequence
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from ninefold.forecast.boosters import Part, Trees, grow
from ninefold.forecast.drift import ranges
from ninefold.forecast.features import TEXTS, Series, matrix
from ninefold.forecast.labels import future_returns
from ninefold.forecast.model import ModelRecord, TrainedModel, tree_inputs
from ninefold.forecast.rows import HORIZONS, QUANTILES
from ninefold.forecast.score import Score, score
from ninefold.forecast.splits import borders, split

Floats = NDArray[np.float64]

FEWEST_ROWS = 200  # of teaching rows; below it no leaf could be trusted


def train(series: Sequence[Series], seed: int, horizons: Sequence[int] = HORIZONS) -> TrainedModel:
    """Grow the trees of all horizons.

    series:  bars of one instrument and width each; at least one.
    returns: a model whose bytes are the same for the same bars, seed and libraries.
    raises:  ValueError if there are too few known bars, naming how many there are and how many it takes.
    """
    features = [matrix(one) for one in series]
    cuts = borders([one.close_ns for one in series])
    taught: list[tuple[str, ...]] = []
    scores: list[Score] = []
    for horizon in horizons:
        teach, choose, judge = parts(series, features, cuts, horizon)
        if len(teach[1]) < FEWEST_ROWS or not len(choose[1]):
            raise ValueError(
                f"training at {horizon} bars: {len(teach[1])} known rows to teach and {len(choose[1])} to choose by; "
                f"it takes {FEWEST_ROWS} and 1, about {2 * FEWEST_ROWS} known bars in all. "
                "Record longer, or use a shorter timeframe"
            )
        texts = tuple(grow(teach, choose, quantile, seed) for quantile in (*QUANTILES, None))
        taught.append(texts)
        scores.append(judged(horizon, texts, teach[1], judge))
        taught_ranges = ranges(teach[0])
    return TrainedModel(
        ModelRecord(
            features=tuple(TEXTS.items()),
            horizons=tuple(horizons),
            trees=tuple(taught),
            ranges=taught_ranges,
            scores=tuple(scores),
            series=tuple(one.name for one in series),
            from_ns=min(int(one.close_ns[0]) for one in series),
            until_ns=max(int(one.close_ns[-1]) for one in series),
            bars=sum(len(one.close_ns) for one in series),
            data=identity(series),
            seed=seed,
            libraries={name: version(name) for name in ("lightgbm", "numpy", "ta-lib")},
        )
    )


def parts(
    series: Sequence[Series], features: Sequence[Floats], cuts: tuple[int, int], horizon: int
) -> tuple[Part, Part, Part]:
    """Features and labels to teach, to choose and to judge by; rows with anything unknown are left out."""
    found: list[list[Part]] = [[], [], []]
    for one, rows in zip(series, features, strict=True):
        labels = future_returns(one.columns["close"], horizon) / (rows[:, 0] * np.sqrt(horizon))
        known = ~(np.isnan(rows).any(axis=1) | np.isnan(labels))
        for part, chosen in zip(found, split(one.close_ns, cuts, horizon), strict=True):
            at = np.array([i for i in chosen if known[i]], np.int64)
            part.append((tree_inputs(rows[at]), labels[at]))
    teach, choose, judge = (joined(part) for part in found)
    return teach, choose, judge


def joined(part: list[Part]) -> Part:
    return np.concatenate([features for features, _ in part]), np.concatenate([labels for _, labels in part])


def judged(horizon: int, texts: Sequence[str], taught: Floats, judge: Part) -> Score:
    """The score of one horizon's quantile trees on the judging rows, beside the quantiles of what taught them."""
    features, labels = judge
    naive = np.quantile(taught, QUANTILES)
    if not len(labels):
        return score(horizon, np.empty((0, len(QUANTILES))), naive, labels)
    quantiles = [Trees(text, features.shape[1]).many(features) for text in texts[: len(QUANTILES)]]
    return score(horizon, np.sort(np.column_stack(quantiles), axis=1), naive, labels)


def identity(series: Sequence[Series]) -> str:
    """A hash of everything that taught: names, times and columns."""
    digest = hashlib.sha256()
    for one in series:
        digest.update(f"{one.name} {one.scale}".encode())
        digest.update(np.ascontiguousarray(one.close_ns).tobytes())
        for name in sorted(one.columns):
            digest.update(name.encode() + np.ascontiguousarray(one.columns[name]).tobytes())
    return digest.hexdigest()
