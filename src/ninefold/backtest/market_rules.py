"""The rules of a back-test, one small model each, and all of them together.

In:  fractions, quote and base amounts as people write them.
Out: `Numbers`, the same as whole numbers of ticks, lots, units (tick times lot) and 10**-8, for the kernels.

Fees:      a fraction of the value of each fill, rounded up to the unit, in quote; a negative maker fee is a rebate. What
           closes and what opens a position in one order are two fills. `FeeTiers`: by what was traded in 30 days.
Slippage:  `ticks` and `rate` of the price, per lot, paid in money beside the fill: the price of a fill is always one that
           the market showed, and the cost is never cut away because a bar was narrow. Limit orders (take-profit) pay none.
Sizing:    the position at target +1, in base (`FixedSize`), or as a share of the equity at the close that decides
           (`EquityShare`); cut toward zero to whole lots. An order is decided when the target changes, not because
           prices moved.
Margin:    what opens must leave equity of at least value / leverage, else it is cut to what does. Equity at or below
           `maintenance` of the value is liquidated: within a bar at the price at which that is so, at the open if it
           opens beyond; all of it, whatever the bar's volume, and `liquidation_fee` is paid beside the taker fee.
Exits:     distances from the average entry price (stop loss, take profit) or from the best price since the entry
           (trailing), at least one tick; `bars` decides to leave at the close of the so-manieth bar.
Not modelled: interest on what is borrowed, our own effect on the price, an order's way to the venue within a bar.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from ninefold.backtest.exact import LARGEST, ONE, BadRules, Number, exact, multiple, rate
from ninefold.backtest.fee_tiers import FeeTiers, Tier
from ninefold.strategy.plan import NO_EXITS, Exits


@dataclass(frozen=True, slots=True)
class Fees:
    """taker, maker: fractions of a fill's value."""

    taker: Number = "0.001"
    maker: Number = "0.001"


@dataclass(frozen=True, slots=True)
class Slippage:
    """What a market order loses a lot: so many ticks, and so much of the price (0.0001 is one basis point)."""

    ticks: int = 0
    rate: Number = 0


@dataclass(frozen=True, slots=True)
class FixedSize:
    """base: held at target +1; half of it at +0.5."""

    base: Number


@dataclass(frozen=True, slots=True)
class EquityShare:
    """share: of the equity, held at target +1; above 1 only with leverage."""

    share: Number = 1


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest positions, in base; None: no limit. Of spot without borrowing `short` is 0."""

    long: Number | None = None
    short: Number | None = None


@dataclass(frozen=True, slots=True)
class Margin:
    """Spot: leverage 1, no maintenance. A perpetual: what the venue asks."""

    leverage: Number = 1
    maintenance: Number = 0
    liquidation_fee: Number = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """cash: in quote, at the start. volume_share: the largest part of a bar's volume that is ours; None: no limit."""

    cash: Number = 10_000
    sizing: FixedSize | EquityShare = EquityShare()
    fees: Fees | FeeTiers = Fees()
    slippage: Slippage = Slippage()
    limits: Limits = Limits()
    margin: Margin = Margin()
    exits: Exits = NO_EXITS
    volume_share: Number | None = None


class Numbers(NamedTuple):
    """Rules as the kernels read them. Prices in ticks, sizes in lots, money in units, the rest in 10**-8; 0: none."""

    cash: int
    size: int  # lots at target +1; 0: by `share`
    share: int  # of the equity
    most_long: int
    most_short: int
    taker: int
    maker: int
    slip_ticks: int
    slip_rate: int
    initial: int  # equity that each opened value needs
    maintenance: int
    liquidation_fee: int
    stop: int
    take: int
    trail: int
    hold: int  # bars
    volume_share: int
    most_lots: int  # beyond this a value does not fit


class Margins(NamedTuple):
    """Margin as the kernels read it, 10**-8 of a value."""

    initial: int  # equity that each opened value needs
    maintenance: int
    liquidation_fee: int


class Distances(NamedTuple):
    """Exits as the kernels read them: 10**-8 of a price, and bars; 0: none."""

    stop: int
    take: int
    trail: int
    hold: int


