"""On trades: the fast kernel, the block-wise one and free code equal the slow kernel on every fill."""

import itertools
from functools import cache, partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.backtest.funding import Funding
from ninefold.backtest.market_rules import EquityShare, Exits, Fees, FixedSize, Limits, Margin, Rules, Slippage
from ninefold.backtest.outcome import Reason
from ninefold.backtest.target import Changes, changes_of_signals, changes_of_target
from ninefold.backtest.ticks import slow
from ninefold.backtest.ticks.decide import EmaCross, Formula
from ninefold.backtest.ticks.latency import FixedFeed, FixedOrder, Latency, OrderLikeFeed, RecordedFeed
from ninefold.backtest.ticks.on_trade import run_on_trade
from ninefold.backtest.ticks.stream import Way, run, run_blocks, run_decided, tick_numbers
from ninefold.backtest.ticks.tape import Ticks
from ninefold.formula import Scale, parse

RULES = st.builds(
    Rules,
    cash=st.sampled_from([1, 500, 5_000, 1_000_000]),
    sizing=st.one_of(
        st.builds(FixedSize, st.integers(1, 60)), st.builds(EquityShare, st.sampled_from([1, "0.5", "0.0333"]))
    ),
    fees=st.builds(Fees, st.sampled_from([0, "0.001", "0.05", "-0.0001"])),
    slippage=st.builds(Slippage, st.integers(0, 3), st.sampled_from([0, "0.0005"])),
    limits=st.builds(Limits, st.sampled_from([None, 7]), st.sampled_from([None, 0, 3])),
    margin=st.one_of(
        st.builds(Margin, st.sampled_from([1, 3, 20])),
        st.builds(Margin, st.sampled_from([2, 10]), st.sampled_from(["0.03", "0.08"]), st.sampled_from([0, "0.01"])),
    ),
    exits=st.builds(Exits, *[st.sampled_from([None, None, "0.01", "0.03"])] * 3, st.sampled_from([None, None, 1, 4])),
    volume_share=st.sampled_from([None, None, "0.1", 1]),
)
LATENCY = st.builds(
    Latency,
    st.one_of(st.just(RecordedFeed()), st.builds(FixedFeed, st.sampled_from([0, 7, 40]))),
    st.one_of(
        st.builds(FixedOrder, st.sampled_from([0, 1, 25, 300])), st.builds(OrderLikeFeed, st.integers(0, 3), st.just(5))
    ),
)
FUNDING = st.builds(
    lambda moments, rate: Funding(1_000 + np.unique(np.array(moments, np.int64)), np.full(len(set(moments)), rate)),
    st.lists(st.integers(-50, 500), max_size=5),
    st.sampled_from([0.0, 0.003, -0.02, 0.2]),
)
WAYS = st.builds(Way, RULES, LATENCY, st.sampled_from([1, 50, 10_000]), FUNDING)
SOON = Latency(FixedFeed(1), FixedOrder(5))
LEVELS = [[0, 1], [-1, 0, 1], [-1, -0.4, 0.31, 1, np.nan]]
DRAWN = st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 70), st.sampled_from(LEVELS), st.booleans(), WAYS)


def random_ticks(seed, count):
    """A random walk whose trades come in bunches; news of them takes between -3 and 30."""
    random = np.random.default_rng(seed)
    at = 1000 + np.cumsum(random.choice([0, 1, 2, 30], count))
    price = np.maximum(400 + np.cumsum(random.integers(-9, 10, count)), 1)
    known = at + random.integers(-3, 31, count)
    return Ticks(at, price, random.integers(1, 60, count), known, random.choice([-1, 0, 1], count).astype(np.int8))


def random_changes(seed, count, levels, signals):
    random = np.random.default_rng(seed + 1)
    if signals:
        return changes_of_signals(*(random.random((4, count)) < 0.3))
    target = np.repeat(random.choice(levels, count), random.integers(1, 6, count))[:count].astype(float)
    return changes_of_target(target, count)


def run_of(drawn):
    seed, count, levels, signals, way = drawn
    return random_ticks(seed, count), random_changes(seed, count, levels, signals), way


def played_slowly(ticks, changes, way, play=slow.play):
    rules = tick_numbers(way.rules, ticks.tick, ticks.lot, ticks.highest, way.width_ns)
    return play(ticks, changes, way.latency.alone(ticks, np.arange(len(ticks))), rules, funding=way.funding)


class Repeat:
    """Free code that asks for given changes."""

    def __init__(self, changes):
        self.wanted = dict(zip(changes.at.tolist(), (changes.to / 1e8).tolist(), strict=True))
        self.row, self.held = -1, []

    def on_trade(self, price, size, side, exchange_ns, position):
        self.row += 1
        self.held.append(position)
        return self.wanted.get(self.row)


