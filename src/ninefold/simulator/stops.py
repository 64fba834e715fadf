"""Stop and take-profit orders: what they need, when the exchange refuses them, and when they go off.

In:  a new order of one of these types; the prices of public trades.
Out: `ApiError` as Binance answers; orders that go to the book once the last price has reached theirs.
Rules: developers.binance.com, "Trading endpoints: New order" (which parameters; "Trigger order price rules against market
price"), "Filters" (MAX_NUM_ALGO_ORDERS) and "Error codes" ("Order would trigger immediately."), read 2026-11-30. While it waits
an order is NEW with workingTime -1 and isWorking false. That it is told as NEW once more when it goes off is no page's word: it is
assumed here, and our reader takes any number of them. A purchase without a limit that the account cannot pay when it goes off
expires.
"""

from collections.abc import Callable

from ninefold.simulator import errors
from ninefold.simulator.accounts import OwnOrder
from ninefold.simulator.engine import BUY
from ninefold.simulator.errors import ApiError
from ninefold.simulator.exchange import Exchange
from ninefold.simulator.instruments import Instrument

PLAIN = ("LIMIT", "LIMIT_MAKER", "MARKET")
STOPS = {  # with their names in messages
    "STOP_LOSS": "Stop loss", "STOP_LOSS_LIMIT": "Stop loss limit",
    "TAKE_PROFIT": "Take profit", "TAKE_PROFIT_LIMIT": "Take profit limit",
}  # fmt: skip
MOST_STOPS = 5  # per symbol


def types_of(instrument: Instrument) -> list[str]:
    """The types of orders that a symbol has."""
    return [*PLAIN, *(kind for kind in STOPS if instrument.stops_at_market or kind.endswith("LIMIT"))]


def check_type(kind: str, instrument: Instrument) -> None:
    """raises: ApiError for a type that there is not, or not here."""
    if kind in types_of(instrument):
        return
    if kind in STOPS:
        raise ApiError(-1013, f"{STOPS[kind]} orders are not supported for this symbol.")
    raise ApiError(-1116, "Invalid orderType.")


def falls(order: OwnOrder) -> bool:
    """Whether it goes off at or below its price; else at or above."""
    return (order.side == BUY) == order.type.startswith("TAKE")


def reached(order: OwnOrder, low_ticks: int, high_ticks: int) -> bool:
    return low_ticks <= order.stop_ticks if falls(order) else high_ticks >= order.stop_ticks


def admit(exchange: Exchange, order: OwnOrder) -> None:
    """What the last price and the other orders have against it. raises: ApiError."""
    others = [each for each in exchange.waiting.values() if each.symbol == order.symbol]
    if len(others) >= MOST_STOPS:
        raise errors.filter_failure("MAX_NUM_ALGO_ORDERS")
    last = exchange.listings[order.symbol].last
    if last is not None and reached(order, last.price_ticks, last.price_ticks):
        raise errors.rejected("Order would trigger immediately.")


class Stops:
    """work: sends an order to the book that has gone off."""

    def __init__(self, exchange: Exchange, work: Callable[[OwnOrder], None]) -> None:
        self._exchange = exchange
        self._work = work
        self._due: list[OwnOrder] = []
        self._working = False

    def look(self, symbol: str, low_ticks: int, high_ticks: int) -> None:
        """After trades between two prices. What goes off trades in turn: those it sets off follow it, one after the other."""
        of = [each for each in self._exchange.waiting.values() if each.symbol == symbol and each not in self._due]
        self._due += [each for each in of if reached(each, low_ticks, high_ticks)]
        if self._working:
            return
        self._working = True
        while self._due:
            order = self._due.pop(0)
            self._exchange.trigger(order)
            self._work(order)
        self._working = False
