"""Own orders: checked, placed, canceled, looked up. Used by REST and the WebSocket API alike.

In:  request parameters. Out: order records, or `ApiError` as Binance answers.
Rules: developers.binance.com, "Trading endpoints" and "Filters" (rest-api.md, filters.md, errors.md), read 2026-11-22.
"""

import re
import secrets
from dataclasses import dataclass

from ninefold.simulator import errors, ledger, stops
from ninefold.simulator.accounts import AT_MARKET, OwnFill, OwnOrder, Short, paid_e8
from ninefold.simulator.engine import BUY, SELL
from ninefold.simulator.errors import ApiError
from ninefold.simulator.exchange import Exchange, Market
from ninefold.simulator.instruments import Instrument
from ninefold.simulator.params import Params
from ninefold.simulator.texts import E8, NotDecimal, e8_of

TIMES_IN_FORCE = ("GTC", "IOC", "FOK")
RESPONSES = ("ACK", "RESULT", "FULL")
CLIENT_ID = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
MOST_E8 = 9_000_000 * E8  # maxQty; prices go up to MOST_PRICE_E8
MOST_PRICE_E8 = 1_000_000 * E8
MOST_OPEN_ORDERS = 200  # per symbol


@dataclass
class Placed:
    """An order after it was worked, with the executions it had at once."""

    order: OwnOrder
    fills: list[OwnFill]
    response: str


class Orders:
    """The trading desk of the one account."""

    def __init__(self, exchange: Exchange, market: Market) -> None:
        self.exchange = exchange
        self.market = market
        exchange.look_at_stops = stops.Stops(exchange, self._work).look

    def check(self, params: Params) -> tuple[OwnOrder, str]:
        """Everything that can be wrong with a new order before it meets the account and the book."""
        exchange = self.exchange
        instrument = exchange.listings[params.symbol(exchange.listings)].instrument
        side = side_of(params)
        kind = params.needed("type")
        stops.check_type(kind, instrument)
        tif = time_in_force(params, kind)
        lots = self._lots(params, instrument)
        ticks = 0 if kind in AT_MARKET else price_ticks(params, instrument)
        if kind in AT_MARKET and params.text("price"):
            raise errors.not_required("price")
        stop_ticks = stop_price(params, kind, instrument)
        self._check_value(instrument, side, kind, ticks or stop_ticks, lots)
        client_id = params.text("newClientOrderId") or secrets.token_hex(11)
        if not re.fullmatch(CLIENT_ID, client_id):
            raise errors.illegal("newClientOrderId", CLIENT_ID)
        response = params.text("newOrderRespType") or ("FULL" if kind in ("LIMIT", "MARKET") else "ACK")
        if response not in RESPONSES:
            raise ApiError(-1130, "Data sent for parameter 'newOrderRespType' is not valid.")
        now_ms = exchange.now_ms()
        order = OwnOrder(0, instrument.symbol, client_id, side, kind, tif, ticks, lots, now_ms, now_ms)
        order.stop_ticks = stop_ticks
        return order, response

    def place(self, params: Params) -> Placed:
        """Check, lock, match, rest or expire; durable when this returns."""
        order, response = self.check(params)
        exchange, instrument = self.exchange, self.exchange.listings[order.symbol].instrument
        self._admit(order, instrument)
        order.order_id = exchange.next_order_id
        exchange.next_order_id += 1
        exchange.accept(order)
        if not order.waits:
            self._work(order)
        exchange.flush()
        fills = ledger.find_fills(exchange.store, "order_id = ? order by trade_id", (order.order_id,))
        return Placed(order, fills, response)

    def cancel(self, params: Params) -> tuple[OwnOrder, str]:
        """Cancel one open order; returns it and the client id of the cancel."""
        symbol = params.symbol(self.exchange.listings)
        order = self._find(params, symbol)
        if order is None or not order.open:
            raise ApiError(*errors.UNKNOWN_ORDER)
        cancel_id = params.text("newClientOrderId") or secrets.token_hex(11)
        self._cancel(order, cancel_id)
        self.exchange.flush()
        return order, cancel_id

    def cancel_all(self, params: Params) -> list[tuple[OwnOrder, str]]:
        """Cancel all open orders of a symbol, in one commit."""
        symbol = params.symbol(self.exchange.listings)
        found = [each for each in self.exchange.open_orders.values() if each.symbol == symbol]
        if not found:
            raise ApiError(*errors.UNKNOWN_ORDER)
        done = []
        for order in found:
            cancel_id = secrets.token_hex(11)
            self._cancel(order, cancel_id)
            done.append((order, cancel_id))
        self.exchange.flush()
        return done

    def look_up(self, params: Params) -> OwnOrder:
        order = self._find(params, params.symbol(self.exchange.listings))
        if order is None:
            raise ApiError(*errors.NO_SUCH_ORDER)
        return order

    def open(self, params: Params) -> list[OwnOrder]:
        known = self.exchange.listings
        symbol = params.symbol(known) if params.text("symbol") else None
        return [each for each in self.exchange.open_orders.values() if symbol in (None, each.symbol)]

    def _work(self, order: OwnOrder) -> None:
        """Match an order, then let the rest stay or expire."""
        price = None if order.at_market else order.price_ticks
        available = sum(lots for _, lots in self.market.walk(order.symbol, order.side, price, order.lots))
        instrument = self.exchange.listings[order.symbol].instrument
        if (order.stop_ticks and not self._pays(order, instrument)) or (order.tif == "FOK" and available < order.lots):
            self.exchange.end(order, "EXPIRED")
            return
        self.market.submit(order, price, rest=not order.at_market and order.tif == "GTC")
        if order.open and (order.at_market or order.tif != "GTC"):
            self.exchange.end(order, "EXPIRED")

    def _pays(self, order: OwnOrder, instrument: Instrument) -> bool:
        """Whether the account has what the order will meet; of one with money set aside it has."""
        if order.locked:
            return True
        got = self.market.walk(order.symbol, order.side, None, order.lots)
        account = self.exchange.account
        if order.side == BUY:
            worth_e8 = sum(instrument.value_e8(*row) for row in got)
            return paid_e8(order, worth_e8) <= account.of(instrument.quote).free_e8
        return order.lots * instrument.lot_e8 <= account.of(instrument.base).free_e8

    def _lots(self, params: Params, instrument: Instrument) -> int:
        if params.text("quoteOrderQty"):
            raise ApiError(-1013, "Quote order qty market orders are not support for this symbol.")
        size_e8 = decimal(params, "quantity")
        if size_e8 == 0 or size_e8 % instrument.size_step_e8 or size_e8 > MOST_E8:
            raise errors.filter_failure("LOT_SIZE")
        return size_e8 // instrument.lot_e8

    def _check_value(self, instrument: Instrument, side: int, kind: str, ticks: int, lots: int) -> None:
        market = kind == "MARKET"
        value_e8 = self._market_value(instrument, side, lots) if market else instrument.value_e8(ticks, lots)
        if value_e8 < instrument.min_notional_e8:
            raise errors.filter_failure("NOTIONAL")

    def _market_value(self, instrument: Instrument, side: int, lots: int) -> int:
        """What a market order would be worth at the best price now."""
        got = self.market.walk(instrument.symbol, side, None, 1)
        if not got:
            raise ApiError(-2010, "Order book liquidity is less than symbol minimum quantity.")
        return instrument.value_e8(got[0][0], lots)

    def _admit(self, order: OwnOrder, instrument: Instrument) -> None:
        """What only the account and the book can refuse; locks a limit order's money."""
        mine = [each for each in self.exchange.open_orders.values() if each.symbol == order.symbol]
        if any(each.client_id == order.client_id for each in self.exchange.open_orders.values()):
            raise errors.rejected("Duplicate order sent.")
        if len(mine) >= MOST_OPEN_ORDERS:
            raise errors.filter_failure("MAX_NUM_ORDERS")
        if order.type == "LIMIT_MAKER" and self.market.walk(order.symbol, order.side, order.price_ticks, 1):
            raise errors.rejected("Order would immediately match and take.")
        account = self.exchange.account
        if order.stop_ticks:
            stops.admit(self.exchange, order)
        if not order.locked:
            if not self._pays(order, instrument):
                raise errors.rejected("Account has insufficient balance for requested action.")
            return
        try:
            account.lock(instrument, order)
        except Short:
            raise errors.rejected("Account has insufficient balance for requested action.") from None

    def _cancel(self, order: OwnOrder, cancel_id: str) -> None:
        self.market.cancel(order)
        self.exchange.end(order, "CANCELED", cancel_id)

    def _find(self, params: Params, symbol: str) -> OwnOrder | None:
        order_id, client_id = params.number("orderId"), params.text("origClientOrderId")
        if order_id is None and client_id is None:
            raise ApiError(*errors.NEEDS_ORDER_ID)
        for each in self.exchange.open_orders.values():
            same = each.order_id == order_id if order_id is not None else each.client_id == client_id
            if same and each.symbol == symbol:
                return each
        if order_id is not None:
            found = ledger.find_orders(self.exchange.store, "order_id = ? and symbol = ?", (order_id, symbol))
        else:
            where = "client_id = ? and symbol = ? order by order_id desc limit 1"
            found = ledger.find_orders(self.exchange.store, where, (client_id, symbol))
        return found[0] if found else None


