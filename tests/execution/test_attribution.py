"""Many strategies on one account: by whom fills, fees and dust are, and that it sums to the account to the last unit."""

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.execution.attribution import Attribution, net, split, total
from ninefold.execution.core import ExecutionCore
from ninefold.execution.money import base_amount
from ninefold.execution.rules import AccountRules
from ninefold.market.arrays import rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry, listed
from ninefold.market.records import AnyRecord, Balance, Crossed, Fill, Order, Shared, Started, Tick
from ninefold.market.time import SECOND_NS

ONE = 10**8
NAMES = ("fast", "slow", "wide")
RULES = AccountRules(
    account="main", venue="binance", quote="USDT", max_position=10**18, max_order=10**18, max_orders_per_minute=10**6
)


def registry() -> Registry:
    known = Registry()
    known.add(listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001", min_notional="5"))
    return known


class Desk:
    """A core in a market at 49,999 to 50,000, second by second; records is what its ledger would hold."""

    def __init__(self) -> None:
        self.core = ExecutionCore(RULES, registry())
        self.records: list[AnyRecord] = []
        self.seq = 0
        self.step(started=True)

    def step(self, *said: AnyRecord, wants: dict[str, int] | None = None, started: bool = False) -> Chunk:
        """One second. wants: amounts of base by strategy; what they sum to is desired."""
        self.seq += 1
        at = self.seq * SECOND_NS
        first = [
            Started(seq=self.seq, known_ns=at, run="a"),
            *(
                Balance(seq=self.seq, known_ns=at, asset=asset, free=10**16, locked=0)
                for asset in ("USDT", "BTC", "BNB")
            ),
        ]
        quotes = rows("quotes", [(1, at, at, self.seq, self.seq, 49_999_00, 10**6, 50_000_00, 10**6)])
        chunk = Chunk(self.seq, self.seq, at, {"quotes": quotes})
        chunk.records = [*(first if started else ()), *said, Tick(seq=self.seq, known_ns=at, exchange_ns=at)]
        desired = {1: sum(wants.values()) // 1_000} if wants is not None else {}
        self.core.step(chunk, desired, (), {} if wants is None else {1: wants})
        self.records += [record for record in chunk.records if not isinstance(record, Tick | Started)]
        return chunk

    def fill(self, size: int, fee: int, fee_asset: str, price: int = 50_000_00) -> Chunk:
        """So much of the order under way."""
        order = self.core.unsettled()[0]
        self.seq += 1
        at = self.seq * SECOND_NS
        trade = Fill(
            seq=self.seq, known_ns=at, client_order_id=order.client_order_id, instrument=1, side=order.side, price=price,
            size=size, fee=fee, fee_asset=fee_asset, trade_id=f"t{self.seq}", exchange_ns=at,
        )  # fmt: skip
        self.seq -= 1
        return self.step(trade)


def made(chunk: Chunk, kind: type) -> list[AnyRecord]:
    return [record for record in chunk.records if isinstance(record, kind)]


def adds_up(core: ExecutionCore) -> None:
    """By asset and by instrument, strategies together are the account."""
    mine = core.account.attribution
    sums = total(mine.amounts.values())
    assert {asset: amount for asset, amount in sums.items() if amount} == {
        asset: amount for asset, amount in core.account.traded.items() if amount
    }
    held = sum(mine.held(name, 1) for name in mine.strategies)
    assert held == core.account.positions.get(1, 0)
    for asset in ("USDT", "BTC", "BNB"):
        assert core.account.booked[asset] == 10**16 + sums.get(asset, 0)


def test_a_fill_its_value_and_its_fee_are_split_by_what_each_wanted():
    desk = Desk()
    chunk = desk.step(wants={"fast": 1_000_000, "slow": 2_000_000})  # 0.01 and 0.02 BTC
    [shared] = made(chunk, Shared)
    assert shared.wanted == {"fast": 1_000_000, "slow": 2_000_000}
    desk.fill(1_000, 1_000, "BTC")  # 0.01 BTC for 500 USDT, 0.00001 BTC of it are fee
    mine = desk.core.account.attribution
    assert mine.amounts == {
        "fast": {"BTC": 333_333 - 333, "USDT": -16_666_666_667},
        "slow": {"BTC": 666_667 - 667, "USDT": -33_333_333_333},
    }
    assert mine.fees == {"fast": {"BTC": 333}, "slow": {"BTC": 667}}
    assert (mine.held("fast", 1), mine.held("slow", 1)) == (333_000, 666_000)
    adds_up(desk.core)


def test_what_one_would_buy_and_another_sell_is_booked_between_them_at_the_mid_and_never_sent():
    desk = Desk()
    desk.step(wants={"fast": 1_000_000, "slow": 0})
    desk.fill(1_000, 0, "")
    chunk = desk.step(wants={"fast": 0, "slow": 400_000})
    [crossed] = made(chunk, Crossed)
    assert (crossed.price, crossed.taken) == (49_999_50, {"slow": 400_000, "fast": -400_000})
    [order] = [one for one in made(chunk, Order) if one.status == "intended"]
    assert (order.side, order.size) == (-1, 600)
    assert made(chunk, Shared)[0].wanted == {"fast": -600_000}
    mine = desk.core.account.attribution
    assert mine.amounts["slow"] == {"BTC": 400_000, "USDT": -19_999_800_000}  # 0.004 at 49,999.50
    assert mine.amounts["fast"] == {"BTC": 600_000, "USDT": -50_000_000_000 + 19_999_800_000}
    adds_up(desk.core)


def test_strategies_that_only_change_places_send_nothing():
    desk = Desk()
    desk.step(wants={"fast": 1_000_000, "slow": 0})
    desk.fill(1_000, 0, "")
    chunk = desk.step(wants={"fast": 0, "slow": 1_000_000})
    assert made(chunk, Order) == []
    assert desk.core.account.attribution.holders(1) == {"slow": 1_000_000}
    assert made(desk.step(wants={"fast": 0, "slow": 1_000_000}), Crossed) == []


def test_dust_stays_with_whom_it_is_until_another_wants_it():
    desk = Desk()
    desk.step(wants={"fast": 1_000_000})
    desk.fill(1_000, 1_000, "BTC")
    desk.step(wants={"fast": 0})  # 0.00999 BTC; the lot takes all of it but nothing is left of the fee
    desk.fill(999, 0, "")
    assert desk.core.account.attribution.holders(1) == {}
    desk.step(wants={"fast": 1_000_000})
    desk.fill(1_000, 999_500, "BTC")
    chunk = desk.step(wants={"fast": 0})  # 0.000005 BTC is no lot
    assert made(chunk, Order) == []
    assert desk.core.account.attribution.holders(1) == {"fast": 500}
    desk.step(wants={"fast": 0, "slow": 1_000})
    assert desk.core.account.attribution.holders(1) == {"slow": 500}
    adds_up(desk.core)


def test_an_order_nobody_shared_out_is_its_parents_or_all_its_strategies():
    mine, of = Attribution(), registry()[1]
    entry = Order(
        seq=1, known_ns=1, client_order_id="a", instrument=1, side=1, size=9, status="sent", strategies=("fast", "slow")
    )
    mine.follow(entry)
    mine.share(Shared(seq=1, known_ns=1, client_order_id="a", instrument=1, wanted={"fast": 3, "slow": 1}))
    exit_ = msgspec.structs.replace(entry, client_order_id="b", parent="a", side=-1)
    mine.follow(exit_)
    mine.follow(msgspec.structs.replace(entry, client_order_id="c"))

    def book(order: Order) -> None:
        fill = Fill(
            seq=1, known_ns=1, client_order_id=order.client_order_id, instrument=1, side=order.side, price=1, size=8,
            fee=0, fee_asset="", trade_id="1", exchange_ns=1,
        )  # fmt: skip
        mine.book(fill, of, 0, 1)

    book(exit_)
    assert mine.holders(1) == {"fast": -6_000, "slow": -2_000}
    book(msgspec.structs.replace(entry, client_order_id="c"))
    assert mine.holders(1) == {"fast": -2_000, "slow": 2_000}
    book(msgspec.structs.replace(entry, client_order_id="unknown"))
    assert mine.holders(1)[""] == 8_000


def test_what_is_held_of_an_instrument_is_held_of_its_next_version():
    desk = Desk()
    desk.step(wants={"fast": 1_000_000})
    desk.fill(600, 0, "")
    desk.core.account.relist(1, 2)
    assert desk.core.account.positions == {2: 600_000}
    desk.fill(400, 0, "")  # what was sent before
    assert desk.core.account.positions == {2: 1_000_000}
    assert desk.core.account.attribution.holders(2) == {"fast": 1_000_000}
    desk.core.account.relist(2, 3)
    assert (desk.core.account.positions, desk.core.account.attribution.holders(3)) == (
        {3: 1_000_000},
        {"fast": 1_000_000},
    )


AMOUNT = st.integers(0, 10**12)
SHARES = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 10**9), min_size=1).filter(
    lambda one: any(one.values())
)


