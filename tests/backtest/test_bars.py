"""Bars for back-tests: what is taken, and what bad input is told."""

from fractions import Fraction

import numpy as np
import pytest

from ninefold.backtest.bars import UNKNOWN, BadBars, Bars
from ninefold.backtest.columns import bars_of_columns, bars_of_rows
from ninefold.backtest.exact import BadRules
from ninefold.backtest.market_rules import EquityShare, Exits, Fees, FixedSize, Limits, Margin, Rules, Slippage, numbers
from ninefold.market.arrays import rows
from ninefold.market.instruments import listed
from tests.backtest.markets import MINUTE_NS, bars


def columns(count=4, **changed):
    open_ns = np.arange(count) * MINUTE_NS
    made = {
        "open_ns": open_ns,
        "close_ns": open_ns + MINUTE_NS,
        "open": np.full(count, 10.5),
        "high": np.full(count, 12.25),
        "low": np.full(count, 9.0),
        "close": np.full(count, 11.0),
        "volume": np.full(count, 1.5),
    }
    return {**made, **{name: np.asarray(values) for name, values in changed.items()}}


def test_prices_become_ticks_of_the_coarsest_decimal_that_holds_them_all():
    made = bars_of_columns(columns())
    assert (made.tick, made.lot) == (Fraction(1, 100), Fraction(1, 10**8))
    assert (made.high[0], made.volume[0], made.unit) == (1225, 150_000_000, Fraction(1, 10**10))


def test_a_tick_that_is_given_is_used_and_a_price_between_ticks_refused():
    assert bars_of_columns(columns(), tick="0.25", lot="0.5").open.tolist() == [42] * 4
    with pytest.raises(BadBars, match=r"row 0 has high .*12.25.*, no multiple of the tick 0.1; round it"):
        bars_of_columns(columns(), tick="0.1")


BAD = {
    "a column is missing": (
        lambda c: {("closes" if name == "close" else name): values for name, values in c.items()},
        r"no column 'close' .*rename 'closes'",
    ),
    "a column is not known": (lambda c: {**c, "rsi": c["open"]}, r"column 'rsi' is not known here; drop or rename it"),
    "lengths differ": (lambda c: {**c, "open": c["open"][1:]}, r"all must be \(n,\)"),
    "times are no whole numbers": (lambda c: {**c, "open_ns": c["open_ns"] * 1.0}, r"column open_ns is of float64"),
    "unsorted": (lambda c: {**c, "open_ns": c["open_ns"][[0, 2, 1, 3]]}, r"row 2 opens at .*sort them by open_ns"),
    "duplicate": (
        lambda c: {**c, "open_ns": c["open_ns"][[0, 1, 1, 3]]},
        r"row 2 opens at 1970-01-01 00:01:00, as the row before it: a duplicate; keep one",
    ),
    "a gap": (
        lambda c: {name: values[[0, 1, 3]] for name, values in c.items()},
        r"row 2 opens at 1970-01-01 00:03:00, row 1 closed at 1970-01-01 00:02:00: bars are missing .*holes=\"unknown\"",
    ),
    "overlapping": (
        lambda c: {**c, "close_ns": c["close_ns"] + 1},
        r"row 1 opens at .*bars of one series do not overlap",
    ),
    "a bar that ends before it begins": (
        lambda c: {**c, "close_ns": c["open_ns"]},
        r"row 0 closes at .*mend its times",
    ),
    "NaN": (
        lambda c: {**c, "low": [9, np.nan, 9, 9]},
        r"row 1 \(1970-01-01 00:01:00\) has low nan: .*load the row anew, or say holes=\"unknown\"",
    ),
    "high below low": (lambda c: {**c, "high": [12, 12, 8, 12]}, r"row 2 has high 80 below low 90: are the columns"),
    "a close outside": (lambda c: {**c, "close": [11, 13, 11, 11]}, r"row 1 has close 1300 outside its low 900"),
    "a price of nothing": (lambda c: {**c, "low": [9, 9, 9, 0], "open": [9, 9, 9, 0]}, r"row 3 has open 0 ticks"),
    "a negative price": (lambda c: {**c, "low": [9, 9, 9, -1]}, r"row 3 .* has low -1.0: below 0"),
    "no volume": (
        lambda c: {**c, "volume": [1, 1, 0, 1]},
        r"row 2 has no volume and prices from 900 to 1225 ticks: .*load its",
    ),
    "no decimals fit": (
        lambda c: {**c, "open": [10, 10, 10 + np.pi / 10, 10]},
        r"row 2 has open .* give it, for example",
    ),
}