def side_of(params: Params) -> int:
    side = params.needed("side")
    if side not in ("BUY", "SELL"):
        raise ApiError(-1117, "Invalid side.")
    return BUY if side == "BUY" else SELL


def time_in_force(params: Params, kind: str) -> str:
    given = params.text("timeInForce")
    if kind in ("LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"):
        if given is None:
            raise errors.missing("timeInForce")
        if given not in TIMES_IN_FORCE:
            raise ApiError(-1115, "Invalid timeInForce.")
        return given
    if given is not None:
        raise errors.not_required("timeInForce")
    return "GTC"


def price_ticks(params: Params, instrument: Instrument) -> int:
    return whole_ticks(decimal(params, "price"), instrument)


def stop_price(params: Params, kind: str, instrument: Instrument) -> int:
    """In ticks; 0 of a type that has none."""
    if params.text("trailingDelta"):
        raise errors.rejected("Trailing stop orders are not supported for this symbol.")
    if kind in stops.STOPS:
        return whole_ticks(decimal(params, "stopPrice"), instrument)
    if params.text("stopPrice"):
        raise errors.not_required("stopPrice")
    return 0


def whole_ticks(price_e8: int, instrument: Instrument) -> int:
    if price_e8 == 0 or price_e8 % instrument.price_step_e8 or price_e8 > MOST_PRICE_E8:
        raise errors.filter_failure("PRICE_FILTER")
    return price_e8 // instrument.tick_e8


def decimal(params: Params, name: str) -> int:
    """A decimal parameter in 1e-8."""
    text = params.needed(name)
    try:
        return e8_of(text)
    except NotDecimal:
        if re.fullmatch(r"[0-9]{1,20}\.[0-9]{9,30}", text):
            raise errors.too_precise(name) from None
        raise errors.illegal(name, "^([0-9]{1,20})(\\.[0-9]{1,20})?$") from None
