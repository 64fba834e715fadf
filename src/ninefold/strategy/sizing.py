"""From targets to the position one account should hold of an instrument.

In:  each strategy's target in [-1, +1] and its share of the capital.
Out: one signed size. Strategies are netted first: what one would buy and another sell is never sent.

Sums and quotients are exact, of whole numbers (a tick sizes hundreds of targets; with fractions that took most of its time), so
the result depends neither on the order of the strategies nor on rounding;
sizes are cut toward zero to the lot step, so a position is never larger than what was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple, TypeVar

from ninefold.market.instruments import Instrument

WEIGHTS_KNOWN = 64  # sets of them
_Key = TypeVar("_Key", str, float)
QUOTE_DECIMALS = 8  # capital is in units of 10**-8 of the quote asset


class Sized(NamedTuple):
    """position: size units to hold together, negative is short. amounts: by strategy, what it alone would hold, in 10**-8 of
    the base asset, cut toward zero."""

    position: int
    amounts: dict[str, int]


def sized(
    targets: Mapping[str, float], weights: Mapping[str, float], capital_quote: int, price: int, instrument: Instrument
) -> Sized:
    """What to hold of an instrument: together a multiple of its lot step.

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
    shares, places = _shares(targets, weights)
    unit, paid = capital_quote * int(10**instrument.price_decimals), price << places
    lot = paid * instrument.lot_size * int(10**QUOTE_DECIMALS)
    together = sum(shares.values()) * unit * int(10**instrument.size_decimals)
    alone = {share: _toward_zero(share * unit, paid) for share in set(shares.values())}  # mostly few
    return Sized(
        _toward_zero(together, lot) * instrument.lot_size, {name: alone[share] for name, share in shares.items()}
    )


def desired_position(
    targets: Mapping[str, float], weights: Mapping[str, float], capital_quote: int, price: int, instrument: Instrument
) -> int:
    """The position to hold, in size units of the instrument; arguments and errors are those of `sized`."""
    return sized(targets, weights, capital_quote, price, instrument).position


def equal_weights(names: tuple[str, ...]) -> dict[str, float]:
    """The same share of the capital for every strategy, together at most 1.

    >>> equal_weights(("a", "b"))
    {'a': 0.5, 'b': 0.5}
    """
    share = 1.0 / len(names) if names else 0.0
    while Fraction(share) * len(names) > 1:
        share = share * (1 - 2**-52)
    return {name: share for name in names}


def _shares(targets: Mapping[str, float], weights: Mapping[str, float]) -> tuple[dict[str, int], int]:
    """Of the capital, by strategy, signed: whole numbers of 2**-places. Every float is one, and every product of two."""
    if not targets.keys() <= weights.keys():
        missing = sorted(targets.keys() - weights.keys())
        raise ValueError(f"no weight for {', '.join(missing)}; weights are given for {', '.join(sorted(weights))}")
    used, of_weights = _used(tuple(targets), tuple([weights[name] for name in targets]))
    opinions = {target: min(max(target, -1.0), 1.0) for target in set(targets.values()) if target == target}
    wanted, of_targets = _whole(opinions)
    shares = {
        name: wanted.get(target, 0) * weight for (name, target), weight in zip(targets.items(), used, strict=True)
    }
    return shares, of_weights + of_targets


@lru_cache(WEIGHTS_KNOWN)
def _used(names: tuple[str, ...], weights: tuple[float, ...]) -> tuple[tuple[int, ...], int]:
    """Weights as whole numbers, checked; they are the same at every tick."""
    named = dict(zip(names, weights, strict=True))
    used, places = _whole(named)
    if any(weight < 0 for weight in used.values()) or sum(used.values()) > 1 << places:
        raise ValueError(
            f"weights are {named}; each must be at least 0 and together they may be at most 1: "
            "more would be borrowed money"
        )
    return tuple(used.values()), places


def _whole(values: Mapping[_Key, float]) -> tuple[dict[_Key, int], int]:
    """Floats as whole numbers of 2**-places, exactly."""
    ratios = {key: value.as_integer_ratio() for key, value in values.items()}
    most = max((below for _, below in ratios.values()), default=1)
    return {key: above * (most // below) for key, (above, below) in ratios.items()}, most.bit_length() - 1


def _toward_zero(above: int, below: int) -> int:
    """A quotient without its fraction; below is above 0."""
    return above // below if above >= 0 else -(-above // below)
