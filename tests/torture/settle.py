"""Bring a running world to rest, and check all that must be true of it then.

In:  a running world, whatever was done to it before. Out: a stopped one; AssertionErrors that say what differs.
"""

from __future__ import annotations

from tests.calling import ninefold

from . import truth
from .parts import HEALED_S, World, until

WHOLE = {"USDT": 100_000, "BTC": 1, "ETH": 10, "SOL": 200, "ADA": 20_000, "DOGE": 100_000}
OPENING = {asset: amount * truth.E8 for asset, amount in WHOLE.items()}  # of a new account of the simulated exchange


def check(world: World) -> int:
    """Come to rest, stop, and hold everything that was kept against everything else; the number of our fills."""
    come_to_rest(world)
    world.stop()
    truth.check_numbers(world.data_dir)
    truth.check_exchange(world.data_dir)
    truth.check_trades(world.data_dir)
    assert truth.check_bars(world.data_dir) > 0
    return truth.check_account(world.data_dir, OPENING)


def come_to_rest(world: World) -> None:
    """No new orders; those under way come to an end; what was missed is healed and stored."""
    assert ninefold("halt", "--data-dir", world.data_dir).status == 0
    until(lambda: not truth.unsettled_orders(world.data_dir), "every order in the ledger is over, with all its fills")
    until(
        lambda: not holes(dict(truth.stored_deals(world.data_dir))),
        "no trade is missing between the first and the last stored one",
        HEALED_S,
    )
    seq = world.last_seq("collect")
    until(lambda: world.last_seq("record") > seq + 100, "bars of healed trades are stored")


def holes(deals: truth.Deals) -> list[tuple[str, int]]:
    """Trades that are missing between the first and the last of each symbol."""
    by_symbol: dict[str, set[int]] = {}
    for symbol, number in deals:
        by_symbol.setdefault(symbol, set()).add(number)
    return [
        (symbol, number)
        for symbol, ids in by_symbol.items()
        for number in range(min(ids), max(ids))
        if number not in ids
    ]
