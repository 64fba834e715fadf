"""The one account: balances, own orders, fills. Whole numbers of 1e-8 per asset, nothing created and nothing lost.

In:  orders to lock money for, executions, releases.
Out: changed balances; each execution moves exactly base, quote and a fee of 0.1 % (rounded down) taken from what is
     received, or from the quote asset where the order came in Kraken's protocol. Pure: nothing is written or sent here.
"""

import msgspec

from ninefold.simulator.engine import BUY
from ninefold.simulator.instruments import FEE_DIVISOR, Instrument

AT_MARKET = ("MARKET", "STOP_LOSS", "TAKE_PROFIT")
OF_KRAKEN = "kr:"  # begins the client ids of orders in its protocol (kraken_account.py)


class Balance(msgspec.Struct):
    free_e8: int
    locked_e8: int = 0


class OwnOrder(msgspec.Struct):
    """An order of the account, open or done."""

    order_id: int
    symbol: str
    client_id: str
    side: int
    type: str
    tif: str
    price_ticks: int
    lots: int
    time_ms: int
    update_ms: int
    filled_lots: int = 0
    filled_value_e8: int = 0
    status: str = "NEW"
    stop_ticks: int = 0  # of a stop or take-profit; it is in no book until its price is reached
    triggered_ms: int = 0  # when it was; 0: not yet

    @property
    def waits(self) -> bool:
        """Whether it waits for a price."""
        return self.stop_ticks > 0 and self.triggered_ms == 0

    @property
    def at_market(self) -> bool:
        """Whether it takes any price."""
        return self.type in AT_MARKET

    @property
    def locked(self) -> bool:
        """Whether money is set aside for what is left of it; of what takes any price, only while it waits."""
        return self.waits or not self.at_market

    @property
    def working_ms(self) -> int:
        """When it reached the book; -1: not yet."""
        return -1 if self.waits else self.triggered_ms or self.time_ms

    @property
    def fee_in_quote(self) -> bool:
        return self.client_id.startswith(OF_KRAKEN)

    @property
    def left_lots(self) -> int:
        return self.lots - self.filled_lots

    @property
    def open(self) -> bool:
        return self.status in ("NEW", "PARTIALLY_FILLED")


class OwnFill(msgspec.Struct, frozen=True):
    """One execution of an own order."""

    order_id: int
    trade_id: int
    symbol: str
    price_ticks: int
    lots: int
    value_e8: int
    fee_e8: int
    fee_asset: str
    time_ms: int
    is_buyer: bool
    is_maker: bool


class Short(Exception):
    """The free balance does not cover the order."""


class Account:
    """Balances by asset. `changed` names the assets touched since `take_changed`."""

    def __init__(self, balances: dict[str, Balance]) -> None:
        self.balances = balances
        self.changed: dict[str, None] = {}

    def lock(self, instrument: Instrument, order: OwnOrder) -> None:
        """Set money aside for what is left of a limit order. raises: Short, and then nothing has changed."""
        asset, amount = needed(instrument, order)
        balance = self.of(asset)
        if balance.free_e8 < amount:
            raise Short(asset)
        balance.free_e8 -= amount
        balance.locked_e8 += amount
        self.changed[asset] = None

    def release(self, instrument: Instrument, order: OwnOrder) -> None:
        """Free what is still locked for an order that ends unfilled."""
        asset, amount = needed(instrument, order)
        balance = self.of(asset)
        balance.locked_e8 -= amount
        balance.free_e8 += amount
        self.changed[asset] = None

    def execute(self, instrument: Instrument, order: OwnOrder, fill: OwnFill, locked: bool) -> None:
        """Move base, quote and fee of one execution, and count it into the order.

        locked: the order's money was set aside with `lock`; what a better price leaves over becomes free.
        """
        base, quote = self.of(instrument.base), self.of(instrument.quote)
        base_e8 = fill.lots * instrument.lot_e8
        before = needed(instrument, order)[1] if locked else 0
        order.filled_lots += fill.lots
        order.filled_value_e8 += fill.value_e8
        after = needed(instrument, order)[1] if locked else 0
        paying, amount = (quote, fill.value_e8) if order.side == BUY else (base, base_e8)
        paying.locked_e8 -= before - after
        paying.free_e8 += before - after - amount
        got, received = (base, base_e8) if order.side == BUY else (quote, fill.value_e8)
        got.free_e8 += received
        self.of(fill.fee_asset).free_e8 -= fill.fee_e8
        order.status = "FILLED" if order.left_lots == 0 else "PARTIALLY_FILLED"
        self.changed[instrument.base] = None
        self.changed[instrument.quote] = None

    def of(self, asset: str) -> Balance:
        return self.balances.setdefault(asset, Balance(0))

    def take_changed(self) -> list[str]:
        assets = list(self.changed)
        self.changed.clear()
        return assets


def needed(instrument: Instrument, order: OwnOrder) -> tuple[str, int]:
    """Asset and amount in 1e-8 that what is left of an order ties up at most; of one without a limit, what its stop price says."""
    if order.side == BUY:
        price_ticks = order.price_ticks or order.stop_ticks
        return instrument.quote, paid_e8(order, instrument.value_e8(price_ticks, order.left_lots))
    return instrument.base, order.left_lots * instrument.lot_e8


def paid_e8(order: OwnOrder, value_e8: int) -> int:
    """What a purchase takes of the quote asset at most, in 1e-8."""
    return value_e8 - (-value_e8 // FEE_DIVISOR if order.fee_in_quote else 0)


def fee_of(instrument: Instrument, side: int, lots: int, value_e8: int, in_quote: bool = False) -> tuple[int, str]:
    """Fee in 1e-8 and the asset it is taken from: the one that is received, unless it is to be the quote asset."""
    if side == BUY and not in_quote:
        return lots * instrument.lot_e8 // FEE_DIVISOR, instrument.base
    return value_e8 // FEE_DIVISOR, instrument.quote
