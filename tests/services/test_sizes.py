"""Sizes in the running account: by each method, the same however chunks are cut, and nothing changed while a scale is unknown."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.config import Config, parse
from ninefold.market.arrays import BARS, TARGETS, rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry, listed
from ninefold.market.numbers import to_units
from ninefold.market.records import AnyRecord, Equity, Order, Started, Tick
from ninefold.market.time import SECOND_NS
from ninefold.services.execute import Execute, rules_of
from ninefold.services.play_again import Memory

START = 1_700_000_000 * SECOND_NS
NAMES = ("fast", "slow")


LIMITS = "".join(f"{of}_quote = 20000.0\n" for of in ("order", "position", "instrument", "venue", "total", "strategy"))


def config(method: str) -> Config:
    sizing = f'[sizing]\nmethod = "{method}"\nbars = 20\ntimeframe = "1s"\n'
    return parse(f'[venue]\npairs = ["BTC/USDT"]\n{sizing}[risk]\ndrawdown = 1.0\ndaily_loss = 1.0\n{LIMITS}')


def execute(method: str) -> Execute:
    registry = Registry()
    registry.add(listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001", min_notional="5"))
    return Execute(config(method), NAMES, Memory([], 0), registry)


class Market:
    """A random walk, second by second: three quotes, then a tick with a bar of the second and both strategies' targets."""

    def __init__(self, seed: int, seconds: int = 60) -> None:
        rng = np.random.default_rng(seed)
        self.quotes, self.bars, self.targets, self.ticks = {}, {}, {}, {}
        seq, price, wants = 1, 50_000_00, [1.0, -1.0]
        for second in range(seconds):
            at = START + second * SECOND_NS
            for _ in range(3):
                seq += 1
                price = int(price * (1 + rng.normal(0, 0.001)))
                self.quotes[seq] = (1, at, at, seq, seq, price - 50, 10**7, price + 50, 10**7)
            seq += 1
            self.ticks[seq] = Tick(seq=seq, known_ns=at, exchange_ns=at)
            self.bars[seq] = (at, price)
            wants = [float(rng.integers(-4, 5)) / 4 if rng.random() < 0.3 else one for one in wants]
            self.targets[seq] = list(wants)
        self.last = seq

    def chunks(self, cuts: set[int]) -> list[Chunk]:
        made, first = [], 1
        for seq in range(1, self.last + 1):
            if seq in self.ticks or seq in cuts:
                made.append(self._chunk(first, seq))
                first = seq + 1
        return made

    def _chunk(self, first: int, last: int) -> Chunk:
        known_ns = self.ticks[last].known_ns if last in self.ticks else START
        chunk = Chunk(first, last, known_ns)
        chunk.add("quotes", rows("quotes", [self.quotes[at] for at in range(first, last + 1) if at in self.quotes]))
        if first == 1:
            chunk.records.append(Started(seq=1, known_ns=START, run="a"))
        if last in self.ticks:
            chunk.records.append(self.ticks[last])
            at, price = self.bars[last]
            bar = np.zeros(1, BARS)
            bar["instrument"], bar["width_ns"], bar["close_ns"], bar["close"] = 1, SECOND_NS, at, price
            wanted = np.zeros(2, TARGETS)
            wanted["instrument"], wanted["strategy"], wanted["target"] = 1, [b"fast", b"slow"], self.targets[last]
            chunk.add("bars", bar)
            chunk.add("targets", wanted)
        return chunk


def played(method: str, market: Market, cuts: set[int] = frozenset()) -> list[AnyRecord]:
    stage, made = execute(method), []
    for chunk in market.chunks(cuts):
        stage.step(chunk)
        made += [one for one in chunk.records if not isinstance(one, Started | Tick)]
    return made


def bought(made: list[AnyRecord]) -> list[Order]:
    return [one for one in made if isinstance(one, Order) and one.status == "sent" and one.side > 0]


@pytest.mark.parametrize("method", ["fixed", "volatility", "kelly"])
def test_every_method_trades_in_the_end_and_none_buys_for_more_than_the_capital(method):
    made = played(method, Market(3))
    assert bought(made), method
    assert all(one.size * 50_000 <= 10_000 * 10**5 for one in bought(made))
    if method != "fixed":
        assert bought(made)[0].known_ns >= START + 20 * SECOND_NS, "twenty returns are needed first"


