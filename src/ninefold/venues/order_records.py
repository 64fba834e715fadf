"""Records about our orders and our account, made of the texts in which venues send them.

In:  a venue's texts and the registry. Out: Order, Fill and Balance records in the units of instrument and ledger.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, InvalidOperation

import msgspec

from ninefold.market.arrays import BUY, SELL
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.numbers import INT64_MAX, NotExact, to_units
from ninefold.market.records import Balance, Fill, Order

LEDGER_DECIMALS = 8
SIDES = {"buy": BUY, "sell": SELL}
_EXACT = Context(prec=80)


class Records:
    """seq, known_ns: of the input that is read. venue: the name in the registry."""

    def __init__(self, venue: str, registry: Registry, seq: int, known_ns: int) -> None:
        self.venue = venue
        self.registry = registry
        self.seq = seq
        self.known_ns = known_ns

    def instrument(self, symbol: str) -> Instrument:
        """raises: KeyError for a symbol that is not listed here."""
        found = self.registry.find(self.venue, symbol)
        if found is None:
            raise KeyError(f"no instrument {symbol!r} of {self.venue} is listed here")
        return found

    def order(
        self,
        client_order_id: str,
        symbol: str,
        side: str,
        size: str,
        filled: str,
        status: str,
        venue_order_id: str,
        reason: str = "",
    ) -> Order:
        """side: in the venue's letters, large or small. status: ours."""
        instrument = self.instrument(symbol)
        return Order(
            seq=self.seq,
            known_ns=self.known_ns,
            client_order_id=client_order_id,
            instrument=instrument.id,
            side=SIDES[side.lower()],
            size=to_units(size, instrument.size_decimals),
            filled=to_units(filled or "0", instrument.size_decimals),
            status=status,
            venue_order_id=venue_order_id,
            reason=reason,
        )

    def again(self, order: Order, status: str, *, filled: int = 0, venue_order_id: str = "", reason: str = "") -> Order:
        """The order that was asked about, as an answer that does not repeat it tells it."""
        return msgspec.structs.replace(
            order,
            seq=self.seq,
            known_ns=self.known_ns,
            status=status,
            filled=filled,
            venue_order_id=venue_order_id,
            reason=reason,
        )

    def fill(
        self,
        client_order_id: str,
        symbol: str,
        side: str,
        price: str,
        size: str,
        fee: str,
        fee_asset: str,
        trade_id: str,
        exchange_ns: int,
        maker: bool,
    ) -> Fill:
        """fee: what it cost us; a rebate is negative."""
        instrument = self.instrument(symbol)
        return Fill(
            seq=self.seq,
            known_ns=self.known_ns,
            client_order_id=client_order_id,
            instrument=instrument.id,
            side=SIDES[side.lower()],
            price=to_units(price, instrument.price_decimals),
            size=to_units(size, instrument.size_decimals),
            fee=fee_units(fee or "0"),
            fee_asset=fee_asset,
            trade_id=trade_id,
            exchange_ns=exchange_ns,
            maker=maker,
        )

    def balance(self, asset: str, free: str, locked: str) -> Balance:
        return Balance(
            seq=self.seq,
            known_ns=self.known_ns,
            asset=asset,
            free=owned_units(free or "0"),
            locked=owned_units(locked or "0"),
        )

    def shown(self, balances: Iterable[Balance]) -> list[Balance]:
        """Those that are not zero, and every asset that is traded here."""
        ours = [each for each in self.registry.current() if each.venue == self.venue]
        traded = {asset for each in ours for asset in (each.base, each.quote, each.settle)}
        return [each for each in balances if each.free or each.locked or each.asset in traded]


def fee_units(text: str) -> int:
    """A fee in units of 10**-8, never less than it was: venues tell up to 18 decimals.

    >>> fee_units("0.000000012"), fee_units("-0.000000012")
    (2, -1)
    """
    return _units(text, ROUND_CEILING)


def owned_units(text: str) -> int:
    """What is owned in units of 10**-8, never more than there is.

    >>> owned_units("1.123456789")
    112345678
    """
    return _units(text, ROUND_FLOOR)


def subtracted(whole: str, part: str) -> str:
    """whole - part, exactly; not below zero."""
    return format(max(_EXACT.subtract(_decimal(whole), _decimal(part)), Decimal(0)), "f")


def added(one: str, other: str) -> str:
    return format(_EXACT.add(_decimal(one), _decimal(other)), "f")


def negated(text: str) -> str:
    """Of venues that tell what they took as less than nothing.

    >>> negated("-0.0005"), negated("0.2")
    ('0.0005', '-0.2')
    """
    return format(_EXACT.minus(_decimal(text)), "f")


def plain(number: Decimal) -> str:
    """As decimal text without an exponent, which JSON numbers may have."""
    return format(number, "f")


def _units(text: str, rounding: str) -> int:
    scaled = _EXACT.scaleb(_decimal(text), LEDGER_DECIMALS)
    units = int(scaled.to_integral_value(rounding, _EXACT))
    if abs(units) > INT64_MAX:
        raise NotExact(f"{text!r} does not fit into 64 bits")
    return units


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text or "0")
    except InvalidOperation:
        raise NotExact(f"{text!r} is no number") from None
    if not number.is_finite():
        raise NotExact(f"{text!r} is no number")
    return number