@pytest.mark.parametrize(("spoil", "said"), BAD.values(), ids=BAD)
def test_bad_bars_are_refused_with_row_rule_and_remedy(spoil, said):
    with pytest.raises(BadBars, match=said):
        bars_of_columns({name: np.asarray(values) for name, values in spoil(columns()).items()})


def test_holes_may_be_taken_as_unknown_bars():
    spoilt = {name: values[[0, 1, 4]] for name, values in columns(5).items()}
    spoilt["low"] = np.array([9, np.nan, 9])
    made = bars_of_columns(spoilt, holes="unknown")
    assert made.open_ns.tolist() == [row * MINUTE_NS for row in range(5)]
    assert made.known.tolist() == [True, False, False, False, True]


def test_bars_begin_with_a_known_one_and_hold_whole_numbers():
    with pytest.raises(BadBars, match="row 0 is unknown"):
        bars(None, 5)
    with pytest.raises(BadBars, match="whole numbers of shape"):
        Bars(*[np.ones(2)] * 7)
    with pytest.raises(BadBars, match="all must have the same, at least 1"):
        Bars(*[np.empty(0, np.int64)] * 7)
    with pytest.raises(BadBars, match="both must be above 0"):
        bars(5, tick="0")
    with pytest.raises(BadBars, match="row 1 has the volume -2"):
        bars(5, (5, 5, 5, 5, -2))


def test_stored_rows_become_ticks_and_lots_of_their_instrument():
    of = listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.001", finer=(2, 1))
    stored = rows(
        "bars",
        [
            (1, 60, 0, 60, 30100, 30200, 30000, 30100, 25, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0),
            (1, 60, 60, 120, 30100, 30100, 30100, 30100, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0),
            (1, 60, 120, 180, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0),
            (1, 60, 180, 240, 30100, 30100, 30100, 30100, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        ],
    )
    made = bars_of_rows(stored, of)
    assert (made.tick, made.lot) == (Fraction(1, 100), Fraction(1, 1000))
    assert (made.high[0], made.volume.tolist()) == (302, [2, 0, UNKNOWN, 1])
    stored["open"][0] = 30150
    assert bars_of_rows(stored, of).tick == Fraction(1, 10_000)


BAD_RULES = {
    "a fee finer than can be held": (Rules(fees=Fees(taker="0.0000000011")), r"rates are held to 8 decimals: round it"),
    "a fee in per cent": (Rules(fees=Fees(taker=10)), r"taker fee is 10; it must lie between -1 and 1"),
    "no number": (Rules(fees=Fees(taker="a bit")), r"taker fee is 'a bit'; it must be a finite number"),
    "no cash": (Rules(cash=0), r"begins with more than 0"),
    "cash between units": (Rules(cash="0.0001"), r"cash is '0.0001', no whole number of units .* of 1/1000"),
    "too much cash": (Rules(cash=10**17), r"at most 1152921504606846976 .*coarser tick or lot"),
    "a size between lots": (Rules(sizing=FixedSize("0.15")), r"size is '0.15', no whole number of lots of 1/10"),
    "no size": (Rules(sizing=FixedSize(0)), r"it must be above 0, the sign is the target's"),
    "too large a size": (
        Rules(sizing=FixedSize(10**16)),
        r"the product exceeds 2\*\*60; give bars with a coarser tick",
    ),
    "leverage below 1": (Rules(margin=Margin(leverage="0.5")), r"leverage is '0.5'; it must lie between 1 .* and 1000"),
    "maintenance above initial": (Rules(margin=Margin(10, "0.1")), r"must be below 1 / leverage"),
    "a stop of 0": (Rules(exits=Exits(stop_loss=0)), r"stop loss is 0; it must be above 0"),
    "a time exit of 0": (Rules(exits=Exits(bars=0)), r"time exit is 0 bars; it must be at least 1"),
    "negative slippage": (Rules(slippage=Slippage(ticks=-1)), r"slippage is -1 ticks"),
    "a negative limit": (Rules(limits=Limits(long=-1)), r"limit on long positions is -1"),
    "a share of nothing": (Rules(sizing=EquityShare(0)), r"share of the equity is 0; it must be above 0"),
}


@pytest.mark.parametrize(("rules", "said"), BAD_RULES.values(), ids=BAD_RULES)
def test_bad_rules_are_refused_with_rule_and_remedy(rules, said):
    with pytest.raises(BadRules, match=said):
        numbers(rules, Fraction(1, 100), Fraction(1, 10), 10_000)
