"""The execution core: decisions, updates, restarts."""

from ninefold.execution.core import ExecutionCore
from ninefold.execution.rules import AccountRules
from ninefold.market.arrays import rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry, listed
from ninefold.market.records import (
    AnyRecord,
    Balance,
    Equity,
    Fill,
    Halted,
    Has,
    May,
    Order,
    Resumed,
    Started,
    Tick,
)
from ninefold.market.time import SECOND_NS

ONE = 10**8
RULES = AccountRules(
    account="main",
    venue="binance",
    quote="USDT",
    max_position=2_000 * ONE,
    max_order=2_000 * ONE,
    max_orders_per_minute=100,
)


def registry() -> Registry:
    known = Registry()
    known.add(listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001", min_notional="5"))
    return known


def chunk(seq: int, *records: AnyRecord, strategies: tuple[str, ...] = ("cross",), tick: bool = True) -> Chunk:
    """A second of a market at 49,999 to 50,000: a quote and a tick with targets."""
    at = seq * SECOND_NS
    made = Chunk(seq, seq, at, {"quotes": rows("quotes", [(1, at, at, seq, seq, 49_999_00, 10**6, 50_000_00, 10**6)])})
    made.records = [*records, *([Tick(seq=seq, known_ns=at, exchange_ns=at)] if tick else [])]
    targets = [(1, name.encode(), SECOND_NS, at, 0.5, at, seq) for name in strategies]
    made.add("targets", rows("targets", targets))
    return made


def balance(asset: str, free: int, seq: int = 1) -> Balance:
    return Balance(seq=seq, known_ns=seq, asset=asset, free=free, locked=0)


def update(core: ExecutionCore, status: str, filled: int = 0, seq: int = 3) -> Order:
    order = core.unsettled()[0]
    return Order(
        seq=seq,
        known_ns=seq * SECOND_NS,
        client_order_id=order.client_order_id,
        instrument=1,
        side=order.side,
        size=order.size,
        status=status,
        filled=filled,
    )


def traded(order: Order, size: int, seq: int = 3, trade_id: str = "t1") -> Fill:
    return Fill(
        seq=seq,
        known_ns=seq * SECOND_NS,
        client_order_id=order.client_order_id,
        instrument=1,
        side=order.side,
        price=50_000_00,
        size=size,
        fee=size,
        fee_asset="BTC",
        trade_id=trade_id,
        exchange_ns=seq,
    )


def ready() -> ExecutionCore:
    core = ExecutionCore(RULES, registry())
    core.step(chunk(1, Started(seq=1, known_ns=1, run="a"), balance("USDT", 1_000 * ONE)))
    return core


def orders(made: Chunk) -> list[tuple[str, int, int]]:
    return [(record.status, record.side, record.size) for record in made.records if isinstance(record, Order)]


def test_the_difference_to_the_position_is_intended_and_marked_sent_before_it_leaves():
    core, made = ready(), chunk(2, strategies=("trend", "cross"))
    approved = core.step(made, {1: 1_000})
    assert orders(made) == [("intended", 1, 1_000), ("sent", 1, 1_000)]
    assert approved[0].order.strategies == ("cross", "trend")
    assert core.unsettled()[0].client_order_id == approved[0].order.client_order_id


def test_while_an_order_is_under_way_its_instrument_gets_no_other():
    core = ready()
    core.step(chunk(2), {1: 1_000})
    waiting = chunk(3)
    assert core.step(waiting, {1: 1_500}) == []
    assert orders(waiting) == []
    over = chunk(4, update(core, "cancelled", seq=4))
    assert len(core.step(over, {1: 1_500})) == 1


def test_differences_below_the_minima_make_no_order():
    core, made = ready(), chunk(2)
    assert core.step(made, {1: 9}) == []  # 0.00009 BTC is 4.50 USDT, at least 5 are needed
    assert orders(made) == []


def test_spot_is_never_sold_short():
    core, made = ready(), chunk(2)
    assert core.step(made, {1: -1_000}) == []
    assert orders(made) == []


def test_a_filled_order_makes_a_position_and_one_has_with_the_average_price():
    core = ready()
    core.step(chunk(2), {1: 1_000})
    order = core.unsettled()[0]
    made = chunk(3, update(core, "filled", 1_000), traded(order, 400), traded(order, 600, trade_id="t2"))
    core.step(made)
    told = [record for record in made.records if isinstance(record, Has)]
    assert [(has.client_order_id, has.size, has.price, has.may_id) for has in told] == [
        (order.client_order_id, 1_000, 50_000_00, "")
    ]
    assert told[0].text == "bought 0.01000 BTC at 50000.00 USDT on binance; no MAY had told of it"
    assert core.account.positions == {1: 1_000_000 - 1_000}
    again = chunk(4, traded(order, 600, seq=4, trade_id="t2"), traded(order, 400, seq=4))
    core.step(again)
    assert not any(isinstance(record, Has) for record in again.records)
    assert core.account.positions == {1: 1_000_000 - 1_000}


def test_a_has_names_the_newest_may_that_foretold_its_order():
    def may(name: str, seq: int, side: int = 1, until: int = 9) -> May:
        return May(
            seq=seq,
            known_ns=seq,
            may_id=name,
            instrument=1,
            strategy="cross",
            side=side,
            probability=0.6,
            price_low=1,
            price_high=2,
            until_ns=until * SECOND_NS,
        )

    core = ready()
    fitting = [may("m1", 1), may("m2", 2)]
    others = [may("same tick", 3), may("sale", 2, side=-1), may("over", 2, until=2)]
    made = chunk(3)
    core.step(made, {1: 1_000}, [*fitting, *others])
    order = core.unsettled()[0]
    done = chunk(4, update(core, "filled", 1_000, seq=4), traded(order, 1_000, seq=4))
    core.step(done)
    assert next(record for record in done.records if isinstance(record, Has)).may_id == "m2"


def test_what_the_venue_leaves_out_is_written_after_its_update():
    core = ready()
    core.step(chunk(2), {1: 1_000})
    made = chunk(3, update(core, "working"))
    core.step(made)
    raw, merged = (record for record in made.records if isinstance(record, Order))
    assert (raw.strategies, merged.strategies) == ((), ("cross",))
    late = chunk(4, update(core, "unknown", seq=4))
    core.step(late)
    assert [record.status for record in late.records if isinstance(record, Order)] == ["unknown", "working"]


def test_a_contradiction_is_kept_and_the_last_written_state_stays_true():
    core = ready()
    core.step(chunk(2), {1: 1_000})
    order = core.unsettled()[0]
    core.step(chunk(3, update(core, "cancelled")))
    made = chunk(4, traded(order, 2_000, seq=4), Order(**{**_fields(order), "status": "expired", "seq": 4}))
    core.step(made)
    assert len(core.contradictions) == 2
    assert orders(made)[-1] == ("cancelled", 1, 1_000)


def _fields(order: Order) -> dict[str, object]:
    return {name: getattr(order, name) for name in order.__struct_fields__}


def test_the_kill_switch_refuses_until_it_is_lifted():
    core, made = ready(), chunk(2, Halted(seq=2, known_ns=2, by="ada", reason="lunch"))
    assert core.step(made, {1: 1_000}) == []
    assert orders(made) == [("refused", 1, 1_000)]
    lifted = chunk(3, Resumed(seq=3, known_ns=3, by="ada"))
    assert len(core.step(lifted, {1: 1_000})) == 1


def test_nothing_is_sent_before_the_venue_has_told_of_balances_and_open_orders():
    core = ready()
    core.step(chunk(2), {1: 1_000})
    core.step(chunk(3, Started(seq=3, known_ns=3, run="b")))
    assert core.unsettled()[0].status == "sent"
    half = chunk(4, balance("USDT", 1_000 * ONE, seq=4), update(core, "cancelled", seq=4))
    assert len(core.step(half, {1: 1_000})) == 1
    core.step(chunk(5, Started(seq=5, known_ns=5, run="c"), update(core, "cancelled", seq=5)))
    refused = chunk(6)
    assert core.step(refused, {1: 1_000}) == []
    assert "its balances" in next(record.reason for record in refused.records if isinstance(record, Order))


def test_what_was_intended_and_never_sent_expires_at_the_start():
    core = ready()
    made = chunk(2)
    core.step(made, {1: 1_000})
    intended = [record for record in made.records if isinstance(record, Order) and record.status == "intended"]
    restored = ExecutionCore.restore(RULES, registry(), [balance("USDT", 1_000 * ONE), *intended])
    started = chunk(3, Started(seq=3, known_ns=3, run="b"))
    restored.step(started)
    over = [record for record in started.records if isinstance(record, Order)]
    assert [(record.status, record.reason) for record in over] == [
        ("expired", "intended before the start and never sent")
    ]
    assert restored.unsettled() == []


def test_a_restored_core_goes_on_as_the_one_that_never_stopped():
    core = ready()
    events: list[AnyRecord] = [balance("USDT", 1_000 * ONE)]
    for seq in (2, 3):
        made = chunk(seq, *([update(core, "filled", 1_000), traded(core.unsettled()[0], 600)] if seq == 3 else []))
        core.step(made, {1: 1_000})
        events += [record for record in made.records if isinstance(record, Order | Fill | Balance)]
    restored = ExecutionCore.restore(RULES, registry(), events)
    assert restored.orders == core.orders
    assert restored.unsettled() == core.unsettled()
    assert restored.account.positions == core.account.positions
    assert restored.account.booked == core.account.booked


def test_equity_is_written_once_a_second_and_is_unknown_while_a_price_is():
    core = ExecutionCore(RULES, registry())
    blind = Chunk(1, 1, 1, records=[balance("BTC", ONE), Tick(seq=1, known_ns=1, exchange_ns=SECOND_NS)])
    core.step(blind)
    seeing = chunk(2)
    core.step(seeing)
    same = chunk(3)
    same.records = [Tick(seq=3, known_ns=3, exchange_ns=2 * SECOND_NS + 1)]
    core.step(same)
    values = [record.value for made in (blind, seeing, same) for record in made.records if isinstance(record, Equity)]
    assert values == [None, 49_999_50_000_000]


def test_orders_of_people_on_the_same_account_are_left_alone():
    core = ready()
    core.step(chunk(2), {1: 1_000})
    theirs = Order(**{**_fields(core.unsettled()[0]), "client_order_id": "web_1", "status": "working"})
    core.step(chunk(3, theirs, traded(theirs, 500)))
    assert list(core.orders) == [core.unsettled()[0].client_order_id]
    assert core.account.positions == {}


def test_an_order_whose_fills_are_not_all_known_is_still_asked_for_also_after_a_restart():
    core, ledger = ready(), []
    decided = chunk(2)
    core.step(decided, {1: 1_000})
    ledger += [record for record in decided.records if isinstance(record, Order)]
    stated = chunk(3, update(core, "filled", filled=1_000))
    core.step(stated, {1: 500})
    assert [order.status for order in core.unsettled()] == ["filled"]
    assert {status for status, _, _ in orders(stated)} == {"filled"}, "no other leaves: the position is not known"
    ledger += [record for record in stated.records if isinstance(record, Order)]
    again = ExecutionCore.restore(RULES, registry(), ledger)
    assert again.unsettled() == core.unsettled()
    again.step(chunk(4, traded(core.unsettled()[0], 1_000, seq=4)))
    assert again.unsettled() == []


def test_what_is_wanted_is_asked_for_when_the_prices_of_its_own_chunk_are_seen():
    core = ExecutionCore(RULES, registry())
    seen = []
    core.step(chunk(1), lambda: seen.append(core.shown.quote(1)) or {})
    assert [(quote.bid, quote.ask) for quote in seen] == [(49_999_00, 50_000_00)]
