"""Quotes that rested in a run against the queue of a back-test, worked by hand."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from ninefold.backtest.quotes_parity import Left, quotes_again, quotes_left
from ninefold.market.arrays import QUOTES, TRADES
from ninefold.market.instruments import Instrument
from ninefold.market.records import Fill, Order

OF = Instrument(
    **{"id": 1, "venue": "binance", "venue_symbol": "BTCUSDT", "symbol": "BTC/USDT", "base": "BTC", "quote": "USDT"},
    **{"price_decimals": 2, "size_decimals": 3, "rules_known": True},
)
SENT = Order(
    **{
        "seq": 10,
        "known_ns": 1_000,
        "client_order_id": "nf-a",
        "instrument": 1,
        "side": 1,
        "size": 3,
        "status": "sent",
    },
    **{"order_type": "post_only", "price": 100, "strategies": ("around",)},
)
ENDED = msgspec.structs.replace(SENT, seq=50, known_ns=5_000, status="cancelled")


def quotes(*rows: tuple[int, int, int, int]) -> np.ndarray:
    """seq, which is 100 ns each; bid, of 5 lots; ask, with its lots."""
    made = np.zeros(len(rows), QUOTES)
    made["instrument"], made["bid_size"] = 1, 5
    for place, (seq, bid, ask, ask_size) in enumerate(rows):
        made[place]["seq"], made[place]["receive_ns"] = seq, seq * 100
        made[place]["bid"], made[place]["ask"], made[place]["ask_size"] = bid, ask, ask_size
    return made


def sold(*rows: tuple[int, int, int]) -> np.ndarray:
    """seq, price, lots of trades that sell."""
    made = np.zeros(len(rows), TRADES)
    made["instrument"], made["taker_side"] = 1, -1
    for place, (seq, price, size) in enumerate(rows):
        made[place]["seq"], made[place]["receive_ns"] = seq, seq * 100
        made[place]["price"], made[place]["size"] = price, size
    return made


def filled(size: int, price: int = 100) -> Fill:
    return Fill(
        **{"seq": 30, "known_ns": 3_000, "client_order_id": "nf-a", "instrument": 1, "side": 1, "price": price},
        **{"size": size, "fee": 0, "fee_asset": "BTC", "trade_id": "1", "exchange_ns": 3_000},
    )


STILL = quotes((5, 100, 102, 9), (40, 100, 102, 9), (60, 100, 102, 9))
MET = quotes((5, 100, 102, 9), (30, 98, 100, 9), (60, 98, 100, 9))


@pytest.mark.parametrize(
    ("shown", "trades", "fills", "expected"),
    [
        (STILL, sold((20, 100, 5)), (), None),  # all that stood ahead, and no more
        (STILL, sold((20, 100, 5), (25, 100, 2)), (), ("fill model", "0.002 BTC filled")),
        (STILL, sold((20, 99, 4)), (), ("fill model", "0.003 BTC filled")),  # through its price
        (STILL, sold((55, 99, 4)), (), None),  # behind its end
        (MET, sold(), (filled(3),), ("fill model", "no fill")),
        (MET, sold((20, 99, 4)), (filled(3),), None),
        (MET, sold(), (), ("UNEXPLAINED", "no fill")),  # the ask came to its price, and nothing happened
        (STILL, sold(), (filled(3),), ("UNEXPLAINED", "no fill")),  # nobody was there
        (MET, sold((20, 99, 4)), (filled(3, 101),), ("UNEXPLAINED", "0.003 BTC filled")),  # not its own price
    ],
)
def test_a_quote_is_filled_by_trades_behind_those_ahead_and_what_differs_has_its_reason(
    shown: np.ndarray, trades: np.ndarray, fills: tuple[Fill, ...], expected: tuple[str, str] | None
):
    found = quotes_again(OF, trades, shown, [Left(SENT, ENDED, fills)], 50, is_paper=True)
    said = [(one.reason, one.again.removesuffix(" in the queue of a back-test")) for one in found]
    assert said == ([] if expected is None else [expected])


def test_at_a_real_venue_trades_account_for_a_fill_and_the_feed_may_show_them_a_little_later():
    left = [Left(SENT, msgspec.structs.replace(ENDED, status="filled"), (filled(3),))]
    late = sold((55, 100, 1))
    assert [one.reason for one in quotes_again(OF, late, STILL, left, 50, is_paper=False)] == ["fill model"]
    assert [one.reason for one in quotes_again(OF, late, STILL, left, 50, is_paper=True)] == ["UNEXPLAINED"]
    assert [one.reason for one in quotes_again(OF, sold(), STILL, left, 50, is_paper=False)] == ["UNEXPLAINED"]


def test_only_quotes_that_left_count_each_with_its_own_fills_once():
    by_hand = msgspec.structs.replace(SENT, client_order_id="nf-b", strategies=("hand",))
    refused = msgspec.structs.replace(SENT, client_order_id="nf-c", status="refused")
    left = quotes_left([SENT, ENDED, by_hand, refused], [filled(2), filled(2)], frozenset({"around"}))
    assert left == [Left(SENT, ENDED, [filled(2)])]
