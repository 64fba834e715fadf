"""The canary: small until enough filled orders agreed with the venue, over restarts too."""

import msgspec

from ninefold.execution.canary import Canary
from ninefold.execution.core import ExecutionCore
from ninefold.execution.risk import check
from ninefold.market.records import AnyRecord, Balance, Equity, Fill, Order

from .world import ONE, World

SMALL = msgspec.structs.replace(World().rules, canary=100 * ONE, canary_orders=2)


def world(agreed: int = 0, size: int = 1_000) -> tuple[World, Canary]:
    made, canary = World(size=size, rules=SMALL), Canary(SMALL)
    canary.agreed = agreed
    return made, canary


def refusals(of: World, canary: Canary) -> list[str]:
    state = of.state()
    object.__setattr__(state, "canary", canary)
    return [one.reason for one in check(state, [of.order()])[1]]


def test_a_live_account_begins_small_and_says_how_far_it_is():
    assert refusals(*world()) == [
        "canary: binance:BTC/USDT would be 500 USDT, 100 USDT allowed; 0 of 2 filled orders have agreed with the venue so far"
    ]
    assert refusals(*world(size=200)) == []
    assert refusals(*world(agreed=2)) == []


def test_orders_count_once_everything_agrees_again():
    canary = Canary(SMALL)
    canary.filled("a")
    canary.look(under_way=False, agrees=False)
    canary.look(under_way=True, agrees=True)
    assert (canary.agreed, canary.most) == (0, 100 * ONE)
    canary.look(under_way=False, agrees=True)
    canary.look(under_way=False, agrees=True)
    assert canary.agreed == 1
    canary.filled("b")
    canary.look(under_way=False, agrees=True)
    assert (canary.agreed, canary.most) == (2, None)


def events(usdt: int) -> list[AnyRecord]:
    """A ledger: one order that was filled, and what the venue says of the money afterwards."""
    order = Order(seq=2, known_ns=2, client_order_id="nf-a", instrument=1, side=1, size=200, status="intended")
    fill = Fill(
        seq=3, known_ns=3, client_order_id="nf-a", instrument=1, side=1, price=50_000_00, size=200, fee=0, fee_asset="",
        trade_id="t1", exchange_ns=3,
    )  # fmt: skip

    def balance(asset: str, free: int, seq: int) -> Balance:
        return Balance(seq=seq, known_ns=seq, asset=asset, free=free, locked=0)

    return [
        *(balance("USDT", 1_000 * ONE, 1), balance("BTC", 0, 1), order),
        *(msgspec.structs.replace(order, status=status) for status in ("sent", "filled")),
        *(fill, balance("USDT", usdt, 3), balance("BTC", 200_000, 3)),
        Equity(seq=4, known_ns=4, quote="USDT", value=1_000 * ONE),
    ]


def test_a_restart_knows_what_agreed_and_money_that_is_missing_keeps_it_small():
    registry = World().state().registry
    assert ExecutionCore.restore(SMALL, registry, events(900 * ONE)).canary.agreed == 1
    assert ExecutionCore.restore(SMALL, registry, events(899 * ONE)).canary.agreed == 0
    unfinished = [one for one in events(900 * ONE) if not isinstance(one, Fill)]
    assert ExecutionCore.restore(SMALL, registry, unfinished).canary.agreed == 0
