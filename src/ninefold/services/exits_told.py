"""Where the exits of strategies stand, for people.

In:  the account as the ledger tells it. Out: a line for each strategy that is guarded somewhere, or that an exit took out.
"""

from __future__ import annotations

import msgspec

from ninefold.execution.booked import Booked


class ExitLine(msgspec.Struct, frozen=True):
    """stop, take_profit: prices as texts, "" where there is none. out: the exit by which it counts as flat, "" if it does not."""

    strategy: str
    instrument: str
    stop: str
    take_profit: str
    out: str


def exit_lines(account: Booked) -> list[ExitLine]:
    found = []
    for (strategy, number), guard in sorted(account.exits.items()):
        of = account.registry[number]
        holds = (strategy, number) in account.account.attribution.entries.of
        if guard.left or (holds and (guard.stop or guard.take)):
            stop, take = (of.price_text(price) if price else "" for price in (guard.stop, guard.take))
            at = f" set off at {of.price_text(guard.price)}" if guard.price else ""
            found.append(ExitLine(strategy, of.name, stop, take, f"{guard.left}{at}" if guard.left else ""))
    return found
