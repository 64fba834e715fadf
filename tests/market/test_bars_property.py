"""Bars do not depend on how their input was cut or on a restart, and equal what a slow, obvious computation makes of all trades."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.market.arrays import BAR_FLAT, BAR_OK, BARS, BUY, ID_INTEGER, SELL, empty, rows
from ninefold.market.bars import BarMaker
from ninefold.market.chunk import Chunk
from ninefold.market.records import AnyRecord, Connection, Gap, Started, Tick
from ninefold.market.time import DAY_NS, SECOND_NS, TICK_NS, TIMEFRAMES, bar_open

pytestmark = pytest.mark.slow

START_NS = 1_700_000_100 * SECOND_NS
MIDNIGHT_NS = 1_700_006_400 * SECOND_NS
BEFORE_MIDNIGHT_NS = MIDNIGHT_NS - 20 * SECOND_NS  # bars of every width close soon after
WIDTHS = sorted(TIMEFRAMES.values())


@dataclass
class Inputs:
    """What came, by seq: a trade or quote row, or a record."""

    trades: dict[int, tuple]
    quotes: dict[int, tuple]
    records: dict[int, AnyRecord]
    last_seq: int

    def chunks(self, cuts: set[int]) -> list[Chunk]:
        """Cut behind every tick, between a record and a row, and wherever else `cuts` says."""
        made: list[Chunk] = []
        first = 1
        for seq in range(1, self.last_seq + 1):
            ends = seq in cuts or seq == self.last_seq or isinstance(self.records.get(seq), Tick)
            ends = ends or (seq in self.records and seq + 1 not in self.records)
            if not ends:
                continue
            mine = range(first, seq + 1)
            chunk = Chunk(first, seq, 0, {}, [self.records[at] for at in mine if at in self.records])
            chunk.add("trades", rows("trades", [self.trades[at] for at in mine if at in self.trades]))
            chunk.add("quotes", rows("quotes", [self.quotes[at] for at in mine if at in self.quotes]))
            made.append(chunk)
            first = seq + 1
        return made


def random_inputs(
    seed: int,
    count: int,
    faults: bool,
    pause_s: float,
    instruments: int = 2,
    start_ns: int = START_NS,
    more_s: int = 3600,
) -> Inputs:
    """Trades of some instruments, some late; ticks; with `faults` also gaps, healings, lost connections and restarts.
    more_s: how long nothing comes behind them but the last tick."""
    rng = np.random.default_rng(seed)
    made = Inputs({}, {}, {}, count + 3)
    made.records[1] = Connection(seq=1, known_ns=0, venue="binance", name="market", state="open")
    made.records[2] = Tick(seq=2, known_ns=0, exchange_ns=start_ns - 2 * DAY_NS)
    now, ids = start_ns, dict.fromkeys(range(1, instruments + 1), 100)
    kinds = ["trade", "tick", "quote", "gap", "healed", "lost", "open", "started"]
    weights = [0.55, 0.3, 0.1, 0.02, 0.02, 0.004, 0.004, 0.002] if faults else [0.6, 0.3, 0.1, 0, 0, 0, 0, 0]
    for seq in range(3, count + 3):
        kind = str(rng.choice(kinds, p=weights))
        instrument = int(rng.integers(1, instruments + 1))
        back = int(rng.exponential(3 * SECOND_NS)) if rng.random() < 0.1 else 0
        if kind == "trade":
            ids[instrument] += 1
            at = max(start_ns, now - back)
            price, size = int(rng.integers(90, 110)), int(rng.integers(1, 9))
            side = BUY if rng.random() < 0.5 else SELL
            made.trades[seq] = (instrument, at, now, seq, ID_INTEGER, 0, ids[instrument], price, size, side)
        elif kind == "quote":
            bid = int(rng.integers(90, 100))
            made.quotes[seq] = (instrument, now, now, seq, seq, bid, 1, bid + 1, 2)
        elif kind == "tick":
            now += int(rng.exponential(pause_s * SECOND_NS)) + TICK_NS
            made.records[seq] = Tick(seq=seq, known_ns=now + 5, exchange_ns=now // TICK_NS * TICK_NS)
        elif kind in ("gap", "healed"):
            ids[instrument] += kind == "gap"
            made.records[seq] = Gap(
                seq=seq,
                known_ns=now,
                instrument=instrument,
                stream="trades",
                from_id=ids[instrument] - 3,
                to_id=ids[instrument],
                from_ns=now - back,
                to_ns=now,
                healed=kind == "healed",
            )
        elif kind == "started":
            made.records[seq] = Started(seq=seq, known_ns=now, run="again")
        else:
            made.records[seq] = Connection(seq=seq, known_ns=now, venue="binance", name="market", state=kind)
    end_ns = (now // SECOND_NS + more_s) * SECOND_NS
    made.records[count + 3] = Tick(seq=count + 3, known_ns=end_ns, exchange_ns=end_ns)
    return made


def bars_of(chunks: list[Chunk], restarts: set[int] = frozenset(), decided: frozenset[int] = frozenset()) -> np.ndarray:
    """All bars made, in order; the maker is saved and loaded before the chunks whose place is in `restarts`."""
    maker, made = BarMaker(decided), [empty("bars")]
    for place, chunk in enumerate(chunks):
        if place in restarts:
            state = maker.save()
            maker = BarMaker()
            maker.load(state)
        made.append(maker.step(chunk).rows("bars"))
    return np.concatenate(made)


def newest(bars: np.ndarray) -> dict[tuple[int, int, int], tuple[int, ...]]:
    names = ["instrument", "width_ns", "open_ns"]
    fields = ["open", "high", "low", "close", "volume", "buy_volume", "trades", "state"]
    return dict(zip(bars[names].tolist(), bars[fields].tolist(), strict=True))


def oracle(
    trades: list[tuple], instrument: int, width: int, until_ns: int
) -> dict[tuple[int, int, int], tuple[int, ...]]:
    """Every whole bar from the instrument's first arrived trade on, from all of its trades, by sorting them."""
    mine = [trade for trade in trades if trade[0] == instrument]
    first_ns = bar_open(mine[0][1], SECOND_NS)
    mine = sorted((trade for trade in mine if trade[1] >= first_ns), key=lambda trade: (trade[1], trade[6]))
    by_bar: dict[int, list[tuple]] = {}
    for trade in mine:
        by_bar.setdefault(bar_open(trade[1], width), []).append(trade)
    made, close = {}, 0
    for open_ns in range(bar_open(first_ns, width), until_ns - width + 1, width):
        inside = by_bar.get(open_ns, [])
        prices = [trade[7] for trade in inside] or [close]
        close = prices[-1]
        volume = sum(trade[8] for trade in inside)
        bought = sum(trade[8] for trade in inside if trade[9] == BUY)
        state = BAR_OK if inside else BAR_FLAT
        made[instrument, width, open_ns] = (
            prices[0],
            max(prices),
            min(prices),
            close,
            volume,
            bought,
            len(inside),
            state,
        )
    return made


