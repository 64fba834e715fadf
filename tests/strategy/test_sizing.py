"""Sizing: strategies are netted on one account, exactly, and sizes are cut toward zero to the lot step."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.market.instruments import Instrument
from ninefold.strategy import desired_position, equal_weights
from ninefold.strategy.sizing import sized

QUOTE = 10**8  # 1 USDT
BTC = Instrument(
    id=1,
    venue="binance",
    venue_symbol="BTCUSDT",
    symbol="BTC/USDT",
    base="BTC",
    quote="USDT",
    price_decimals=2,
    size_decimals=5,
)
COARSE = Instrument(
    id=2,
    venue="binance",
    venue_symbol="DOGEUSDT",
    symbol="DOGE/USDT",
    base="DOGE",
    quote="USDT",
    price_decimals=5,
    size_decimals=1,
    lot_size=10,
)


def test_the_capital_buys_what_it_is_worth_rounded_down():
    assert desired_position({"a": 1.0}, {"a": 1.0}, 10_000 * QUOTE, 6_000_000, BTC) == 16_666  # 0.16666 BTC at 60000
    assert desired_position({"a": -1.0}, {"a": 1.0}, 10_000 * QUOTE, 6_000_000, BTC) == -16_666
    assert desired_position({"a": 0.5}, {"a": 0.5}, 10_000 * QUOTE, 6_000_000, BTC) == 4_166


def test_sizes_are_whole_lot_steps():
    assert desired_position({"a": 1.0}, {"a": 1.0}, 100 * QUOTE, 12_345, COARSE) == 8_100  # 810.04 DOGE, lots of 1
    assert desired_position({"a": -1.0}, {"a": 1.0}, 100 * QUOTE, 12_345, COARSE) == -8_100
    assert desired_position({"a": 1.0}, {"a": 1.0}, QUOTE // 10, 12_345, COARSE) == 0


def test_opposite_opinions_cancel_before_anything_is_sent():
    weights = {"a": 0.3, "b": 0.3, "c": 0.4}
    assert desired_position({"a": 1.0, "b": -1.0}, weights, 10_000 * QUOTE, 6_000_000, BTC) == 0
    assert desired_position({"a": 1.0, "b": -1.0, "c": 0.5}, weights, 10_000 * QUOTE, 5_000_000, BTC) == 4_000


def test_a_strategy_that_cannot_tell_wants_nothing_and_takes_nothing_from_the_others():
    nan = float("nan")
    weights = {"a": 0.5, "b": 0.5}
    assert desired_position({"a": nan, "b": 1.0}, weights, 10_000 * QUOTE, 5_000_000, BTC) == 10_000
    assert desired_position({"a": nan, "b": nan}, weights, 10_000 * QUOTE, 5_000_000, BTC) == 0
    assert desired_position({}, weights, 10_000 * QUOTE, 5_000_000, BTC) == 0


@pytest.mark.parametrize(
    ("weights", "capital", "price", "said"),
    [
        ({"b": 1.0}, QUOTE, 100, "no weight for a; weights are given for b"),
        ({"a": 1.1}, QUOTE, 100, "borrowed money"),
        ({"a": -0.1}, QUOTE, 100, "at least 0"),
        ({"a": 1.0}, QUOTE, 0, "a known price above 0"),
        ({"a": 1.0}, -1, 100, "capital of at least 0"),
    ],
)
def test_what_makes_no_sense_is_refused(weights, capital, price, said):
    with pytest.raises(ValueError, match=said):
        desired_position({"a": 1.0}, weights, capital, price, BTC)


@pytest.mark.slow
@settings(settings.get_profile("money"))
@given(
    st.lists(st.floats(-1.5, 1.5), min_size=1, max_size=5),
    st.integers(0, 10**15),
    st.integers(1, 10**9),
    st.sampled_from([BTC, COARSE]),
)
def test_the_position_never_exceeds_what_was_asked_for_and_the_order_of_strategies_is_no_matter(
    opinions, capital, price, instrument
):
    wanted = dict(zip("abcde", opinions, strict=False))
    weights = equal_weights(tuple(wanted))
    found = desired_position(wanted, weights, capital, price, instrument)
    share = sum(Fraction(min(max(target, -1.0), 1.0)) * Fraction(weights[name]) for name, target in wanted.items())
    scale = 10 ** (8 - instrument.price_decimals - instrument.size_decimals)
    worth, asked = abs(found) * price * Fraction(scale), abs(share) * capital
    assert worth <= asked < (abs(found) + instrument.lot_size) * price * Fraction(scale)
    assert found % instrument.lot_size == 0
    assert found * share >= 0
    for order in itertools.islice(itertools.permutations(wanted), 3):
        assert desired_position({name: wanted[name] for name in order}, weights, capital, price, instrument) == found


@pytest.mark.slow
@settings(settings.get_profile("money"))
@given(
    st.dictionaries(
        st.sampled_from("abcdef"), st.floats(-2, 2) | st.just(float("nan")) | st.sampled_from([0.0, 5e-324])
    ),
    st.lists(st.floats(0, 1 / 6), min_size=6, max_size=6),
    st.integers(0, 10**15),
    st.integers(1, 10**9),
    st.sampled_from([BTC, COARSE]),
)
def test_whole_numbers_give_what_fractions_give(targets, shares, capital, price, instrument):
    weights = dict(zip("abcdef", shares, strict=True))
    known = {name: min(max(target, -1.0), 1.0) if target == target else 0.0 for name, target in targets.items()}
    wanted = {name: Fraction(target) * Fraction(weights[name]) for name, target in known.items()}
    size = sum(wanted.values()) * capital * 10 ** (instrument.size_decimals + instrument.price_decimals)
    position = int(size / (price * QUOTE) / instrument.lot_size) * instrument.lot_size
    unit = Fraction(capital * 10**instrument.price_decimals, price)
    amounts = {name: int(share * unit) for name, share in wanted.items()}
    assert sized(targets, weights, capital, price, instrument) == (position, amounts)


@settings(settings.get_profile("money"))
@given(st.integers(1, 500))
def test_equal_weights_never_add_up_to_more_than_the_capital(count):
    weights = equal_weights(tuple(str(number) for number in range(count)))
    assert 1 - 1e-12 < sum(Fraction(weight) for weight in weights.values()) <= 1
