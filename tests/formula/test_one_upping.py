"""Who keeps stepping in front of the best price by one tick is found, and nobody else is accused of it."""

import math

import numpy as np
import pytest

from bench.research.one_upping import counts, judged
from bench.research.one_upping_markets import simulated
from ninefold.formula.one_upping import ONE_UPPED, OneUpping
from ninefold.market.arrays import rows

TICK = 5


def quotes(*best: tuple[int, int], instrument: int = 7) -> np.ndarray:
    return rows("quotes", [(instrument, 0, 0, seq, seq, bid, 1, ask, 1) for seq, (bid, ask) in enumerate(best)])


def bids(*steps: int) -> np.ndarray:
    """The bid improves by each of these ticks in turn, and falls back between; the spread has room for all."""
    return quotes(*((bid, 1_000) for step in steps for bid in (500, 500 + step * TICK)))


def scored(heard: np.ndarray) -> float:
    detector = OneUpping()
    detector.hear(heard, {7: TICK})
    return detector.score(7)


def test_the_score_is_the_share_of_improvements_by_one_tick_less_those_by_two():
    kept = 0.5 ** (1 / 64)
    weights = [kept**age for age in range(24)]  # the newest first
    expected = sum(weights[age] * {0: 1, 1: 1, 2: -1, 3: 0}[age % 4] for age in range(24)) / sum(weights)
    assert scored(bids(*[3, 2, 1, 1] * 6)) == pytest.approx(expected)


def test_one_tick_at_a_time_is_one_upping_and_as_many_by_two_is_not():
    assert scored(bids(*[1] * 40)) == pytest.approx(1.0)
    assert scored(bids(*[1, 2] * 20)) < 0.02
    assert scored(bids(*[2] * 40)) == 0.0


def test_nothing_is_said_of_a_market_that_was_never_seen_or_too_little():
    assert math.isnan(OneUpping().score(7))
    assert math.isnan(scored(bids(*[1] * 15)))


def test_improvements_without_room_do_not_count():
    narrow = [(bid, 500 + 3 * TICK) for _ in range(60) for bid in (500, 500 + TICK)]
    assert math.isnan(scored(quotes(*narrow)))


def test_the_side_that_is_one_upped_decides():
    asks = quotes(*((500, ask) for _ in range(60) for ask in (1_000, 1_000 - TICK)))
    assert scored(np.concatenate([bids(*[1, 2] * 20), asks])) == pytest.approx(1.0, abs=0.05)


def test_it_does_not_matter_where_chunks_are_cut_or_that_the_process_began_again():
    heard = simulated(3).quotes[:900]
    whole = OneUpping()
    whole.hear(heard, {1: 1})
    cut = OneUpping()
    for part in np.array_split(heard, 31):
        again = OneUpping()
        again.load(cut.save())
        cut = again
        cut.hear(part, {1: 1})
    assert cut.save() == whole.save()


@pytest.mark.slow
def test_a_few_simulated_markets_are_told_apart():
    found = counts([judged(seed) for seed in range(2_000, 2_012)])
    assert found.found >= 3
    assert found.cleared >= 3
    assert (found.overlooked, found.accused) == (0, 0)


@pytest.mark.torture
def test_precision_and_recall_are_at_least_95_percent_on_200_markets_that_were_not_used_for_tuning():
    found = counts([judged(seed) for seed in range(1_000, 1_200)])
    assert found.precision >= 0.95
    assert found.recall >= 0.95
    assert 0 < ONE_UPPED < 1
