"""freqtrade's own back-tests, in its own process: `PYTHON_OF_FREQTRADE peer.py JOB.json OUT.json`.

In:  a job: where candles are (a feather file a pair and width, freqtrade's layout), strategies, pairs, settings.
Out: its trade list of each strategy.

freqtrade asks its exchange for the markets before it back-tests; there is no network here, so ccxt is told them instead.
Nothing else of it is touched. This file imports nothing of ninefold, and ninefold nothing of freqtrade.
"""

import json
import sys
from pathlib import Path

import ccxt.async_support
import ccxt.pro
from freqtrade.commands.optimize_commands import setup_optimize_configuration
from freqtrade.enums import RunMode
from freqtrade.optimize.backtesting import Backtesting


def market(pair, price_step, amount_step):
    base, quote = pair.split("/")
    return {
        **{"id": base + quote, "symbol": pair, "base": base, "quote": quote, "baseId": base, "quoteId": quote},
        **{
            "type": "spot",
            "spot": True,
            "margin": False,
            "swap": False,
            "future": False,
            "option": False,
            "contract": False,
        },
        **{"active": True, "settle": None, "settleId": None, "linear": None, "inverse": None, "contractSize": None},
        **{"taker": 0.001, "maker": 0.001, "percentage": True, "tierBased": False, "feeSide": "get"},
        "precision": {"price": price_step, "amount": amount_step, "base": 1e-8, "quote": 1e-8},
        "limits": {name: {"min": None, "max": None} for name in ("amount", "price", "cost", "leverage", "market")},
        "info": {},
    }


def tell_markets(job):
    markets = [market(pair, job["price_step"], job["amount_step"]) for pair in job["pairs"]]

    async def fetch_markets(self, params=None):
        return markets

    async def fetch_currencies(self, params=None):
        return {}

    for exchange in (ccxt.async_support.binance, ccxt.pro.binance):
        exchange.fetch_markets = fetch_markets
        exchange.fetch_currencies = fetch_currencies


def config_file(job, folder):
    config = {
        **{"max_open_trades": job["max_open_trades"], "stake_currency": job["stake_currency"]},
        **{"stake_amount": job["stake_amount"], "dry_run": True, "dry_run_wallet": job["wallet"], "fee": job["fee"]},
        "tradable_balance_ratio": 0.99,
        "exchange": {
            **{"name": "binance", "key": "", "secret": "", "enable_ws": False},
            **{"pair_whitelist": job["pairs"], "pair_blacklist": []},
        },
        "pairlists": [{"method": "StaticPairList", "allow_inactive": True}],
        "entry_pricing": {"price_side": "same", "use_order_book": False},
        "exit_pricing": {"price_side": "same", "use_order_book": False},
        "dataformat_ohlcv": "feather",
    }
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    return path


def run(job, folder, strategy):
    arguments = {
        **{"config": [str(config_file(job, folder))], "strategy": strategy, "strategy_path": job["strategy_path"]},
        **{"datadir": Path(job["data"]), "user_data_dir": str(folder), "timerange": job["timerange"]},
        **{"export": "none", "backtest_cache": "none", "command": "backtesting"},
    }
    backtesting = Backtesting(setup_optimize_configuration(arguments, RunMode.BACKTEST))
    backtesting.start()
    found = backtesting.results["strategy"][strategy]["trades"]
    Backtesting.cleanup()
    return [plain(trade) for trade in found]


def plain(trade):
    same = ("pair", "open_rate", "close_rate", "amount", "stake_amount", "profit_abs", "profit_ratio", "exit_reason")
    return {
        **{name: trade[name] for name in same},
        "open_date": trade["open_timestamp"] // 1000,
        "close_date": trade["close_timestamp"] // 1000,
        "enter_tag": trade["enter_tag"] or "",
    }


if __name__ == "__main__":
    job = json.loads(Path(sys.argv[1]).read_text())
    tell_markets(job)
    folder = Path(sys.argv[2]).parent
    Path(sys.argv[2]).write_text(json.dumps({name: run(job, folder, name) for name in job["strategies"]}))
