"""Strategies with legs, as people write them into a file."""

MINE = '''
from ninefold.strategy import Strategy


class Both(Strategy):
    """Long of both from a rising bar of the first until a falling one."""

    timeframe = "1s"
    legs = {"here": 0.4, "there": 0.4}
    entry = "close > open"
    exit = "close < open"


class Uneven(Both):
    """Alone its first leg is more than one order may be, its second is not."""

    legs = {"here": 0.4, "there": 0.1}


class Cheap(Strategy):
    """Long of the one that is cheap beside the other, as it was seen in the last bars."""

    timeframe = "1s"
    legs = {
        "left": 'where(zscore(close / at("right", close), 5) < 0, 0.4, 0)',
        "right": 'where(zscore(close / at("left", close), 5) < 0, 0.4, 0)',
    }
    filled = "wait"


class Plain(Strategy):
    """Long while the close is above its mean."""

    timeframe = "1s"
    target = "where(close > sma(close, 3), 0.4, 0)"


class Daily(Strategy):
    """Nothing yet, with a part of the capital, so that an order of the others is within the limits."""

    timeframe = "1d"
    target = "0 * close / close"


class Weekly(Daily):
    """The same."""


class Yearly(Daily):
    """The same."""


class Pair(Strategy):
    """Long the first and short the second."""

    timeframe = "1s"
    legs = {"here": 1, "there": -1}
    entry = "close > open"
'''