@pytest.mark.slow
@settings(max_examples=8)
@given(seed=st.integers(0, 2**32), method=st.sampled_from(["volatility", "kelly", "fixed"]), data=st.data())
def test_no_size_depends_on_where_chunks_are_cut(seed, method, data):
    market = Market(seed, 45)
    cuts = data.draw(st.sets(st.integers(1, market.last), max_size=120))
    assert played(method, market, cuts) == played(method, market)


def test_a_strategy_keeps_what_it_has_while_its_scale_is_unknown_but_may_leave():
    market = Market(5, 30)
    for seq in market.targets:
        market.targets[seq] = [1.0, 0.0]
    stage = execute("volatility")
    stage.core.account.positions[1] = 5_000_000
    stage.core.account.attribution._hold("fast", 1, 5_000_000)
    chunks = market.chunks(set())
    orders = []
    for chunk in chunks[:15]:
        stage.step(chunk)
        orders += [one for one in chunk.records if isinstance(one, Order)]
    assert orders == [], "its 0.05 BTC stay"
    chunks[15].arrays["targets"]["target"] = 0.0
    stage.step(chunks[15])
    [intended, *_] = [one for one in chunks[15].records if isinstance(one, Order)]
    assert (intended.side, intended.size) == (-1, 5_000)


def test_returns_are_known_again_after_a_restart():
    market = Market(9, 40)
    stage, again = execute("volatility"), execute("volatility")
    bars = []
    for chunk in market.chunks(set()):
        stage.step(chunk)
        bars.append(chunk.rows("bars"))
    again.warm([], np.concatenate(bars), np.zeros(0))
    assert again.core.returns.of(1, SECOND_NS) == stage.core.returns.of(1, SECOND_NS) != []


def test_equity_is_told_whatever_the_method():
    assert any(isinstance(one, Equity) and one.value for one in played("kelly", Market(1, 3)))


def live(canary: float) -> Config:
    text = f'mode = "live"\n[account]\norders = "exchange"\ncanary_quote = {canary}\ncanary_orders = 2\n'
    return parse(f'{text}[venue]\npairs = ["BTC/USDT"]\n[risk]\n{LIMITS}')


def test_a_live_account_begins_small_and_a_price_that_rose_sells_nothing():
    stage = Execute(live(50.0), NAMES, Memory([], 0), execute("fixed").registry)
    market = Market(3, 6)
    for seq in market.targets:
        market.targets[seq] = [1.0, 1.0]
    for chunk in market.chunks(set())[:2]:
        stage.step(chunk)
    assert stage._sizes.desired(chunk, stage.core) == {1: 50_00 * 10**5 // stage.core.shown.quote(1).ask}
    stage.core.account.positions[1] = 110_000
    assert stage._sizes.desired(chunk, stage.core) == {1: 110}
    stage.core.canary.agreed = 2
    assert stage._sizes.desired(chunk, stage.core)[1] > 10_000


def test_only_live_orders_have_a_canary():
    assert rules_of(live(50.0)).canary == 50 * 10**8
    assert rules_of(config("fixed")).canary is None


def test_an_instrument_priced_in_another_asset_is_sized_by_what_the_capital_is_worth_in_it():
    registry = Registry()
    registry.add(listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001"))
    registry.add(listed("binance", "ETHBTC", "ETH", "BTC", tick="0.00001", lot="0.0001"))
    stage = Execute(config("fixed"), ("fast",), Memory([], 0), registry)
    btc, eth = registry.named("binance:BTC/USDT"), registry.named("binance:ETH/BTC")
    priced = {btc.id: to_units("50000", btc.price_decimals), eth.id: to_units("0.05", eth.price_decimals)}
    chunk = Chunk(1, 3, START)
    chunk.add("quotes", rows("quotes", [(of, START, START, 1, 1, at, 10**7, at, 10**7) for of, at in priced.items()]))
    chunk.add("targets", rows("targets", [(eth.id, b"fast", SECOND_NS, START, 1.0, START, 3)]))
    stage.step(chunk)
    wanted = stage._sizes.desired(chunk, stage.core)
    assert eth.size_text(wanted[eth.id]) == "4.0000"  # 10,000 USDT are 0.2 BTC, and these 4 ETH
