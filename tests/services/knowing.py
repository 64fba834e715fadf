"""Strategies that know what they hold, as people write them into a file."""

MINE = '''
import random
from ninefold.strategy import Strategy


class Cools(Strategy):
    """Long from a rising bar for two bars, and only after it has held nothing for a while."""

    timeframe = "1s"
    entry = "(close > open) & (sma(position, 3) <= 0)"
    exit = "bars_held >= 2"


class Counts(Strategy):
    """Half long on three of seven bars, whatever they are."""

    timeframe = "1s"
    seen = 0

    def on_bar(self, bar):
        self.seen += 1
        return 0.5 if self.seen % 7 < 3 else None if bar.bars_held == 1 else 0


class Shared(Strategy):
    """Half long while the last bar of any instrument has risen."""

    timeframe = "1s"
    rose = []

    def on_bar(self, bar):
        wanted = 0.5 if self.rose and self.rose[-1] else 0
        self.rose.append(bar.close > bar.open)
        return wanted


class Breaks(Strategy):
    """A little long, until it has seen eight bars."""

    timeframe = "1s"
    seen = 0

    def on_bar(self, bar):
        self.seen += 1
        return 0.2 if self.seen < 8 else [][0]


class Hidden(Strategy):
    """Long or not, by chance."""

    timeframe = "1s"

    def on_bar(self, bar):
        return random.choice([0, 1])


class Daily(Strategy):
    """Nothing yet, with a part of the capital, so that an order of the others is within the limits."""

    timeframe = "1d"
    target = "0 * close / close"


class Weekly(Daily):
    """The same."""
'''
