"""The slow, obvious back-test of several instruments on one account, on trades: what the fast one must equal, fill by fill.

In:  the trades of all instruments in one order, what is wanted after each, when an order for it reaches the venue; the rules of each.
Out: LEG_FILLS rows.

One trade goes as in `slow`, with one cash for all: what opens must leave the equity that all positions ask for, each at its last
trade. Where the equity is down to the maintenance margin of all of them, all are liquidated: the one that traded at once, each of the
others at its next trade. What waits or is under way is cancelled for all, and until nothing is held no order sets out. An exit leaves
the instrument that traded, and cancels what is under way of that one alone; it lies on a tick of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ninefold.backtest.exact import LARGEST, ONE
from ninefold.backtest.fee_tiers import Tier, Volumes
from ninefold.backtest.funding import Funding
from ninefold.backtest.legs import LEG_FILLS
from ninefold.backtest.market_rules import Numbers
from ninefold.backtest.outcome import TooLarge
from ninefold.backtest.ticks.slow import Account, dues_of
from ninefold.market.time import DAY_NS

Asked = Callable[[int, int, int], int | None]  # instrument, row, lots held: a target in 10**-8, or None


@dataclass(slots=True)
class Trade:
    """One of an instrument's, `of`; alone_ns: when an order decided at it would arrive, had it no others before it."""

    of: int
    row: int
    exchange_ns: int
    price: int
    size: int
    alone_ns: int


def play(
    trades: Sequence[Trade],
    asked: Asked,
    rules: Sequence[Numbers],
    funding: Sequence[Funding],
    worth: Sequence[int],
    tiers: Sequence[Tier] = (),
) -> np.ndarray:
    """LEG_FILLS rows, oldest first. rules: of each instrument; the cash is the first one's. worth: what a tick of each counts.

    raises: TooLarge if an amount exceeds 2**60.
    """
    volumes = Volumes(tiers)
    each = [
        Account(one, one.cash, volumes=volumes, funding=dues_of(dues), tick=tick)
        for one, dues, tick in zip(rules, funding, worth, strict=True)
    ]
    last, found, liquidating = [0] * len(each), [], False
    for step, trade in enumerate(trades):
        account, price, known = each[trade.of], trade.price, len(each[trade.of].fills)
        last[trade.of], account.day = price, trade.exchange_ns // DAY_NS
        _stand_beside(each, last, trade.of)
        if liquidating:
            account.pay(trade.row, trade.exchange_ns, price)
        else:
            account.trade(trade.row, trade.exchange_ns, price, trade.size)
        if not liquidating and any(one.position for one in each) and account.is_ruined(price):
            liquidating = True
            for one in each:
                one.cancel()
        if liquidating and account.position:
            account.liquidate(trade.row, price)
        liquidating = liquidating and any(one.position for one in each)
        account.leave(trade.row, trade.exchange_ns, price)
        account.prove()
        if abs(sum(one.cash for one in each)) > LARGEST:
            raise TooLarge(step)
        found += [(*fill, trade.of) for fill in account.fills[known:]]
        target = asked(trade.of, trade.row, account.position)
        if target is not None and liquidating:
            account.last_ns = max(account.last_ns, trade.alone_ns)
        elif target is not None:
            account.decide(trade.row, target, trade.alone_ns, price)
    return np.array(found, LEG_FILLS)


def _stand_beside(each: Sequence[Account], last: Sequence[int], of: int) -> None:
    """What an instrument's part of the account is told of the others': their equity, and what margins they ask for."""
    others = [(one, one.position * price) for at, (one, price) in enumerate(zip(each, last, strict=True)) if at != of]
    mine = each[of]
    mine.beside = sum(one.cash + value for one, value in others)
    mine.beside_initial = sum(-(-abs(value) * one.rules.initial // ONE) for one, value in others)
    mine.beside_maintenance = sum(-(-abs(value) * one.rules.maintenance // ONE) for one, value in others)
