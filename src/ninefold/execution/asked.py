"""What a person asked for, as orders.

In:  an Asked record, whose numbers are texts; the instruments. Out: the order, or an entry with its exits, or slices; or a
     BadAsk that says what was found and what is allowed.
"""

from __future__ import annotations

from ninefold.execution.bracket import exits
from ninefold.execution.held import EXITS
from ninefold.execution.ids import asked_id
from ninefold.execution.twap import slices
from ninefold.market.instruments import Instrument, Registry, UnknownInstrument
from ninefold.market.numbers import NotExact, to_units
from ninefold.market.records import Asked, Order, Tick

HAND = "hand"  # stands where strategies stand, on orders that people asked for
PRICED = ("limit", "post_only", "ioc", "fok")
TYPES = ("market", *PRICED, "stop", "take_profit", "trailing")


class BadAsk(ValueError):
    """What was asked for cannot be an order."""


def orders_of(asked: Asked, venue: str, registry: Registry, tick: Tick) -> list[Order]:
    """The orders that one request makes, "intended": the first one alone, or followed by its exits; or slices.

    raises: BadAsk.
    """
    try:
        instrument = registry.named(f"{venue}:{asked.pair}")
        order = _order(asked, instrument, tick)
        if asked.slices:
            return _sliced(asked, order, instrument, tick)
        return [order, *_exits(asked, order, instrument)]
    except (UnknownInstrument, NotExact, ValueError) as error:
        raise BadAsk(str(error)) from error


def _order(asked: Asked, instrument: Instrument, tick: Tick) -> Order:
    kind = asked.order_type
    if kind not in TYPES:
        raise BadAsk(f"type {kind!r}: there are {', '.join(TYPES)}")
    _only("price", asked.price, kind, PRICED)
    _only("trigger", asked.trigger, kind, ("stop", "take_profit"))
    if asked.trail and kind != "trailing" and kind in EXITS:
        raise BadAsk(f"a {kind} order takes no trail")
    if kind == "trailing" and not asked.trail:
        raise BadAsk("a trailing order needs a trail, the distance to the best price")
    trigger = asked.trail if kind == "trailing" else asked.trigger
    return Order(
        seq=tick.seq,
        known_ns=tick.known_ns,
        client_order_id=asked_id(asked.ask_id),
        instrument=instrument.id,
        side=asked.side,
        size=_size(asked.size, instrument),
        status="intended",
        order_type=kind,
        price=_price("price", asked.price, instrument),
        trigger=_price("trail" if kind == "trailing" else "trigger", trigger, instrument),
        strategies=(HAND,),
        reduce_only=asked.reduce_only,
    )


def _exits(asked: Asked, entry: Order, instrument: Instrument) -> list[Order]:
    given = {"stop": asked.stop, "take_profit": asked.take_profit}
    if entry.order_type != "trailing":
        given["trailing"] = asked.trail
    triggers = {kind: _price(kind, text, instrument) for kind, text in given.items() if text}
    if not triggers:
        return []
    if entry.side < 0 or entry.order_type in EXITS or entry.reduce_only:
        raise BadAsk(
            "stop, take-profit and trail protect what is bought: give them to a market or limit order that buys"
        )
    low, high = triggers.get("stop", 0), triggers.get("take_profit", 0)
    wrong_way = low and high and low >= high
    crossed = entry.price and (low >= entry.price or (high and high <= entry.price))
    if wrong_way or crossed:
        raise BadAsk(
            f"the stop ({asked.stop}) lies below the entry's price, the take-profit ({asked.take_profit}) above it"
        )
    return exits(entry, triggers)


def _sliced(asked: Asked, order: Order, instrument: Instrument, tick: Tick) -> list[Order]:
    if order.order_type != "market" or asked.stop or asked.take_profit or asked.trail:
        raise BadAsk("a TWAP is of market orders without exits")
    if asked.slices < 2 or asked.over_ns <= 0:
        raise BadAsk(f"a TWAP has 2 slices at least and a length, not {asked.slices} over {asked.over_ns} ns")
    return slices(order, instrument, asked.slices, asked.over_ns, tick.exchange_ns)


def _only(what: str, text: str, kind: str, kinds: tuple[str, ...]) -> None:
    """A number that some types need and no other may have."""
    if bool(text) != (kind in kinds):
        raise BadAsk(f"a {kind} order {'takes no' if text else 'needs a'} {what}; {', '.join(kinds)} orders have one")


def _size(text: str, instrument: Instrument) -> int:
    size = to_units(text, instrument.size_decimals)
    least = max(instrument.min_size, instrument.lot_size)
    if size < least or size % instrument.lot_size:
        lot = instrument.size_text(instrument.lot_size)
        raise BadAsk(
            f"size {text} {instrument.base}: at least {instrument.size_text(least)}, in whole lots of {lot}, is allowed"
        )
    return size


def _price(what: str, text: str, instrument: Instrument) -> int:
    if not text:
        return 0
    price = to_units(text, instrument.price_decimals)
    if price <= 0 or price % instrument.tick_size:
        tick = instrument.price_text(instrument.tick_size)
        raise BadAsk(f"{what} {text} {instrument.quote}: more than 0, in whole ticks of {tick}, is allowed")
    return price
