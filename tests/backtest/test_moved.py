"""One target out of several that take over from each other, and the exits that are met in between."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ninefold.backtest.exact import ONE
from ninefold.backtest.market_rules import Exits, Fees, FixedSize, Rules
from ninefold.backtest.moved import stitched
from ninefold.backtest.run import run
from ninefold.backtest.target import Changes
from tests.backtest.markets import bars

ROWS = 40


@st.composite
def changes_of(draw):
    """Of a target, some repeated: those enter again after an exit."""
    at = sorted(draw(st.sets(st.integers(0, ROWS - 1))))
    return Changes(np.array(at, np.int64), np.array([draw(st.sampled_from([-5, 0, 5, 9])) for _ in at], np.int64))


def pieces(cuts):
    return list(itertools.pairwise([0, *sorted(cuts), ROWS]))


@given(changes_of(), st.sets(st.integers(1, ROWS - 1)))
def test_who_takes_over_from_itself_changes_nothing(changes, cuts):
    found = stitched([(start, stop, changes) for start, stop in pieces(cuts)])
    assert (found.at.tolist(), found.to.tolist()) == (changes.at.tolist(), changes.to.tolist())


@given(st.lists(changes_of(), min_size=1, max_size=4), st.data())
def test_at_every_row_it_wants_what_the_one_wants_whose_turn_it_is(of_each, data):
    cuts = data.draw(st.sets(st.integers(1, ROWS - 1), min_size=len(of_each) - 1, max_size=len(of_each) - 1))
    parts = [(*rows, changes) for rows, changes in zip(pieces(cuts), of_each, strict=True)]
    found = stitched(parts)
    wanted = np.concatenate([at_rows(changes)[start:stop] for start, stop, changes in parts])
    assert at_rows(found).tolist() == wanted.tolist()
    own = {row for start, stop, changes in parts for row in changes.at.tolist() if start <= row < stop}
    assert own <= set(found.at.tolist())
    assert set(found.at.tolist()) - own <= {start for start, _, _ in parts}


def at_rows(changes):
    place = np.searchsorted(changes.at, np.arange(ROWS), "right")
    return np.append(0, changes.to)[place]


def test_an_entry_in_the_first_row_of_a_part_goes_in_again_after_a_stop():
    market = bars(100, (100, 100, 90, 90, 1000), 90, 90, 90)
    rules = Rules(cash=1000, sizing=FixedSize(1), fees=Fees(taker=0), exits=Exits(stop_loss="0.05"))
    first, entered = Changes(np.array([0]), np.array([ONE])), Changes(np.array([0, 3]), np.array([ONE, ONE]))
    # in at 100 and out at 95 in the second bar; the second one's own entry at the close of row 3 is filled in row 4
    fills = run(market, stitched([(0, 3, first), (3, 5, entered)]), rules).fills
    assert fills[["bar", "price", "size"]].tolist() == [(1, 100, 1), (1, 95, -1), (4, 90, 1)]
    # a target that merely stayed is no new wish
    fills = run(market, stitched([(0, 3, first), (3, 5, first)]), rules).fills
    assert fills[["bar", "price", "size"]].tolist() == [(1, 100, 1), (1, 95, -1)]
