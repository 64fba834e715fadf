"""A simulated exchange: a process of its own, with its own durable state, that speaks Binance spot's protocol; and, of a
generated market, the public market data protocols of Coinbase Exchange (under /coinbase) and Kraken (under /kraken).

In:  `python -m ninefold.simulator --data-dir D`, then REST, market streams and the WebSocket API on three ports.
Out: what Binance would answer, from a matching engine with agents or from a recorded tape; `/sim/v1` tells tests
     the truth.
It shares no code with the adapters in `venues`: both would agree on the same mistake.
"""
