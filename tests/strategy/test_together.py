"""Instruments whose bars close at one tick decide together as each would alone, whatever closes with them."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.market.arrays import BAR_OK, BAR_UNKNOWN, BARS
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry, listed
from ninefold.market.records import Listed
from ninefold.market.time import SECOND_NS
from ninefold.strategy.decide import Decide
from ninefold.strategy.plan import Plan, plan

OWN = (
    plan("above", "1s", "where(close > sma(close, 3), 1, 0)", "own", "Mine."),
    plan("rising", "1s", "sign(close - lag(close, 1))", "own", "Mine."),
    plan("wide", "5s", "where(close > open, 1, -1)", "own", "Mine."),
)
OF_ETH = plan("eth", "1s", 'where(at("binance:ETH/USDT", close) > 2000, 1, 0)', "own", "Mine.")
INSTRUMENTS = [
    listed("binance", f"{base}USDT", base, "USDT", tick=tick, lot="0.001")
    for base, tick in (("BTC", "0.01"), ("ETH", "0.1"), ("SOL", "0.01"), ("XRP", "0.0001"))
]


def registry() -> Registry:
    known = Registry()
    for one in INSTRUMENTS:
        known.add(one)
    return known


def decider(plans: Sequence[Plan]) -> Decide:
    decide = Decide(plans, "binance")
    decide.step(Chunk(1, 1, 0, {}, [Listed(seq=1, known_ns=0, instrument=one) for one in registry()]))
    return decide


def bar(instrument: int, second: int, width: int, close: int) -> np.ndarray:
    made = np.zeros(1, BARS)
    made["instrument"], made["width_ns"], made["state"] = (
        instrument,
        width * SECOND_NS,
        BAR_OK if close else BAR_UNKNOWN,
    )
    made["open_ns"], made["close_ns"] = (second - width) * SECOND_NS, second * SECOND_NS
    made["open"], made["high"], made["low"], made["close"], made["volume"] = 20_000, 30_000, 1, close, 1
    return made


def bars_until(ticks: list[int], closes: list[int]) -> list[np.ndarray]:
    """All that closes at each tick, in the order in which bars are made. ticks: seconds."""
    price, made, before = iter(closes), [], 0
    for tick in ticks:
        due = [
            bar(instrument, second, width, next(price))
            for second in range(before + 1, tick + 1)
            for width in (1, 5)
            if second % width == 0
            for instrument in range(1, 5)
        ]
        rows = np.concatenate(due)
        rows["seq"], rows["known_ns"] = tick + 1, tick * SECOND_NS
        made.append(rows)
        before = tick
    return made


def told(decide: Decide, rows: np.ndarray) -> np.ndarray:
    seq = int(rows["seq"][0])
    return decide.step(Chunk(seq, seq, 0, {"bars": rows})).rows("targets")


@pytest.mark.slow
@given(
    st.lists(st.integers(1, 4), min_size=3, max_size=6),
    st.lists(st.sampled_from([0, 19_000, 20_000, 21_000, 20_001]), min_size=130, max_size=130),
)
@settings(max_examples=6, deadline=None)
def test_the_targets_are_those_of_bars_one_at_a_time(steps, closes):
    together, alone = decider(OWN), decider(OWN)
    for rows in bars_until(np.cumsum(steps).tolist(), closes):
        expected = [told(alone, rows[at : at + 1]) for at in range(len(rows))]
        assert told(together, rows).tobytes() == np.concatenate(expected).tobytes()


@pytest.mark.slow
@given(st.lists(st.sampled_from([0, 19_000, 20_000, 21_000, 20_001]), min_size=30, max_size=30))
@settings(max_examples=6, deadline=None)
def test_what_reads_another_series_decides_beside_what_does_not(closes):
    together, alone = decider((*OWN, OF_ETH)), [decider((OF_ETH,)), decider(OWN)]
    for rows in bars_until([1, 3, 6], closes):
        found = told(together, rows)
        for one in alone:
            expected = told(one, rows)
            mine = np.isin(found["strategy"], np.unique(expected["strategy"]))
            assert found[mine].tobytes() == expected.tobytes()
