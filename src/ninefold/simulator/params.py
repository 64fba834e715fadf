"""Request parameters, checked as Binance checks them.

In:  names and texts of one request (query and body, or a WebSocket API call).
Out: typed values, or `ApiError` with Binance's code.
"""

from collections.abc import Collection, Mapping

import msgspec

from ninefold.simulator import errors
from ninefold.simulator.errors import ApiError

SYMBOL_CHARACTERS = "^[A-Z0-9-_.]{1,20}$"
NUMBER_CHARACTERS = "^[0-9]{1,20}$"


class Params:
    """The parameters of one request."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values

    def text(self, name: str) -> str | None:
        return self.values.get(name) or None

    def needed(self, name: str) -> str:
        value = self.values.get(name)
        if not value:
            raise errors.missing(name)
        return value

    def number(self, name: str) -> int | None:
        """A whole number of at least 0, if it was sent."""
        value = self.text(name)
        if value is None:
            return None
        if not (value.isascii() and value.isdigit() and len(value) <= 20):
            raise errors.illegal(name, NUMBER_CHARACTERS)
        return int(value)

    def limit(self, default: int, most: int) -> int:
        value = self.number("limit")
        if value is None:
            return default
        if value == 0:
            raise ApiError(-1130, "Data sent for parameter 'limit' is not valid.")
        return min(value, most)

    def symbol(self, known: Collection[str]) -> str:
        return checked_symbol(self.needed("symbol"), known)

    def symbols(self, known: Collection[str]) -> tuple[list[str], bool]:
        """The symbols asked for with `symbol`, `symbols` or neither (all), and whether one alone was named."""
        one, many = self.text("symbol"), self.text("symbols")
        if one is not None and many is not None:
            raise ApiError(*errors.BAD_COMBINATION)
        if one is not None:
            return [checked_symbol(one, known)], True
        if many is None:
            return list(known), False
        try:
            names = msgspec.json.decode(many, type=list[str])
        except msgspec.DecodeError:
            raise errors.illegal("symbols", r'^\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}){0,1}\]$') from None
        return [checked_symbol(name, known) for name in names], False


def checked_symbol(name: str, known: Collection[str]) -> str:
    if not 1 <= len(name) <= 20 or not all(c.isascii() and (c.isupper() or c.isdigit() or c in "-_.") for c in name):
        raise errors.illegal("symbol", SYMBOL_CHARACTERS)
    if name not in known:
        raise ApiError(*errors.BAD_SYMBOL)
    return name
