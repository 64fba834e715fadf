"""What orders break which limits, the slow way: counted anew for every order from the list of all that happened.

In:  what was told up to now, an order that is about to leave. Out: the rules it breaks, by the name of their function.
"""

import math
from dataclasses import dataclass, field
from fractions import Fraction

from ninefold.execution.rules import AccountRules
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.records import Fill, Flatten, Halted, Order
from ninefold.market.time import DAY_NS, MINUTE_NS, SECOND_NS

ONE = 10**8


@dataclass
class Happened:
    """All there is to know at one moment, as it was told."""

    now: int = 1_000 * SECOND_NS
    quotes: dict[int, tuple[int, int]] = field(default_factory=dict)
    seen: dict[int, int] = field(default_factory=dict)
    unknown_bars: set[int] = field(default_factory=set)
    late: dict[str, int] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)  # approved, as they were sent
    over: dict[str, int] = field(default_factory=dict)  # size that was filled when the venue said it was over
    free: dict[str, int] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)  # by orders of this tick, from what is free
    equity: list[tuple[int, int | None]] = field(default_factory=list)
    closes: dict[int, list[int]] = field(default_factory=dict)
    wanted: dict[str, dict[str, int]] = field(default_factory=dict)
    said: list[tuple[int, str, Order]] = field(default_factory=list)  # "rejected" or "took", and of which order
    halted: Halted | None = None
    flattened: dict[str, Flatten] = field(default_factory=dict)
    awaited: list[str] = field(default_factory=list)
    skew_ns: int = 0


def base(instrument: Instrument, size: int) -> int:
    return size * 10 ** (8 - instrument.size_decimals)


def need(instrument: Instrument, order: Order, quote: tuple[int, int]) -> tuple[str, int]:
    """Which asset an order takes, and how much of it."""
    if order.side < 0:
        return instrument.base, base(instrument, order.size)
    return instrument.quote, base(instrument, order.size) * max(order.price, quote[1]) // 10**instrument.price_decimals


def broken(known: Happened, rules: AccountRules, registry: Registry, order: Order) -> set[str]:
    """The rules, by the name of their function, that an order which is about to leave breaks."""
    return {name for name, is_broken in verdicts(known, rules, registry, order).items() if is_broken}


def verdicts(known: Happened, rules: AccountRules, registry: Registry, order: Order) -> dict[str, bool]:
    of = registry[order.instrument]
    position, buys, sells = stand(known, registry, order.instrument)
    same_way = buys if order.side > 0 else sells
    after = position + order.side * (same_way + base(of, order.size))
    grows = not min(0, position) <= after <= max(0, position)
    bid, ask = known.quotes[of.id]
    price = order.price or (ask if order.side > 0 else bid)
    worst = max(order.price, ask if order.side > 0 else bid)
    is_out = order.reduce_only and order.strategies == ("flatten",) and not grows
    asset, amount = need(of, order, (bid, ask))
    minute = [one for one in known.orders if one.known_ns > known.now - MINUTE_NS]
    found = {
        "kill_switch": known.halted is not None and not is_out,
        "flattened": grows and of.name in known.flattened,
        "reconciliation": bool(known.awaited),
        "order_rate": grows and len(minute) >= rules.max_orders_per_minute,
        "rejected": rests(known, order, grows),
        "venue_rules": of.venue != "binance" or not of.rules_known,
        "steps": bool(order.size < max(of.min_size, 1) or order.size % of.lot_size or order.price % of.tick_size),
        "known_bar": of.id in known.unknown_bars,
        "fresh": known.now - known.seen[of.id] > 5 * SECOND_NS or known.late.get(of.venue, 0) > 0,
        "quote": not 0 < bid <= ask,
        "clock_skew": grows and over(abs(known.skew_ns), rules.max_skew_ns),
        "min_notional": Fraction(price * base(of, order.size), 10**of.price_decimals) < Fraction(of.min_notional) * ONE,
        "price_band": off_band(of, rules, order, Fraction(price), Fraction(bid + ask, 2)),
        "balance": amount > known.free[asset] - known.taken.get(asset, 0),
        "order_size": grows and over(worth(of, base(of, order.size), worst), rules.max_order),
        "canary": grows and over(worth(of, after, worst), rules.canary),
        "position": grows and over(worth(of, after, worst), rules.max_position),
    }
    if grows:
        found |= losses(known, rules) | exposures(
            known, rules, registry, order, max(abs(after), reach(position, buys, sells)), worst
        )
        found |= capital(known, rules, registry, order, ask if order.side > 0 else bid) | tail(
            known, rules, registry, order
        )
    return found


