"""The columns of the own position: bar by bar and for all bars at once, by hand and to the same bits."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ninefold.market.arrays import BAR_OK, BAR_UNKNOWN, BARS
from ninefold.strategy.own import Closed, Holding, Holdings, own_of_all


def bars(*closes, seqs=None):
    """Closes in units, ticks of 10; None is an unknown bar."""
    made = np.zeros(len(closes), BARS)
    made["close"] = [close or 0 for close in closes]
    made["state"] = [BAR_UNKNOWN if close is None else BAR_OK for close in closes]
    made["seq"] = seqs if seqs is not None else np.arange(1, len(closes) + 1) * 10
    return made


def one_by_one(rows, held):
    closed, found = Closed(), []
    for row, holding in zip(rows, held, strict=True):
        closed.see(row, 10)
        found.append(closed.own(holding))
    return found


def at_once(rows, held):
    position, average, seq = zip(*(one or (0.0, 0, 0) for one in held), strict=True)
    columns = own_of_all(rows["seq"], Closed().see_all(rows, 10), Holdings(*map(np.array, (position, average, seq))))
    return [
        dict(zip(columns, values, strict=True))
        for values in zip(*(one.tolist() for one in columns.values()), strict=True)
    ]


def test_a_position_counts_its_bars_and_its_profit_from_the_last_known_close():
    rows = bars(1000, 1010, None, 990)
    held = [None, Holding(5.0, 100, 15), Holding(5.0, 100, 15), Holding(-5.0, 100, 35)]
    assert one_by_one(rows, held) == [
        {"position": 0.0, "bars_held": 0, "open_profit": 0.0},
        {"position": 5.0, "bars_held": 1, "open_profit": 101 / 100 - 1},
        {"position": 5.0, "bars_held": 2, "open_profit": 101 / 100 - 1},
        {"position": -5.0, "bars_held": 1, "open_profit": -(99 / 100 - 1)},
    ]  # fmt: skip


CLOSES = st.one_of(st.none(), st.integers(1, 300).map(lambda ticks: ticks * 10))
HELD = st.one_of(
    st.none(), st.builds(Holding, st.sampled_from([-1.5, 2.0, 1e15]), st.integers(1, 300), st.integers(1, 60))
)


@given(st.lists(st.tuples(CLOSES, HELD, st.integers(0, 2)), min_size=1, max_size=12))
def test_all_at_once_is_bar_by_bar(made):
    """Several bars may come with one input, and what is held may have begun with it."""
    rows = bars(*(close for close, _, _ in made), seqs=np.cumsum([step for _, _, step in made]) * 5 + 1)
    held = [one for _, one, _ in made]
    assert at_once(rows, held) == one_by_one(rows, held)