@settings(settings.get_profile("money"))
def by_the_rule(total: int, shares: dict[str, int]) -> dict[str, int]:
    """Whole parts, and the units left over to the greatest fractions, then by name."""
    whole, size, sign = sum(map(abs, shares.values())), abs(total), 1 if total >= 0 else -1
    exact = {name: Fraction(size * abs(share), whole) for name, share in shares.items()}
    parts = {name: int(part) for name, part in exact.items()}
    ranked = sorted(shares, key=lambda name: (parts[name] - exact[name], name))
    for name in ranked[: size - sum(parts.values())]:
        parts[name] += 1
    return {name: sign * part for name, part in parts.items()}


@given(total=st.integers(-(10**15), 10**15), shares=SHARES)
def test_units_left_over_go_to_the_greatest_fractions_then_by_name(total, shares):
    assert split(total, shares) == by_the_rule(total, shares)
    assert list(split(total, shares)) == list(shares)


@given(total=st.integers(-(10**15), 10**15), shares=SHARES)
def test_parts_sum_to_the_whole_and_none_is_a_unit_away_from_its_share(total, shares):
    parts, whole = split(total, shares), sum(shares.values())
    assert sum(parts.values()) == total
    assert all(abs(parts[name] * whole - total * share) < whole for name, share in shares.items())