@given(DRAWN)
@settings(max_examples=50, deadline=None)
@pytest.mark.slow
def test_the_fast_kernel_and_free_code_fill_as_the_slow_one(drawn):
    ticks, changes, way = run_of(drawn)
    expected, found, code = played_slowly(ticks, changes, way), run(ticks, changes, way), Repeat(changes)
    free = run_on_trade(ticks, code, way)
    assert found.fills.tolist() == expected.tolist()
    assert free.fills.tolist() == expected.tolist()
    np.testing.assert_array_equal(found.equity, free.equity)
    held = np.zeros(len(ticks), int)
    np.add.at(held, expected["bar"], expected["size"])
    assert code.held == np.cumsum(held).tolist()


@pytest.mark.torture
@given(DRAWN)
@settings(max_examples=50_000, deadline=None)
def test_the_fast_kernel_fills_as_the_slow_one_over_many_markets(drawn):
    ticks, changes, way = run_of(drawn)
    assert run(ticks, changes, way).fills.tolist() == played_slowly(ticks, changes, way).tolist()


@given(DRAWN, st.lists(st.integers(0, 70), max_size=6))
@settings(max_examples=40, deadline=None)
@pytest.mark.slow
def test_where_the_tape_is_cut_changes_nothing(drawn, cuts):
    ticks, changes, way = run_of(drawn)
    whole, found = run(ticks, changes, way), in_blocks(ticks, changes, way, cuts)
    assert found.fills.tolist() == whole.fills.tolist()
    for name in ("equity", "position", "trades", "open_trade"):
        assert getattr(found, name).tobytes() == getattr(whole, name).tobytes()


def in_blocks(ticks, changes, way, cuts):
    return run_decided(cut_up(ticks, changes, cuts), way, ticks.highest)


def cut_up(ticks, changes, cuts):
    edges = [0, *sorted(min(cut, len(ticks)) for cut in cuts), len(ticks)]
    for start, stop in itertools.pairwise(edges):
        here = (changes.at >= start) & (changes.at < stop)
        yield ticks.between(start, stop), Changes(changes.at[here] - start, changes.to[here])


@pytest.mark.parametrize(
    "make",
    [lambda: EmaCross(3, 9), lambda: Formula(parse("where(ema(close, 3) > ema(close, 9), 1, -0.5)"), Scale(0, 0))],
    ids=["crossing", "formula"],
)
@given(seed=st.integers(0, 2**32 - 1), cuts=st.lists(st.integers(0, 200), max_size=6))
@settings(max_examples=25, deadline=None)
def test_a_strategy_decides_the_same_wherever_the_tape_is_cut(make, seed, cuts):
    ticks, way = random_ticks(seed, 200), Way(Rules(cash=100_000, sizing=FixedSize(3)), SOON)
    edges = [0, *sorted(cuts), len(ticks)]
    blocks = (ticks.between(start, stop) for start, stop in itertools.pairwise(edges))
    found, whole = run_blocks(blocks, make(), way, ticks.highest), run(ticks, make().changes(ticks), way)
    assert len(whole.fills)
    assert found.fills.tolist() == whole.fills.tolist()


@given(DRAWN)
@settings(max_examples=25, deadline=None)
def test_nothing_is_filled_before_its_order_arrived_or_at_another_price(drawn):
    ticks, changes, way = run_of(drawn)
    fills = run(ticks, changes, way).fills
    arrivals = way.latency.arrivals(ticks, changes.at, 0)
    rows = fills["bar"]
    rests = fills["reason"] == Reason.TAKE_PROFIT  # at its own price, which the trade has passed
    assert (fills["price"] == ticks.price[rows])[~rests].all()
    assert ((fills["price"] - ticks.price[rows]) * np.sign(fills["size"]) >= 0)[rests].all()
    if len(rows):
        first = np.flatnonzero(ticks.exchange_ns >= arrivals[0])
        assert rows[0] > changes.at[0] and rows[0] >= first[0]
    if way.rules.volume_share is not None:
        ours = np.where(fills["reason"] == Reason.LIQUIDATION, 0, np.abs(fills["size"]))
        taken = np.bincount(rows, ours, minlength=len(ticks))
        assert (taken <= ticks.size * float(way.rules.volume_share)).all()


