"""Back-tests on trades, by hand, and what is refused."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ninefold.backtest.exact import BadRules
from ninefold.backtest.market_rules import Exits, Fees, FixedSize, Rules
from ninefold.backtest.outcome import Reason
from ninefold.backtest.target import BadTarget, Changes
from ninefold.backtest.ticks.bars import BarsOfTicks
from ninefold.backtest.ticks.latency import FixedFeed, FixedOrder, Latency, RecordedFeed
from ninefold.backtest.ticks.on_trade import run_on_trade
from ninefold.backtest.ticks.stream import Way, run, run_blocks
from ninefold.backtest.ticks.tape import BadTicks, Ticks
from ninefold.services.backtest_rerun import rerun
from ninefold.services.backtest_ticks import WantedTicks, backtest_ticks
from ninefold.services.tick_files import tape_of_file
from ninefold.store.data_dir import open_data_dir

RULES = Rules(cash=1_000, sizing=FixedSize(2), fees=Fees(taker="0.01"))


def ticks(*rows):
    """Of (time, price)."""
    at, price = np.array(rows, np.int64).T
    return Ticks(at, price, np.full(len(at), 3))


def way(order_ns, rules=RULES):
    return Way(rules, Latency(FixedFeed(10), FixedOrder(order_ns)), 100)


def test_an_order_is_filled_at_the_first_trade_after_it_arrived():
    tape = ticks((100, 50), (120, 51), (140, 52), (150, 53), (160, 54))
    wanted = np.array([1.0, 1.0, 1.0, 0.0, 0.0])
    # decided at 100, known at 110; with 25 ns it arrives at 135 and is filled at 140; the exit decided at 150 comes too late
    found = run(tape, wanted, way(25))
    assert found.fills[["bar", "price", "size", "fee"]].tolist() == [(2, 52, 2, 2)]
    assert found.equity.tolist() == [1_000 - 104 - 2 + 2 * 54]
    assert run(tape, wanted, way(0)).fills["bar"].tolist() == [1, 4]


def test_orders_that_arrive_between_two_trades_are_filled_one_by_one():
    tape = ticks((100, 50), (101, 50), (200, 60), (300, 70))
    found = run(tape, np.array([1.0, 0.0, 0.0, 0.0]), way(30))
    assert found.fills[["bar", "size"]].tolist() == [(2, 2), (2, -2)]
    assert found.trades["pnl"].tolist() == [-2 * found.fills["fee"][0]]


def test_the_share_of_a_trade_s_size_limits_what_it_fills():
    tape = ticks((100, 50), (120, 51), (140, 52), (160, 53))
    rules = Rules(cash=1_000, sizing=FixedSize(4), fees=Fees(taker=0), volume_share="0.5")
    found = run(tape, np.ones(4), way(0, rules))  # half of 3 lots is one lot
    assert found.fills[["bar", "price", "size"]].tolist() == [(1, 51, 1), (2, 52, 1), (3, 53, 1)]


def left(exits, *rows, volume_share=None, order_ns=0):
    """(row, price, size, reason) of the fills of 4 lots, bought at the second trade."""
    rules = Rules(cash=1_000, sizing=FixedSize(4), fees=Fees("0.01", 0), exits=exits, volume_share=volume_share)
    found = run(ticks(*rows), np.ones(len(rows)), way(order_ns, rules))
    return found.fills[["bar", "price", "size", "reason"]].tolist()


def test_a_position_is_left_by_a_stop_at_the_next_trade_and_by_a_take_profit_at_its_own_price():
    bought = (1, 100, 4, Reason.TARGET)
    rows = [(100, 100), (120, 100), (140, 96), (160, 95), (180, 90), (200, 91)]
    # 5 % below 100 is touched at 95, and left at 90
    assert left(Exits(stop_loss="0.05"), *rows) == [bought, (4, 90, -4, Reason.STOP_LOSS)]
    # 5 % below the best, 108, is 103 (down to whole ticks of distance: 5): touched at 103, left at 104
    rising = [(100, 100), (120, 100), (140, 108), (160, 104), (180, 103), (200, 104)]
    assert left(Exits(trailing="0.05"), *rising) == [bought, (5, 104, -4, Reason.TRAILING)]
    # 4 % above is 104: not at 104, at 106 half of the trade's 3 lots is filled at 104, one lot, the rest at the market
    beyond = [
        (100, 100),
        (120, 100),
        (121, 100),
        (122, 100),
        (123, 100),
        (140, 104),
        (160, 106),
        (180, 105),
        (200, 103),
        (220, 102),
    ]
    taken = left(Exits(take_profit="0.04"), *beyond, volume_share="0.5")
    assert taken[4:] == [(6, 104, -1, 2), *((row, price, -1, 2) for row, price in ((7, 105), (8, 103), (9, 102)))]
    # two steps of 100 ns after the purchase
    later = [(100, 100), (120, 100), (319, 101), (320, 102), (330, 103)]
    assert left(Exits(bars=2), *later) == [bought, (4, 103, -4, Reason.TIME)]


def test_on_trade_sees_what_it_holds_from_the_trade_on_that_filled_it():
    seen = []

    class Once:
        def on_trade(self, price, size, side, exchange_ns, position):
            seen.append((price, position))
            return 1.0 if price == 50 else None

    found = run_on_trade(ticks((100, 50), (120, 51), (140, 52)), Once(), way(25))
    assert seen == [(50, 0), (51, 0), (52, 2)]
    assert found.fills["bar"].tolist() == [2]


def test_bars_of_trades_are_the_same_wherever_the_tape_is_cut():
    tape = ticks((100, 50), (120, 55), (140, 48), (450, 60), (460, 61))
    for cut in range(6):
        bars = BarsOfTicks(100)
        bars.take(tape.between(0, cut))
        bars.take(tape.between(cut, 5))
        found = bars.found(tape.tick, tape.lot)
        assert found.open_ns.tolist() == [100, 200, 300, 400]
        columns = [getattr(found, name).tolist() for name in ("open", "high", "low", "close", "volume")]
        assert list(zip(*columns, strict=True)) == [
            (50, 55, 48, 48, 9),
            (48, 48, 48, 48, 0),
            (48, 48, 48, 48, 0),
            (60, 61, 60, 61, 6),
        ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"exchange_ns": np.array([2, 1])}, "row 1 was traded .* before row 0.*sort them"),
        ({"price": np.array([5, 0])}, "row 1 has price 0"),
        ({"size": np.array([0, 1])}, "row 0 has size 0"),
        ({"price": np.array([5.0, 6.0])}, "whole numbers"),
        ({"taker_side": np.array([1, 3])}, "row 1 has taker_side 3"),
        ({"size": np.array([1])}, "all must have the same"),
    ],
)
def test_bad_trades_are_refused_with_row_rule_and_remedy(change, said):
    good = {"exchange_ns": np.array([1, 2]), "price": np.array([5, 6]), "size": np.array([1, 1])}
    with pytest.raises(BadTicks, match=said):
        Ticks(**{**good, **change})


def test_what_is_not_modelled_on_trades_is_refused():
    tape = ticks((100, 50), (120, 51))
    with pytest.raises(BadTicks, match="no known_ns"):
        run(tape, np.ones(2), Way(RULES, Latency(RecordedFeed())))
    with pytest.raises(BadRules, match="before it happened"):
        FixedFeed(-1)


def test_wrong_targets_and_wrong_blocks_are_told_by_their_row():
    class Two:
        def on_trade(self, price, size, side, exchange_ns, position):
            return 2.0 if price == 51 else None

    tape = ticks((100, 50), (120, 51))
    with pytest.raises(BadTarget, match="row 1"):
        run_on_trade(tape, Two(), way(0))

    class Never:
        def changes(self, block):
            return Changes(np.empty(0, np.int64), np.empty(0, np.int64))

    for blocks, highest, said in (([tape, tape], 60, "row 2 "), ([tape], 50, "above 50"), ([], 50, "no trades")):
        with pytest.raises(BadTicks, match=said):
            run_blocks(blocks, Never(), way(0), highest)


def parquet(path, **columns):
    pq.write_table(pa.table(columns), path)
    return path


def test_a_file_of_trades_is_read_in_its_own_steps(tmp_path):
    at = [1_700_000_000_000, 1_700_000_000_500]
    path = parquet(
        tmp_path / "a.parquet", timestamp_ms=at, Price=[30_000.5, 30_001.0], qty=[0.25, 1.5], side=["buy", "SELL"]
    )
    tape = tape_of_file(path)
    [block] = tape.blocks()
    assert (str(tape.tick), str(tape.lot), tape.highest, tape.rows) == ("1/10", "1/100", 300_010, 2)
    assert block.exchange_ns.tolist() == [one * 10**6 for one in at]
    assert (block.price.tolist(), block.size.tolist()) == ([300_005, 300_010], [25, 150])
    assert block.taker_side.tolist() == [1, -1]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"time": [10**18], "size": [1.0]}, "no column for price: allowed are price, px"),
        ({"time": [10**18], "price": ["5"], "size": [1.0]}, "column price is of string"),
        ({"time": [10**18], "price": [float("nan")], "size": [1.0]}, "row 0 has price .*nan"),
        ({"time": [2, 1], "price": [5.0, 5.0], "size": [1.0, 1.0]}, "row 0: "),
        ({"time": [], "price": [], "size": []}, "has no trades|is of null"),
    ],
)
def test_a_file_that_is_no_file_of_trades_is_refused(tmp_path, columns, said):
    with pytest.raises(BadTicks, match=said):
        list(tape_of_file(parquet(tmp_path / "a.parquet", **columns)).blocks())


def test_a_back_test_on_a_file_is_a_trial_with_a_document(tmp_path):
    random = np.random.default_rng(5)
    at = 1_700_000_000_000_000_000 + np.cumsum(random.integers(1, 200, 5_000)) * 10**6
    price = (30_000 + np.cumsum(random.integers(-3, 4, 5_000))) / 10
    path = parquet(tmp_path / "a.parquet", exchange_ns=at, price=price, size=random.integers(1, 9, 5_000) / 100)
    open_data_dir(tmp_path / "data")
    wanted = WantedTicks(data_dir=tmp_path / "data", file=path, fast=5, slow=20, size="1", taker_fee="0.0001")
    told = backtest_ticks(wanted, now_ns=1)
    paid = sum(trade["pnl"] for trade in told["trades"]) + (told["open_trade"] or {"pnl": 0})["pnl"]
    assert told["ticks"] == 5_000 and len(told["trades"]) > 100
    assert told["equity"] == pytest.approx(10_000 + paid)
    assert told["equity"] == told["equity_curve"][-1] and len(told["equity_curve"]) == told["bars"]
    assert backtest_ticks(wanted, now_ns=2)["trial"] == told["trial"] + 1
    again = rerun(tmp_path / "data", told["trial"])
    assert again["identical"] and again["differs"] == [] and again["set"] == {"fast": 5, "slow": 20}
