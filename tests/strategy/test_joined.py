"""Strategies that read other series in the running pipeline: what was known when the own bar closed, and not more."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ninefold.market.arrays import BARS
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry, listed
from ninefold.market.records import Listed
from ninefold.market.time import SECOND_NS
from ninefold.strategy.decide import Decide
from ninefold.strategy.plan import plan
from ninefold.strategy.series import Moments

BTC, ETH, OTHER = 1, 2, 3


def registry() -> Registry:
    known = Registry()
    known.add(listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001"))
    known.add(listed("binance", "ETHUSDT", "ETH", "USDT", tick="0.0001", lot="0.001"))
    known.add(listed("kraken", "XBTUSDT", "BTC", "USDT", tick="0.1", lot="0.00001"))
    return known


def bar(instrument: int, second: int, close: int, width: int = 1) -> np.ndarray:
    """close: in USDT, of a bar that closes at a second."""
    of = registry()[instrument]
    made = np.zeros(1, BARS)
    made["instrument"], made["width_ns"] = instrument, width * SECOND_NS
    made["open_ns"], made["close_ns"] = (second - width) * SECOND_NS, second * SECOND_NS
    for name in ("open", "high", "low", "close"):
        made[name] = close * 10**of.price_decimals
    made["volume"] = 1
    return made


class Told:
    """What a strategy of 1s bars wants of BTC, input by input."""

    def __init__(self, formula: str) -> None:
        self.decide = Decide([plan("mine", "1s", formula, "own", "Mine.")], "binance")
        self.seq = 1
        listing = [Listed(seq=1, known_ns=0, instrument=one) for one in registry()]
        self.decide.step(Chunk(1, 1, 0, {}, listing))

    def hear(self, *bars: np.ndarray, known_ns: int | None = None) -> list[float]:
        self.seq += 1
        rows = np.concatenate(bars)
        rows["seq"], rows["known_ns"] = self.seq, rows["close_ns"].max() if known_ns is None else known_ns
        made = self.decide.step(Chunk(self.seq, self.seq, 0, {"bars": rows})).rows("targets")
        return made["target"][made["instrument"] == BTC].tolist()


def test_what_closes_at_the_same_tick_elsewhere_is_known_whatever_the_order_of_rows():
    for flip in (False, True):
        told = Told('where(at("binance:ETH/USDT", close) > 2000, 1, 0 - 1)')
        for second, price, wanted in ((1, 2001, 1.0), (2, 1999, -1.0), (3, 2001, 1.0)):
            pair = [bar(ETH, second, price), bar(BTC, second, 50_000)]
            assert told.hear(*(pair[::-1] if flip else pair)) == [wanted]


def test_prices_of_another_venue_are_counted_in_the_own_ticks():
    told = Told('where(at("kraken:BTC/USDT", close) > close, 1, 0 - 1)')
    assert told.hear(bar(OTHER, 1, 50_001), bar(BTC, 1, 50_000)) == [1.0]
    assert told.hear(bar(BTC, 2, 50_002)) == [-1.0]


def test_a_wider_bar_holds_until_the_next_one_is_known_and_what_is_too_old_is_unknown():
    told = Told('where(on("5s", close) > close, 1, 0 - 1)')
    assert np.isnan(told.hear(bar(BTC, 4, 10))).all()
    assert told.hear(bar(BTC, 5, 10), bar(BTC, 5, 20, width=5)) == [1.0]
    assert [told.hear(bar(BTC, second, 10)) for second in range(6, 16)] == [[1.0]] * 10
    assert np.isnan(told.hear(bar(BTC, 16, 10))).all(), "two of its widths have passed"


def test_a_clock_that_goes_back_stops_nothing():
    told = Told('where(at("binance:ETH/USDT", close) > 2000, 1, 0 - 1)')
    assert told.hear(bar(ETH, 2, 2001), bar(BTC, 2, 10), known_ns=9 * SECOND_NS) == [1.0]
    assert told.hear(bar(ETH, 3, 1999), bar(BTC, 3, 10), known_ns=3 * SECOND_NS) == [-1.0]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 50)), min_size=1, max_size=30), st.integers(0, 30))
def test_moments_rise_from_input_to_input_and_are_the_same_however_they_are_asked_for(steps, cut):
    rows = np.zeros(len(steps), BARS)
    rows["seq"] = np.cumsum([step for step, _ in steps])
    rows["known_ns"] = [known for _, known in steps]
    whole, parts = Moments(), Moments()
    found = whole.of_all(rows)
    assert found.tolist() == [*parts.of_all(rows[:cut]).tolist(), *parts.of_all(rows[cut:]).tolist()]
    same = np.diff(rows["seq"]) == 0
    assert (np.diff(found)[same] == 0).all() and (np.diff(found)[~same] > 0).all()
