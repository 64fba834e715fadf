"""A bar in doubt waits for what was missed, for a while: then it is right the first time. Times are seconds."""

from ninefold.market.arrays import BAR_OK, BAR_UNKNOWN
from ninefold.market.records import Started
from ninefold.market.time import SECOND_NS

from .test_bars import Market

S1 = SECOND_NS


def states(market: Market) -> dict[int, tuple[int, int]]:
    """Second to (state, revision) of the one-second bars."""
    return {at: (bar[6], bar[7]) for at, bar in market.made(S1).items()}


def test_after_a_restart_bars_wait_until_it_is_proven_that_nothing_was_missed():
    market = Market()
    market.trade(0.5, price=10)
    market.tick(1.4)
    market.record(Started(seq=market.seq + 1, known_ns=0, run="again"))
    market.tick(4.5)
    assert states(market) == {0: (BAR_OK, 0)}
    market.gap(0.5, 4.5, healed=True, ids=(2, 1))
    market.tick(4.6)
    assert {at: state for at, (state, _) in states(market).items()} == {0: BAR_OK, 1: 1, 2: 1, 3: 1}
    assert all(revision == 0 for _, revision in states(market).values())


def test_missed_trades_that_are_fetched_in_time_are_in_the_first_revision():
    market = Market()
    market.trade(0.5, price=10, id=1)
    market.trade(2.5, price=12, id=3)
    market.gap(0.5, 2.5, ids=(2, 2))
    market.tick(3.4)
    assert states(market) == {}
    market.trade(1.5, price=11, id=2)
    market.gap(0.5, 2.5, healed=True, ids=(2, 2))
    market.tick(3.5)
    assert states(market) == {0: (BAR_OK, 0), 1: (BAR_OK, 0), 2: (BAR_OK, 0)}


def test_a_doubt_that_lasts_makes_the_bars_unknown():
    market = Market()
    market.trade(0.5, price=10)
    market.tick(1.4)
    market.connection("lost")
    market.tick(2.4)
    market.tick(7.3)
    assert states(market) == {0: (BAR_OK, 0)}
    market.tick(7.4)
    assert states(market)[1] == (BAR_UNKNOWN, 0)
    assert states(market)[6] == (BAR_UNKNOWN, 0)