@given(DRAWN)
@settings(max_examples=25, deadline=None)
def test_what_happened_stays_the_same_when_the_future_arrives(drawn):
    ticks, changes, way = run_of(drawn)
    part = max(1, len(ticks) // 2)
    sooner = changes.at < part
    found = run(ticks.between(0, part), Changes(changes.at[sooner], changes.to[sooner]), way).fills
    whole = run(ticks, changes, way).fills
    assert whole[whole["bar"] < part].tolist() == found.tolist()


@pytest.mark.slow
@given(DRAWN)
@settings(max_examples=25, deadline=None)
def test_cash_positions_and_costs_add_up(drawn):
    ticks, changes, way = run_of(drawn)
    result = run(ticks, changes, way)
    fills, cash = result.fills, result.numbers.cash
    paid = int((fills["price"] * fills["size"]).sum()) + result.fees + result.slippage + result.funding
    assert result.equity[-1] == cash - paid + int(fills["size"].sum() * ticks.price[-1])
    assert sum(result.trades["pnl"].tolist()) + sum(result.open_trade["pnl"].tolist()) == result.equity[-1] - cash


MUTANTS = {
    "an order arrives a moment late": ("[0][0] <= exchange_ns", "[0][0] < exchange_ns"),
    "orders overtake each other": ("self.last_ns = max(self.last_ns, arrival_ns)", "self.last_ns = arrival_ns"),
    "orders that arrive together are one": (
        "popleft()[1]\n            self.work(row, price)",
        "popleft()[1]\n        self.work(row, price)",
    ),
    "an order makes what is open of the one before it void at once": (
        "        self.work(row, price)\n        while",
        "        while",
    ),
    "a decision is filled at its own trade": (
        "        account.meet(row, at_ns, price, size)\n        if row in wanted:\n"
        "            account.decide(row, wanted[row], arrival_ns, price)",
        "        if row in wanted:\n            account.decide(row, wanted[row], at_ns, price)\n"
        "        account.meet(row, at_ns, price, size)",
    ),
    "fees are rounded down": ("return -(-value // ONE)", "return value // ONE"),
    "an opening has the trade's size again": ("self.room -= abs(size)", "pass"),
    "what money does not pay for waits": ("self.wanted = self.position + _within(order, allowed)", "pass"),
    "margin is not asked for": ("least, most = 0, size\n", "least, most = size, size\n"),
    "a repeated target is an order": ("(self.position or self.sent)", "False"),
    "a repeated target is never an order": ("(self.position or self.sent)", "True"),
    "the share of the size is forgotten": ("if self.rules.volume_share else UNLIMITED", "if False else UNLIMITED"),
    "short is as long": ("-min(lots, self.rules.most_short)", "-min(lots, self.rules.most_long)"),
    "no slippage by rate": ("self.rules.slip_ticks + _up(price * self.rules.slip_rate)", "self.rules.slip_ticks"),
}
MARGIN = {
    "no funding is paid": (
        "        self.pay(row, exchange_ns, price)\n        self.room = size",
        "        self.room = size",
    ),
    "funding of a moment is paid at the next trade after it": (
        "exchange_ns >= self.funding[0][0]",
        "exchange_ns > self.funding[0][0]",
    ),
    "who holds nothing pays the next funding": (
        "            _, rate = self.funding.popleft()\n            if self.position:\n",
        "            if not self.position:\n                return\n            _, rate = self.funding.popleft()\n"
        "            if self.position:\n",
    ),
    "funding is rounded down": (
        "paid = _up(self.position * price * rate)",
        "paid = self.position * price * rate // ONE",
    ),
    "nobody is liquidated": ("if self.position and self.is_ruined(price):", "if False:"),
    "who has just the maintenance margin is not liquidated": ("return equity <= _up(", "return equity < _up("),
    "what is under way survives a liquidation": ("        self.under_way.clear()\n", ""),
    "a liquidation is limited by the trade": (
        "self.fill(row, price, -self.position, Reason.LIQUIDATION)",
        "self.fill(row, price, -_within(self.position, self.room), Reason.LIQUIDATION)",
    ),
    "no liquidation fee": ("if reason == Reason.LIQUIDATION:", "if False:"),
}

EXITS = {
    "a stop must be passed": ("(price - stop) * side <= 0", "(price - stop) * side < 0"),
    "the further stop counts": (
        "max(levels, key=lambda one: one[0] * side",
        "min(levels, key=lambda one: one[0] * side",
    ),
    "a take-profit is filled when it is touched": ("(price - take) * side > 0", "(price - take) * side >= 0"),
    "a take-profit is filled at the trade's price": (
        "self.fill(row, take * self.tick,",
        "self.fill(row, price * self.tick,",
    ),
    "a take-profit pays the taker fee": ("self.maker if limit else self.taker", "self.taker"),
    "a take-profit slips": ("slip = 0 if limit else", "slip ="),
    "a take-profit has more than the trade's size": (
        "-_within(self.position, self.room), Reason.TAKE",
        "-self.position, Reason.TAKE",
    ),
    "a time exit comes a moment late": ("self.entered_ns >= rules.hold", "self.entered_ns > rules.hold"),
    "a trailing stop does not follow": (
        "        self.best = max(self.best * side, price // self.tick * side) * side\n",
        "",
    ),
    "the entry is that of the last opening": (
        "self.average = (self.average * held + price * size) // (held + size)",
        "self.average = price",
    ),
    "what is under way survives an exit": (
        "        self.cancel()\n        self.reason = reason",
        "        self.wanted = 0\n        self.reason = reason",
    ),
    "an exit is no reason": (
        "min(abs(self.position), self.room)), self.reason)",
        "min(abs(self.position), self.room)))",
    ),
    "the order after an exit has its reason": (
        "            self.reason = Reason.TARGET\n            self.wanted",
        "            self.wanted",
    ),
}


def random_run(seed):
    random = np.random.default_rng(seed)

    def one_of(*values):
        return values[random.integers(0, len(values))]

    rules = Rules(
        cash=one_of(500, 5_000, 50_000),
        sizing=one_of(FixedSize(11), EquityShare("0.7")),
        fees=Fees("0.001"),
        slippage=one_of(Slippage(), Slippage(1, "0.0005")),
        limits=one_of(Limits(), Limits(7, 3)),
        volume_share=one_of(None, "0.3"),
    )
    latency = one_of(Latency(FixedFeed(0), FixedOrder(2)), Latency(RecordedFeed(), OrderLikeFeed(1, 0)))
    changes = random_changes(seed, 70, LEVELS[2], bool(random.random() < 0.4))
    return random_ticks(seed, 70), changes, Way(rules, latency)


def leaving_run(seed):
    """Positions that are left by every kind of exit, with money enough."""
    random = np.random.default_rng(seed)
    exits = Exits(*(by[random.integers(0, 2)] for by in ((None, "0.02"), (None, "0.03"), (None, "0.02"), (None, 2))))
    rules = Rules(
        cash=1_000_000,
        sizing=FixedSize(20),
        fees=Fees("0.001", "0.0002"),
        slippage=Slippage(1),
        exits=exits,
        volume_share=[None, "0.3"][random.integers(0, 2)],
    )
    latency = Latency(FixedFeed(0), FixedOrder(int(random.choice([0, 2, 25]))))
    return random_ticks(seed, 70), random_changes(seed, 70, LEVELS[2], bool(seed % 2)), Way(rules, latency, 50)


def tight_run(seed):
    """Few lots at small prices with little money, so that all of it is often just enough, and just gone."""
    random = np.random.default_rng(seed)
    drawn = random_ticks(seed, 70)
    price = np.maximum(20 + np.cumsum(random.integers(-3, 4, 70)), 1)
    tape = Ticks(drawn.exchange_ns, price, random.integers(1, 9, 70))
    rules = Rules(
        cash=int(random.integers(5, 60)),
        sizing=FixedSize(int(random.integers(1, 12))),
        fees=Fees(int(random.integers(0, 2)) / 100),
        margin=[Margin(), Margin(10, "0.05", "0.02"), Margin(4, "0.22")][random.integers(0, 3)],
        volume_share=[None, "0.3"][random.integers(0, 2)],
    )
    moments = np.unique(tape.exchange_ns[::7])
    latency = Latency(FixedFeed(0), FixedOrder(int(random.choice([0, 2, 25]))))
    return (
        tape,
        random_changes(seed, 70, LEVELS[2], True),
        Way(rules, latency, 50, Funding(moments, moments * 0 + 0.0123)),
    )


@cache
def played_quickly(made, seed):
    """A run from its seed alone and its fills, once for all that are compared with it."""
    drawn = made(seed)
    return drawn, run(*drawn).fills.tolist()


@pytest.mark.parametrize(
    ("made", "text", "instead"),
    [(random_run, *one) for one in MUTANTS.values()]
    + [(tight_run, *one) for one in MARGIN.values()]
    + [(leaving_run, *one) for one in EXITS.values()],
    ids=[*MUTANTS, *MARGIN, *EXITS],
)
def test_a_kernel_with_another_rule_is_told_from_it(made, text, instead):
    source = Path(slow.__file__).read_text()
    assert source.count(text) == 1
    mutant = ModuleType("mutant")
    mutant.__dict__["__name__"] = slow.__name__
    exec(compile(source.replace(text, instead), "mutant", "exec"), mutant.__dict__)
    runs = map(partial(played_quickly, made), range(150))
    assert any(played_slowly(*drawn, mutant.play).tolist() != fills for drawn, fills in runs)
