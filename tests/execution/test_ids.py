"""Client order ids."""

import re

from ninefold.execution.ids import client_order_id, is_ours

BINANCE = re.compile(r"^[\.A-Z\:/a-z0-9_-]{1,36}$")


def test_the_same_decision_gives_the_same_id_and_another_decision_another():
    first = client_order_id("main", "binance:BTC/USDT", 7, 50, ("cross", "trend"))
    assert first == client_order_id("main", "binance:BTC/USDT", 7, 50, ("trend", "cross", "cross"))
    others = {
        client_order_id("other", "binance:BTC/USDT", 7, 50, ("cross", "trend")),
        client_order_id("main", "binance:ETH/USDT", 7, 50, ("cross", "trend")),
        client_order_id("main", "binance:BTC/USDT", 8, 50, ("cross", "trend")),
        client_order_id("main", "binance:BTC/USDT", 7, 51, ("cross", "trend")),
        client_order_id("main", "binance:BTC/USDT", 7, 50, ("cross",)),
    }
    assert len(others | {first}) == 6


def test_binance_takes_our_ids_and_we_know_them_again():
    ours = client_order_id("main", "binance:BTC/USDT", 7, 50, ())
    assert BINANCE.match(ours)
    assert len(ours) == 23
    assert is_ours(ours)
    assert not is_ours("web_8f2a")
