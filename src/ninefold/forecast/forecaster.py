"""The forecaster of one instrument and width, one bar at a time.

In:  a model or none, the bars since the anchor once, then each bar as it closes.
Out: forecasts, and which model made them: the trained one, or the baseline before the first training, while a feature
     is unknown, and when the features have drifted out of what the model was taught.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from ninefold.forecast import baseline
from ninefold.forecast.drift import WINDOW, Drift, drift
from ninefold.forecast.features import VOLATILITY, Columns, FeatureStream, Row
from ninefold.forecast.model import TrainedModel, tree_inputs
from ninefold.forecast.rows import ForecastRow
from ninefold.formula import Scale

Floats = NDArray[np.float64]


class Forecaster:
    """State: the running formulas and the last rows of features, both rebuilt by `warm` after a restart."""

    def __init__(self, scale: Scale, model: TrainedModel | None = None) -> None:
        self.model = model
        features = model.record.features if model else (("volatility", VOLATILITY),)  # all that the baseline asks for
        self._names, texts = zip(*features, strict=True)
        self._stream = FeatureStream(texts, scale)
        self._recent: deque[Floats] = deque(maxlen=WINDOW)

    def warm(self, columns: Columns) -> None:
        """Catch up with all bars since the anchor, oldest first; equals having seen them one by one."""
        self._recent.extend(row for row in self._stream.warm(columns) if not np.isnan(row).any())

    def foresee(self, row: Row) -> None:
        """A bar that may come next."""
        self._stream.foresee(row)

    def update(self, row: Row) -> tuple[ForecastRow, ...]:
        """Forecasts at the close of one bar; none while even the volatility is unknown."""
        features = self._stream.update(row)
        if self.model is None or np.isnan(features).any():
            return baseline.forecast(float(features[0]))
        self._recent.append(features)
        if self.drift().verdict == "stop":
            return baseline.forecast(float(features[0]))
        return self.model.predict(features)

    def drift(self) -> Drift:
        """How far the last rows stray from what the model was taught."""
        if self.model is None or not self._recent:
            return Drift("unknown")
        return drift(tree_inputs(np.array(self._recent)), self.model.record.ranges, self._names[1:])
