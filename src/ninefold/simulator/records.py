"""Own orders, executions and the account as REST and the WebSocket API write them.

In:  records of the account. Out: JSON objects.
Fields: developers.binance.com, "Trading endpoints" and "Account endpoints" (rest-api.md), read 2026-11-22.
"""

from typing import Any

from ninefold.simulator.accounts import OwnFill, OwnOrder
from ninefold.simulator.events import ZERO, side_name
from ninefold.simulator.exchange import Exchange
from ninefold.simulator.instruments import FEE_DIVISOR, Instrument
from ninefold.simulator.orders import Placed
from ninefold.simulator.texts import text_of

FEE_TEXT = f"{1 / FEE_DIVISOR:.8f}"
FEE_BPS = 10_000 // FEE_DIVISOR


def placed(instrument: Instrument, done: Placed) -> dict[str, Any]:
    """The answer to a new order: ACK, RESULT or FULL."""
    order = done.order
    answer: dict[str, Any] = {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "transactTime": order.update_ms,
    }
    if done.response == "ACK":
        return answer
    answer |= core(instrument, order) | {"workingTime": order.working_ms}
    if done.response == "FULL":
        answer["fills"] = [
            {
                "price": instrument.price(fill.price_ticks),
                "qty": instrument.size(fill.lots),
                "commission": text_of(fill.fee_e8),
                "commissionAsset": fill.fee_asset,
                "tradeId": fill.trade_id,
            }
            for fill in done.fills
        ]
    return answer


def core(instrument: Instrument, order: OwnOrder) -> dict[str, Any]:
    """Fields that every order record has; a stop order tells its price too."""
    told: dict[str, Any] = {
        "price": instrument.price(order.price_ticks),
        "origQty": instrument.size(order.lots),
        "executedQty": instrument.size(order.filled_lots),
        "origQuoteOrderQty": ZERO,
        "cummulativeQuoteQty": text_of(order.filled_value_e8),
        "status": order.status,
        "timeInForce": order.tif,
        "type": order.type,
        "side": side_name(order.side),
        "selfTradePreventionMode": "NONE",
    }
    return {**told, "stopPrice": instrument.price(order.stop_ticks)} if order.stop_ticks else told


def queried(instrument: Instrument, order: OwnOrder) -> dict[str, Any]:
    head = {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
    }
    tail = {
        "icebergQty": ZERO,
        "time": order.time_ms,
        "updateTime": order.update_ms,
        "isWorking": not order.waits,
        "workingTime": order.working_ms,
    }
    return head | {"stopPrice": ZERO} | core(instrument, order) | tail


def canceled(instrument: Instrument, order: OwnOrder, cancel_id: str) -> dict[str, Any]:
    head = {
        "symbol": order.symbol,
        "origClientOrderId": order.client_id,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": cancel_id,
        "transactTime": order.update_ms,
    }
    return head | core(instrument, order)


def own_trade(instrument: Instrument, fill: OwnFill) -> dict[str, Any]:
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "orderListId": -1,
        "price": instrument.price(fill.price_ticks),
        "qty": instrument.size(fill.lots),
        "quoteQty": text_of(fill.value_e8),
        "commission": text_of(fill.fee_e8),
        "commissionAsset": fill.fee_asset,
        "time": fill.time_ms,
        "isBuyer": fill.is_buyer,
        "isMaker": fill.is_maker,
        "isBestMatch": True,
    }


def account(exchange: Exchange, omit_zero: bool) -> dict[str, Any]:
    """A key that may trade but never withdraw."""
    balances = [
        {"asset": asset, "free": text_of(balance.free_e8), "locked": text_of(balance.locked_e8)}
        for asset, balance in exchange.account.balances.items()
        if not omit_zero or balance.free_e8 or balance.locked_e8
    ]
    return {
        "makerCommission": FEE_BPS,
        "takerCommission": FEE_BPS,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {"maker": FEE_TEXT, "taker": FEE_TEXT, "buyer": ZERO, "seller": ZERO},
        "canTrade": True,
        "canWithdraw": False,
        "canDeposit": False,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": exchange.now_ms(),
        "accountType": "SPOT",
        "balances": balances,
        "permissions": ["SPOT"],
        "uid": 1,
    }
