"""The venues whose REST is spoken here. A new one is its file and one line."""

from . import bitget, bitmex, bybit, deribit, gate, htx, hyperliquid, krakenfutures
from .base import Speaker

SPEAKERS: list[type[Speaker]] = [
    bybit.Bybit,
    krakenfutures.KrakenFutures,
    deribit.Deribit,
    bitmex.Bitmex,
    gate.Gate,
    bitget.BitgetSpot,
    bitget.BitgetContracts,
    htx.Htx,
    hyperliquid.Hyperliquid,
]
