"""What came of it: the log return of the close over the next bars. Only training and scoring may look at these.

In:  closes, oldest first, NaN for an unknown bar.
Out: one label a bar, NaN where it cannot be known.
"""

import numpy as np
from numpy.typing import NDArray


def future_returns(close: NDArray[np.float64], horizon: int) -> NDArray[np.float64]:
    """log(close[i + horizon] / close[i]).

    close:   shape (n,), any unit, > 0 or NaN, oldest first.
    horizon: bars ahead, at least 1.
    returns: shape (n,); NaN for the last `horizon` bars and where any of the bars i ... i + horizon is unknown: in an
             unknown bar trades may have been missed, so what a trader would have met on the way is not known either.
    raises:  ValueError if a price is not positive or the horizon is no bar.

    >>> future_returns(np.array([100.0, 110.0, 121.0]), 1).round(4)
    array([0.0953, 0.0953,    nan])
    """
    if horizon < 1:
        raise ValueError(f"labels: horizon is {horizon} bars; allowed is 1 or more")
    if np.any(close <= 0.0):
        at = int(np.argmax(close <= 0.0))
        raise ValueError(f"labels: close of bar {at} is {close[at]}; allowed are positive prices, and NaN for unknown")
    labels = np.full(len(close), np.nan)
    if len(close) > horizon:
        unknown = np.concatenate([[0], np.cumsum(np.isnan(close))])
        known = unknown[horizon + 1 :] == unknown[: -horizon - 1]
        returns = np.log(close[horizon:]) - np.log(close[:-horizon])
        labels[:-horizon] = np.where(known, returns, np.nan)
    return labels
