"""What is kept of a long back-test on trades instead of its fills is in every number what its fills come to."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.backtest.outcome import FILLS
from ninefold.backtest.result import Result
from ninefold.backtest.sweep import summary_of
from ninefold.backtest.ticks.bars import BarsOfTicks
from ninefold.backtest.ticks.folded import Folds
from ninefold.backtest.ticks.stream import Stream, run
from ninefold.backtest.trades import TRADES, Folding
from ninefold.store.packed_rows import PackedRows
from tests.backtest.ticks.test_ticks_agree import DRAWN, cut_up, run_of

NUMBERS = ("fees", "slippage", "funding", "filled", "liquidations", "over", "won", "traded_on", "unit")
ARRAYS = ("equity", "position", "holds", "returns", "close_ns")


def on_bars(found, bars):
    """Its fills by the bars in which they were."""
    fills = found.fills.copy()
    width_ns = bars.close_ns[0] - bars.open_ns[0]
    fills["bar"], fills["inside"] = (found.fill_ns - bars.open_ns[0]) // width_ns, 1
    return Result(bars, found.rules, found.numbers, fills)


@given(DRAWN, st.lists(st.integers(0, 70), max_size=6))
@settings(max_examples=40, deadline=None)
def test_it_is_the_account_that_has_all_fills_wherever_the_tape_is_cut(drawn, cuts):
    ticks, changes, way = run_of(drawn)
    account, bars, folds = (
        Stream(way, ticks.tick, ticks.lot, ticks.highest),
        BarsOfTicks(way.width_ns),
        Folds(way.width_ns, PackedRows(TRADES)),
    )
    for block, some in cut_up(ticks, changes, cuts):
        folds.take(account.take(block, some))
        bars.take(block)
    made, whole = bars.found(ticks.tick, ticks.lot), run(ticks, changes, way)
    found, wanted = folds.found(made, way.rules, account.numbers), on_bars(whole, made)
    assert [getattr(found, name) for name in NUMBERS] == [getattr(wanted, name) for name in NUMBERS]
    np.testing.assert_equal(found.turnover, wanted.turnover)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))
    assert summary_of(found).tobytes() == summary_of(wanted).tobytes()
    assert b"".join(part.tobytes() for part in found.trades) == whole.trades.tobytes()
    assert found.open_trade.tobytes() == whole.open_trade.tobytes()


def test_trades_go_on_over_the_parts_in_which_their_fills_come():
    fills = np.zeros(5, FILLS)
    fills["size"], fills["price"], fills["fee"] = [2, 2, -4, -1, -1], [10, 20, 30, 40, 50], [1, 1, 1, 1, 1]
    fills["reason"], times = [0, 0, 1, 0, 0], np.array([100, 110, 120, 130, 140])
    folding = Folding()
    over = [folding.take(fills[row : row + 1], *(times[row : row + 1],) * 2) for row in range(5)]
    assert [len(one) for one in over] == [0, 0, 1, 0, 0]
    # 2 at 10 and 2 at 20, sold at 30: 4 x 30 - 60 - three fees; then 2 short at 45, worth 2 x 48 at the end
    [closed], [held] = over[2].tolist(), folding.open_trade(48).tolist()
    assert closed == (0, 0, 100, 120, 4, 15.0, 30.0, 3, 0, 0, 57, 1)
    assert held[1:6] == (-1, 130, -1, -2, 45.0) and held[10] == 90 - 96 - 2
