"""Views for people over the stored tables: names instead of ids, timestamps, prices and sizes as DOUBLE.

In:  the tables as stored, and `instruments`.
Out: SELECT texts by the name of the view; unknown times and the numbers of unknown bars are NULL. Exact numbers are
     in the tables.
"""

from __future__ import annotations

from ninefold.market.arrays import BAR_FLAT, BAR_OK, BAR_UNKNOWN, BID, BUY, CLEAR_BOOK, SELL, UNTOLD
from ninefold.market.time import SECOND_NS, UNKNOWN_NS


def _price(name: str) -> str:
    return f"{name} / named.price_unit AS {name}"


def _size(name: str) -> str:
    return f"{name} / named.size_unit AS {name}"


def _of_known_bar(name: str, unit: str) -> str:
    untold = f" AND {name} <> {UNTOLD}" if name in ("buy_volume", "trades") else ""
    return f"CASE WHEN stored.state <> {BAR_UNKNOWN}{untold} THEN {name}{unit} END AS {name}"


_NAMED = "JOIN instruments AS named ON named.id = stored.instrument"
_HEAD = f"""named.name AS instrument,
    CASE WHEN exchange_ns <> {UNKNOWN_NS} THEN make_timestamp_ns(exchange_ns) END AS exchange_time,
    CASE WHEN receive_ns <> {UNKNOWN_NS} THEN make_timestamp_ns(receive_ns) END AS receive_time"""
_BAR_PRICES = ", ".join(_of_known_bar(name, " / named.price_unit") for name in ("open", "high", "low", "close"))
_BAR_SIZES = ", ".join(_of_known_bar(name, " / named.size_unit") for name in ("volume", "buy_volume"))
_BAR = f"""named.name AS instrument, width_ns // {SECOND_NS} AS width_seconds,
    make_timestamp_ns(open_ns) AS open_time, make_timestamp_ns(close_ns) AS close_time,
    {_BAR_PRICES}, {_BAR_SIZES}, {_of_known_bar("trades", "")},
    CASE stored.state WHEN {BAR_OK} THEN 'ok' WHEN {BAR_FLAT} THEN 'flat' ELSE 'unknown' END AS state, revision"""

VIEWS = {
    "trades_priced": f"""
        SELECT {_HEAD}, id_lo AS trade_id, {_price("price")}, {_size("size")},
            CASE taker_side WHEN {BUY} THEN 'buy' WHEN {SELL} THEN 'sell' ELSE 'unknown' END AS taker_side, seq
        FROM trades AS stored {_NAMED}""",
    "books_priced": f"""
        SELECT {_HEAD}, update_id, CASE action WHEN {CLEAR_BOOK} THEN 'clear' ELSE 'set' END AS action,
            CASE side WHEN {BID} THEN 'bid' ELSE 'ask' END AS side, {_price("price")}, {_size("size")}, seq
        FROM books AS stored {_NAMED}""",
    "quotes_priced": f"""
        SELECT {_HEAD}, update_id, {_price("bid")}, {_size("bid_size")}, {_price("ask")}, {_size("ask_size")}, seq
        FROM quotes AS stored {_NAMED}""",
    "bars_priced": f"""
        SELECT {_BAR} FROM bars AS stored {_NAMED}
        QUALIFY row_number() OVER (
            PARTITION BY stored.instrument, width_ns, open_ns ORDER BY revision DESC, seq DESC
        ) = 1""",
    "bars_revisions": f"""
        SELECT {_BAR}, make_timestamp_ns(known_ns) AS known_time, known_ns, seq
        FROM bars AS stored {_NAMED}""",
}
