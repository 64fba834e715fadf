"""Texts of market stream payloads.

In:  values in ticks and lots. Out: JSON as Binance writes it (no spaces, 8 decimals).
Fields: developers.binance.com, "WebSocket Streams" (binance-spot-api-docs, web-socket-streams.md), read 2026-11-22.
The trade payload has no buyer and seller order ids any more ("b", "a"), as in recordings since 2024.
"""

from ninefold.simulator.candles import Candle, next_open
from ninefold.simulator.engine import BUY
from ninefold.simulator.instruments import Instrument
from ninefold.simulator.store import TradeRow
from ninefold.simulator.texts import text_of


def boolean(value: object) -> str:
    return "true" if value else "false"


def trade(instrument: Instrument, row: TradeRow, event_ms: int) -> bytes:
    price, size = text_of(row.price_ticks * instrument.tick_e8), text_of(row.lots * instrument.lot_e8)
    return (
        f'{{"e":"trade","E":{event_ms},"s":"{instrument.symbol}","t":{row.trade_id},"p":"{price}","q":"{size}",'
        f'"T":{row.time_ms},"m":{boolean(row.buyer_is_maker)},"M":true}}'
    ).encode()


def agg_trade(instrument: Instrument, row: TradeRow, event_ms: int) -> bytes:
    return (
        f'{{"e":"aggTrade","E":{event_ms},"s":"{instrument.symbol}","a":{row.agg_id},'
        f'"p":"{instrument.price(row.price_ticks)}","q":"{instrument.size(row.lots)}",'
        f'"f":{row.first_id},"l":{row.trade_id},"T":{row.time_ms},"m":{boolean(row.buyer_is_maker)},"M":true}}'
    ).encode()


def book_ticker(instrument: Instrument, update_id: int, bid: tuple[int, int], ask: tuple[int, int]) -> bytes:
    """bid, ask: (price in ticks, size in lots)."""
    tick_e8, lot_e8 = instrument.tick_e8, instrument.lot_e8
    return (
        f'{{"u":{update_id},"s":"{instrument.symbol}",'
        f'"b":"{text_of(bid[0] * tick_e8)}","B":"{text_of(bid[1] * lot_e8)}",'
        f'"a":"{text_of(ask[0] * tick_e8)}","A":"{text_of(ask[1] * lot_e8)}"}}'
    ).encode()


def depth_update(
    instrument: Instrument, event_ms: int, first_id: int, last_id: int, rows: list[tuple[int, int, int]]
) -> bytes:
    """rows: (side, price in ticks, size in lots now), bids and asks mixed."""
    bids = sorted((row for row in rows if row[0] == BUY), key=lambda row: -row[1])
    asks = sorted(row for row in rows if row[0] != BUY)
    return (
        f'{{"e":"depthUpdate","E":{event_ms},"s":"{instrument.symbol}","U":{first_id},"u":{last_id},'
        f'"b":[{levels(instrument, bids)}],"a":[{levels(instrument, asks)}]}}'
    ).encode()


def levels(instrument: Instrument, rows: list[tuple[int, int, int]]) -> str:
    tick_e8, lot_e8 = instrument.tick_e8, instrument.lot_e8
    return ",".join([f'["{text_of(price * tick_e8)}","{text_of(size * lot_e8)}"]' for _, price, size in rows])


def kline(instrument: Instrument, interval: str, candle: Candle, event_ms: int, closed: bool) -> bytes:
    close_ms = next_open(interval, candle.open_ms) - 1
    return (
        f'{{"e":"kline","E":{event_ms},"s":"{instrument.symbol}","k":{{"t":{candle.open_ms},"T":{close_ms},'
        f'"s":"{instrument.symbol}","i":"{interval}","f":{candle.first_id},"L":{candle.last_id},'
        f'"o":"{instrument.price(candle.open)}","c":"{instrument.price(candle.close)}",'
        f'"h":"{instrument.price(candle.high)}","l":"{instrument.price(candle.low)}",'
        f'"v":"{instrument.size(candle.lots)}","n":{candle.count},"x":{boolean(closed)},'
        f'"q":"{text_of(candle.value_e8)}","V":"{instrument.size(candle.taker_lots)}",'
        f'"Q":"{text_of(candle.taker_value_e8)}","B":"0"}}}}'
    ).encode()


def combined(stream: str, payload: bytes) -> bytes:
    return b'{"stream":"%b","data":%b}' % (stream.encode(), payload)