def over_midnight(seed: int) -> Inputs:
    """With every fault, over the end of a day, so that bars of every width close."""
    return random_inputs(seed, 180, faults=True, pause_s=0.7, start_ns=BEFORE_MIDNIGHT_NS, more_s=60)


@settings(settings.get_profile("long"))
@given(seed=st.integers(0, 2**32), data=st.data())
def test_bars_do_not_depend_on_cuts_or_restarts(seed, data):
    inputs = over_midnight(seed)
    places = st.sets(st.integers(1, inputs.last_seq), max_size=60)
    once = bars_of(inputs.chunks(cuts=set()))
    assert len(once) > 20
    for cuts in (set(range(inputs.last_seq)), data.draw(places)):
        assert bars_of(inputs.chunks(cuts), restarts=data.draw(places)).tobytes() == once.tobytes()
    told_ahead = bars_of(inputs.chunks(cuts=set()), decided=frozenset({SECOND_NS}))
    assert told_ahead.tobytes() == once.tobytes()


@settings(settings.get_profile("long"))
@given(seed=st.integers(0, 2**32))
def test_bars_of_every_width_equal_those_of_a_slow_obvious_computation(seed):
    inputs = random_inputs(seed, 250, faults=False, pause_s=0.7)
    found = newest(bars_of(inputs.chunks(cuts=set())))
    until_ns = inputs.records[inputs.last_seq].exchange_ns - SECOND_NS
    trades = [inputs.trades[seq] for seq in sorted(inputs.trades)]
    expected = {}
    for instrument in {trade[0] for trade in trades}:
        for width in WIDTHS[:-1]:
            expected |= oracle(trades, instrument, width, until_ns)
    assert {key for key in expected if key[1] == 3600 * SECOND_NS}
    assert found == expected


def test_a_day_and_every_width_below_equal_the_slow_computation():
    inputs = random_inputs(7, 900, faults=False, pause_s=330.0, instruments=1)
    bars = bars_of(inputs.chunks(cuts=set()))
    until_ns = inputs.records[inputs.last_seq].exchange_ns - SECOND_NS
    trades = [inputs.trades[seq] for seq in sorted(inputs.trades)]
    wide = newest(bars[bars["width_ns"] >= 900 * SECOND_NS])
    expected = {key: bar for width in WIDTHS[-3:] for key, bar in oracle(trades, 1, width, until_ns).items()}
    days = {key for key in expected if key[1] == WIDTHS[-1]}
    assert days
    assert wide == expected


@settings(settings.get_profile("long"))
@given(seed=st.integers(0, 2**32))
def test_every_bar_is_told_once_a_revision_and_revisions_rise_by_one(seed):
    bars = bars_of(over_midnight(seed).chunks(cuts=set()))
    assert bars.dtype == BARS
    revisions: dict[tuple, int] = {}
    for bar in bars[["instrument", "width_ns", "open_ns", "revision"]].tolist():
        assert bar[3] == revisions.get(bar[:3], -1) + 1
        revisions[bar[:3]] = bar[3]
    assert (np.diff(bars["known_ns"]) >= 0).all()
