"""Candles of another width or another pair beside those that a strategy trades on, as they were known at the time.

In:  two tables of candles, each with the column `date`, when a candle began.
Out: the first with the columns of the second, named `close_1h`: in each row those of the last candle that was over when the
     row's own was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ninefold.freqtrade.errors import StrategyFailed
from ninefold.freqtrade.timeframes import timeframe_to_seconds

ATTRIBUTE = "_informative_wanted"
Populate = Callable[[Any, pd.DataFrame, dict[str, Any]], pd.DataFrame]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What `@informative` asks for; asset "" is the traded pair itself."""

    timeframe: str
    asset: str
    fmt: str | Callable[..., str] | None
    ffill: bool


def informative(
    timeframe: str,
    asset: str = "",
    fmt: str | Callable[..., str] | None = None,
    *,
    candle_type: Any = None,
    ffill: bool = True,
) -> Callable[[Populate], Populate]:
    """Mark a `populate_indicators_*` that is called with candles of that width, before `populate_indicators`."""

    def mark(populate: Populate) -> Populate:
        setattr(populate, ATTRIBUTE, [*getattr(populate, ATTRIBUTE, []), Wanted(timeframe, asset, fmt, ffill)])
        return populate

    return mark


def informative_methods(strategy: Any) -> list[tuple[Populate, Wanted]]:
    """Those that are marked, by name; of several marks on one the last written (the innermost) first."""
    methods = [getattr(type(strategy), name) for name in dir(type(strategy))]
    return [(method, wanted) for method in methods for wanted in getattr(method, ATTRIBUTE, [])]


def add_informative(strategy: Any, dataframe: pd.DataFrame, pair: str, populate: Populate, wanted: Wanted) -> Any:
    """The dataframe with the columns that the marked method makes."""
    here = names_of(pair, strategy.config["stake_currency"])
    asset = wanted.asset.format(**here) if wanted.asset else pair
    found = strategy.dp.get_pair_dataframe(asset, wanted.timeframe)
    found = populate(strategy, found, {"pair": asset, "timeframe": wanted.timeframe})
    form = wanted.fmt or ("{base}_{quote}_{column}_{timeframe}" if wanted.asset else "{column}_{timeframe}")
    there = {**names_of(asset, strategy.config["stake_currency"]), "asset": asset, "timeframe": wanted.timeframe}
    write = form if callable(form) else form.format
    found.columns = [write(column=column, **there) for column in found.columns]
    return merge_informative_pair(
        dataframe,
        found,
        strategy.timeframe,
        wanted.timeframe,
        ffill=wanted.ffill,
        append_timeframe=False,
        date_column=write(column="date", **there),
    )


def names_of(pair: str, stake: str) -> dict[str, str]:
    base, _, quote = pair.partition("/")
    quote = quote.partition(":")[0]
    return {
        "base": base.lower(),
        "BASE": base.upper(),
        "quote": quote.lower(),
        "QUOTE": quote.upper(),
        "stake": stake,
    }


def merge_informative_pair(
    dataframe: pd.DataFrame,
    informative: pd.DataFrame,
    timeframe: str,
    timeframe_inf: str,
    ffill: bool = True,
    append_timeframe: bool = True,
    date_column: str = "date",
    suffix: str | None = None,
) -> pd.DataFrame:
    """The dataframe with the columns of `informative`; without `ffill` only in the row whose candle ended with theirs.

    raises: ValueError if the other candles are shorter.
    """
    width, wide = timeframe_to_seconds(timeframe), timeframe_to_seconds(timeframe_inf)
    if wide < width:
        raise ValueError(
            f"candles of {timeframe_inf} cannot be merged into those of {timeframe}: only wider ones, or as wide"
        )
    if suffix and append_timeframe:
        raise ValueError("give either suffix or append_timeframe=True, not both")
    end = suffix or (timeframe_inf if append_timeframe else "")
    named = informative.rename(columns={name: f"{name}_{end}" for name in informative.columns} if end else {})
    known = "informative is known at"
    named[known] = named[f"{date_column}_{end}" if end else date_column] + pd.to_timedelta(wide - width, "s")
    named[known] = named[known].astype(dataframe["date"].dtype)
    if clash := sorted(set(named.columns) & set(dataframe.columns)):
        raise StrategyFailed(
            f"the column {clash[0]!r} is in both tables of candles; give another name, suffix or fmt for one of them"
        )
    if ffill:
        found = pd.merge_asof(dataframe, named.sort_values(known), left_on="date", right_on=known)
    else:
        found = dataframe.merge(named, how="left", left_on="date", right_on=known)
    return found.drop(columns=known)
