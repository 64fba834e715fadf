"""The venues whose REST is spoken here. A new one is its file and one line."""

from . import (
    binance_contracts,
    bitfinex,
    bitget,
    bitmex,
    bitstamp,
    bybit,
    deribit,
    gate,
    htx,
    hyperliquid,
    krakenfutures,
    okx,
)
from .base import Speaker

SPEAKERS: list[type[Speaker]] = [
    binance_contracts.Usdm,
    binance_contracts.Coinm,
    bybit.Bybit,
    krakenfutures.KrakenFutures,
    deribit.Deribit,
    bitmex.Bitmex,
    gate.Gate,
    bitget.BitgetSpot,
    bitget.BitgetContracts,
    htx.Htx,
    hyperliquid.Hyperliquid,
    okx.Okx,
    bitstamp.Bitstamp,
    bitfinex.Bitfinex,
]
