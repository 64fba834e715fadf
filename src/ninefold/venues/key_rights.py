"""What an API key may do. One that may withdraw is refused: a bot needs none of that, and a thief all of it.

In:  how a venue is asked and how its answer is read. Out: nothing, or why the key is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

TRIES = 3
WAIT_S = 0.5


class Rights(msgspec.Struct, frozen=True):
    trade: bool
    withdraw: bool


class KeysRefused(RuntimeError):
    """A key that may do too much, or of which nobody says what it may do."""


class NotTold(Exception):
    """The venue did not say what the key may do; the text is its answer."""


def refusal(venue: str, rights: Rights) -> str:
    """Empty for a key that is taken."""
    where = f"in {venue}'s API management"
    if rights.withdraw:
        return (
            f"this API key may withdraw; live trading takes only keys that may not: switch withdrawals off {where}, or make "
            "another key"
        )
    return "" if rights.trade else f"this API key may not trade on the spot market; switch that on {where}"


async def check_rights(
    venue: str,
    ask: Callable[[], Awaitable[tuple[int, str]]],
    read: Callable[[int, str], Rights],
    between: Callable[[], Awaitable[None]],
) -> None:
    """Ask, a few times. read: http status and body; raises NotTold. between: two tries. raises: KeysRefused, also when no
    answer comes."""
    for left in reversed(range(TRIES)):
        try:
            reason = refusal(venue, read(*await ask()))
        except (NotTold, msgspec.DecodeError, msgspec.ValidationError) as error:
            reason = (
                f"{venue} did not say what this API key may do ({error}); live orders need that answer, so try again later, or "
                "trade on paper"
            )
            if left:
                await asyncio.sleep(WAIT_S)
                await between()
                continue
        if reason:
            raise KeysRefused(reason)
        return
