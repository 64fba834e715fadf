"""Messages that others recorded or published and that make no rows: kind by kind, and why.

In:  a pattern (`re.search`) of a message: of raw/pairs its text; of raw/payloads "FILE TEXT"; of recorded sessions its text, of
     an answer "URL TEXT".
Out: the reason. Every entry must be needed and no message of such a kind may make a row: test_every_message.py.
"""

from __future__ import annotations

ELSEWHERE = "another venue's"  # of a file that holds messages of several
ACCOUNT = "our own account: tests/venues_orders"
CANDLES = "candles are made from trades"
RECORD = "a record and no row: the venue's own tests"
RULES = "rules of instruments: the venue's own tests"
SAYS_NOTHING = "says nothing of the market"
SUMMED = "the last 24 hours are summed up from trades"

Kinds = dict[str, str]

# raw/pairs, by the exchange's name there

PAIRS: dict[str, Kinds] = {
    "binance": {r"@ticker": SUMMED},
    "binance-futures": {
        r"@ticker|@openInterest": f"{SUMMED}; open interest is not kept",
        r"@aggTrade": "of 2019, without the id that today's have",
        r"@markPrice|@forceOrder": RECORD,
        r'"INSURANCE_FUND"|"t": 73701056': "no trade of the market",
    },
    "bitfinex": {},
    "bitmex": {
        r'"table": "instrument"': "rules come by REST, funding by its own table",
        r'"table": "liquidation"': RECORD,
    },
    "bitstamp": {},
    "bybit": {
        r'"tickers\.|"instrument_info\.|"(allL|l)iquidation\.': RECORD,
        r"orderBook_200\.": "another depth of the same book, in v2",
        r"(trade|orderBookL2_25)\.BTCPERP": "perpetuals in USDC had names of their own for the fields in 2022",
        r'"success": true': SAYS_NOTHING,
    },
    "coinbase": {},
    "deribit": {r'"ticker\.': "best bid and ask come by quote, and funding is no row"},
    "gate-io": {r'"method"': "version 3 of the websocket, which has ended"},
    "huobi": {
        r"market\.[A-Z]{3}_": "contracts, which are no venue here",
        r'"data": \[{(?![^}]*tradeId)': "trades from before 2019-11, without the tradeId that today's have",
    },
    "kraken": {
        r'"trade", "type": "snapshot"': "trades from before the subscription; we ask for none",
        r'"ANETx/USD"': "a best bid and ask of 0: there is none",
    },
    "okex": {r'"table":': "version 3 of the protocol, which has ended", r'"event":': SAYS_NOTHING},
    "okex-swap": {
        r'"table":': "version 3 of the protocol, which has ended",
        r"funding-rate": RECORD,
        r"index-tickers|mark-price|open-interest": "not subscribed: prices of others, and what is held",
    },
}

# raw/payloads, by file and by each venue whose messages it holds

PAYLOADS: dict[str, dict[str, Kinds]] = {
    "binance": {
        "binance": {
            r"/futures/|_futures_": ELSEWHERE,
            r"user_data|execution_report|wallet|/account_|order(s?)_response": ACCOUNT,
            r"ws_spot_ticker_24hr|ticker_24hr_response": SUMMED,
            r"book_ticker_response": "best bid and ask come by stream",
            r"klines_response": CANDLES,
            r"spot_market_agg_trades": "holes are healed with trades, not with aggregates",
            r"spot_market_ping": SAYS_NOTHING,
        },
        "binanceusdm": {
            r"/spot/|_spot_|/wallet|http_wallet": ELSEWHERE,
            r"user_data|futures_account|futures/http_json|algo_update|order_update": ACCOUNT,
            r"kline": CANDLES,
            r"ticker_stream|ticker_price": SUMMED,
            r"premium_index": RECORD,
            r"long_short": "what others hold",
        },
    },
    "bitmex": {
        "bitmex": {
            r"ws_(funding_rate|liquidation)\.json": RECORD,
            r"http_get_|ws_instrument": "rules, past trades, our own account",
            r"ws_(margin|wallet)\.json": ACCOUNT,
            r"ws_orderbook_10\.json": "the whole book comes by orderBookL2",
        }
    },
    "bybit": {
        "bybit": {
            r"account|executions|fee_rate|orders_|positions|sub_apikeys|sub_members|wallet|post_user|order_response": ACCOUNT,
            r"ws_auth_failure": ACCOUNT,
            r"klines": CANDLES,
            r"funding_history": "funding comes by stream",
            r"http_get_orderbook": "books come by stream",
            r"http_get_instruments": RULES,
            r"ws_orderbook_delta": "made up: the best ask is gone and no other one told, which orderbook.1 never does",
            r"subscription_ack": SAYS_NOTHING,
        }
    },
    "coinbase": {"coinbase": {r"^crates/adapters/coinbase/": "Advanced Trade, another feed, or our own account there"}},
    "deribit": {
        "deribit": {
            r"http_get_(combos|instrument|instruments_|last_trades_.*_combo)|_combo\.json": "rules, and combinations",
            r"ws_(chart|error|order_.*_response|test_request|ticker)\.json": "candles, errors, our own account, funding",
        }
    },
    "hyperliquid": {
        "hyperliquid": {
            r"http_(funding_history|spot_clearinghouse_state|spot_meta)": "asked by POST only; our own account",
            r"ws_all_dexs_asset_ctxs": "funding of a coin comes by activeAssetCtx",
        }
    },
    "kraken": {
        "kraken": {
            r"futures": ELSEWHERE,
            r"(add|cancel)_order|(closed|open)_orders\.json|trades_history|batch_add": ACCOUNT,
            r"http_order_book|http_ticker": "books and best bid and ask come by stream",
            r"ws_l3_": "single orders; the book has their sums",
            r"ws_ohlc_": CANDLES,
        },
        "krakenfutures": {
            r"^(?!.*futures)": ELSEWHERE,
            r"order_events|send_order|fills|open_orders": ACCOUNT,
            r"http_futures_orderbook": "books come by stream",
            r"public_executions": "trades come by stream, and their past with it",
            r"http_futures_instruments": RULES,
        },
    },
    "okx": {
        "okx": {
            r"balance|account|algo|positions|position_|trade_fee|place_order|transaction_detail|ws_orders": ACCOUNT,
            r"http_get_spread|optional_string": "spreads are another market, or no message",
            r"option_summary|opt_summary|instruments_option": "options are not traded",
            r"http_get_instruments_futures|ws_instruments": RULES,
            r"candle": CANDLES,
        }
    },
    "tardis": {"": {r"disconnect|instrument_|option_summary|trade\.json": "tardis.dev's own words, and no venue's"}},
}

