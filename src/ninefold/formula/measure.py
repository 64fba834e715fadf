"""What is computed at the close of every bar: the pure core of `measure`.

In:  chunks with finished bars and best quotes.
Out: the same with the values of every term of TERMS for each first-revision bar, prices in quote units, and with the score
     of `one_upping`. A restated bar changes what is stored of it, not what was known then, so terms see each bar once, as it
     was first known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ninefold.formula.evaluate import Evaluator, to_quote
from ninefold.formula.one_upping import OneUpping
from ninefold.formula.parse import parse
from ninefold.formula.units import Scale
from ninefold.market.arrays import VALUES
from ninefold.market.chunk import Chunk
from ninefold.market.columns import closed_of, columns, coming_of
from ninefold.market.instruments import Instrument
from ninefold.market.records import Listed
from ninefold.market.values import ONE_UPPING, telling

INDICATORS = (
    "sma(close, 20)",
    "ema(close, 12)",
    "ema(close, 26)",
    "wma(close, 20)",
    "kama(close, 10)",
    "rsi(close, 14)",
    "macd(close, 12, 26, 9)",
    "macd_hist(close, 12, 26, 9)",
    "bbands_upper(close, 20, 2)",
    "bbands_lower(close, 20, 2)",
    "atr(14)",
    "natr(14)",
    "adx(14)",
    "cci(14)",
    "stoch_k(5, 3, 3)",
    "willr(14)",
    "mfi(14)",
    "roc(close, 10)",
    "mom(close, 10)",
    "stddev(close, 20)",
    "linearreg_slope(close, 14)",
    "trix(close, 15)",
    "zscore(close, 20)",
    "spread",
    "imbalance",
)
PATTERNS = (
    "cdldoji",
    "cdlhammer",
    "cdlengulfing",
    "cdlharami",
    "cdlmorningstar",
    "cdleveningstar",
    "cdlshootingstar",
    "cdlhangingman",
    "cdlmarubozu",
    "cdlspinningtop",
    "cdl3whitesoldiers",
    "cdl3blackcrows",
)
TERMS = (*INDICATORS, *(f"{name}()" for name in PATTERNS))


class Measure:
    """One evaluator for each instrument and width, fed from the first bar on; kept is what quotes said so far."""

    name = "measure"

    def __init__(self, terms: Sequence[str] = TERMS) -> None:
        self._terms = [parse(text) for text in terms]
        self._names = np.array([str(term).encode() for term in self._terms], VALUES["term"])
        self._instruments: dict[int, Instrument] = {}
        self._evaluators: dict[tuple[int, int], Evaluator] = {}
        self._factors: dict[int, np.ndarray] = {}
        self._one_upping = OneUpping()

    def step(self, chunk: Chunk) -> Chunk:
        for record in chunk.records:
            if isinstance(record, Listed):
                self._instruments[record.instrument.id] = record.instrument
        self._hear(chunk.rows("quotes"))
        first, read = closed_of(chunk)
        if len(first):
            scores = [self._one_upping.score(instrument) for instrument in first["instrument"].tolist()]
            chunk.add("values", np.concatenate([self._values(first, read), telling(first, ONE_UPPING, scores)]))
        for key, row in coming_of(chunk):
            self._evaluator(key).foresee(row)
        return chunk

    def save(self) -> bytes:
        return self._one_upping.save()

    def load(self, state: bytes) -> None:
        self._one_upping.load(state)

    def warm(self, instruments: Sequence[Instrument], bars: np.ndarray, values: np.ndarray) -> None:
        """Catch up with all bars so far (first revisions, in the order in which they became known)."""
        self._instruments.update({instrument.id: instrument for instrument in instruments})
        for key in {(int(i), int(w)) for i, w in bars[["instrument", "width_ns"]].tolist()}:
            mine = bars[(bars["instrument"] == key[0]) & (bars["width_ns"] == key[1])]
            self._evaluator(key).warm(columns(mine))

    def _hear(self, quotes: np.ndarray) -> None:
        if len(quotes):
            wanted = set(quotes["instrument"].tolist()) & self._instruments.keys()
            ticks = {instrument: self._instruments[instrument].tick_size for instrument in wanted}
            self._one_upping.hear(quotes, ticks)

    def _evaluator(self, key: tuple[int, int]) -> Evaluator:
        evaluator = self._evaluators.get(key)
        if evaluator is None:
            of = self._instruments[key[0]]
            scale = Scale(of.price_decimals, of.size_decimals)
            evaluator = self._evaluators[key] = Evaluator(self._terms, scale)
            self._factors[key[0]] = np.array([to_quote(term, np.ones(1), scale)[0] for term in self._terms])
        return evaluator

    def _values(self, bars: np.ndarray, read: Sequence[Mapping[str, float]]) -> np.ndarray:
        keys = bars[["instrument", "width_ns"]].tolist()
        values = [self._evaluator(key).update(row) for key, row in zip(keys, read, strict=True)]
        made = np.empty((len(bars), len(self._terms)), VALUES)
        for name in ("instrument", "width_ns", "close_ns", "known_ns", "seq"):
            made[name] = bars[name][:, None]
        made["term"] = self._names
        made["value"] = np.array(values) * np.array([self._factors[instrument] for instrument, _ in keys])
        return made.ravel()
