"""The chain from bars to targets: cuts change nothing, and a restart is as if it had never stopped."""

from collections import Counter
from dataclasses import dataclass, field

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.forecast.stage import Forecasts
from ninefold.formula.measure import INDICATORS, PATTERNS, TERMS, Measure
from ninefold.market.arrays import BUY, ID_INTEGER, SELL, empty, rows
from ninefold.market.bars import BarMaker
from ninefold.market.chunk import Chunk, decode, encode
from ninefold.market.columns import columns, each_row
from ninefold.market.instruments import Registry, listed
from ninefold.market.records import AnyRecord, Connection, Gap, Headline, Listed, May, Tick
from ninefold.market.time import SECOND_NS, TICK_NS
from ninefold.market.values import TOLD, told
from ninefold.sentiment.mood import Sentiment
from ninefold.services.stage import Kept, Warmed
from ninefold.strategy.decide import AT_ONCE, Decide
from ninefold.strategy.library import default_strategies, library
from ninefold.strategy.plan import plan
from ninefold.strategy.strategy import plan_of

START_NS = 1_700_000_100 * SECOND_NS
SECONDS = 200
STRATEGIES = (  # the default ones, one that reads what `forecast` tells, and those that read other series
    *default_strategies(),
    plan("wider", "1s", 'sign(close - on("5s", ema(close, 3)))', "own", "Above the mean of wider bars."),
    plan("elsewhere", "5s", 'at("binance:BTC/USDT", on("1s", sign(close - open)))', "own", "The last second."),
    plan_of(library()["forecast_with_trend"], {"bars": 5}, timeframe="1s"),
)
KINDS = ("bars", "values", "forecasts", "targets")
TITLES = (
    "Bitcoin surges to a great record",
    "Terrible hack: fear and losses",
    "Bitcoin conference opens",
    "BTC rally wins",
)


