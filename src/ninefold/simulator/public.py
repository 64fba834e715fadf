"""Answers to the public REST requests.

In:  checked parameters, the exchange, a reader of its history.
Out: JSON objects. Times are exchange milliseconds; lists run from old to new.
Fields: developers.binance.com, "Market Data endpoints" (binance-spot-api-docs, rest-api.md), read 2026-11-22.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from ninefold.simulator import errors
from ninefold.simulator.candles import DAY_MS, INTERVALS_MS, SECOND_MS, Candle, next_open
from ninefold.simulator.errors import ApiError
from ninefold.simulator.exchange import Exchange, Listing, Market
from ninefold.simulator.history import History
from ninefold.simulator.instruments import Instrument
from ninefold.simulator.params import Params
from ninefold.simulator.rules import exchange_info
from ninefold.simulator.store import TradeRow
from ninefold.simulator.texts import E8, text_of

Answer = TypeVar("Answer")


class Public:
    """History is read in its own thread, so a long answer does not stall the market."""

    def __init__(self, exchange: Exchange, market: Market) -> None:
        self.exchange = exchange
        self.market = market
        self.history = History(exchange.store.path)
        self._thread = ThreadPoolExecutor(1, "history")

    def close(self) -> None:
        self._thread.shutdown()
        self.history.close()

    async def read(self, question: Callable[[], Answer]) -> Answer:
        """Ask the history."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, question)

    async def ping(self, params: Params) -> object:
        return {}

    async def time(self, params: Params) -> object:
        return {"serverTime": self.exchange.judging_ms()}

    async def exchange_info(self, params: Params) -> object:
        names, _ = params.symbols(self.exchange.listings)
        return exchange_info([self.exchange.listings[name].instrument for name in names], self.exchange.now_ms())

    async def depth(self, params: Params) -> object:
        symbol = params.symbol(self.exchange.listings)
        last_id, bids, asks = self.market.depth(symbol, params.limit(100, 5000))
        instrument = self.exchange.listings[symbol].instrument
        return {"lastUpdateId": last_id, "bids": rows_json(instrument, bids), "asks": rows_json(instrument, asks)}

    async def trades(self, params: Params) -> object:
        listing, limit = self._listing(params), params.limit(500, 1000)
        rows = await self.read(lambda: self.history.last_trades(listing.symbol_id, limit))
        return [trade_json(listing.instrument, row) for row in rows]

    async def historical_trades(self, params: Params) -> object:
        listing, limit, from_id = self._listing(params), params.limit(500, 1000), params.number("fromId")
        if from_id is None:
            return await self.trades(params)
        rows = await self.read(lambda: self.history.trades_from(listing.symbol_id, from_id, limit))
        return [trade_json(listing.instrument, row) for row in rows]

    async def agg_trades(self, params: Params) -> object:
        listing, limit, from_id = self._listing(params), params.limit(500, 1000), params.number("fromId")
        start_ms, end_ms = params.number("startTime"), params.number("endTime")
        if from_id is not None and (start_ms is not None or end_ms is not None):
            raise ApiError(*errors.BAD_COMBINATION)
        rows = await self.read(lambda: self.history.aggregates(listing.symbol_id, from_id, start_ms, end_ms, limit))
        return [agg_json(listing.instrument, row) for row in rows]

    async def klines(self, params: Params) -> object:
        listing, limit = self._listing(params), params.limit(500, 1000)
        interval = params.needed("interval")
        if interval not in INTERVALS_MS:
            raise ApiError(*errors.BAD_INTERVAL)
        candles = await self._candles(listing, interval, params.number("startTime"), params.number("endTime"), limit)
        return [kline_json(listing.instrument, interval, each) for each in candles]

    async def ticker_price(self, params: Params) -> object:
        def one(listing: Listing) -> dict[str, Any]:
            price = 0 if listing.last is None else listing.last.price_ticks
            return {"symbol": listing.instrument.symbol, "price": listing.instrument.price(price)}

        return self._each(params, one)

    async def book_ticker(self, params: Params) -> object:
        return self._each(params, self._best)

    async def ticker_24hr(self, params: Params) -> object:
        return self._each(params, self._day)

    def _listing(self, params: Params) -> Listing:
        return self.exchange.listings[params.symbol(self.exchange.listings)]

    def _each(self, params: Params, answer: Callable[[Listing], dict[str, Any]]) -> object:
        names, alone = params.symbols(self.exchange.listings)
        answers = [answer(self.exchange.listings[name]) for name in names]
        return answers[0] if alone else answers

    def _best(self, listing: Listing) -> dict[str, Any]:
        instrument = listing.instrument
        _, bids, asks = self.market.depth(instrument.symbol, 1)
        bid, ask = (bids or [(0, 0)])[0], (asks or [(0, 0)])[0]
        return {
            "symbol": instrument.symbol,
            "bidPrice": instrument.price(bid[0]),
            "bidQty": instrument.size(bid[1]),
            "askPrice": instrument.price(ask[0]),
            "askQty": instrument.size(ask[1]),
        }

    def _day(self, listing: Listing) -> dict[str, Any]:
        """The last 24 hours, from whole minutes."""
        now_ms, instrument = self.exchange.now_ms(), listing.instrument
        minutes = listing.candles.rows("1m", now_ms - DAY_MS, now_ms, DAY_MS)
        last = listing.last.price_ticks if listing.last else 0
        first = minutes[0].open if minutes else last
        lots, value_e8 = sum(each.lots for each in minutes), sum(each.value_e8 for each in minutes)
        ids = [each for each in minutes if each.count]
        return self._best(listing) | {
            "priceChange": text_of((last - first) * instrument.tick_e8),
            "priceChangePercent": f"{100 * (last - first) / first if first else 0:.3f}",
            "weightedAvgPrice": text_of(value_e8 * E8 // (lots * instrument.lot_e8) if lots else 0),
            "prevClosePrice": instrument.price(first),
            "lastPrice": instrument.price(last),
            "lastQty": instrument.size(listing.last.lots if listing.last else 0),
            "openPrice": instrument.price(first),
            "highPrice": instrument.price(max((each.high for each in minutes), default=0)),
            "lowPrice": instrument.price(min((each.low for each in minutes), default=0)),
            "volume": instrument.size(lots),
            "quoteVolume": text_of(value_e8),
            "openTime": now_ms - DAY_MS,
            "closeTime": now_ms,
            "firstId": ids[0].first_id if ids else -1,
            "lastId": ids[-1].last_id if ids else -1,
            "count": sum(each.count for each in minutes),
        }

    async def _candles(
        self, listing: Listing, interval: str, start_ms: int | None, end_ms: int | None, limit: int
    ) -> list[Candle]:
        newest = max(self.exchange.now_ms(), listing.last.time_ms if listing.last else 0)
        end_ms = newest if end_ms is None else min(end_ms, newest)
        if interval != "1s":
            return listing.candles.rows(interval, start_ms, end_ms, limit)
        last = end_ms // SECOND_MS * SECOND_MS
        if start_ms is None:
            first = last - (limit - 1) * SECOND_MS
        else:
            first = -(-start_ms // SECOND_MS) * SECOND_MS
            if listing.candles.opens:
                first = max(first, listing.candles.opens[0])  # nothing was traded before
            last = min(last, first + (limit - 1) * SECOND_MS)
        return await self.read(lambda: self.history.seconds(listing.symbol_id, first, last))


def rows_json(instrument: Instrument, rows: list[tuple[int, int]]) -> list[list[str]]:
    return [[instrument.price(ticks), instrument.size(lots)] for ticks, lots in rows]


def trade_json(instrument: Instrument, row: TradeRow) -> dict[str, Any]:
    return {
        "id": row.trade_id,
        "price": instrument.price(row.price_ticks),
        "qty": instrument.size(row.lots),
        "quoteQty": text_of(row.value_e8),
        "time": row.time_ms,
        "isBuyerMaker": bool(row.buyer_is_maker),
        "isBestMatch": True,
    }


def agg_json(instrument: Instrument, row: TradeRow) -> dict[str, Any]:
    return {
        "a": row.agg_id,
        "p": instrument.price(row.price_ticks),
        "q": instrument.size(row.lots),
        "f": row.first_id,
        "l": row.trade_id,
        "T": row.time_ms,
        "m": bool(row.buyer_is_maker),
        "M": True,
    }


def kline_json(instrument: Instrument, interval: str, candle: Candle) -> list[Any]:
    return [
        candle.open_ms,
        instrument.price(candle.open),
        instrument.price(candle.high),
        instrument.price(candle.low),
        instrument.price(candle.close),
        instrument.size(candle.lots),
        next_open(interval, candle.open_ms) - 1,
        text_of(candle.value_e8),
        candle.count,
        instrument.size(candle.taker_lots),
        text_of(candle.taker_value_e8),
        "0",
    ]
