"""Venues that tell only their latest bars: what is older is not asked for, and is said to be missing."""

import pytest

from ninefold.history.table import HISTORIES
from ninefold.venues.table import VENUES

from .downloading import fetch, stored_bars, told_bars
from .gate import Gate
from .htx import Htx
from .hyperliquid import Hyperliquid
from .market import HOUR, MINUTE, Market

pytestmark = pytest.mark.slow

LATEST = {"gate": (Gate, 10_000), "htx": (Htx, 2000), "hyperliquid": (Hyperliquid, 5000)}


@pytest.mark.parametrize("venue", LATEST)
def test_what_is_older_than_the_venue_tells_is_missing_and_was_not_asked_for(venue, tmp_path):
    speaker, most = LATEST[venue]
    made = speaker(Market(4, MINUTE, 60, prices=speaker.prices, sizes=speaker.sizes))
    span = made.market.span
    told = told_bars(made, "1m")
    made.market.now_ns = span[0] + (most + 30) * MINUTE  # half of the hour is older than what is told
    did = fetch(made, tmp_path, "1m")
    newer = {at: bar for at, bar in told.items() if at >= span[0] + 30 * MINUTE}
    stored = {at: bar for at, bar in stored_bars(tmp_path, "1m", span).items() if bar is not None}
    assert stored == {at: bar for at, bar in newer.items() if at in stored}
    assert set(newer) - set(stored) <= set(sorted(newer)[:20]), "but for a few that the venue itself lets go"
    assert did.standing.complaints == []
    outcome = did.outcomes["1m"]
    assert outcome.asked == 60
    assert outcome.missing == 60 - len(stored)
    assert outcome.holes[0].first == "2024-01-02T00:00:00Z"


@pytest.mark.parametrize("venue", LATEST)
def test_a_range_that_is_older_altogether_is_missing_and_no_bar_is_asked_for(venue, tmp_path):
    speaker, most = LATEST[venue]
    made = speaker(Market(4, MINUTE, 60, prices=speaker.prices, sizes=speaker.sizes))
    made.market.now_ns = made.market.span[1] + most * MINUTE + HOUR
    did = fetch(made, tmp_path, "1m")
    assert (did.outcomes["1m"].stored, did.outcomes["1m"].missing) == (0, 60)
    assert len(did.standing.asked) == 1, "the rules"
    assert did.standing.complaints == []


def test_those_that_say_so_are_those_that_are_tried_here():
    assert {name for name, one in HISTORIES.items() if one.bars is not None and one.bars.latest} == set(LATEST)
    assert set(LATEST) <= set(VENUES)
