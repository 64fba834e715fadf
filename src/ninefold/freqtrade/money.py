"""What a position costs, brings and earns, to the last decimal.

In:  amounts, rates and fees as floats, each taken for the decimal number that it is written as.
Out: values in quote, rounded to a float once; profits to eight decimals, as freqtrade keeps them; amounts and prices on the
     steps of a market.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_HALF_UP, Context, Decimal

EXACT = Context(prec=60)  # products of three doubles as they are written have at most 51 digits


def written(number: float) -> Decimal:
    return Decimal(repr(float(number)))


def cost_of(amount: float, rate: float, fee: float) -> float:
    """What is paid for it, the fee among it (sold short: what is received for it)."""
    return _value(amount, rate, fee)


def proceeds_of(amount: float, rate: float, fee: float) -> float:
    """What is received for it when the fee is paid."""
    return _value(amount, rate, -fee)


def _value(amount: float, rate: float, fee: float) -> float:
    plain = EXACT.multiply(written(amount), written(rate))
    return float(EXACT.add(plain, EXACT.multiply(plain, written(fee))))


def eight_decimals(number: float) -> float:
    """
    >>> eight_decimals(0.123456789)
    0.12345679
    """
    return float(f"{number:.8f}")


def cut(amount: float, step: float | None) -> float:
    """The amount on the market's steps, never more; as it is if there are none.

    >>> cut(0.129, 0.01)
    0.12
    """
    return amount if step is None else _on(amount, step, ROUND_DOWN)


def nearest(price: float, step: float | None) -> float:
    return price if step is None else _on(price, step, ROUND_HALF_UP)


def next_above(price: float, step: float | None) -> float:
    """
    >>> next_above(98.001, 0.01)
    98.01
    """
    return price if step is None else _on(price, step, ROUND_CEILING)


def _on(number: float, step: float, rounding: str) -> float:
    width = written(step)
    steps = EXACT.divide(written(number), width).to_integral_value(rounding=rounding)
    return float(EXACT.multiply(steps, width))