def rests(known: Happened, order: Order, grows: bool) -> bool:
    """Whether the venue said no to the last ones of the same side, and the time since is too short."""
    row: list[int] = []
    for at, word, of in known.said:
        if of.instrument == order.instrument and word == "took":
            row = []
        elif of.instrument == order.instrument and of.side == order.side:
            row.append(at)
    waits = [2, 4, 8, 16, 32, 64, 128, 256, 300] if grows else [1, 2, 4]
    return bool(row) and known.now < row[-1] + waits[min(len(row), len(waits)) - 1] * SECOND_NS


def over(found: int | None, most: int | None) -> bool:
    """Whether a limit is broken; what is not known breaks it."""
    return most is not None and (found is None or found > most)


def worth(of: Instrument, amount: int, price: int) -> int:
    return abs(amount) * price // 10**of.price_decimals


def reach(position: int, buys: int, sells: int) -> int:
    return max(abs(position + buys), abs(position - sells))


def stand(known: Happened, registry: Registry, instrument: int) -> tuple[int, int, int]:
    """Position, and what may still be bought and sold, counted anew."""
    of = registry[instrument]
    position = sum(fill.side * base(of, fill.size) for fill in known.fills if fill.instrument == instrument)
    open_ = {1: 0, -1: 0}
    for order in known.orders:
        if order.instrument == instrument and order.client_order_id not in known.over:
            filled = sum(fill.size for fill in known.fills if fill.client_order_id == order.client_order_id)
            open_[order.side] += base(of, order.size - filled)
    return position, open_[1], open_[-1]


def off_band(of: Instrument, rules: AccountRules, order: Order, price: Fraction, mid: Fraction) -> bool:
    if of.price_band is not None:
        low, high = (Fraction(one) * mid for one in (of.price_band[:2] if order.side > 0 else of.price_band[2:]))
        return not low <= price <= high
    if rules.price_band_ppm is None:
        return False
    return order.side * (price - mid) > mid * rules.price_band_ppm / 10**6


