"""Two accounts on one market: which decision follows from which order."""

from msgspec import structs

from ninefold.execution.core import ExecutionCore
from ninefold.execution.reasons import UNEXPLAINED
from ninefold.execution.shown import Quote
from ninefold.execution.two_accounts import Standing, TwoAccounts, concerned, standings
from ninefold.market.arrays import rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry, listed
from ninefold.market.records import Fill, Order, Tick
from tests.execution.desk_world import RULES

MS = 1_000_000
ONE = 10**8


def registry() -> Registry:
    known = Registry()
    known.add(listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001"))
    return known


def order(name: str, seq: int, size: int = 1_000, status: str = "intended", reason: str = "") -> Order:
    return Order(
        seq=seq,
        known_ns=seq * 100 * MS,
        client_order_id=name,
        instrument=1,
        side=1,
        size=size,
        status=status,
        reason=reason,
        strategies=("a",),
    )


def fill(name: str, after_ms: int, price: int = 50_000_00, size: int = 1_000, seq: int = 2) -> Fill:
    known_ns = 100 * MS + after_ms * MS
    return Fill(
        seq=seq,
        known_ns=known_ns,
        client_order_id=name,
        instrument=1,
        side=1,
        price=price,
        size=size,
        fee=1_000,
        fee_asset="BTC",
        trade_id=f"{name}/{after_ms}",
        exchange_ns=known_ns,
    )


def standing(made: Order | None = None, position: int = 0, under_way: str = "", *awaited: str) -> dict[int, Standing]:
    return {1: Standing(made, position, under_way, awaited)}


def told(*records: Order | Fill) -> Chunk:
    return Chunk(1, 1, 1, {}, list(records))


def both_intend(accounts: TwoAccounts) -> None:
    accounts.decide(1, 100 * MS, standing(order("nf-1", 1)), standing(order("nf-1", 1)))


def test_the_same_fills_at_the_same_time_are_no_difference():
    accounts = TwoAccounts(registry())
    both_intend(accounts)
    for side in (0, 1):
        accounts.hear(side, told(fill("nf-1", 50)))
    assert accounts.differences() == []
    assert (accounts.decisions, accounts.decisions_same, accounts.fills()) == (1, 1, (1, 1))


def test_a_fill_at_another_price_and_later_names_both():
    accounts = TwoAccounts(registry())
    both_intend(accounts)
    accounts.hear(0, told(fill("nf-1", 12, 50_000_00)))
    accounts.hear(1, told(fill("nf-1", 50, 50_001_00)))
    [found] = accounts.differences()
    assert (found.kind, found.reason, found.why) == ("fill", "fill model", "price, latency")
    assert found.run == "0.01000 BTC at 50000.00 USDT, fee 0.00001 BTC, known 12.0 ms after the decision"
    assert found.again.endswith("known 50.0 ms after the decision")


def quoted(ask: int) -> Chunk:
    chunk = Chunk(2, 2, 150 * MS)
    chunk.add("quotes", rows("quotes", [(1, 1, 1, 2, 2, ask - 1_00, 10**6, ask, 10**6)]))
    return chunk


def bought_at(price: int, *shown: int) -> str:
    """The reason of a difference of fills: decided at an ask of 50,000, then others were shown."""
    accounts = TwoAccounts(registry())
    decided = {1: Standing(order("nf-1", 1), 0, "", (), Quote(49_999_00, 50_000_00))}
    accounts.decide(1, 100 * MS, decided, decided)
    for ask in shown:
        accounts.show(quoted(ask))
    accounts.hear(0, told(fill("nf-1", 12, price)))
    accounts.hear(1, told(fill("nf-1", 50)))
    [found] = accounts.differences()
    return found.reason


def test_a_price_that_the_feed_showed_or_a_worse_one_is_the_fill_models_a_better_one_is_unexplained():
    assert bought_at(50_000_00) == "fill model"
    assert bought_at(50_100_00) == "fill model", "through several levels"
    assert bought_at(49_990_00) == "UNEXPLAINED"
    assert bought_at(49_990_00, 50_010_00, 49_990_00) == "fill model"
    assert bought_at(49_990_00, 49_991_00) == "UNEXPLAINED"


def test_a_decision_that_waits_for_an_order_under_way_follows_from_that_order():
    accounts = TwoAccounts(registry())
    both_intend(accounts)
    accounts.hear(0, told(fill("nf-1", 12)))
    accounts.decide(2, 200 * MS, standing(order("nf-2", 2), position=1), standing(None, 0, "nf-1"))
    accounts.hear(1, told(fill("nf-1", 150)))
    filled, waits = sorted(accounts.differences(), key=lambda one: one.kind)
    assert (filled.kind, filled.what, filled.why) == ("fill", "nf-1", "latency")
    assert (waits.run, waits.again, waits.reason) == ("buy 0.01000 BTC", "no order", "fill model")
    assert waits.why == "latency: order nf-1 was still under way in the simulated market"


def test_a_position_that_no_order_accounts_for_is_unexplained():
    accounts = TwoAccounts(registry())
    both_intend(accounts)
    for side in (0, 1):
        accounts.hear(side, told(fill("nf-1", 50)))
    accounts.decide(2, 200 * MS, standing(order("nf-2", 2), position=1), standing(None, position=2))
    [found] = accounts.differences()
    assert found.reason == "UNEXPLAINED"


def test_a_fill_that_is_told_with_the_tick_that_decides_accounts_for_the_position():
    """One order was refused in the run alone; the other account's fill comes in the chunk of the next decision."""
    accounts = TwoAccounts(registry())
    refused = order("nf-1", 1, status="refused", reason="reconciliation not complete: its balances")
    accounts.decide(1, 100 * MS, standing(refused, 0, "", "its balances"), standing(order("nf-1", 1)))
    at_tick = (told(order("nf-2", 2)), told(fill("nf-1", 95)))
    accounts.decide(2, 200 * MS, standing(order("nf-2", 2)), standing(None, position=1_000), at_tick)
    found = [one for one in accounts.differences() if one.what == "nf-2"]
    assert [(one.reason, one.why) for one in found] == [("fill model", "the position differs since order nf-1")]


def test_an_order_that_is_the_same_on_both_sides_explains_nothing():
    accounts = TwoAccounts(registry())
    both_intend(accounts)
    accounts.decide(2, 200 * MS, standing(order("nf-2", 2)), standing(None, 0, "nf-1"))
    for side in (0, 1):
        accounts.hear(side, told(fill("nf-1", 50)))
    [found] = [one for one in accounts.differences() if one.what == "nf-2"]
    assert (found.reason, found.why) == ("UNEXPLAINED", "order nf-1 is the same on both sides")


def test_the_same_state_with_another_decision_is_unexplained():
    accounts = TwoAccounts(registry())
    accounts.decide(1, 100 * MS, standing(order("nf-1", 1, 1_000)), standing(order("nf-1", 1, 2_000)))
    [found] = [one for one in accounts.differences() if one.kind == "order"]
    assert found.reason == "UNEXPLAINED"


def test_refusals_are_the_same_by_their_rule_whatever_their_numbers():
    accounts = TwoAccounts(registry())
    one, other = (order("nf-1", 1, status="refused", reason=f"order rate: {n} orders, 60 allowed") for n in (61, 62))
    accounts.decide(1, 100 * MS, standing(one), standing(other))
    assert accounts.decisions_same == 1 and accounts.differences() == []


def test_what_the_venue_has_not_told_yet_is_its_latency():
    accounts = TwoAccounts(registry())
    refused = order("nf-1", 1, status="refused", reason="reconciliation not complete: the venue has not yet told us")
    accounts.decide(1, 100 * MS, standing(refused, 0, "", "its balances"), standing(order("nf-1", 1)))
    [found] = [one for one in accounts.differences() if one.kind == "order"]
    assert found.reason == "fill model" and "acknowledgements" in found.why and "its balances" in found.why


def test_what_who_flattens_sells_at_a_tick_without_targets_is_compared_too():
    core = ExecutionCore(RULES, registry())
    sale = structs.replace(order("nf-1", 1), side=-1, strategies=("flatten",), reduce_only=True)
    nothing = Chunk(1, 1, 1, {}, [Tick(seq=1, known_ns=100 * MS, exchange_ns=100 * MS)])
    sold = Chunk(1, 1, 1, {}, [*nothing.records, sale])
    assert (concerned(core, nothing), concerned(core, sold), concerned(core, told(sale))) == (set(), {1}, set())
    accounts = TwoAccounts(registry())
    accounts.decide(1, 100 * MS, *(standings(core, chunk, {1}) for chunk in (nothing, sold)))
    accounts.decide(2, 200 * MS, standing(order("nf-2", 2)), standing(under_way="nf-1"))
    assert [(one.what, one.reason == UNEXPLAINED) for one in accounts.differences()] == [
        ("nf-1", True),
        ("nf-2", False),
    ]
