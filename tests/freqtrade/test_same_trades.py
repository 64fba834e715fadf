"""Thirteen strategies in freqtrade's style give freqtrade's own trades: on generated candles what it once gave, kept in expected/;
where there is a freqtrade (NINEFOLD_FREQTRADE names its Python) what it gives now, on recorded candles too."""

import pytest

from ninefold.freqtrade import qtpylib
from tests.conftest import missing
from tests.freqtrade.calls import CALLS, answers
from tests.freqtrade.cases import KEYS, NAMES, generated, generated_cases, plain, recorded_cases, run_ours
from tests.freqtrade.make import kept
from tests.freqtrade.outside import asked, python_of_freqtrade, run_freqtrade

CASES = {case.name: case for case in generated_cases()}
NUMBERS = ("open_rate", "close_rate", "amount", "stake_amount", "profit_abs", "profit_ratio")
NEAR = 1e-9  # relative


@pytest.fixture(scope="module")
def freqtrade():
    python = python_of_freqtrade()
    if not python:
        pytest.skip("NINEFOLD_FREQTRADE is not set: it names the Python of an environment with freqtrade")
    return python


@pytest.mark.parametrize(
    ("case", "name"),
    [  # of each strategy one case, all as torture
        pytest.param(case, name, marks=[pytest.mark.torture] * ((place - at) % len(CASES) != 0))
        for at, name in enumerate(NAMES)
        for place, case in enumerate(CASES)
    ],
)
@pytest.mark.slow
def test_trades_are_those_that_freqtrade_gave(case, name):
    same(run_ours(CASES[case], name), kept(case)[name])


@pytest.mark.torture
@pytest.mark.parametrize("case", CASES)
def test_trades_are_those_that_freqtrade_gives(freqtrade, tmp_path, case):
    theirs = run_freqtrade(CASES[case], tmp_path)
    for name in NAMES:
        same(run_ours(CASES[case], name), theirs[name])


@pytest.mark.torture
def test_trades_on_recorded_candles_are_those_that_freqtrade_gives(freqtrade, recordings, tmp_path):
    cases = recorded_cases(recordings)
    if not cases:
        missing(f"no ohlcv/*.parquet in {recordings}")
    for number, case in enumerate(cases):
        theirs = run_freqtrade(case, tmp_path / str(number))
        for name in case.strategies:
            same(run_ours(case, name), theirs[name])


@pytest.mark.torture
def test_indicators_are_those_of_freqtrade(freqtrade, tmp_path):
    bars = generated(5, 300, 20.0).frame(None, None).drop(columns="date")
    theirs = asked("peer_qtpylib.py", {name: bars[name].tolist() for name in bars}, tmp_path)
    for (name, *_), our, their in zip(CALLS, answers(qtpylib, bars), theirs, strict=True):
        for column in our:
            values = [None if one is None else pytest.approx(one, rel=NEAR, abs=1e-12) for one in their[column]]
            assert our[column] == values, f"{name} {column}"


def same(found, theirs):
    """Trade by trade, in the order in which they ended; numbers to 1e-9, the rest to the letter."""
    ours = sorted(map(plain, found.trades), key=lambda trade: (trade["close_date"], trade["pair"], trade["open_date"]))
    theirs = sorted(theirs, key=lambda trade: (trade["close_date"], trade["pair"], trade["open_date"]))
    for number, (our, their) in enumerate(zip(ours, theirs, strict=False)):
        for key in KEYS:
            expected = pytest.approx(their[key], rel=NEAR, abs=0) if key in NUMBERS else their[key]
            assert our[key] == expected, f"trade {number}, {key}: {our} is not {their}"
    assert len(ours) == len(theirs)
    assert ours, "no trade was compared"
