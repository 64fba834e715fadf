"""The config file that `ninefold init` writes: every key with its default, and what it is for."""

from __future__ import annotations

from ninefold.market.time import TIMEFRAMES
from ninefold.venues.table import VENUES


def template() -> str:
    """A commented config with every default."""
    return TEMPLATE.replace("TIMEFRAMES", " ".join(TIMEFRAMES)).replace("VENUES", ", ".join(VENUES))


TEMPLATE = """\
# ninefold: what may be set. Everything has a default; remove what you do not change.
version = 1
data_dir = "data"        # journal, tables, ledger, models
mode = "paper"           # paper, or live (needs `ninefold up --live` too)

[venue]
name = "binance"         # that is traded: VENUES
pairs = ["BTC/USDT", "ETH/USDT"]
# rest_url = ""          # only to point at another address, for example a simulated exchange
# stream_url = ""
# ws_api_url = ""

# ccxt.EXCHANGE          # as a name: any other exchange that ccxt knows, for example "ccxt.bitvavo" (pip install
#                          "ninefold[ccxt]"); streams = ["candles:1m"] takes the exchange's candles in place of trades,
#                          streams = ["trades", "quotes"] the best prices too: nothing is sized without

# [[capture]]            # further venues that are recorded only, as many as you like
# name = "kraken"
# pairs = ["BTC/USD", "ETH/USD"]

[account]
orders = "paper"         # paper: filled in our simulated market; exchange: signed orders to the venue
quote = "USDT"
capital = "10000"        # worth that the strategies may use together, in quote
canary_quote = 20.0      # live: worth of one position at most, until
canary_orders = 20       # so many filled orders have agreed with the venue's balances
durable = "strict"       # an order is on the disk before it leaves; "overlapped": in the ledger, and on the disk before the next one
stops = "held"           # stops by hand are with us alone; "venue": beside each lies one at the venue, which goes off there while
#                          we do not run (Binance spot; docs/orders.md)
# key_env = "NINEFOLD_API_KEY"        # names of environment variables, never the secrets themselves
# secret_env = "NINEFOLD_API_SECRET"
# passphrase_env = "NINEFOLD_API_PASSPHRASE"   # of OKX alone
# keys_file = ""         # or an owner-only file {"apiKey": ..., "secret": ..., "passphrase": ...}
# unproven_venue = ""    # real orders to a venue whose order entry nobody has seen at work need its name here (docs/venues-orders.md)
# key_cannot_withdraw = false   # true: you have looked at the exchange; through ccxt it cannot be asked, and live orders need it

[risk]
position_quote = 2000.0  # worth of one instrument's position at most
order_quote = 1000.0     # worth of one order at most
orders_per_minute = 60
instrument_quote = 3000.0  # worth of what is held and on order, of one instrument
venue_quote = 10000.0    # of one venue
total_quote = 10000.0    # of all of them
strategy_quote = 5000.0  # of one strategy
price_band = 0.05        # a price may be worse than the mid by this part; where the venue tells a band, that one holds
clock_skew_s = 2.0       # how far our clock and the venue's may be apart
daily_loss = 0.1         # part of the worth at the day's beginning (UTC); more, and nothing may grow
drawdown = 0.25          # fall from the highest worth; more, and trading halts until `ninefold resume`
# var_quote = 200.0      # what the book may lose over one bar in the worst twentieth: at least (VaR),
# cvar_quote = 300.0     # and on average (CVaR); nothing may grow until a hundred bars were seen
tail_timeframe = "1m"    # the bars of these two

[sizing]
method = "fixed"         # fixed: all of its share of the capital at target 1; volatility: less in wild markets;
#                          kelly: by what the strategy's targets earned so far (nothing while they lose)
volatility = 0.5         # a year's, that `volatility` keeps an instrument at
kelly = 0.25             # the part of Kelly's fraction that is used
most = 1.0               # of a strategy's share, whatever the method says
bars = 100               # that are looked at, and needed: before, nothing is changed
timeframe = "1m"         # of these bars

[strategies]
names = []               # empty: the default ones (bars from TIMEFRAMES)
folder = ""              # your own strategy files, found by name

[strategies.legs]        # of strategies with legs, the pair of each leg in their order
# price_pair = ["BTC/USDT", "ETH/USDT"]

# [[sentiment]]          # headlines: an address or a file, as many as you like
# name = "news"
# form = "rss"           # rss, lines (one JSON object a line), fear_greed (CSV or alternative.me's JSON)
# address = "https://news.example.com/rss"
# every_s = 60.0

[notify]
webhook_env = "NINEFOLD_SLACK_WEBHOOK"
token_env = "NINEFOLD_SLACK_TOKEN"
channel = "#ninefold"
signing_secret_env = "NINEFOLD_SLACK_SIGNING_SECRET"   # of an app whose `/ninefold halt` and so on are taken (docs/security.md)
slack_users = []         # ids of the people who may give commands, for example "U012AB3CD"; empty: all who can use the app

[serve]
host = "127.0.0.1"       # another address needs a token
port = 8899
token_env = "NINEFOLD_API_TOKEN"               # may do everything (scope admin)
trade_token_env = "NINEFOLD_API_TRADE_TOKEN"   # may read, halt, resume and flatten
read_token_env = "NINEFOLD_API_READ_TOKEN"     # may read
# tokens_file = ""       # or an owner-only file of any number: {"grafana": {"scope": "read", "token": "..."}}

# [influx]               # a live copy as line protocol (docs/imports.md)
# url = "http://127.0.0.1:8086"
# api = "v1"             # v1: /write, v2: /api/v2/write, v3: /api/v3/write_lp
# database = "ninefold"  # the bucket of v2
# org = ""               # of v2; its token, and v1's password, are in the environment
# user = ""              # of v1

# [bus]                  # NATS, for services on several hosts (docs/operations.md)
# url = "tls://recorder.example.com:4222"
# ca_file = ""           # the certificate of the authority that signed the server's; empty: those this machine trusts
# credentials = "bus"    # a folder with a file for each service of this host: collect-tokyo-1.json, .nk or .creds
# user_env = "NINEFOLD_BUS_USER"      # or, without a folder, the names of two environment variables
# password_env = "NINEFOLD_BUS_PASSWORD"
# name = "tokyo-1"       # on a host that collects for a recorder elsewhere
# collectors = ["tokyo-1", "frankfurt-1"]   # on the recorder, and where `ninefold service bus` runs
# cert_file = ""         # of `ninefold service bus`: the server's certificate and its key, PEM
# key_file = ""

[retention]              # everything is kept unless told otherwise; whole days go, oldest first (docs/operations.md)
# books = { days = 30, gigabytes = 200 }
# quotes = { days = 30 }
# trades = { gigabytes = 500 }
# also: bars, values, forecasts, targets, and the logs: journal, stream
"""
