"""Bars of the past: checked as the venue told them, made from trades whose ids prove that none is missing.

In:  BARS rows as read from an answer, TRADES rows of one instrument.
Out: which rows can be believed; a bar for each slot; where told and made bars differ.
A bar made here is flat or traded only where contiguous ids say so; every other slot is unknown.
"""

from __future__ import annotations

import numpy as np

from ninefold.market.arrays import BAR_FLAT, BAR_OK, BAR_UNKNOWN, BARS, BUY, ID_AGGREGATE

NOT_TOLD = -1  # buy_volume and trades of a bar whose venue does not tell them
PRICES = ("open", "high", "low", "close")
COMPARED = (*PRICES, "volume", "buy_volume", "trades")


def empty_bars(instrument: int, width_ns: int, opens: np.ndarray) -> np.ndarray:
    """Unknown bars that open at `opens`, shape (n,)."""
    rows = np.zeros(len(opens), BARS)
    rows["instrument"], rows["width_ns"] = instrument, width_ns
    rows["open_ns"], rows["close_ns"] = opens, opens + width_ns
    rows["state"] = BAR_UNKNOWN
    return rows


def believable(bars: np.ndarray, width_ns: int) -> np.ndarray:
    """Which told bars are possible at all, bool, shape (n,): aligned, high and low around the rest, sizes not negative,
    none traded more than once.
    """
    highest, lowest = np.maximum(bars["open"], bars["close"]), np.minimum(bars["open"], bars["close"])
    sized = (bars["volume"] >= 0) & (bars["buy_volume"] >= NOT_TOLD) & (bars["buy_volume"] <= bars["volume"])
    counted = (bars["trades"] >= NOT_TOLD) & ((bars["trades"] != 0) | (bars["volume"] == 0))
    rules = (bars["high"] >= highest) & (bars["low"] <= lowest) & (bars["low"] > 0) & sized & counted
    once = np.zeros(len(bars), bool)
    once[np.unique(bars["open_ns"], return_index=True)[1]] = True
    possible: np.ndarray = rules & once & (bars["open_ns"] % width_ns == 0)
    return possible


def made_of_trades(trades: np.ndarray, width_ns: int, opens: np.ndarray) -> np.ndarray:
    """A bar for each slot, shape (n,).

    trades: TRADES rows of one instrument by rising id, with the one before the first slot and the one after the last, as
            far as they are known.
    opens:  of slots that follow each other, rising, shape (n,), n > 0.
    """
    made = empty_bars(int(trades["instrument"][0]) if len(trades) else 0, width_ns, opens)
    if not len(trades):
        return made
    start, end = int(opens[0]), int(opens[-1]) + width_ns
    slot = np.clip((trades["exchange_ns"] - start) // width_ns, -1, len(opens))
    _mark_proven(made, trades, slot)
    inside = (trades["exchange_ns"] >= start) & (trades["exchange_ns"] < end)
    _fold(made, trades[inside], slot[inside])
    quiet = made["trades"] == 0
    before = np.searchsorted(trades["exchange_ns"], opens, "right") - 1  # the trade whose price a quiet slot carries on
    price = np.where(before >= 0, trades["price"][np.maximum(before, 0)], 0)
    for name in PRICES:
        made[name][quiet] = price[quiet]
    made["state"] = np.where(made["state"] == BAR_UNKNOWN, BAR_UNKNOWN, np.where(quiet, BAR_FLAT, BAR_OK))
    if trades["id_kind"][0] == ID_AGGREGATE:  # how many trades are in them is not known
        made["trades"][made["state"] == BAR_OK] = NOT_TOLD
    unknown = made["state"] == BAR_UNKNOWN
    for name in COMPARED:
        made[name][unknown] = 0
    return made


def differing(told: np.ndarray, made: np.ndarray) -> tuple[int, int]:
    """How many bars were compared and how many differ; both by open, of one width. Only where both are known."""
    _, mine, theirs = np.intersect1d(told["open_ns"], made["open_ns"], return_indices=True)
    told, made = told[mine], made[theirs]
    known = (told["state"] != BAR_UNKNOWN) & (made["state"] != BAR_UNKNOWN)
    told, made = told[known], made[known]
    wrong = np.zeros(len(told), bool)
    for name in COMPARED:
        wrong |= (told[name] != made[name]) & (told[name] != NOT_TOLD) & (made[name] != NOT_TOLD)
    return len(told), int(wrong.sum())


def _mark_proven(made: np.ndarray, trades: np.ndarray, slot: np.ndarray) -> None:
    """From the first to the last trade slots are proven, but for those that a hole in the ids touches. The slots of the
    very first and last trade are not: what stands before and after is not known.
    """
    ids = trades["id_lo"].astype(np.int64)
    first, last = int(slot[0]) + 1, int(slot[-1])
    made["state"][first : max(first, last)] = BAR_OK
    for place in np.flatnonzero(np.diff(ids) > 1).tolist():
        made["state"][max(int(slot[place]), 0) : int(slot[place + 1]) + 1] = BAR_UNKNOWN


def _fold(made: np.ndarray, trades: np.ndarray, slot: np.ndarray) -> None:
    """Sums of integers, so they are exact; the order within a slot is that of time, then id."""
    if not len(trades):
        return
    order = np.lexsort((trades["id_lo"], trades["exchange_ns"]))
    trades, slot = trades[order], slot[order]
    at, first, count = np.unique(slot, return_index=True, return_counts=True)
    price, size = trades["price"], trades["size"]
    made["open"][at], made["close"][at] = price[first], price[first + count - 1]
    made["high"][at], made["low"][at] = np.maximum.reduceat(price, first), np.minimum.reduceat(price, first)
    made["volume"][at] = np.add.reduceat(size, first)
    made["buy_volume"][at] = np.add.reduceat(np.where(trades["taker_side"] == BUY, size, 0), first)
    made["trades"][at] = count