def losses(known: Happened, rules: AccountRules) -> dict[str, bool]:
    now = known.equity[-1][1]
    day = [value for at, value in known.equity if value is not None and at // DAY_NS == known.now // DAY_NS]
    most = [value for _, value in known.equity if value is not None]

    def lost(since: list[int], pick: int) -> int | None:
        return math.ceil(Fraction(10**6 * (pick - now), pick)) if since and now is not None else None

    return {
        "daily_loss": over(lost(day, day[0] if day else 0), rules.max_daily_loss_ppm),
        "drawdown": over(lost(most, max(most, default=0)), rules.max_drawdown_ppm),
    }


def exposures(
    known: Happened, rules: AccountRules, registry: Registry, order: Order, after: int, worst: int
) -> dict[str, bool]:
    sums: dict[str, int | None] = {"instrument": worth(registry[order.instrument], after, worst)}
    sums["venue"] = sums["total"] = sums["instrument"]
    for one in set(known.quotes) - {order.instrument}:
        bid, ask = known.quotes[one]
        amount = reach(*stand(known, registry, one))
        value = 0 if amount == 0 else worth(registry[one], amount, ask) if 0 < bid <= ask else None
        for name in ("total", "venue") if registry[one].venue == "binance" else ("total",):
            so_far = sums[name]
            sums[name] = None if so_far is None or value is None else so_far + value
    names = {"instrument": "instrument_exposure", "venue": "venue_exposure", "total": "total_exposure"}
    return {names[name]: over(value, getattr(rules, f"max_{name}")) for name, value in sums.items()}


def capital(known: Happened, rules: AccountRules, registry: Registry, order: Order, price: int) -> dict[str, bool]:
    """What each strategy would hold: of fills its part, of what is approved at this tick all. Parts are exact to a unit a fill."""
    if rules.max_strategy is None:
        return {}
    wanted = equally(known, registry, order)
    breaks = False
    for name, amount in wanted.items():
        held, buys, sells = part(known, registry, name, order.instrument)
        after = reach(held, buys + max(amount, 0), sells - min(amount, 0))
        if after <= abs(held):
            continue
        total = worth(registry[order.instrument], after, price)
        for one in set(known.quotes) - {order.instrument}:
            if other := reach(*part(known, registry, name, one)):
                bid, ask = known.quotes[one]
                total += worth(registry[one], other, ask) if 0 < bid <= ask else 10**30
        breaks = breaks or total > rules.max_strategy + 1_000  # units that splitting moves
    return {"strategy_capital": breaks}


def part(known: Happened, registry: Registry, name: str, instrument: int) -> tuple[int, int, int]:
    """What a strategy holds of an instrument, and what may still be bought and sold for it."""
    held, on_order = Fraction(0), {1: Fraction(0), -1: Fraction(0)}
    for order in known.orders:
        if order.instrument == instrument:
            wants = equally(known, registry, order)
            share = Fraction(abs(wants.get(name, 0)), sum(map(abs, wants.values())) or 1)
            filled = sum(fill.size for fill in known.fills if fill.client_order_id == order.client_order_id)
            held += order.side * base(registry[instrument], filled) * share
            if order.client_order_id not in known.over:
                on_order[order.side] += base(registry[instrument], order.size - filled) * share
    return round(held), round(on_order[1]), round(on_order[-1])


def equally(known: Happened, registry: Registry, order: Order) -> dict[str, int]:
    """What each wants of an order; of one that nobody shared out the same."""
    whole = order.side * base(registry[order.instrument], order.size)
    return known.wanted[order.client_order_id] or {name: whole // len(order.strategies) for name in order.strategies}


def tail(known: Happened, rules: AccountRules, registry: Registry, order: Order) -> dict[str, bool]:
    """The worst twentieth of the past minutes for the book as it will be."""
    if rules.max_var is None and rules.max_cvar is None:
        return {}
    book: dict[int, int] = {}
    for one in known.quotes:
        position, buys, sells = stand(known, registry, one)
        amount = (
            position + buys - sells + (order.side * base(registry[one], order.size) if one == order.instrument else 0)
        )
        bid, ask = known.quotes[one]
        if amount and not 0 < bid <= ask:
            return {"value_at_risk": rules.max_var is not None, "expected_shortfall": rules.max_cvar is not None}
        book[one] = worth(registry[one], amount, ask) * (1 if amount > 0 else -1)
    if not any(book.values()):
        return {}
    if len(known.closes[1]) < 101:
        return {"value_at_risk": rules.max_var is not None, "expected_shortfall": rules.max_cvar is not None}
    lost = []
    for at in range(1, len(known.closes[1])):
        lost.append(
            -sum(value * (known.closes[one][at] / known.closes[one][at - 1] - 1) for one, value in book.items())
        )
    worst = sorted(lost)[-math.ceil(len(lost) / 20) :]
    return {
        "value_at_risk": over(int(worst[0]) - 1, rules.max_var),
        "expected_shortfall": over(int(sum(worst) / len(worst)) - 1, rules.max_cvar),
    }
