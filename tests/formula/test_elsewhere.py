"""Terms over other instruments and widths: what they are called, when they are known, and that stream equals batch."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.formula import Aligned, Bars, Column, FormulaError, Scale, at, on, parse, sources
from ninefold.market.time import MINUTE_NS

from .market import bars, bits, cut, row, with_unknown

OWN, ETHER = Scale(price_decimals=2, size_decimals=5), Scale(price_decimals=3, size_decimals=4)
ETH, WIDE, ETH_WIDE = ("binance:ETH/USDT", ""), ("", "5m"), ("binance:ETH/USDT", "5m")
SCALES = {ETH: ETHER, WIDE: OWN, ETH_WIDE: ETHER}
NAN = np.nan


def closes(*close: float) -> dict[str, np.ndarray]:
    return {"close": np.array(close)}


def minutes(*times: float) -> np.ndarray:
    return np.array([round(time * MINUTE_NS) for time in times], np.int64)


def of(text: str, own: Bars, others: dict, scales: dict | None = None) -> list[float]:
    return Aligned([parse(text)], OWN, "1m", scales or SCALES).warm(own, others)[0].tolist()


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ('at("binance:ETH/USDT", close) > close', 'at("binance:ETH/USDT", close) > close'),
        ('on("5m", sma(close,20))', 'on("5m", sma(close, 20))'),
        ('at("kraken:BTC/USD:USD", on("1h", close))', 'at("kraken:BTC/USD:USD", on("1h", close))'),
        ('on("1h", at("kraken:BTC/USD:USD", close))', 'at("kraken:BTC/USD:USD", on("1h", close))'),
        ('sma(on("5m", close), 3) + 5', 'sma(on("5m", close), 3) + 5'),
    ],
)
def test_the_text_reads_back_and_the_order_of_at_and_on_is_one(text, written):
    term = parse(text)
    assert str(term) == written
    for again in (parse(written), pickle.loads(pickle.dumps(term))):
        assert again == term
        assert hash(again) == hash(term)
        assert again.unit == term.unit


def test_python_builds_the_same_terms_and_says_what_they_read():
    built = at("binance:ETH/USDT", on("5m", Column("close"))) / Column("close")
    assert built == parse('at("binance:ETH/USDT", on("5m", close)) / close')
    assert set(sources([built, parse('on("5m", close)')])) == {WIDE, ETH_WIDE}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('at("ETH", close)', "write venue:BASE/QUOTE"),
        ('on("7m", close)', "there is no timeframe '7m'"),
        ('on("5m", 3)', "takes a term such as close"),
        ('on("5m", on("1h", close))', "names its timeframe already"),
        ('at("a:B/C", at("d:E/F", close))', "names its instrument already"),
        ('on("5m", on("1h", close) + close)', "mixes several series"),
        ("on(5, close)", "takes a text and a term"),
        ('on("5m")', "takes a text and a term"),
        ('sma("5m", 3)', "not part of the language"),
        ('at("a:B/C", volume) > close', "cannot combine price and size"),
        ('on("5m\n", close)', "character 4"),
    ],
)
def test_an_illegal_one_is_refused_and_told_why(text, said):
    with pytest.raises(FormulaError) as refusal:
        parse(text)
    assert said in str(refusal.value)


def test_a_wider_bar_counts_from_the_moment_at_which_it_was_known():
    own = Bars(closes(1, 2, 3, 4), minutes(4, 5, 6, 10))
    wide = Bars(closes(50, 60), minutes(5, 10.01))
    assert of('on("5m", close)', own, {WIDE: wide}) == pytest.approx([NAN, 50, 50, 50], nan_ok=True)


def test_a_term_of_wide_bars_warms_up_in_wide_bars():
    own = Bars(closes(*range(12)), minutes(*range(1, 13)))
    wide = Bars(closes(50, 60), minutes(5, 10))
    found = of('on("5m", sma(close, 2))', own, {WIDE: wide})
    assert found == pytest.approx([NAN] * 9 + [55, 55, 55], nan_ok=True)


def test_prices_come_in_own_ticks_and_ratios_as_they_are():
    own, other = Bars(closes(250_000, 250_000), minutes(1, 2)), Bars(closes(2_500_005, 2_499_990), minutes(1, 2))
    assert of('at("binance:ETH/USDT", close)', own, {ETH: other}) == [250_000.5, 249_999]
    assert of('at("binance:ETH/USDT", close) > close', own, {ETH: other}) == [1, 0]
    assert of('at("binance:ETH/USDT", close) > 2500', own, {ETH: other}) == [1, 0]
    assert of('at("binance:ETH/USDT", close / close)', own, {ETH: other}) == [1, 1]


def test_an_unknown_bar_elsewhere_is_unknown_here_and_so_is_one_that_is_too_old():
    own = Bars(closes(*range(7)), minutes(1, 2, 3, 4, 5, 6, 7))
    other = Bars(closes(10, NAN, 30), minutes(1, 2, 3))
    found = of('at("binance:ETH/USDT", close)', own, {ETH: other})
    assert found == pytest.approx([1, NAN, 3, 3, 3, NAN, NAN], nan_ok=True)


def test_what_was_not_given_is_unknown_or_refused():
    own = Bars(closes(1, 2), minutes(1, 2))
    assert np.isnan(of('on("5m", close)', own, {})).all()
    with pytest.raises(FormulaError, match="the scale of"):
        Aligned([parse('on("5m", close)')], OWN, "1m", {})
    with pytest.raises(FormulaError, match="no term reads"):
        Aligned([parse("close")], OWN, "1m", {}).hear(WIDE, 1, {"close": 1.0})


def test_a_bar_that_comes_too_late_is_refused_for_it_would_restate_what_was_decided():
    evaluator = Aligned([parse('on("5m", close)')], OWN, "1m", SCALES)
    evaluator.hear(WIDE, 5, {"close": 1.0})
    evaluator.update(6, {})
    for late in (4, 5, 6):
        with pytest.raises(FormulaError, match="order in which they became known"):
            evaluator.hear(WIDE, late, {"close": 2.0})
    with pytest.raises(FormulaError, match="order in which they became known"):
        evaluator.update(5, {})


def test_futures_hold_still_elsewhere():
    evaluator = Aligned([parse('on("5m", close) - close')], OWN, "1m", SCALES)
    evaluator.hear(WIDE, 5, {"close": 10.0})
    evaluator.update(6, {"close": 1.0})
    assert evaluator.ahead({"close": np.array([[2.0, 3.0]])}, 0).tolist() == [[8, 7]]


FORMULAS = [
    parse('on("5m", sma(close, 3)) - sma(close, 4) + sma(at("binance:ETH/USDT", close), 2)'),
    parse('where(at("binance:ETH/USDT", on("5m", rsi(close, 3))) > 50, close, lag(close, 2))'),
    parse('zscore(on("5m", ema(close, 3)) / close, 3)'),
]
KNOWN = st.lists(st.integers(0, 40), min_size=1, max_size=25).map(lambda times: minutes(*sorted(times)))


def streamed(evaluator: Aligned, own: Bars, others: dict) -> np.ndarray:
    """As it happens: bars of other series at or before the own one are heard first."""
    heard = sorted(
        (int(known), source, place) for source, other in others.items() for place, known in enumerate(other.known_ns)
    )
    found = []
    for index, now in enumerate(own.known_ns.tolist()):
        while heard and heard[0][0] <= now:
            known, source, place = heard.pop(0)
            evaluator.hear(source, known, row(others[source].columns, place))
        found.append(evaluator.update(now, row(own.columns, index)))
    for known, source, place in heard:
        evaluator.hear(source, known, row(others[source].columns, place))
    return np.array(found).reshape(-1, len(FORMULAS)).T


def until(series: Bars, known_ns: int) -> Bars:
    many = int(np.searchsorted(series.known_ns, known_ns, side="right"))
    return Bars(cut(dict(series.columns), 0, many), series.known_ns[:many])


def after(series: Bars, known_ns: int) -> Bars:
    many = int(np.searchsorted(series.known_ns, known_ns, side="right"))
    return Bars(cut(dict(series.columns), many), series.known_ns[many:])


@given(KNOWN, KNOWN, KNOWN, KNOWN, st.integers(0, 24), st.integers(0, 40))
@settings(max_examples=80, deadline=None)
@pytest.mark.slow
def test_stream_batch_restart_and_an_unknown_future_agree_to_the_bit(own_ns, eth_ns, wide_ns, both_ns, hole, stop):
    def made(known_ns: np.ndarray, seed: int) -> Bars:
        columns = bars(max(len(known_ns), 2), seed)
        return Bars(cut(with_unknown(columns, min(hole, len(known_ns) - 1)), 0, len(known_ns)), known_ns)

    own, others = made(own_ns, 1), {ETH: made(eth_ns, 2), WIDE: made(wide_ns, 3), ETH_WIDE: made(both_ns, 4)}
    whole = Aligned(FORMULAS, OWN, "1m", SCALES).warm(own, others)
    np.testing.assert_array_equal(bits(streamed(Aligned(FORMULAS, OWN, "1m", SCALES), own, others)), bits(whole))

    moment = stop * MINUTE_NS
    first = until(own, moment), {source: until(other, moment) for source, other in others.items()}
    then = after(own, moment), {source: after(other, moment) for source, other in others.items()}
    restarted = Aligned(FORMULAS, OWN, "1m", SCALES)
    begun = restarted.warm(*first)
    np.testing.assert_array_equal(bits(begun), bits(whole[:, : begun.shape[1]]))
    twin = restarted.copy()
    for goes_on in (restarted.warm(*then), streamed(twin, *then)):
        np.testing.assert_array_equal(bits(np.concatenate((begun, goes_on), axis=1)), bits(whole))


def test_what_is_kept_does_not_grow():
    evaluator = Aligned(FORMULAS, OWN, "1m", SCALES)
    columns, kept = bars(600), []
    for index in range(600):
        for source in SCALES:
            evaluator.hear(source, index * MINUTE_NS, row(columns, index))
        evaluator.update(index * MINUTE_NS, row(columns, index))
        kept.append(evaluator.held())
    assert kept[100] == kept[-1]