# raw/pairs/ccxt_bitstamp_rest, by ccxt's name of the question

CCXT: Kinds = {
    "fetchFundingRateHistory": "funding comes by stream",
    "fetchTicker": SUMMED,
    "fetchOHLCV": "not captured but downloaded: tests/history/test_read_told.py reads this one",
}

# raw/cryptofeed and orderbook

SUBSCRIBED = "answers what was subscribed"
BEFORE = "trades from before the subscription; they only say where ids begin"
ALIVE = "says that the venue is there"
SESSIONS: dict[str, Kinds] = {
    "binance": {},
    "binanceusdm": {},
    "binancecoinm": {r"@kline_": CANDLES, r"^https.*/exchangeInfo ": RULES},
    "bitfinex": {
        r'^{"event":"(info|conf|subscribed)"': SUBSCRIBED,
        r'^\[\d+,"hb",': ALIVE,
        r"^\[\d+,\[\[\d+,\d{13},": BEFORE,
        r"^https.*/conf/": RULES,
    },
    "bitget": {
        r'"event":"subscribe"': SUBSCRIBED,
        r'"channel":"candle1m"': CANDLES,
        r'^{"action":"snapshot".*"channel":"trade"': BEFORE,
        r"^https.*/products ": RULES,
    },
    "bitmex": {
        r'^{"(info|success)"': SUBSCRIBED,
        r'"table":"trade","action":"partial"': BEFORE,
        r"^https.*/instrument/active ": RULES,
    },
    "bitstamp": {r'"bts:subscription_succeeded"': SUBSCRIBED, r"^https.*/trading-pairs-info/ ": RULES},
    "bybit": {r'^{"success":true': SUBSCRIBED, r"^https.*/symbols ": RULES},
    "coinbase": {
        r'"type":"subscriptions"': SUBSCRIBED,
        r'"type":"last_match"': BEFORE,
        r"^https.*/products ": RULES,
    },
    "deribit": {
        r'"id":\d+,"result":': SUBSCRIBED,
        r'"channel":"ticker\.': "best bid and ask come by quote, and funding is no row",
        r"^https.*/get_instruments": RULES,
    },
    "gate": {
        r'"event":"subscribe"': SUBSCRIBED,
        r'"spot.tickers","event":"update"': SUMMED,
        r'"spot.candlesticks","event":"update"': CANDLES,
        r"^https.*/currency_pairs ": RULES,
    },
    "htx": {r'"subbed":': SUBSCRIBED, r'^{"ping":': ALIVE, r"^https.*/symbols ": RULES},
    "hyperliquid": {},
    "kraken": {
        r'"event":"(systemStatus|subscriptionStatus)"': SUBSCRIBED,
        r'"event":"heartbeat"': ALIVE,
        r"^https.*/AssetPairs ": RULES,
    },
    "krakenfutures": {
        r'^{"event":"(info|subscribed)"': SUBSCRIBED,
        r'"feed":"trade_snapshot"': BEFORE,
        r"^https.*/instruments ": RULES,
    },
    "okx": {
        r'"event":"subscribe"': SUBSCRIBED,
        r'"action":"update","data":\[{"asks":\[\],"bids":\[\]': "a change of no level",
        r"^https.*/instruments": RULES,
    },
}

RAW_BOOK = "orders one by one (R0); ours are sums by price (P0), which carry a checksum"
FILES: dict[str, Kinds] = {
    "orderbook/bitfinex_L3_tBTCUSD_first_half.jsonl.gz": {
        r'"event":"(info|subscribed)"': SAYS_NOTHING,
        r"^\[8047,\[": RAW_BOOK,
    }
}

# Kinds that are wanted, of which a message may tell nothing: by venue, with when. Others of each must tell something.

OLDER = "a change that its snapshot holds already, or one that waits for it"
WAITS: dict[str, Kinds] = {
    "binance": {r"@depth@": OLDER},
    "binanceusdm": {r"@depth@": OLDER},
    "binancecoinm": {r"@depth@": OLDER},
    "bitget": {r'"channel":"books"': OLDER, r'"channel":"ticker"': "without a best bid and ask"},
    "bitstamp": {r'^{"data":{"timestamp":"\d+","microtimestamp":': OLDER},
    "gate": {r'"spot.order_book_update","event":"update"': OLDER},
}
