"""Fees by tier out of a file that people write.

In:  a TOML file with a [[tier]] for each: volume (quote, of 30 days, from which on it counts), maker, taker.
Out: the three of each as texts, so that 0.001 is a thousandth.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from ninefold.services.backtest_wanted import BadBacktest

KEYS = ("volume", "maker", "taker")
EXAMPLE = '[[tier]] with volume = 0, maker = "0.0002", taker = "0.0005"'


def tiers_of_file(file: Path) -> tuple[tuple[str, ...], ...]:
    """raises: BadBacktest naming the file, what was found and how it is written."""
    try:
        with file.open("rb") as opened:
            said = tomllib.load(opened, parse_float=str)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BadBacktest(f"{file} cannot be read as fee tiers: {error}; write {EXAMPLE}") from error
    tiers = said.get("tier")
    if not isinstance(tiers, list) or said.keys() != {"tier"} or not tiers:
        raise BadBacktest(
            f"{file} has {', '.join(said) or 'nothing'}; fee tiers are written {EXAMPLE}, one after another"
        )
    for number, tier in enumerate(tiers, 1):
        if not isinstance(tier, dict) or tier.keys() != set(KEYS):
            raise BadBacktest(f"tier {number} of {file} is {tier!r}; it has volume, maker and taker: {EXAMPLE}")
    return tuple(tuple(str(tier[key]) for key in KEYS) for tier in tiers)
