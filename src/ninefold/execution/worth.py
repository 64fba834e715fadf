"""How the account's worth has gone: the loss of the day, and the fall from the highest.

In:  Equity records as they are made or read from the ledger; halts and resumes.
Out: where the worth stands, and the fall that must halt. Days are those of UTC by our clock. Money paid in or out counts as
     gain or loss: nobody tells us which it was.
"""

from __future__ import annotations

from ninefold.execution.account import Account
from ninefold.execution.shown import Shown
from ninefold.market.records import Equity, Halted
from ninefold.market.time import DAY_NS

DRAWDOWN = "drawdown limit"  # by whom a halt is that this file asks for
MILLION = 1_000_000


class Worth:
    """now: the worth, None while a price it needs is unknown. day_first: the first known worth of the day. highest: since the
    start, or since the last resume after a fall.
    """

    def __init__(self) -> None:
        self.now: int | None = None
        self.day_first: int | None = None
        self.highest: int | None = None
        self._day = -1

    def see(self, equity: Equity) -> None:
        self.now = equity.value
        if equity.value is None:
            return
        day = equity.known_ns // DAY_NS
        if day > self._day:
            self._day, self.day_first = day, equity.value
        self.highest = equity.value if self.highest is None else max(self.highest, equity.value)

    def resumed(self, halted: Halted | None) -> None:
        """Trading goes on; after a fall it is measured from what there is now."""
        if halted is not None and halted.by == DRAWDOWN:
            self.highest = self.now

    def lost_ppm(self, since: int | None) -> int | None:
        """Millionths lost since a worth, 0 or more, rounded up; None while either is unknown."""
        if self.now is None or since is None or since <= 0:
            return None
        return max(0, -((self.now - since) * MILLION // since))

    def fell_too_far(self, most_ppm: int | None) -> str:
        """Why trading must halt, "" if it need not."""
        fall = self.lost_ppm(self.highest) if most_ppm is not None else None
        if most_ppm is None or fall is None or fall <= most_ppm:
            return ""
        return f"worth fell {percent(fall)} from its highest, {percent(most_ppm)} allowed"


def worth_of(account: Account, shown: Shown, quote: str) -> int | None:
    """Of all that an account has, in an asset; None while a price or every balance is unknown."""
    total = 0
    for asset in account.free:
        worth = shown.worth(account.total(asset), asset, quote)
        if worth is None:
            return None
        total += worth
    return total if account.free else None


def percent(ppm: int) -> str:
    """
    >>> percent(50_000), percent(123_456)
    ('5.00 %', '12.35 %')
    """
    return f"{ppm / 10_000:.2f} %"
