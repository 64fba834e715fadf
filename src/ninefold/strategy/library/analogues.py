"""Analogues: what followed when the price last had this shape."""

from __future__ import annotations

from ninefold.strategy.parameters import real, whole
from ninefold.strategy.strategy import Strategy


class _Analogue(Strategy):
    family = "analogues"
    timeframe = "1h"


class AnalogueFollow(_Analogue):
    """Long if the price rose after the most alike stretch of the past, short if it fell."""

    source = "Lorenz (1969), Journal of the Atmospheric Sciences 26(4), the method of analogues"
    shape = whole(20, 4, 100)
    history = whole(200, 50, 1000)
    target = "sign(analogue_return(close, shape, history, 5))"


class AnalogueConfident(_Analogue):
    """Long or short with what followed the most alike stretch if it is alike indeed, else flat."""

    source = "Farmer and Sidorowich (1987), Physical Review Letters 59(8)"
    shape = whole(24, 4, 100)
    history = whole(300, 50, 1000)
    alike = real(2.5, 0.1, 10)
    target = (
        "where(analogue_distance(close, shape, history) < alike, sign(analogue_return(close, shape, history, 8)), 0)"
    )


class AnalogueNovelty(_Analogue):
    """Long or short against the distance from the mean while the shape is like none before, else flat."""

    source = "Keogh, Lin and Fu (2005), IEEE International Conference on Data Mining, discords"
    shape = whole(16, 4, 100)
    history = whole(200, 50, 1000)
    target = (
        "where(analogue_distance(close, shape, history) > quantile(analogue_distance(close, shape, history), 200, 0.8),"
        " -zscore(close, 20) / 2, 0)"
    )


class AnalogueRepeats(_Analogue):
    """Long or short with the move while the market repeats what it did lately, else flat."""

    source = "Yeh et al. (2016), IEEE International Conference on Data Mining, the matrix profile"
    shape = whole(12, 4, 100)
    ago = whole(48, 5, 500)
    target = "where(analogue_ago(close, shape, 200) < ago, sign(mom(close, shape)), 0)"


class AnalogueScales(_Analogue):
    """Long or short by the vote of a short and a long shape, in proportion."""

    source = "Sugihara and May (1990), Nature 344, forecasts from neighbours"
    short = whole(10, 4, 50)
    long = whole(40, 5, 100)
    target = "(sign(analogue_return(close, short, 300, 3)) + sign(analogue_return(close, long, 300, 12))) / 2"


class AnalogueVolume(_Analogue):
    """Long or short with the move if volume rose after the most alike stretch of volume, else flat."""

    source = "common practice: analogues of volume"
    shape = whole(16, 4, 100)
    target = "where(analogue_return(volume, shape, 200, 4) > 0, sign(mom(close, shape)), 0)"


class AnalogueScaled(_Analogue):
    """Long or short with what followed the most alike smoothed stretch, in proportion to its usual size."""

    source = "common practice: analogues of a smoothed price"
    shape = whole(30, 4, 100)
    smooth = whole(5, 2, 50)
    target = (
        "analogue_return(ema(close, smooth), shape, 250, 6)"
        " / (std(analogue_return(ema(close, smooth), shape, 250, 6), 200) * 2)"
    )
