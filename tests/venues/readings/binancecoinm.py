"""Binance COIN-M futures, read after developers.binance.com, "COIN-M Futures": "WebSocket Market Streams" with "How to
manage a local order book correctly", and "Market Data endpoints", 2026-11-22.

In:  frames of combined streams, and the REST answers depth, trades, aggTrades, exchangeInfo. The messages are those of
     USD-M, with the pair (ps) in some; sizes are whole contracts.
Out: see ../reading.py and binanceusdm.py.
"""

from __future__ import annotations

from .binanceusdm import BinanceUsdmReading


class BinanceCoinmReading(BinanceUsdmReading):
    venue = "binancecoinm"
    recordings = (
        "raw/cryptofeed/BINANCE_DELIVERY_2021-07-22.jsonl.gz",
        "orderbook/binance_cm_btcusd_perp_20240808.jsonl.gz",
    )
    samples = (
        ("/dapi/v1/exchangeInfo", "exchangeInfo.json"),
        ("", "aggTrade.json"),
        ("/dapi/v1/aggTrades?symbol=BTCUSD_PERP&fromId=424949&limit=1000", "aggTrades.json"),
        ("", "trade.json"),
        ("", "bookTicker.json"),
        ("/dapi/v1/depth?symbol=BTCUSD_PERP&limit=1000", "depth_snapshot.json"),
        ("", "depth.json"),
        ("", "markPrice.json"),
        ("", "forceOrder.json"),
    )


READING = BinanceCoinmReading()
