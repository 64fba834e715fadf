"""A strategy may read wider bars and other instruments, as known at the close of its own bars; nothing of later."""

from fractions import Fraction

import numpy as np
import pytest

from ninefold.backtest.bars import UNKNOWN, Bars
from ninefold.formula import Scale, batch, parse
from ninefold.services.backtest_bars import Market
from ninefold.services.backtest_series import wider, with_elsewhere
from ninefold.strategy import BadStrategy

MINUTE_NS = 60_000_000_000
SCALE = Scale(price_decimals=0, size_decimals=0)


def market(closes: list[int | None], first_minute: int = 0, others=None) -> Market:
    """Minute bars from a minute of 1970 on, each opening 1 below its close, from 2 below to 1 above; None is unknown."""
    close = np.array([1 if one is None else one for one in closes])
    known = np.array([one is not None for one in closes])
    open_ns = (first_minute + np.arange(len(closes))) * MINUTE_NS
    prices = {"open": close - 1, "high": close + 1, "low": close - 2, "close": close}
    prices = {name: np.maximum(values, 1) for name, values in prices.items()}
    bars = Bars(
        open_ns, open_ns + MINUTE_NS, **prices, volume=np.where(known, 3, UNKNOWN), tick=Fraction(1), lot=Fraction(1)
    )
    columns = {name: np.where(known, values, np.nan).astype(float) for name, values in prices.items()}
    return Market(bars, {**columns, "volume": np.where(known, 3.0, np.nan)}, SCALE, True, others)


def values(text: str, of: Market) -> list[float]:
    term = parse(text)
    return batch(term, with_elsewhere(of, [term]).columns, SCALE).tolist()


def test_a_wider_bar_is_known_at_its_close_and_is_that_of_its_parts():
    of = market([10, 12, 11, 15, 14, 20, 30], first_minute=4)  # minutes 4; 5 to 9; 10
    made = wider(of, 5 * MINUTE_NS)
    assert {name: found.tolist() for name, found in made.columns.items()} == {
        "open": [11], "high": [21], "low": [9], "close": [20], "volume": [15],
    }  # fmt: skip
    assert made.known_ns.tolist() == [10 * MINUTE_NS]
    np.testing.assert_array_equal(values('on("5m", close)', of), [np.nan] * 5 + [20, 20])


def test_a_wider_bar_with_an_unknown_part_is_unknown():
    of = market([10, 12, None, 15, 14, 20, 21, 22, 23, 24])
    np.testing.assert_array_equal(values('on("5m", high) - close', of)[4:], [np.nan] * 5 + [25 - 24])


def test_another_instrument_joins_by_its_close():
    ether = market([100, 101, 102], first_minute=1)
    asked = []

    def others(name: str, width_ns: int) -> Market:
        asked.append((name, width_ns))
        return ether

    of = market([10, 11, 12, 13, 14, 15, 16], others=others)
    found = values('at("binance:ETH/USDT", close) - close', of)
    # its bars close with minutes 1, 2, 3; the last is good for two more bars, then it is too old
    np.testing.assert_array_equal(found, [np.nan, 89, 89, 89, 88, 87, np.nan])
    assert asked == [("binance:ETH/USDT", MINUTE_NS)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('at("binance:ETH/USDT", close)', "a file holds one instrument"),
        ('on("1s", close)', "a multiple of 1m"),
    ],
)
def test_what_is_not_there_is_refused_with_what_to_do(text, said):
    with pytest.raises(BadStrategy, match=said):
        values(text, market([10, 11]))


def test_without_such_terms_the_market_stays_as_it_is():
    of = market([10, 11])
    assert with_elsewhere(of, [parse("close - open")]) is of
