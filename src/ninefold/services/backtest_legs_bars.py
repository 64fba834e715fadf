"""The bars of a strategy's legs, cut to the times that all of them have.

In:  a file or an instrument for each leg, in the order of the legs. Out: a market for each, by the leg's name, that can read the
     others by theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ninefold.backtest.bars import BadBars, when
from ninefold.formula import Term
from ninefold.market.time import TIMEFRAME_OF
from ninefold.services.backtest_bars import Market
from ninefold.services.backtest_wanted import BadBacktest, Wanted, bars_of, funding_each, reads_vwap
from ninefold.strategy.forms import Legs


def leg_markets(wanted: Wanted, terms: Iterable[Term], named: Mapping[str, str], strategy: str) -> dict[str, Market]:
    """terms: all that is read of them.

    raises: BadBars if they have no time in common; BadBacktest, and what reading the bars raises.
    """
    return _shared(named, _markets(wanted, named, any(map(reads_vwap, terms))), strategy)


def legs_named(wanted: Wanted, legs: Legs, strategy: str) -> dict[str, str]:
    """What each leg is: an instrument, or a file. raises: BadBacktest if there are more or fewer."""
    first = wanted.file if wanted.file is not None else wanted.instrument
    given = () if first is None else (str(first), *(wanted.more_files or wanted.more_instruments))
    if len(given) != len(legs.names):
        raise BadBacktest(
            f"{strategy} has {len(legs.names)} legs ({', '.join(legs.names)}) and {len(given)} are given; give --instrument, or "
            "--bars, once for each, in this order"
        )
    return dict(zip(legs.names, given, strict=True))


def _markets(wanted: Wanted, named: Mapping[str, str], vwap: bool) -> dict[str, Market]:
    stored, alone = wanted.file is None, replace(wanted, more_files=(), more_instruments=(), more_funding=())
    each = zip(named.items(), funding_each(wanted.funding, wanted.more_funding, len(named)), strict=True)
    legs = {leg: (one, replace(alone, funding=paid)) for (leg, one), paid in each}
    return {
        leg: bars_of(replace(of, instrument=one) if stored else replace(of, file=Path(one)), vwap)
        for leg, (one, of) in legs.items()
    }


def _shared(named: Mapping[str, str], markets: Mapping[str, Market], strategy: str) -> dict[str, Market]:
    """Cut to the times that all have, each able to read the others by their names."""
    start_ns = max(int(one.bars.open_ns[0]) for one in markets.values())
    end_ns = min(int(one.bars.close_ns[-1]) for one in markets.values())
    if start_ns >= end_ns:
        spans = [
            f"{named[leg]} has {when(one.bars.open_ns[0])} to {when(one.bars.close_ns[-1])}"
            for leg, one in markets.items()
        ]
        raise BadBars(f"the legs of {strategy} have no time in common: {'; '.join(spans)}")
    cut = {
        leg: one.between(*np.searchsorted(one.bars.open_ns, [start_ns, end_ns]).tolist())
        for leg, one in markets.items()
    }
    read = {leg: tuple(of._replace(from_ns=start_ns, to_ns=end_ns) for of in one.read) for leg, one in cut.items()}

    def other(own: Market, instrument: str, width_ns: int) -> Market:
        if instrument not in cut:
            if own.others is None:
                raise BadBacktest(
                    f"{strategy} reads {instrument} beside its legs, which needs stored bars; use --instrument"
                )
            return own.others(instrument, width_ns)
        found = cut[instrument]
        if width_ns == int(found.bars.close_ns[0] - found.bars.open_ns[0]):
            return found
        if found.others is None:
            raise BadBacktest(
                f"{strategy} reads {instrument} in {TIMEFRAME_OF[width_ns]} bars, and files have one width"
            )
        return found.others(named[instrument], width_ns)

    return {leg: replace(one, others=partial(other, one), read=read[leg]) for leg, one in cut.items()}
