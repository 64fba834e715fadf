"""Decimal texts with 8 places, and whole numbers of 1e-8.

In:  decimal text as a client or a tape writes it, or an integer count of 1e-8 ("e8").
Out: the other of the two, exact. Binance prints every price, size and balance with 8 places.
"""

from functools import lru_cache

E8 = 100_000_000


class NotDecimal(ValueError):
    """The text is not a plain non-negative decimal of at most 8 places."""


@lru_cache(maxsize=16_384)  # a book's prices and sizes are told again and again
def text_of(e8: int) -> str:
    """Print a count of 1e-8 with 8 places.

    >>> text_of(6_173_763_000_000), text_of(-5)
    ('61737.63000000', '-0.00000005')
    """
    sign = "-" if e8 < 0 else ""
    whole, rest = divmod(abs(e8), E8)
    return f"{sign}{whole}.{rest:08d}"


def e8_of(text: str) -> int:
    """Read a plain non-negative decimal.

    raises: NotDecimal for signs, exponents, more than 8 significant places, or anything else.

    >>> e8_of("0.1"), e8_of("61737.63000000")
    (10000000, 6173763000000)
    """
    whole, _, rest = text.partition(".")
    kept = rest.rstrip("0")
    digits = whole + rest
    if len(kept) > 8 or not digits.isascii() or not digits.isdigit() or len(digits) > 30:
        raise NotDecimal(f"{text!r} is not a decimal number of at most 8 places, such as '0.00100000'.")
    return int(whole or "0") * E8 + int(kept.ljust(8, "0"))
