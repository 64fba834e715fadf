"""The canary: a live account begins with small positions, until enough orders were filled and agreed with the venue.

In:  orders that are complete; once a second whether anything but what rests is under way and whether the venue's balances are ours.
Out: whether positions are still small. An order counts when, after it, all balances agree; so money that moves unexplained keeps
     the canary in its cage.
"""

from __future__ import annotations

from ninefold.execution.rules import AccountRules


class Canary:
    """agreed: filled orders after which the books were the venue's."""

    def __init__(self, rules: AccountRules) -> None:
        self.agreed = 0
        self._rules = rules
        self._waiting: set[str] = set()

    @property
    def most(self) -> int | None:
        """Worth that a position may have now, in the account's quote; None: as the other limits say."""
        return None if self.agreed >= self._rules.canary_orders else self._rules.canary

    def filled(self, client_order_id: str) -> None:
        self._waiting.add(client_order_id)

    def look(self, under_way: bool, agrees: bool) -> None:
        if self._waiting and not under_way and agrees:
            self.agreed += len(self._waiting)
            self._waiting.clear()
