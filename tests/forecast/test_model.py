"""Training, bytes and serving of models, on made-up markets whose truth is known and on one recorded day."""

import math
import pickle
import subprocess
import sys

import numpy as np
import pyarrow.parquet as parquet
import pytest

from ninefold.forecast.baseline import MODEL as BASELINE
from ninefold.forecast.features import Series, matrix
from ninefold.forecast.forecaster import Forecaster
from ninefold.forecast.model import TrainedModel
from ninefold.forecast.rows import HORIZONS
from ninefold.forecast.splits import borders
from ninefold.forecast.training import train
from ninefold.formula import Scale

pytestmark = pytest.mark.usefixtures("lightgbm")


def part(series: Series, start: int, stop: int) -> Series:
    columns = {name: column[start:stop] for name, column in series.columns.items()}
    return Series(series.name, series.scale, series.close_ns[start:stop], columns)


def rows(series: Series) -> list[dict[str, float]]:
    return [{name: float(column[at]) for name, column in series.columns.items()} for at in range(len(series.close_ns))]


@pytest.mark.slow
def test_a_planted_edge_is_found_and_beats_the_naive_forecast(model):
    at_one_bar = model.record.scores[0]
    assert at_one_bar.horizon == 1 and at_one_bar.rows > 500
    assert at_one_bar.beats_naive and at_one_bar.skill > 0.05
    assert 0.85 < at_one_bar.coverage_90 < 0.95
    assert 0.43 < at_one_bar.coverage_50 < 0.57


def test_after_a_rise_in_a_market_with_momentum_the_forecast_is_higher_than_after_a_fall(model, bars):
    features = matrix(bars(1_500, seed=99, momentum=0.5))[59:]
    medians = model.predict_many(features)[:, 0, 2]
    last = features[:, 1]  # the last return, in volatilities
    assert medians[last > 1.5].mean() > 0.0 > medians[last < -1.5].mean()


@pytest.mark.slow
def test_on_pure_noise_no_edge_is_claimed(bars):
    for seed in (11, 12):
        scores = train([bars(2_000, seed=seed)], seed=1).record.scores
        assert not any(score.beats_naive for score in scores)
        assert all(abs(score.skill) < 0.1 for score in scores if score.horizon == 1)


@pytest.fixture(scope="module")
def taught(lightgbm, bars) -> tuple[Series, bytes]:
    """Bars, and the bytes of a model that was taught on them."""
    series = bars(1_200, seed=3)
    return series, train([series], seed=1).to_bytes()


@pytest.mark.slow
def test_training_twice_gives_the_same_bytes_and_other_data_or_another_seed_another_id(model, taught):
    series, told = taught
    assert train([series], seed=1).to_bytes() == told
    ids = {TrainedModel.from_bytes(told).id, train([series], seed=2).id, model.id}
    assert len(ids) == 3 and all(len(found) == 16 for found in ids)


@pytest.mark.slow
def test_another_process_trains_the_same_bytes(taught):
    series, here = taught
    program = (
        "import pickle, sys; from ninefold.forecast.training import train; "
        "sys.stdout.buffer.write(train([pickle.load(sys.stdin.buffer)], seed=1).to_bytes())"
    )
    told = subprocess.run([sys.executable, "-c", program], input=pickle.dumps(series), capture_output=True, check=True)
    assert told.stdout == here


@pytest.mark.slow
def test_bars_after_the_last_cut_teach_nothing(bars):
    series = bars(1_200, seed=5)
    other = Series(series.name, series.scale, series.close_ns, {n: c.copy() for n, c in series.columns.items()})
    judging = series.close_ns >= borders([series.close_ns])[1]
    for name in ("open", "high", "low", "close"):
        other.columns[name][judging] *= 2.0
    told, changed = train([series], seed=1).record, train([other], seed=1).record
    assert told.trees == changed.trees and told.ranges == changed.ranges
    assert told.data != changed.data and told.scores != changed.scores


def test_a_model_comes_back_from_its_bytes_as_it_was(model, bars):
    back = TrainedModel.from_bytes(model.to_bytes())
    assert (back.id, back.record, back.to_bytes()) == (model.id, model.record, model.to_bytes())
    features = matrix(bars(100, seed=1))
    np.testing.assert_array_equal(back.predict_many(features), model.predict_many(features))


def test_bytes_that_are_damaged_or_of_another_version_are_refused(model):
    raw = model.to_bytes()
    for bad in (b"", raw[:-1], raw[:500] + b"?" + raw[501:]):
        with pytest.raises(ValueError, match="damaged"):
            TrainedModel.from_bytes(bad)
    newer = TrainedModel(
        type(model.record)(**{n: getattr(model.record, n) for n in model.record.__struct_fields__} | {"version": 2})
    )
    with pytest.raises(ValueError, match="version 2; this program reads version 1"):
        TrainedModel.from_bytes(newer.to_bytes())