@settings(settings.get_profile("money"))
@given(wants=st.dictionaries(st.sampled_from("abcdef"), st.integers(-(10**12), 10**12)))
def test_what_is_crossed_sums_to_nothing_and_what_is_left_has_one_side(wants):
    crossed, rest = net(wants)
    assert sum(crossed.values()) == 0
    assert {name: crossed.get(name, 0) + rest.get(name, 0) for name in wants} == wants
    assert all(want > 0 for want in rest.values()) or all(want < 0 for want in rest.values())
    assert all(abs(amount) <= abs(wants[name]) for name, amount in crossed.items())


STEP = st.one_of(
    st.dictionaries(st.sampled_from(NAMES), st.integers(-3_000_000, 3_000_000), min_size=1),
    st.tuples(
        st.integers(1, 3_000), st.integers(-500, 5_000), st.sampled_from(["BTC", "USDT", "BNB"]), st.integers(1, 9)
    ),
    st.sampled_from(["over", "restart"]),
)


@pytest.mark.slow
@settings(max_examples=60)
@given(steps=st.lists(STEP, max_size=25))
def test_strategies_together_are_the_account_to_the_last_unit_whatever_happens(steps):
    desk = Desk()
    for step in steps:
        busy = desk.core.unsettled()
        if isinstance(step, dict):
            desk.step(wants=step)
        elif isinstance(step, tuple) and busy:
            left = busy[0].size - busy[0].filled
            size, fee, asset, price = min(step[0], left), step[1], step[2], step[3] * 7_777_77
            base = base_amount(registry()[1], size)
            desk.fill(size, min(fee, base) if asset == "BTC" else fee, asset, price)
        elif step == "over" and busy:
            desk.step(msgspec.structs.replace(busy[0], status="cancelled", seq=desk.seq + 1))
        elif step == "restart":
            core = ExecutionCore.restore(RULES, registry(), desk.records)
            core._awaited = {}
            assert core.account.attribution.amounts == desk.core.account.attribution.amounts
            assert core.account.attribution._held == desk.core.account.attribution._held
            desk.core = core
        adds_up(desk.core)