def distances(exits: Exits) -> Distances:
    """raises: BadRules naming the exit."""
    return Distances(
        _distance(exits.stop_loss, "stop loss"),
        _distance(exits.take_profit, "take profit", 100),
        _distance(exits.trailing, "trailing stop"),
        _bars(exits.bars),
    )


def numbers(rules: Rules, tick: Fraction, lot: Fraction, highest: int) -> Numbers:
    """The rules on an instrument. tick: quote; lot: base; highest: price in ticks, of all bars.

    raises: BadRules naming the rule.
    """
    most_lots = LARGEST // highest
    tiers_of(rules, tick * lot)
    cash = multiple(rules.cash, tick * lot, "cash", "units (tick times lot)")
    if cash <= 0:
        raise BadRules(f"cash is {rules.cash!r}; a back-test begins with more than 0")
    size = multiple(rules.sizing.base, lot, "size", "lots") if isinstance(rules.sizing, FixedSize) else 0
    if size < 0 or (isinstance(rules.sizing, FixedSize) and size == 0):
        raise BadRules(f"size is {rules.sizing!r}; it must be above 0, the sign is the target's")
    if size > most_lots:
        raise BadRules(
            f"size is {rules.sizing!r}, {size} lots, at prices up to {highest} ticks: the product exceeds 2**60; give "
            f"bars with a coarser tick or lot, or a size of at most {float(most_lots * lot)}"
        )
    share = _distance(rules.sizing.share, "share of the equity", 100) if isinstance(rules.sizing, EquityShare) else 0
    return Numbers(
        cash=cash,
        size=size,
        share=share,
        most_long=_limit(rules.limits.long, lot, "limit on long positions", most_lots),
        most_short=_limit(rules.limits.short, lot, "limit on short positions", most_lots),
        taker=rate(rules.fees.taker, "taker fee", -1),
        maker=rate(rules.fees.maker, "maker fee", -1),
        slip_ticks=_ticks(rules.slippage.ticks, highest),
        slip_rate=rate(rules.slippage.rate, "slippage rate"),
        **margins(rules.margin)._asdict(),
        **distances(rules.exits)._asdict(),
        volume_share=0 if rules.volume_share is None else _distance(rules.volume_share, "share of the volume"),
        most_lots=most_lots,
    )


def margins(margin: Margin) -> Margins:
    """raises: BadRules."""
    leverage = exact(margin.leverage, "leverage")
    if not 1 <= leverage <= 1000:
        raise BadRules(f"leverage is {margin.leverage!r}; it must lie between 1 (spot) and 1000")
    initial = -int(-ONE // leverage)
    maintenance = rate(margin.maintenance, "maintenance margin")
    if maintenance >= initial:
        raise BadRules(
            f"maintenance margin is {margin.maintenance!r} at leverage {margin.leverage!r}: it must be below "
            f"1 / leverage, else a position is liquidated as it is opened"
        )
    return Margins(initial, maintenance, rate(margin.liquidation_fee, "liquidation fee"))


def tiers_of(rules: Rules, unit: Fraction) -> tuple[Tier, ...]:
    """None where fees are the same whatever was traded. raises: BadRules."""
    return rules.fees.whole(unit) if isinstance(rules.fees, FeeTiers) else ()


def _limit(value: Number | None, lot: Fraction, name: str, most: int) -> int:
    lots = most if value is None else multiple(value, lot, name, "lots")
    if lots < 0:
        raise BadRules(f"{name} is {value!r}; it must be at least 0 (None: no limit)")
    return min(lots, most)


def _distance(value: Number | None, name: str, most: int = 1) -> int:
    if value is None:
        return 0
    found = rate(value, name, most=most)
    if found == 0:
        raise BadRules(f"{name} is {value!r}; it must be above 0 (None: none)")
    return found


def _ticks(value: int, highest: int) -> int:
    if not 0 <= value <= highest:
        raise BadRules(f"slippage is {value!r} ticks; it must lie between 0 and the highest price, {highest}")
    return value


def _bars(value: int | None) -> int:
    if value is not None and value < 1:
        raise BadRules(f"time exit is {value!r} bars; it must be at least 1 (None: none)")
    return value or 0
