"""Own orders, fills and balances, in and out of the store.

In:  an open transaction of `store.Store`.
Out: rows written (not yet committed), and orders and fills read back.
"""

from collections.abc import Iterable

from ninefold.simulator.accounts import Account, Balance, OwnFill, OwnOrder
from ninefold.simulator.instruments import opening_balance_e8
from ninefold.simulator.store import Store

ORDER_COLUMNS = (
    "order_id, symbol, client_id, side, type, tif, price_ticks, lots, time_ms, update_ms,"
    " filled_lots, filled_value_e8, status, stop_ticks, triggered_ms"
)
FILL_COLUMNS = "order_id, trade_id, symbol, price_ticks, lots, value_e8, fee_e8, fee_asset, time_ms, is_buyer, is_maker"


def open_account(store: Store, assets: Iterable[str]) -> Account:
    """The stored balances; assets seen for the first time are credited their opening balance."""
    rows = store.db.execute("select asset, free_e8, locked_e8 from balances").fetchall()
    balances = {asset: Balance(free, locked) for asset, free, locked in rows}
    account = Account(balances)
    for asset in assets:
        if asset not in balances:
            balances[asset] = Balance(opening_balance_e8(asset))
            save_balance(store, account, asset)
    store.commit()
    return account


def save_balance(store: Store, account: Account, asset: str) -> None:
    balance = account.of(asset)
    store.write("insert or replace into balances values (?, ?, ?)", (asset, balance.free_e8, balance.locked_e8))


def save_order(store: Store, order: OwnOrder) -> None:
    store.write(
        f"insert or replace into orders ({ORDER_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (order.order_id, order.symbol, order.client_id, order.side, order.type, order.tif, order.price_ticks,
         order.lots, order.time_ms, order.update_ms, order.filled_lots, order.filled_value_e8, order.status,
         order.stop_ticks, order.triggered_ms),
    )  # fmt: skip


def save_fill(store: Store, fill: OwnFill) -> None:
    store.write(
        "insert into fills values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (fill.order_id, fill.trade_id, fill.symbol, fill.price_ticks, fill.lots, fill.value_e8, fill.fee_e8,
         fill.fee_asset, fill.time_ms, fill.is_buyer, fill.is_maker),
    )  # fmt: skip


def find_orders(store: Store, where: str, values: tuple[object, ...]) -> list[OwnOrder]:
    """Orders by a condition written in this package, by rising id."""
    rows = store.db.execute(f"select {ORDER_COLUMNS} from orders where {where}", values)
    return [OwnOrder(*row) for row in rows]


def find_fills(store: Store, where: str, values: tuple[object, ...]) -> list[OwnFill]:
    """Fills by a condition written in this package."""
    rows = store.db.execute(f"select {FILL_COLUMNS} from fills where {where}", values)
    return [
        OwnFill(order, trade, symbol, price, lots, value, fee, asset, time_ms, bool(buys), bool(rested))
        for order, trade, symbol, price, lots, value, fee, asset, time_ms, buys, rested in rows
    ]


def open_orders(store: Store) -> dict[int, OwnOrder]:
    found = find_orders(store, "status in ('NEW', 'PARTIALLY_FILLED') order by order_id", ())
    return {each.order_id: each for each in found}


def counts(store: Store) -> tuple[int, int]:
    """Orders and fills ever."""
    orders = store.db.execute("select count(*) from orders").fetchone()[0]
    fills = store.db.execute("select count(*) from fills").fetchone()[0]
    return int(orders), int(fills)


def next_order_id(store: Store) -> int:
    return int(store.db.execute("select coalesce(max(order_id), 0) + 1 from orders").fetchone()[0])


def last_fill_id(store: Store, at_least: int) -> int:
    """The highest trade id among fills at or above a bound, or the bound less one."""
    row = store.db.execute("select max(trade_id) from fills where trade_id >= ?", (at_least,)).fetchone()
    return at_least - 1 if row[0] is None else int(row[0])
