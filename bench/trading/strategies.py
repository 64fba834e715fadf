"""Fifty small strategies on bars of a second that change their mind often, as a user's file has them.

In:  how many. Out: the text of a Python file, and the strategies' names.
"""

from __future__ import annotations

HEAD = '''"""Long while the last close is above its mean, each over another number of seconds."""

from ninefold.strategy import Strategy
'''
ONE = '''

class {title}(Strategy):
    """Long while the close is above the mean of {bars} seconds, else flat."""

    name = "{name}"
    timeframe = "1s"
    target = "where(close > sma(close, {bars}), 1, 0)"
'''
SHORTEST = 3  # seconds


def written(count: int) -> tuple[str, list[str]]:
    lengths = range(SHORTEST, SHORTEST + count)
    names = [f"above_{bars}s" for bars in lengths]
    made = [ONE.format(title=f"Above{bars}s", name=name, bars=bars) for name, bars in zip(names, lengths, strict=True)]
    return HEAD + "".join(made), names
