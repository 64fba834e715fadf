"""Sums that a venue adds up in doubles: their last digits say nothing.

In:  the text of such a number. Out: the nearest text of as many decimals as are held.
"""

from __future__ import annotations

from ninefold.market.numbers import NotExact, to_text, to_units


def rounded(text: str, decimals: int) -> str:
    """raises: NotExact if it is no plain decimal, or does not fit.

    >>> rounded("0.30000000000000004", 8), rounded("2.9999999999999996", 2), rounded("7", 2)
    ('0.30000000', '3.00', '7')
    """
    whole, _, fraction = text.partition(".")
    if len(fraction) <= decimals:
        return text
    if not (fraction.isascii() and fraction.isdigit()):
        raise NotExact(f"{text[:60]!r} is not a plain decimal number such as '61203.10'")
    cut = to_units(f"{whole}.{fraction[:decimals]}" if decimals else whole, decimals)
    return to_text(cut + (fraction[decimals] >= "5"), decimals)
