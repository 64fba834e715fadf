"""Somebody else's client accepts this exchange."""

from typing import Any

import pytest

from .running import Simulator


def pointed(urls: Any, rest: str) -> Any:
    """Every address of ccxt's table with its scheme and host replaced."""
    if isinstance(urls, dict):
        return {name: pointed(each, rest) for name, each in urls.items()}
    return rest + "/" + urls.split("/", 3)[3] if urls.count("/") > 2 else rest


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # ccxt leaves its session to the garbage collector
@pytest.mark.slow
def test_ccxt_loads_markets_places_sees_and_cancels_a_limit_order(simulator: Simulator):
    import ccxt  # a second, in every worker, for one test

    exchange = ccxt.binance(
        {
            "apiKey": simulator.key,
            "secret": simulator.secret,
            "options": {"fetchMarkets": {"types": ["spot"]}, "fetchMargins": False, "fetchCurrencies": False},
        }
    )
    exchange.has["fetchCurrencies"] = False
    exchange.urls["api"] = pointed(exchange.urls["api"], simulator.rest)
    markets = exchange.load_markets()
    assert set(markets) == {"BTC/USDT", "ETH/USDT", "SOL/USDT", "DOGE/USDT", "ADA/BTC"}
    precision = exchange.market("BTC/USDT")["precision"]
    assert (precision["amount"], precision["price"]) == (0.00001, 0.01)
    assert exchange.fetch_balance()["USDT"]["total"] > 0
    order = exchange.create_order("BTC/USDT", "limit", "buy", 0.01, 40_000)
    assert order["status"] == "open"
    [seen] = exchange.fetch_open_orders("BTC/USDT")
    assert (seen["id"], seen["price"], seen["amount"]) == (order["id"], 40_000, 0.01)
    assert exchange.cancel_order(order["id"], "BTC/USDT")["status"] == "canceled"
    assert exchange.fetch_open_orders("BTC/USDT") == []
    assert exchange.fetch_order(order["id"], "BTC/USDT")["status"] == "canceled"
    bought = exchange.create_order("ETH/USDT", "market", "buy", 0.1)
    assert (bought["status"], bought["filled"]) == ("closed", 0.1)
    assert len(exchange.fetch_ohlcv("BTC/USDT", "1m")) >= 1
    assert exchange.fetch_order_book("BTC/USDT", 5)["bids"]
    assert exchange.fetch_my_trades("ETH/USDT")[-1]["order"] == bought["id"]
    exchange.session.close()
