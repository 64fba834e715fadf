"""From targets to the position one account should hold of an instrument.

In:  each strategy's target in [-1, +1] and its share of the capital.
Out: one signed size. Strategies are netted first: what one would buy and another sell is never sent.

Sums and quotients are of exact fractions, so the result depends neither on the order of the strategies nor on rounding;
sizes are cut toward zero to the lot step, so a position is never larger than what was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from ninefold.market.instruments import Instrument

QUOTE_DECIMALS = 8  # capital is in units of 10**-8 of the quote asset


def desired_position(
    targets: Mapping[str, float], weights: Mapping[str, float], capital_quote: int, price: int, instrument: Instrument
) -> int:
    """The position to hold, in size units of the instrument (a multiple of its lot step); negative is short.

    targets:       by strategy; cut to [-1, +1]; NaN (cannot tell) counts as 0.
    weights:       by strategy, share of the capital at target 1; not negative, together at most 1; others are ignored.
    capital_quote: units of 10**-8 of the quote asset, at least 0.
    price:         units of 10**-price_decimals, above 0.
    raises:        ValueError if a weight is missing or too large, or price or capital make no sense.
    """
    if price <= 0 or capital_quote < 0:
        raise ValueError(
            f"{instrument.name}: capital is {capital_quote} and price {price}; sizing needs a capital of at least 0 "
            "and a known price above 0"
        )
    share = sum(_shares(targets, weights).values(), start=Fraction(0))
    units = share * capital_quote * 10 ** (instrument.size_decimals + instrument.price_decimals)
    exact = units / (price * 10**QUOTE_DECIMALS)
    return int(exact / instrument.lot_size) * instrument.lot_size


def wanted_amounts(
    targets: Mapping[str, float], weights: Mapping[str, float], capital_quote: int, price: int, instrument: Instrument
) -> dict[str, int]:
    """What each strategy alone would hold, in units of 10**-8 of the base asset, cut toward zero; arguments and errors are
    those of `desired_position`.
    """
    unit = Fraction(capital_quote * 10**instrument.price_decimals, price)
    return {name: int(share * unit) for name, share in _shares(targets, weights).items()}


def equal_weights(names: tuple[str, ...]) -> dict[str, float]:
    """The same share of the capital for every strategy, together at most 1.

    >>> equal_weights(("a", "b"))
    {'a': 0.5, 'b': 0.5}
    """
    share = 1.0 / len(names) if names else 0.0
    while Fraction(share) * len(names) > 1:
        share = share * (1 - 2**-52)
    return {name: share for name in names}


def _shares(targets: Mapping[str, float], weights: Mapping[str, float]) -> dict[str, Fraction]:
    """Of the capital, by strategy, signed."""
    missing = sorted(set(targets) - set(weights))
    if missing:
        raise ValueError(f"no weight for {', '.join(missing)}; weights are given for {', '.join(sorted(weights))}")
    used = {name: Fraction(weights[name]) for name in targets}
    if any(weight < 0 for weight in used.values()) or sum(used.values()) > 1:
        raise ValueError(
            f"weights are {dict(weights)}; each must be at least 0 and together they may be at most 1: "
            "more would be borrowed money"
        )
    opinions = {name: target if target == target else 0.0 for name, target in targets.items()}
    return {name: Fraction(min(max(target, -1.0), 1.0)) * used[name] for name, target in opinions.items()}