def instruments() -> Registry:
    registry = Registry()
    registry.add(listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001"))
    return registry


@dataclass
class Market:
    """rows and records by seq, at most one of a kind each."""

    trades: dict[int, tuple] = field(default_factory=dict)
    quotes: dict[int, tuple] = field(default_factory=dict)
    records: dict[int, AnyRecord] = field(default_factory=dict)

    def chunks(self, cuts: set[int]) -> list[Chunk]:
        last = max(self.records)
        made, first = [], 1
        for seq in range(1, last + 1):
            ends = isinstance(self.records.get(seq), Tick) or seq in cuts or seq == last
            if not (ends or (seq in self.records and seq + 1 not in self.records)):
                continue
            mine = range(first, seq + 1)
            known_ns = self.records[seq].known_ns if seq in self.records else 0
            chunk = Chunk(first, seq, known_ns, {}, [self.records[at] for at in mine if at in self.records])
            for kind, held in (("trades", self.trades), ("quotes", self.quotes)):
                chunk.add(kind, rows(kind, [held[at] for at in mine if at in held]))
            made.append(decode(encode(chunk)))
            first = seq + 1
        return made


def random_market(seed: int, seconds: int = SECONDS) -> Market:
    """A random walk with quiet seconds, late trades, gaps and headlines."""
    rng = np.random.default_rng(seed)
    market, seq, price = Market(), 3, 6_000_000
    market.records[1] = Connection(seq=1, known_ns=0, venue="binance", name="market", state="open")
    market.records[2] = Listed(seq=2, known_ns=0, instrument=instruments()[1])
    market.records[3] = Tick(seq=3, known_ns=START_NS - SECOND_NS, exchange_ns=START_NS - SECOND_NS)
    for step in range(seconds * 2):
        now = START_NS + step * SECOND_NS // 2
        for _ in range(int(rng.poisson(0.8))):
            seq += 1
            price += int(rng.normal(0, 400))
            late = int(rng.integers(0, 5 * SECOND_NS)) if rng.random() < 0.03 else 0
            side = BUY if rng.random() < 0.5 else SELL
            market.trades[seq] = (1, now - late, now, seq, ID_INTEGER, 0, seq, price, int(rng.integers(1, 999)), side)
        seq += 1
        market.quotes[seq] = (
            1,
            now,
            now,
            seq,
            seq,
            price - 1,
            int(rng.integers(1, 99)),
            price + 1,
            int(rng.integers(1, 99)),
        )
        if rng.random() < 0.01:
            seq += 1
            market.records[seq] = Gap(
                seq=seq,
                known_ns=now,
                instrument=1,
                stream="trades",
                from_id=1,
                to_id=2,
                from_ns=now - SECOND_NS,
                to_ns=now,
            )
        if rng.random() < 0.05:
            seq += 1
            market.records[seq] = Headline(
                seq=seq,
                known_ns=now,
                source="news",
                headline_id=f"h{rng.integers(0, 9)}",
                title=str(rng.choice(TITLES)),
                url="",
                published_ns=now,
            )
        seq += 1
        market.records[seq] = Tick(seq=seq, known_ns=now + TICK_NS, exchange_ns=now // TICK_NS * TICK_NS)
    return market


class Chain:
    """The stages, and everything they made so far. decided: widths of bars for which they get ready."""

    def __init__(self, decided: frozenset[int] = frozenset()) -> None:
        self.decided, self.told_ahead = decided, 0
        self.made = {kind: [empty(kind)] for kind in KINDS}
        self.records: list[AnyRecord] = []
        self._start()

    def _start(self) -> None:
        self.stages = [BarMaker(self.decided), Measure(), Sentiment(), Forecasts(), Decide(STRATEGIES, "binance")]

    def step(self, chunk: Chunk) -> None:
        for stage in self.stages:
            chunk = stage.step(chunk)
        self.told_ahead += len(chunk.coming)
        for kind in KINDS:
            self.made[kind].append(chunk.rows(kind))
        self.records += chunk.records

    def rows(self, kind: str) -> np.ndarray:
        return np.concatenate(self.made[kind])

    def restart(self) -> None:
        """New stages: states as saved, the rest made again from stored bars and what was told of them."""
        states = {stage.name: stage.save() for stage in self.stages if isinstance(stage, Kept)}
        bars, values = self.rows("bars"), self.rows("values")
        self._start()
        for stage in self.stages:
            if stage.name in states:
                stage.load(states[stage.name])
            if isinstance(stage, Warmed):
                stage.warm(list(instruments()), bars[bars["revision"] == 0], told(values))


def run(chunks: list[Chunk], restarts: set[int] = frozenset(), decided: frozenset[int] = frozenset()) -> Chain:
    chain = Chain(decided)
    for place, chunk in enumerate(chunks):
        if place in restarts:
            chain.restart()
        chain.step(chunk)
    return chain


def same(one: Chain, other: Chain) -> None:
    for kind in KINDS:
        assert one.rows(kind).tobytes() == other.rows(kind).tobytes(), kind
    assert one.records == other.records


def test_at_least_twenty_indicators_and_ten_candle_patterns_are_measured():
    assert len(set(INDICATORS)) >= 20
    assert len(set(PATTERNS)) >= 10
    assert all(name.startswith("cdl") for name in PATTERNS)
    assert len(set(TERMS)) == len(INDICATORS) + len(PATTERNS)


@pytest.fixture(scope="module")
def once() -> Chain:
    return run(random_market(1).chunks(set()))


@pytest.mark.slow
def test_every_term_gets_a_value_at_every_first_known_bar(once):
    bars, values = once.rows("bars"), once.rows("values")
    first = bars[bars["revision"] == 0]
    assert len(first) < len(bars)
    terms = values[~np.isin(values["term"], TOLD)]
    assert len(terms) == len(first) * len(TERMS)
    seen = {term for term in set(terms["term"].tolist()) if not np.isnan(terms["value"][terms["term"] == term]).all()}
    assert seen == set(terms["term"].tolist())


def test_warm_up_is_nan_and_averages_are_those_of_the_last_closes_in_quote(once):
    bars, values = once.rows("bars"), once.rows("values")
    seconds = bars[(bars["width_ns"] == SECOND_NS) & (bars["revision"] == 0)]
    sma = values[(values["term"] == b"sma(close, 20)") & (values["width_ns"] == SECOND_NS)]["value"]
    close = np.where(seconds["state"] == 2, np.nan, seconds["close"] / 100)
    assert np.isnan(sma[:19]).all()
    known = [place for place in range(19, len(close)) if not np.isnan(close[: place + 1]).any()]
    assert known
    for place in known:
        assert sma[place] == pytest.approx(close[place - 19 : place + 1].mean(), rel=1e-12)


def test_targets_lie_between_minus_one_and_one_and_every_strategy_has_them(once):
    targets = once.rows("targets")
    known = targets["target"][~np.isnan(targets["target"])]
    assert len(known)
    assert (np.abs(known) <= 1).all()
    assert {name.decode() for name in targets["strategy"].tolist()} == {
        one.name for one in STRATEGIES if one.width_ns in {SECOND_NS, 5 * SECOND_NS, 60 * SECOND_NS}
    }


def test_the_mean_forecast_of_the_next_bar_is_told_and_a_strategy_reads_it(once):
    values, forecasts = once.rows("values"), once.rows("forecasts")
    next_bar = forecasts[forecasts["horizon"] == 1]
    assert len(next_bar)
    told_means = values[values["term"] == b"forecast"]
    for name, of in (
        ("instrument", "instrument"),
        ("width_ns", "width_ns"),
        ("close_ns", "close_ns"),
        ("value", "mean"),
    ):
        np.testing.assert_array_equal(told_means[name], next_bar[of])
    targets = once.rows("targets")
    mine = targets[targets["strategy"] == b"forecast_with_trend"]["target"]
    assert len(mine[~np.isnan(mine)])


def test_a_strategy_says_what_it_may_do_at_the_tick_behind_the_bar_and_once_for_its_horizon(once):
    mays = [record for record in once.records if isinstance(record, May)]
    bars = once.rows("bars")
    bars = bars[bars["revision"] == 0]
    known_at = dict(zip(bars["close_ns"].tolist(), bars["seq"].tolist(), strict=True))
    ticks = sorted(record.seq for record in once.records if isinstance(record, Tick))
    assert mays
    for may in mays:
        close_ns = int(may.may_id.rpartition("-")[2]) * SECOND_NS
        assert may.seq == min(seq for seq in ticks if seq > known_at[close_ns])
    assert max(Counter(may.seq for may in mays).values()) <= AT_ONCE
    said: dict[tuple[int, str], int] = {}
    for may in mays:
        close_ns = int(may.may_id.rpartition("-")[2]) * SECOND_NS
        assert close_ns >= said.get((may.instrument, may.strategy), 0)
        said[may.instrument, may.strategy] = may.until_ns


def test_bars_are_read_at_once_as_one_by_one(once):
    bars = once.rows("bars")[:200]
    for bar, row in zip(range(len(bars)), each_row(bars), strict=True):
        alone = {name: values.tolist() for name, values in columns(bars[bar : bar + 1]).items()}
        assert repr({name: [value] for name, value in row.items()}) == repr(alone)


def test_headlines_count_once_and_move_the_mood(once):
    headlines = [record for record in once.records if isinstance(record, Headline)]
    assert len({one.headline_id for one in headlines}) == len(headlines) > 3
    assert all(one.score is not None for one in headlines)
    values = once.rows("values")
    assert len(set(values[values["term"] == b"sentiment"]["value"].tolist())) > 3


@pytest.mark.slow
@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 2**32), data=st.data())
def test_neither_cuts_nor_restarts_change_what_the_stages_make(seed, data):
    market = random_market(seed, 90)
    whole = run(market.chunks(set()))
    assert len(whole.rows("targets")) > 100
    cuts = data.draw(st.sets(st.integers(1, max(market.records)), max_size=300))
    same(run(market.chunks(cuts)), whole)
    chunks = market.chunks(set())
    restarts = data.draw(st.sets(st.integers(1, len(chunks) - 1), min_size=1, max_size=4))
    same(run(chunks, restarts), whole)


def test_getting_ready_for_the_next_bars_changes_nothing_of_what_is_made():
    market = random_market(3, 60)
    for seq, record in market.records.items():
        if isinstance(record, Tick):  # a bar is told ahead 0.2 s after its end, and late trades come between
            market.records[seq] = msgspec.structs.replace(record, exchange_ns=record.exchange_ns + 2 * TICK_NS)
    ready = run(market.chunks(set()), decided=frozenset({SECOND_NS}))
    assert ready.told_ahead > 30
    same(ready, run(market.chunks(set())))
