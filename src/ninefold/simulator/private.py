"""Answers to signed requests; REST and the WebSocket API share them.

In:  parameters whose signature was checked. Out: JSON objects.
Fields: developers.binance.com, "Trading endpoints" and "Account endpoints" (rest-api.md), read 2026-11-22.
"""

from ninefold.simulator import errors, ledger, records
from ninefold.simulator.accounts import OwnOrder
from ninefold.simulator.auth import Keys
from ninefold.simulator.errors import ApiError
from ninefold.simulator.exchange import Exchange
from ninefold.simulator.instruments import Instrument
from ninefold.simulator.orders import Orders
from ninefold.simulator.params import Params

NEWEST = 2**62


class Private:
    """The account's side of the API."""

    def __init__(self, exchange: Exchange, orders: Orders, keys: Keys) -> None:
        self.keys = keys
        self.exchange = exchange
        self.orders = orders

    def account(self, params: Params) -> object:
        self.exchange.account_asked.set()
        return records.account(self.exchange, params.text("omitZeroBalances") == "true")

    def api_restrictions(self, params: Params) -> object:
        """What the key may do: read and trade, and withdraw if `/sim/v1/key` says so."""
        may = {"enableReading", "enableSpotAndMarginTrading", "enableFixApiTrade", "enableFixReadOnly"}
        may_not = {"enableInternalTransfer", "enableMargin", "enableFutures", "ipRestrict"}
        may_not |= {"permitsUniversalTransfer", "enableVanillaOptions", "enablePortfolioMarginTrading"}
        told = {**dict.fromkeys(sorted(may), True), **dict.fromkeys(sorted(may_not), False)}
        return {"createTime": self.exchange.now_ms(), **told, "enableWithdrawals": self.keys.may_withdraw}

    def place(self, params: Params) -> object:
        done = self.orders.place(params)
        return records.placed(self._instrument(done.order), done)

    def test(self, params: Params) -> object:
        self.orders.check(params)
        return {}

    def order(self, params: Params) -> object:
        order = self.orders.look_up(params)
        return records.queried(self._instrument(order), order)

    def cancel(self, params: Params) -> object:
        order, cancel_id = self.orders.cancel(params)
        return records.canceled(self._instrument(order), order, cancel_id)

    def cancel_all(self, params: Params) -> object:
        return [records.canceled(self._instrument(each), each, said) for each, said in self.orders.cancel_all(params)]

    def open_orders(self, params: Params) -> object:
        return [records.queried(self._instrument(each), each) for each in self.orders.open(params)]

    def all_orders(self, params: Params) -> object:
        symbol, limit = params.symbol(self.exchange.listings), params.limit(500, 1000)
        from_id = params.number("orderId")
        start_ms, end_ms = params.number("startTime") or 0, params.number("endTime") or NEWEST
        values: tuple[object, ...]
        if from_id is not None:
            where, values = "symbol = ? and order_id >= ? order by order_id limit ?", (symbol, from_id, limit)
        elif params.text("startTime"):
            where = "symbol = ? and time_ms between ? and ? order by order_id limit ?"
            values = (symbol, start_ms, end_ms, limit)
        else:
            where = "symbol = ? and time_ms <= ? order by order_id desc limit ?"
            values = (symbol, end_ms, limit)
        found = ledger.find_orders(self.exchange.store, where, values)
        found.sort(key=lambda each: each.order_id)
        return [records.queried(self._instrument(each), each) for each in found]

    def my_trades(self, params: Params) -> object:
        symbol, limit = params.symbol(self.exchange.listings), params.limit(500, 1000)
        from_id, order_id = params.number("fromId"), params.number("orderId")
        start_ms, end_ms = params.number("startTime"), params.number("endTime")
        if (from_id is not None or order_id is not None) and (start_ms is not None or end_ms is not None):
            raise ApiError(*errors.BAD_COMBINATION)
        where = "symbol = ?"
        values: list[object] = [symbol]
        for condition, value in (
            ("trade_id >= ?", from_id), ("order_id = ?", order_id), ("time_ms >= ?", start_ms), ("time_ms <= ?", end_ms)
        ):  # fmt: skip
            if value is not None:
                where += f" and {condition}"
                values.append(value)
        forward = from_id is not None or start_ms is not None
        where += f" order by trade_id {'' if forward else 'desc'} limit ?"
        found = ledger.find_fills(self.exchange.store, where, (*values, limit))
        found.sort(key=lambda each: (each.trade_id, each.order_id))
        return [records.own_trade(self.exchange.listings[symbol].instrument, each) for each in found]

    def _instrument(self, order: OwnOrder) -> Instrument:
        return self.exchange.listings[order.symbol].instrument
