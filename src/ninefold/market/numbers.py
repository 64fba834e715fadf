"""Exact numbers: decimal text to int64 units of 10**-decimals and back, and rounding toward a venue's step.

In:  the text a venue sent ("61203.10000000") and the instrument's decimals.
Out: integers; what does not fit exactly is refused, never rounded by guess.
"""

from __future__ import annotations

INT64_MAX = 2**63 - 1


class NotExact(ValueError):
    """A number that cannot be held exactly in the instrument's units."""


def to_units(text: str, decimals: int) -> int:
    """Turn decimal text into an integer number of 10**-decimals.

    text:     plain decimal, as venues send it; sign allowed, no exponent.
    decimals: 0 to 18.
    raises:   NotExact if there are digits below the unit, if the text is no plain decimal, or beyond int64.

    >>> to_units("61203.10000000", 2)
    6120310
    >>> to_units("0.00012", 5)
    12
    """
    whole, _, fraction = text.partition(".")
    if len(fraction) > decimals:
        if fraction[decimals:].strip("0"):
            raise NotExact(f"{text!r} has more than {decimals} decimals; the instrument's rules must be refreshed")
        fraction = fraction[:decimals]
    digits = whole + fraction.ljust(decimals, "0")
    body = digits[1:] if digits[:1] == "-" else digits
    if not (body.isascii() and body.isdigit() and text.strip("-.")):
        raise NotExact(f"{text!r} is not a plain decimal number such as '61203.10'")
    units = int(digits)
    if not -INT64_MAX <= units <= INT64_MAX:
        raise NotExact(f"{text!r} with {decimals} decimals does not fit into 64 bits")
    return units


def to_text(units: int, decimals: int) -> str:
    """Write an integer number of 10**-decimals as decimal text with exactly that many decimals.

    >>> to_text(6120310, 2), to_text(-12, 5), to_text(7, 0)
    ('61203.10', '-0.00012', '7')
    """
    sign = "-" if units < 0 else ""
    digits = str(abs(int(units)))
    if decimals == 0:
        return sign + digits
    digits = digits.rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"


def to_short_text(units: int, decimals: int, step: int) -> str:
    """The same with as many decimals as the step has, or more where the number needs them.

    >>> to_short_text(61203100, 4, step=100), to_short_text(61203101, 4, step=100)
    ('6120.31', '6120.3101')
    """
    while decimals and step % 10 == 0 and units % 10 == 0:
        units, step, decimals = units // 10, step // 10, decimals - 1
    return to_text(units, decimals)


def shown_decimals(decimals: int, step: int) -> int:
    """How many decimals a step of so many units needs.

    >>> shown_decimals(4, step=100)
    2
    """
    while decimals and step % 10 == 0:
        step, decimals = step // 10, decimals - 1
    return decimals


def decimals_of(step: str) -> int:
    """How many decimals a step such as '0.01000000' has: 2. A step of 1 or 10 has none.

    >>> decimals_of("0.01000000"), decimals_of("1.00000000"), decimals_of("0.00000001")
    (2, 0, 8)
    """
    return len(step.partition(".")[2].rstrip("0"))


def round_to_step(units: int, step: int, side: int) -> int:
    """Round a price toward the safe side: buys (side > 0) floor, sells (side < 0) ceil; sizes use side = +1.

    >>> round_to_step(1234, 10, side=1), round_to_step(1234, 10, side=-1)
    (1230, 1240)
    """
    if step <= 1:
        return units
    return units // step * step if side > 0 else -(-units // step) * step


def digits_after_point(text: str) -> int:
    """Digits written after the decimal point, trailing zeros not counted.

    >>> digits_after_point("0.02097000"), digits_after_point("12")
    (5, 0)
    """
    return len(text.partition(".")[2].rstrip("0"))
