"""Strategies that quote, as people write them into a file."""

MINE = '''
from ninefold.strategy import Strategy


class Around(Strategy):
    """A little on both sides of the best prices, more of what it does not hold."""

    timeframe = "1s"
    most = 0.03
    bid = "min(bid, close) - 2 * tick"
    ask = "max(ask, close) + 2 * tick"
    bid_size = "where(position > 0.01, 0.005, 0.01)"
    ask_size = 0.01


class Plain(Strategy):
    """Long while the close is above its mean."""

    timeframe = "1s"
    target = "where(close > sma(close, 3), 0.2, 0)"
'''
