"""Exact money: rates as whole numbers, and amounts in units of one price tick times one size lot.

In:  what people write: 0.001, "0.001", Decimal, Fraction, int.
Out: integers. A rate is a whole number of 10**-8; what is finer is refused, never rounded by guess.

A price in ticks times a size in lots is an amount without a division, so cash, positions and costs add up to the unit.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

ONE = 10**8  # a rate of 1, that is 100 %, and a target of +1
LARGEST = 2**60  # of any amount: sums of a few still fit into 64 bits
Number = int | float | str | Decimal | Fraction


class BadRules(ValueError):
    """Rules that cannot be used: says which, what was found, what is allowed, what to do."""


def exact(value: Number, name: str) -> Fraction:
    """The number as it is written: 0.1 is a tenth, not the nearest double.

    raises: BadRules for what is no finite number.

    >>> exact(0.1, "fee"), exact("1/3", "share")
    (Fraction(1, 10), Fraction(1, 3))
    """
    try:
        return Fraction(repr(value) if type(value) is float else str(value))
    except (ValueError, ZeroDivisionError):
        raise BadRules(f"{name} is {value!r}; it must be a finite number such as 0.001") from None


def rate(value: Number, name: str, least: int = 0, most: int = 1) -> int:
    """A fraction as a whole number of 10**-8.

    raises: BadRules if it lies outside [least, most] or has more than 8 decimals.

    >>> rate("0.001", "taker fee")
    100000
    """
    given = exact(value, name)
    if not least <= given <= most:
        raise BadRules(f"{name} is {value!r}; it must lie between {least} and {most} (0.001 is 0.1 %)")
    whole = given * ONE
    if whole.denominator != 1:
        raise BadRules(f"{name} is {value!r}; rates are held to 8 decimals: round it to {float(round(given, 8))}")
    return int(whole)


def multiple(value: Number, unit: Fraction, name: str, what: str) -> int:
    """How many units a number is.

    raises: BadRules if it is no whole number of them, or more than 2**60.

    >>> multiple("0.5", Fraction(1, 100), "size", "lots")
    50
    """
    whole = exact(value, name) / unit
    if whole.denominator != 1:
        down = whole.numerator // whole.denominator * unit
        raise BadRules(f"{name} is {value!r}, no whole number of {what} of {unit}; round it, to {float(down)} say")
    if abs(whole) > LARGEST:
        raise BadRules(
            f"{name} is {value!r}, which is {int(whole)} {what} of {unit}: at most {LARGEST} (2**60) can be counted "
            "exactly; give bars with a coarser tick or lot, or less money"
        )
    return int(whole)