def test_one_row_and_many_rows_give_the_same_forecast(model, bars):
    features = matrix(bars(120, seed=21, momentum=0.5))
    many = model.predict_many(features)
    for at, row in enumerate(features):
        one = model.predict(row)
        if math.isnan(row.sum()):
            assert one == () and np.isnan(many[at]).all()
        else:
            found = [[r.q05, r.q25, r.q50, r.q75, r.q95, r.mean] for r in one]
            np.testing.assert_allclose(found, many[at], rtol=1e-12, atol=1e-15)
            assert [r.horizon for r in one] == list(HORIZONS)


def test_quantiles_never_cross(model, bars):
    quantiles = model.predict_many(matrix(bars(1_000, seed=22)))[59:, :, :5]
    assert (np.diff(quantiles, axis=2) >= 0.0).all()


def test_a_market_twice_as_wild_gets_a_forecast_twice_as_wide(model, bars):
    row = matrix(bars(100, seed=23))[-1]
    wilder = row.copy()
    wilder[0] *= 2.0
    for calm, wild in zip(model.predict(row), model.predict(wilder), strict=True):
        assert wild.q95 == pytest.approx(2.0 * calm.q95)


@pytest.mark.slow
def test_several_instruments_teach_one_model(bars):
    found = train([bars(900, seed=1, name="a"), bars(900, seed=2, name="b")], seed=1).record
    assert found.series == ("a", "b") and found.bars == 1_800
    assert (found.from_ns, found.until_ns) == (60_000_000_000, 900 * 60_000_000_000)


def test_too_few_bars_are_refused_with_how_many_it_takes(bars):
    with pytest.raises(ValueError, match=r"training at 1 bars: \d+ known rows to teach .* it takes 200"):
        train([bars(300, seed=1)], seed=1)


def test_before_the_first_training_the_baseline_forecasts_and_says_so(bars):
    series = bars(100, seed=1)
    forecaster = Forecaster(series.scale)
    found = [forecaster.update(row) for row in rows(series)]
    assert all(forecast == () for forecast in found[:30])
    assert {row.model for forecast in found[30:] for row in forecast} == {BASELINE}
    assert all(len(forecast) == len(HORIZONS) for forecast in found[30:])


def test_the_model_takes_over_from_the_baseline_when_all_features_are_known(model, bars):
    series = bars(100, seed=1, momentum=0.5)
    forecaster = Forecaster(series.scale, model)
    makers = [{row.model for row in forecaster.update(row)} for row in rows(series)]
    assert makers[30:59] == [{BASELINE}] * 29
    assert makers[59:] == [{model.id}] * 41


def test_a_restart_anywhere_equals_never_having_stopped(model, bars):
    series = bars(300, seed=31, momentum=0.5)
    series.columns["volume"][200:] *= 50.0  # strays, so that each bar moves the drift
    whole = Forecaster(series.scale, model)
    expected = [(whole.update(row), whole.drift()) for row in rows(series)]
    for restart in (1, 40, 130, 230, 299):
        restarted = Forecaster(series.scale, model)
        restarted.warm(part(series, 0, restart).columns)
        assert restarted.drift() == expected[restart - 1][1]
        again = [(restarted.update(row), restarted.drift()) for row in rows(part(series, restart, 300))]
        assert again == expected[restart:]
    assert expected[228][1] != expected[229][1], "one bar less would be seen"


def test_when_the_market_is_nothing_like_what_was_taught_the_baseline_takes_over(model, bars):
    series = bars(400, seed=1, momentum=0.5)
    series.columns["volume"][200:] *= np.tile([1.0, 500.0], 100)
    series.columns["buy_volume"][200:] = 0.0
    forecaster = Forecaster(series.scale, model)
    makers = [{row.model for row in forecaster.update(row)} for row in rows(series)]
    assert makers[199] == {model.id} and makers[-1] == {BASELINE}
    assert forecaster.drift().verdict == "stop"


@pytest.mark.slow
def test_a_recorded_day_of_minutes_trains_a_model_that_says_how_good_it_is(recording):
    table = parquet.read_table(recording("ohlcv/binance_ADABTC_1m_2021-11-27.parquet")).to_pydict()
    ticks = {name: np.round(np.array(table[name]) * 1e8) for name in ("open", "high", "low", "close")}
    lots = {
        "volume": np.round(np.array(table["volume"]) * 10),
        "buy_volume": np.round(np.array(table["taker_buy_base"]) * 10),
    }
    close_ns = np.array(table["open_time"], np.int64) * 1_000_000 + 60_000_000_000
    series = Series("binance:ADA/BTC 1m", Scale(8, 1), close_ns, ticks | lots)
    model = train([series], seed=1)
    for score in model.record.scores:
        print(
            f"\n{score.horizon} bars: {score.rows} rows, pinball {score.pinball:.4f}, naive {score.pinball_naive:.4f},",
            end="",
        )
        print(
            f" 50 % held {score.coverage_50:.3f}, 90 % held {score.coverage_90:.3f}, beats naive: {score.beats_naive}"
        )
        assert score.rows > 300
        assert 0.75 < score.coverage_90 < 0.99
        assert score.skill > -0.15  # measured 0.000, -0.009, -0.052: one day teaches nothing, and the score says so
    forecast = model.predict_many(matrix(series))
    assert np.isfinite(forecast[59:]).all() and np.isnan(forecast[:59]).all()
