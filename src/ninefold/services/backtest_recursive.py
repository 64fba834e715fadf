"""Which values of a strategy change when less history is loaded.

In:  what is asked. Out: for each part of its formula, how far the last values differ from those with all of the history, for
     several lengths of history, and from which length on they are the same to the bit.

A window has forgotten what lies before it; an average that smooths never quite has. A live strategy whose history is shorter than
that decides otherwise than its back-test.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ninefold.formula import Call, Evaluator, Term
from ninefold.services.backtest_bars import Market
from ninefold.services.backtest_report import times
from ninefold.services.backtest_wanted import BadBacktest, Wanted, check_holdout, chosen_of, market_of
from ninefold.store.trials import TrialReader
from ninefold.strategy.parameters import BadStrategy

COMPARED = 100  # values at the end


def recursive_check(wanted: Wanted) -> dict[str, Any]:
    """returns: docs/research.md names the keys. raises: those of `backtest_wanted.REFUSED`."""
    chosen = chosen_of(wanted)
    plan = chosen.plan
    if plan.knows_itself:
        raise BadStrategy(
            f"{plan.name} depends on what it holds, or is free code: it has no formula whose parts could be compared"
        )
    market = market_of(wanted, [chosen])
    if wanted.data_dir.exists():
        check_holdout(wanted, market, TrialReader(wanted.data_dir))
    terms = list(dict.fromkeys(_parts(plan.target)))
    compared = min(COMPARED, len(market.bars) // 10)
    lengths = _lengths(plan.target.warm_up, len(market.bars) - compared)
    if not compared or not lengths:
        raise BadBacktest(
            f"{len(market.bars)} bars are too few for {plan.name}, which warms up for {plan.target.warm_up}; give more"
        )
    whole = _last(terms, market, len(market.bars), compared)
    off = np.array([_off(_last(terms, market, length + compared, compared), whole) for length in lengths])
    return {
        "strategy": plan.name,
        "set": dict(plan.parameters),
        "timeframe": wanted.timeframe,
        "bars": len(market.bars),
        "compared": compared,
        "compared_from": times(market.bars.close_ns[-compared:][:1])[0],
        "lengths": lengths,
        "terms": [
            {
                "term": str(term),
                "warm_up": term.warm_up,
                "differs": off[:, place].tolist(),
                "agrees_from": _agrees_from(lengths, off[:, place]),
            }
            for place, term in enumerate(terms)
        ],
    }


def _parts(term: Term) -> Iterator[Term]:
    """Each part that is computed, what it is made of first, the whole last."""
    if isinstance(term, Call):
        for part in term.inputs:
            yield from _parts(part)
    if isinstance(term, Call):
        yield term


def _lengths(warm_up: int, most: int) -> list[int]:
    """Bars before the first that is compared: as few as can be, twice as many, and so on."""
    found = [max(warm_up, 1)]
    while found[-1] * 2 < most:
        found.append(found[-1] * 2)
    return found if found[0] < most else []


def _last(terms: list[Term], market: Market, length: int, compared: int) -> np.ndarray:
    """The last values with so much history, shape (terms, compared)."""
    part = market.between(len(market.bars) - length, len(market.bars))
    values: np.ndarray = Evaluator(terms, market.scale).warm(part.columns)[:, -compared:]
    return values


def _off(values: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """The largest difference a term, as a fraction of its largest value; infinite where only one of both is known."""
    one_known = np.isnan(values) != np.isnan(whole)
    away = np.nan_to_num(np.abs(values - whole)).max(axis=1)
    largest = np.nan_to_num(np.abs(whole)).max(axis=1)
    return np.where(one_known.any(axis=1), np.inf, away / np.where(largest > 0, largest, 1.0))


def _agrees_from(lengths: list[int], off: np.ndarray) -> int | None:
    """The shortest length from which on nothing differs."""
    differing = np.flatnonzero(off > 0)
    first = int(differing[-1]) + 1 if len(differing) else 0
    return lengths[first] if first < len(lengths) else None
