"""Selling out, and the halt after a fall: in the core, over restarts."""

import msgspec

from ninefold.execution.core import ExecutionCore
from ninefold.execution.rules import AccountRules
from ninefold.execution.worth import DRAWDOWN
from ninefold.market.arrays import rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry, listed
from ninefold.market.records import (
    AnyRecord,
    Asked,
    Balance,
    Equity,
    Fill,
    Flatten,
    Flattened,
    Halted,
    Order,
    Resumed,
    Shared,
    Started,
    Tick,
)
from ninefold.market.time import SECOND_NS

ONE = 10**8
RULES = AccountRules(
    account="main", venue="binance", quote="USDT", max_position=10**18, max_order=10**18, max_orders_per_minute=99,
    max_drawdown_ppm=200_000,
)  # fmt: skip


def registry() -> Registry:
    known = Registry()
    for base, lot in (("BTC", "0.00001"), ("ETH", "0.0001")):
        known.add(listed("binance", f"{base}USDT", base, "USDT", tick="0.01", lot=lot, min_notional="5"))
    return known


class Desk:
    """A core that bought 0.02 BTC at 50,000 and 0.5 ETH at 2,000, second by second."""

    def __init__(self) -> None:
        self.core = ExecutionCore(RULES, registry())
        self.events: list[AnyRecord] = []
        self.seq, self.btc = 0, 50_000_00
        self.step(
            Started(seq=1, known_ns=1, run="a"),
            *(Balance(seq=1, known_ns=1, asset=of, free=free, locked=0) for of, free in START.items()),
        )
        self.step(wants={1: {"fast": 2_000_000}, 2: {"slow": 50_000_000}})
        self.fill_all()

    def step(self, *said: AnyRecord, wants: dict[int, dict[str, int]] | None = None) -> list[AnyRecord]:
        """What the second brings."""
        self.seq += 1
        at = self.seq * SECOND_NS
        quotes = [
            (1, at, at, self.seq, self.seq, self.btc - 100, 10**6, self.btc, 10**6),
            (2, at, at, self.seq, self.seq, 1_999_00, 10**6, 2_000_00, 10**6),
        ]
        chunk = Chunk(self.seq, self.seq, at, {"quotes": rows("quotes", quotes)})
        known = [msgspec.structs.replace(one, seq=self.seq, known_ns=at) for one in said]
        chunk.records = [*known, Tick(seq=self.seq, known_ns=at, exchange_ns=at)]
        wants = wants or {}
        units = {1: 1_000, 2: 10_000}
        desired = {one: sum(of.values()) // units[one] for one, of in wants.items()}
        self.core.step(chunk, desired, (), wants)
        self.events += [one for one in chunk.records if not isinstance(one, Tick)]
        return chunk.records

    def fill_all(self) -> list[AnyRecord]:
        """Every order under way, less a fee of 0.00001 BTC or nothing."""
        fills: list[AnyRecord] = []
        for order in self.core.unsettled():
            price = (self.btc if order.side > 0 else self.btc - 100) if order.instrument == 1 else 2_000_00
            fee = 1_000 if order.instrument == 1 and order.side > 0 else 0
            fills.append(
                Fill(
                    seq=1, known_ns=1, client_order_id=order.client_order_id, instrument=order.instrument,
                    side=order.side, price=price, size=order.size, fee=fee, fee_asset="BTC",
                    trade_id=f"t{order.client_order_id}", exchange_ns=1,
                )
            )  # fmt: skip
        return self.step(*fills)

    def restart(self) -> None:
        self.core = ExecutionCore.restore(RULES, registry(), self.events)
        self.core._awaited = {}


def filled(order: Order, price: int) -> Fill:
    return Fill(
        seq=1, known_ns=1, client_order_id=order.client_order_id, instrument=order.instrument, side=order.side, price=price,
        size=order.size, fee=0, fee_asset="", trade_id=f"t{order.client_order_id}", exchange_ns=1,
    )  # fmt: skip


START = {"USDT": 3_000 * ONE, "BTC": ONE, "ETH": ONE}


def made(records: list[AnyRecord], kind: type, **fields: object) -> list[AnyRecord]:
    return [
        one
        for one in records
        if isinstance(one, kind) and all(getattr(one, key) == value for key, value in fields.items())
    ]


def halted(by: str = "ada", reason: str = "lunch") -> Halted:
    return Halted(seq=1, known_ns=1, by=by, reason=reason)


def flatten(instrument: str = "") -> Flatten:
    return Flatten(seq=1, known_ns=1, by="ada", instrument=instrument)


def sales(records: list[AnyRecord]) -> dict[int, int]:
    return {one.instrument: one.side * one.size for one in made(records, Order, status="sent")}


def test_everything_is_sold_at_the_next_tick_although_trading_is_halted():
    desk = Desk()
    said = desk.step(halted(), flatten())
    assert sales(said) == {1: -1_999, 2: -5_000}  # a fee of 0.00001 BTC was paid
    assert all(one.reduce_only and one.strategies == ("flatten",) for one in made(said, Order, status="sent"))
    assert [one.wanted for one in made(said, Shared)] == [{"fast": -1_999_000}, {"slow": -50_000_000}]
    done = desk.fill_all()
    assert desk.core.account.positions == {1: 0, 2: 0}
    assert [one.left for one in made(done, Flattened)] == [()]


def test_it_is_said_once_that_all_is_sold_and_nothing_is_bought_until_resumed():
    desk = Desk()
    desk.step(flatten())
    assert len(made(desk.fill_all(), Flattened)) == 1
    again = desk.step(wants={1: {"fast": 2_000_000}})
    assert made(again, Flattened) == []
    [refused] = made(again, Order, status="refused")
    assert refused.reason.startswith("flatten: ada wants binance:BTC/USDT sold")
    resumed = desk.step(Resumed(seq=1, known_ns=1, by="ada"), wants={1: {"fast": 2_000_000}})
    assert sales(resumed) == {1: 2_000}


def test_one_instrument_is_sold_and_others_go_on():
    desk = Desk()
    said = desk.step(flatten("binance:BTC/USDT"), wants={2: {"slow": 60_000_000}})
    assert sales(said) == {1: -1_999, 2: 1_000}
    assert len(made(desk.fill_all(), Flattened)) == 1
    assert desk.core.account.positions == {1: 0, 2: 60_000_000}


def test_dust_is_left_and_the_reason_said():
    desk = Desk()
    desk.step(wants={1: {"fast": 1_000_000}})  # down to 0.01 BTC
    desk.fill_all()
    desk.core.account.positions[1] = 9_990  # 0.0000999 BTC: nine lots, worth 4.50 USDT
    desk.core.account.positions[2] = 9_000  # 0.00009 ETH: no lot
    [done] = made(desk.step(flatten()), Flattened)
    assert done.left == (
        "binance:BTC/USDT: 0.0000999 BTC, worth 4.49991 USDT, is less than the venue's least order, 5 USDT",
        "binance:ETH/USDT: 0.00009 ETH is less than the venue's least size, 0.0001 ETH",
    )


def test_what_is_refused_is_tried_again_every_second_and_a_restart_goes_on_with_it():
    desk = Desk()
    desk.core._awaited = {"its balances": None}
    first = desk.step(flatten("binance:ETH/USDT"))
    [refused] = made(first, Order, status="refused")
    assert refused.reason.startswith("reconciliation not complete")
    assert made(first, Flattened) == []
    desk.restart()
    assert sales(desk.step()) == {2: -5_000}
    assert len(made(desk.fill_all(), Flattened)) == 1


def test_an_order_under_way_is_waited_for_and_what_it_brings_is_sold_too():
    desk = Desk()
    desk.step(wants={1: {"fast": 3_000_000}})
    said = desk.step(flatten("binance:BTC/USDT"))
    assert sales(said) == {} and made(said, Flattened) == []
    desk.step()
    filled = desk.fill_all()
    assert sales(filled) == {1: -2_999}


def test_an_order_that_rests_at_the_venue_is_cancelled_and_only_then_all_is_said_to_be_sold():
    desk = Desk()
    desk.step(
        Asked(
            seq=1,
            known_ns=1,
            ask_id="a",
            by="ada",
            side=1,
            size="0.001",
            pair="BTC/USDT",
            order_type="limit",
            price="48000",
        )
    )
    [resting] = desk.core.unsettled()
    said = desk.step(flatten("binance:BTC/USDT"))
    assert sales(said) == {1: -1_999}
    assert [one.order.client_order_id for one in desk.core.take_cancels()] == [resting.client_order_id]
    sale = next(one for one in desk.core.unsettled() if one.side < 0)
    assert made(desk.step(filled(sale, desk.btc - 100)), Flattened) == [], "it could still be filled"
    over = desk.step(msgspec.structs.replace(resting, status="cancelled"))
    assert len(made(over, Flattened)) == 1


def test_strategies_that_hold_against_each_other_are_all_flat_in_the_end():
    desk = Desk()
    mine = desk.core.account.attribution
    mine._hold("fast", 2, -10_000_000)
    mine._hold("slow", 2, 10_000_000)
    desk.step(flatten("binance:ETH/USDT"))
    desk.fill_all()
    assert mine.holders(2) == {}


def test_a_fall_that_is_too_far_halts_and_says_so():
    desk = Desk()
    desk.btc = 35_000_00  # 1.02 BTC of some 56,000 USDT in all
    said = desk.step(wants={1: {"fast": 4_000_000}})
    [fell] = made(said, Halted)
    assert fell.by == DRAWDOWN
    assert fell.reason.startswith("worth fell 27.") and fell.reason.endswith("from its highest, 20.00 % allowed")
    assert made(said, Order, status="refused")[0].reason.startswith(f"kill switch: halted by {DRAWDOWN} (worth fell")
    assert desk.core.halts.unshown == fell
    assert made(desk.step(), Halted) == [], "it is said once"


def test_such_a_halt_survives_a_restart_until_somebody_resumes_and_then_counts_anew():
    desk = Desk()
    desk.btc = 35_000_00
    [fell] = made(desk.step(), Halted)
    desk.restart()
    assert desk.core.halts.now and desk.core.halts.unshown == fell and desk.core.halts.in_force is None
    desk.step(fell)  # the halt switch shows it
    assert desk.core.halts.unshown is None and desk.core.halts.in_force is not None
    desk.btc = 50_000_00
    desk.step()
    assert desk.core.halts.now, "a price that comes back lifts nothing"
    desk.step(Resumed(seq=1, known_ns=1, by="ada"))
    desk.restart()
    assert not desk.core.halts.now
    desk.btc = 42_000_00  # 16 % below what there was at the resume
    assert made(desk.step(), Halted) == []
    desk.btc = 39_000_00
    assert len(made(desk.step(), Halted)) == 1


def test_the_highest_worth_is_known_after_a_restart():
    desk = Desk()
    desk.restart()
    assert desk.core.worth.highest == max(one.value for one in desk.events if isinstance(one, Equity))
    desk.btc = 35_000_00
    assert len(made(desk.step(), Halted)) == 1
