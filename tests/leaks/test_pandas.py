"""What pandas' operations pass on, held to what really changes when later bars change."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.backtest.leaks.trail import CannotFollow
from ninefold.services.leak_check_bars import START_NS
from tests.leaks.corpus import BARS, columns
from tests.leaks.traced_run import traced_result

pytestmark = pytest.mark.slow

INDEX = pd.DatetimeIndex(pd.to_datetime(START_NS + 60_000_000_000 * np.arange(BARS), utc=True), name="date")
EVERY = 79  # rows between those after which the future is changed

# each takes a series of the bars' index and gives one
STEPS = {
    "shift(2)": "s.shift(2)",
    "shift(-2)": "s.shift(-2)",
    "shift(fill)": "s.shift(1, fill_value=0.0)",
    "diff(-3)": "s.diff(-3)",
    "pct_change": "s.pct_change(2)",
    "rolling": "s.rolling(5, min_periods=2).sum()",
    "rolling centre": "s.rolling(5, center=True).sum()",
    "rolling left": "s.rolling('4min', closed='left').sum()",
    "rolling apply": "s.rolling(4).apply(lambda w: w.sum(), raw=True)",
    "window ahead": "s.rolling(pd.api.indexers.FixedForwardWindowIndexer(window_size=3)).sum()",
    "expanding": "s.expanding().sum()",
    "ewm": "s.ewm(alpha=0.5).mean()",
    "cumsum": "s.cumsum()",
    "reversed": "s[::-1].cumsum()[::-1]",
    "z score": "(s - s.mean()) / 7",
    "last": "s - s.iloc[-1]",
    "first": "s - s.iloc[0]",
    "where ffill": "s.where(df['volume'] > 50).ffill()",
    "where bfill": "s.where(df['volume'] > 50).bfill()",
    "interpolate": "s.where(df['volume'] > 50).interpolate()",
    "fillna mean": "s.shift(3).fillna(s.sum())",
    "resample left": "s.resample('10min').sum().reindex(s.index, method='ffill')",
    "resample right": "s.resample('10min', label='right').sum().reindex(s.index, method='ffill')",
    "resample right closed": "s.resample('10min', label='right', closed='right').sum().reindex(s.index, method='ffill')",
    "resample first": "s.resample('10min').first().reindex(s.index, method='ffill')",
    "resample shifted": "s.resample('10min').sum().shift(1).reindex(s.index, method='ffill')",
    "resample agg": "s.resample('10min').agg(['sum', 'first'])['sum'].reindex(s.index)",
    "group max": "s.groupby(s.index.floor('10min')).transform('sum')",
    "group cumsum": "s.groupby(s.index.floor('10min')).cumsum()",
    "group shift": "s.groupby(s.index.hour).shift(1)",
    "group function": "s.groupby(s.index.floor('10min')).transform(lambda part: part - part.iloc[0])",
    "filtered": "s[df['volume'] > 50].rolling(2).sum().reindex(s.index, method='ffill')",
    "filtered exactly": "s[df['volume'] > 50].reindex(s.index).isna() + 0.0 + s * 0",
    "filtered ahead": "s[df['volume'].shift(-1) > 50].reindex(s.index).isna() + 0.0",
    "asof": "pd.merge_asof(df, s.resample('10min').sum().rename('x'), left_index=True, right_index=True)['x']",
    "asof back": "pd.merge_asof(df, s.rename('x').iloc[::5], left_index=True, right_index=True)['x']",
    "asof ahead": "pd.merge_asof(df, s.rename('x').iloc[::5], left_index=True, right_index=True, direction='forward')['x']",
    "merge": "df.reset_index().merge(s.shift(1).rename('x').reset_index(), on='date', how='left').set_index('date')['x']",
    "join": "df.join(s.resample('10min').sum().rename('x'))['x'].ffill()",
    "concat": "pd.concat([s, s.shift(-1)], axis=1, keys=['a', 'b']).sum(axis=1)",
    "frame": "pd.DataFrame({'a': s, 'b': df['close']}).max(axis=1)",
    "numpy": "pd.Series(np.cumsum(s.fillna(0).to_numpy()), index=s.index)",
    "numpy roll": "pd.Series(np.roll(s.to_numpy(), 1), index=s.index)",
    "function": "s.apply(lambda x: x * 2)",
    "function that peeks": "pd.Series([s.iloc[min(i + 1, len(s) - 1)] for i in range(len(s))], index=s.index)",
    "list": "pd.Series([s.iloc[max(i - 1, 0)] for i in range(len(s))], index=s.index)",
    "mean of EMA": "talib.EMA(s.fillna(100.0), timeperiod=5)",
    "at a time": "s.where(s.index.minute % 10 == 0).ffill()",
    "loc slice": "s.loc[s.index[5]:].reindex(s.index)",
    "tail": "s.tail(100).reindex(s.index)",
    "drop last": "s.iloc[:-1].reindex(s.index)",
    "asfreq": "s.asfreq('2min').reindex(s.index, method='ffill')",
    "clock": "s.shift(3, freq='min').reindex(s.index)",
    "clock ahead": "s.shift(-3, freq='min').reindex(s.index)",
}
BY_CHANCE = {"filtered ahead"}  # whether a volume that changes crosses 50
IMPORTS = "import numpy as np, pandas as pd, talib\n"


def text_of(steps):
    lines = [
        IMPORTS,
        "def target(df):",
        "    s = df['close']",
        *(f"    s = {STEPS[one]}" for one in steps),
        "    return s",
    ]
    return "\n".join(lines)


def plainly(text, frame):
    names = {}
    exec(text, names)
    return names["target"](frame)


def known_by_change(text):
    """For each row after which the future was changed whether anything up to it changed."""
    before = plainly(text, pd.DataFrame(columns(), INDEX))
    found = []
    for row in range(EVERY, BARS - 1, EVERY):
        other = pd.DataFrame(columns(), INDEX)
        noise = np.random.default_rng(row)
        for name in other:
            other.loc[other.index[row + 1 :], name] *= noise.uniform(0.2, 5, BARS - row - 1)
        after = plainly(text, other)
        one, two = before.iloc[: row + 1].to_numpy(float), after.iloc[: row + 1].to_numpy(float)
        found.append(not np.allclose(one, two, rtol=1e-9, equal_nan=True))
    return np.array(found)


def known_by_reading(text):
    """The same, by what the check says that the rows know."""
    found, _ = traced_result(text, "steps.py", "target")
    known = found.known.to_numpy()
    return np.array([(known[: row + 1] > row).any() for row in range(EVERY, BARS - 1, EVERY)]), found


@pytest.mark.parametrize("step", STEPS)
def test_one_step_knows_what_changes_it_and_gives_what_pandas_gives(step):
    text = text_of([step])
    said, traced = known_by_reading(text)
    changed = known_by_change(text)
    if step in BY_CHANCE:
        assert (said | ~changed).all() and changed.any()
    else:
        np.testing.assert_array_equal(said, changed)
    plain = plainly(text, pd.DataFrame(columns(), INDEX))
    pd.testing.assert_series_equal(traced.plain, plain, check_names=False, check_freq=False, check_dtype=False)


@pytest.mark.torture
@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from(sorted(STEPS)), min_size=2, max_size=3))
def test_steps_after_steps_miss_nothing_that_changes_them(steps):
    """What changes must be known. (The converse fails where values cancel or are rounded away.)"""
    text = text_of(steps)
    said, _ = known_by_reading(text)
    assert (said | ~known_by_change(text)).all()


REFUSED = {
    "df.close.to_xarray()": r"steps\.py:3 in target: Series\.to_xarray is not known",
    "df.melt()": r"steps\.py:3 in target: DataFrame\.melt is not known",
    "pd.crosstab(df.close, df.open)": r"pandas\.crosstab is not known",
    "df.close.rolling(3).aggregate_all()": r"rolling\.aggregate_all is not known",
    "np.kron(df.close, 1)": r"numpy's kron is not known",
    "df.set_index('close').index": "bars became labels",
    "df[df.close.round()]": "rows were chosen by labels made of bars",
}


@pytest.mark.parametrize("line", REFUSED)
def test_what_is_not_known_is_refused_with_its_line(line):
    with pytest.raises(CannotFollow, match=REFUSED[line]):
        traced_result(f"{IMPORTS}def target(df):\n    return {line}\n", "steps.py", "target")
