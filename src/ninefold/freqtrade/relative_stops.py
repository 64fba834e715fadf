"""Stops relative to the present price, out of stops that are meant otherwise; for `custom_stoploss`.

In:  a stop relative to the price of entry, or as a price. Out: how far it is below (short: above) the present price, as a
     fraction; 0 where it is beyond it.
"""

from __future__ import annotations


def stoploss_from_open(
    open_relative_stop: float, current_profit: float, is_short: bool = False, leverage: float = 1.0
) -> float:
    """
    >>> round(stoploss_from_open(0.05, 0.10), 6)
    0.045455
    """
    if current_profit == (1 if is_short else -1):
        return 1.0
    side = -1 if is_short else 1
    kept = (1 + side * open_relative_stop / leverage) / (1 + side * current_profit / leverage)
    return max(side * (1 - kept) * leverage, 0.0)


def stoploss_from_absolute(
    stop_rate: float, current_rate: float, is_short: bool = False, leverage: float = 1.0
) -> float:
    """
    >>> stoploss_from_absolute(75.0, 100.0)
    0.25
    """
    if current_rate == 0:
        return 1.0
    distance = 1 - stop_rate / current_rate
    return max(-distance if is_short else distance, 0.0) * leverage
