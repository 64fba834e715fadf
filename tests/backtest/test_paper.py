"""The simulated venue, alone and with the execution core."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.backtest.models import LatencyModel
from ninefold.backtest.paper import PaperVenue
from ninefold.execution.core import ExecutionCore
from ninefold.execution.rules import AccountRules
from ninefold.market.arrays import QUOTES, rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry, listed
from ninefold.market.records import AnyRecord, Balance, Fill, Has, Order, Started, Tick
from ninefold.market.time import SECOND_NS, TICK_NS

ONE = 10**8
RULES = AccountRules(
    account="paper",
    venue="binance",
    quote="USDT",
    max_position=10**15,
    max_order=10**15,
    max_orders_per_minute=1000,
    simulated=True,
    balances={"USDT": 1_000 * ONE},
)
LATENCY = LatencyModel(order_ns=50_000_000, patience_ns=SECOND_NS)


class Account:
    """Core and paper venue wired as the pipeline wires them."""

    def __init__(self, rules: AccountRules = RULES) -> None:
        registry = Registry()
        registry.add(listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001", min_notional="5"))
        registry.add(listed("binance", "ETHBTC", "ETH", "BTC", tick="0.00001", lot="0.001"))
        self.core = ExecutionCore(rules, registry)
        self.venue = PaperVenue(rules, registry, latency=LATENCY)
        self.records: list[AnyRecord] = []

    def step(self, chunk: Chunk, desired: dict[int, int] | None = None) -> None:
        before = len(chunk.records)
        chunk.records.extend(self.venue.step(chunk))
        self.venue.accept(self.core.step(chunk, desired))
        self.records += chunk.records[before:]

    def of(self, kind: type) -> list[AnyRecord]:
        return [record for record in self.records if isinstance(record, kind)]


def quote(seq: int, at: int, bid: int, ask: int, size: int = 100, instrument: int = 1) -> tuple[int, ...]:
    return (instrument, at, at, seq, seq, bid, size, ask, size)


def chunk(*quotes: tuple[int, ...], tick: int | None = None, at: int = 0) -> Chunk:
    seqs = [row[3] for row in quotes] + ([tick] if tick else [])
    made = Chunk(min(seqs), max(seqs), at, {"quotes": rows("quotes", list(quotes))})
    if tick:
        made.records.append(Tick(seq=tick, known_ns=at, exchange_ns=at))
    return made


def bought(desired: int, size: int = 100) -> Account:
    """An account that wants to hold `desired` since seq 2 at 1 s, when the market was 49,999 to 50,000."""
    account = Account()
    account.step(chunk(quote(1, SECOND_NS, 49_999_00, 50_000_00, size), tick=2, at=SECOND_NS), {1: desired})
    return account


def test_an_order_fills_at_the_first_quote_after_its_latency_and_pays_the_fee_in_what_it_got():
    account = bought(100)
    account.step(chunk(quote(3, SECOND_NS + 49_999_999, 1, 2), quote(4, SECOND_NS + 50_000_000, 50_009_00, 50_010_00)))
    (fill,) = account.of(Fill)
    assert (fill.seq, fill.price, fill.size, fill.fee, fill.fee_asset) == (4, 50_010_00, 100, 100, "BTC")
    assert account.venue.balances == {"USDT": 1_000 * ONE - 50_01_000_000, "BTC": 100_000 - 100}
    assert account.core.account.differences() == {}
    assert len(account.of(Has)) == 1


def test_never_more_than_the_size_shown_and_never_twice_from_the_same_size():
    account = bought(250)
    later = SECOND_NS + TICK_NS
    account.step(chunk(quote(3, later, 49_999_00, 50_000_00, 100), quote(4, later, 49_998_00, 50_000_00, 100)))
    assert [fill.size for fill in account.of(Fill)] == [100]  # the same ask shown again is the same size
    account.step(chunk(quote(5, later, 49_999_00, 50_000_00, 130), quote(6, later, 49_999_00, 50_001_00, 500)))
    assert [(fill.price, fill.size) for fill in account.of(Fill)] == [
        (50_000_00, 100),
        (50_000_00, 30),
        (50_001_00, 120),
    ]


def test_the_rest_expires_when_no_more_size_is_shown_in_time():
    account = bought(250)
    account.step(chunk(quote(3, SECOND_NS + TICK_NS, 49_999_00, 50_000_00, 100), tick=4, at=SECOND_NS + TICK_NS))
    account.step(chunk(tick=5, at=3 * SECOND_NS))
    last = account.of(Order)[-1]
    assert (last.status, last.filled, last.reason) == ("expired", 100, "the market showed no more size in time")
    assert account.of(Has)[0].text.startswith("bought 0.00100 of 0.00250 wanted BTC")


def test_what_cannot_be_paid_for_any_more_expires():
    account = bought(1_900, size=10_000)  # 950 USDT at the ask that risk saw
    account.step(chunk(quote(3, 2 * SECOND_NS, 59_999_00, 60_000_00, 10_000)))  # 0.01666 BTC for 999.60 USDT
    account.step(chunk(quote(4, 2 * SECOND_NS, 59_999_00, 60_001_00, 10_000)))
    assert [fill.size for fill in account.of(Fill)] == [1_666]
    assert account.of(Order)[-1].status == "expired"
    assert account.venue.balances["USDT"] == 40_000_000


def test_an_empty_side_fills_nothing():
    account = bought(100)
    account.step(chunk(quote(3, 2 * SECOND_NS, 49_999_00, 0, 0)))
    assert account.of(Fill) == []


@pytest.mark.parametrize("filled", [0, 100])
def test_after_a_restart_the_order_under_way_goes_on(filled):
    before = bought(250)
    if filled:
        before.step(chunk(quote(3, SECOND_NS + TICK_NS, 49_999_00, 50_000_00, filled)))
    after = Account()
    after.core = ExecutionCore.restore(RULES, after.venue._registry, before.records)
    after.venue.restore(before.records)
    started = Chunk(8, 8, 2 * SECOND_NS, records=[Started(seq=8, known_ns=2 * SECOND_NS, run="b")])
    after.step(started)
    after.step(chunk(quote(9, 2 * SECOND_NS, 49_999_00, 50_001_00, 1_000)))
    assert [fill.size for fill in after.of(Fill)] == [250 - filled]
    assert after.of(Order)[-1].status == "filled"
    assert after.core.account.differences() == {}


@st.composite
def streams(draw: st.DrawFn) -> list[tuple[tuple[int, ...] | Tick | Started, dict[int, int]]]:
    """Inputs in the order of seq: quotes of two instruments, and ticks with what is wanted then."""
    now, made = SECOND_NS, [(Started(seq=1, known_ns=SECOND_NS, run="a"), {})]
    for seq in range(2, draw(st.integers(5, 40))):
        now += draw(st.sampled_from([0, TICK_NS // 4, TICK_NS, SECOND_NS]))
        if draw(st.integers(0, 3)):
            second = draw(st.booleans())
            bid = draw(st.integers(3_000, 3_003)) if second else draw(st.integers(49_999_00, 50_001_00))
            made.append((quote(seq, now, bid, bid + 1, draw(st.integers(0, 500)), instrument=2 if second else 1), {}))
        else:
            wanted = {1: draw(st.integers(0, 1_500)), 2: draw(st.integers(0, 20))}
            made.append((Tick(seq=seq, known_ns=now, exchange_ns=now // TICK_NS * TICK_NS), wanted))
    return made


def cut(stream: Sequence[tuple[tuple[int, ...] | Tick | Started, dict[int, int]]], at: set[int]) -> Account:
    """Play a stream, cut where it must be (behind a tick, before a row that follows a record) and where `at` says."""
    account, quotes, records = Account(), [], []

    def hand_on(desired: dict[int, int]) -> None:
        if quotes or records:
            seqs = [row[3] for row in quotes] + [record.seq for record in records]
            made = Chunk(min(seqs), max(seqs), 0, {"quotes": np.array(quotes, QUOTES)}, list(records))
            if desired:
                names = {1: b"cross", 2: b"trend"}
                targets = [(number, names[number], SECOND_NS, 0, 0.5, 0, max(seqs)) for number in desired]
                made.add("targets", rows("targets", targets))
            account.step(made, desired)
        quotes.clear()
        records.clear()

    for number, (item, desired) in enumerate(stream):
        if number in at or (records and isinstance(item, tuple)):
            hand_on({})
        (quotes if isinstance(item, tuple) else records).append(item)
        if isinstance(item, Tick):
            hand_on(desired)
    hand_on({})
    return account


@settings(max_examples=40, deadline=None)
@given(streams(), st.sets(st.integers(1, 50)))
@pytest.mark.slow
def test_no_result_depends_on_where_chunks_are_cut(stream, places):
    here, there = (sorted(cut(stream, at).records, key=lambda record: record.seq) for at in (places, set()))
    assert here == there


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(streams())
def test_nothing_is_made_or_lost_and_no_fill_is_better_or_greater_than_what_was_shown(stream):
    account = cut(stream, set())
    shown = {item[3]: item for item, _ in stream if isinstance(item, tuple)}
    sums = {"USDT": 1_000 * ONE}
    for fill in account.of(Fill):
        _, _, _, _, _, bid, bid_size, ask, ask_size = shown[fill.seq]
        assert (fill.price, fill.size <= ask_size) == (ask, True) if fill.side > 0 else (bid, fill.size <= bid_size)
        base, quoted, unit, decimals = ("BTC", "USDT", 1_000, 2) if fill.instrument == 1 else ("ETH", "BTC", 100_000, 5)
        sums[base] = sums.get(base, 0) + fill.side * fill.size * unit
        sums[quoted] = sums.get(quoted, 0) - fill.side * fill.size * unit * fill.price // 10**decimals
        sums[fill.fee_asset] -= fill.fee
    assert account.venue.balances == sums
    assert account.core.account.differences() == {}
    assert all(balance.free >= 0 for balance in account.of(Balance))
