"""`freqtrade backtesting ...` without a network: `PYTHON_OF_FREQTRADE freqtrade_offline.py PAIR backtesting --config ...`.

In:  the pair, and freqtrade's own arguments. Out: what freqtrade prints.

freqtrade asks its exchange for the markets before it back-tests; ccxt is told them instead. Nothing else is touched.
"""

import sys

import ccxt.async_support
import ccxt.pro
from freqtrade.main import main

STEP = 1e-8


def market(pair):
    base, quote = pair.split("/")
    return {
        **{"id": base + quote, "symbol": pair, "base": base, "quote": quote, "baseId": base, "quoteId": quote},
        **{"type": "spot", "spot": True, "active": True, "taker": 0.001, "maker": 0.001, "info": {}},
        "precision": {"price": STEP, "amount": STEP, "base": STEP, "quote": STEP},
        "limits": {name: {"min": None, "max": None} for name in ("amount", "price", "cost", "leverage", "market")},
    }


async def no_currencies(self, params=None):
    return {}


if __name__ == "__main__":
    told = [market(sys.argv[1])]

    async def markets(self, params=None):
        return told

    for exchange in (ccxt.async_support.binance, ccxt.pro.binance):
        exchange.fetch_markets, exchange.fetch_currencies = markets, no_currencies
    main(sys.argv[2:])
