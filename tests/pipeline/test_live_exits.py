"""`ninefold up --live` with strategies that have exits and with free code, at the simulated exchange: its trading process is killed
while something is held, and it is started again; nothing is left out, entered twice, or differs from the exchange."""

from __future__ import annotations

import signal
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from .live import Live, Strategies, books_are_the_exchanges
from .running import fills, ledger, ninefold, stored

pytestmark = pytest.mark.torture

MINE = '''
from ninefold.strategy import Exits, Strategy


class Stops(Strategy):
    """Long, until it has lost a little."""

    timeframe = "1s"
    target = "where(close > 0, 1, 0)"
    exits = Exits(stop_loss="0.0002")


class Takes(Stops):
    """Long, until it has won a little."""

    exits = Exits(take_profit="0.0002")


class Trails(Stops):
    """Long, until a little has been lost since the best."""

    exits = Exits(trailing="0.0001")


class Waits(Stops):
    """Long for ten seconds."""

    exits = Exits(bars=10)


class Holds(Stops):
    """Long, until half has been lost."""

    exits = Exits(stop_loss="0.5")


class Returns(Strategy):
    """Long for three seconds, again and again."""

    timeframe = "1s"
    entry = "close > 0"
    exits = Exits(bars=3)


class Turns(Strategy):
    """Long again and again, until a little has been lost since the best."""

    timeframe = "1s"
    entry = "close > 0"
    exits = Exits(trailing="0.0001")


class Counts(Strategy):
    """Free code: long from every seventh second on, for two."""

    timeframe = "1s"
    exits = Exits(bars=2)

    def __init__(self, **values):
        super().__init__(**values)
        self.seen = 0

    def on_bar(self, bar):
        self.seen += 1
        return 1.0 if self.seen % 7 else 0.0
'''
ONCE = ("stops", "takes", "trails", "waits", "holds")  # that do not enter again while their target stays
NAMES = (*ONCE, "returns", "turns", "counts")
SHARE = 60  # of the capital, each
FULL = 100_000  # a share in 10**-8 of base, near the 60,000 at which the market begins
LOT = 1_000  # the unit of sizes, likewise
KINDS = ("stop loss", "trailing stop", "take profit", "time exit")
CERTAIN = ("trailing stop", "time exit")  # wherever the market goes


def sold(data_dir: Path) -> dict[str, list[str]]:
    """Orders that were filled because an exit had gone off, by the kind of exit, oldest first."""
    events = ledger(data_dir, "order")
    newest = {one["client_order_id"]: one["status"] for one in events}
    exits = [one for one in events if one["status"] == "intended" and newest[one["client_order_id"]] == "filled"]
    found = {kind: [one["client_order_id"] for one in exits if f"{kind} of " in one["reason"]] for kind in KINDS}
    return {kind: orders for kind, orders in found.items() if orders}


class Part(NamedTuple):
    """held: by seq, what a strategy has from then on, in 10**-8 of base. entered: seqs at which it went in from nothing."""

    held: list[tuple[int, int]]
    entered: list[int]


def part(data_dir: Path, strategy: str) -> Part:
    """Its part of what was filled of each order, by what each wanted of it, and what strategies took from each other."""
    got: dict[str, int] = defaultdict(int)
    for one in fills(data_dir).values():
        got[one["client_order_id"]] += one["side"] * one["size"] * LOT
    found, held, is_in = Part([], []), 0, False
    for one in ledger(data_dir, "shared", "crossed"):
        if one["type"] == "crossed":
            held += one["taken"].get(strategy, 0)
        else:
            wanted = one["wanted"]
            held += round(got[one["client_order_id"]] * wanted.get(strategy, 0) / sum(wanted.values()))
        if held > FULL // 2 and not is_in:
            found.entered.append(one["seq"])
        is_in = held > FULL // 2
        found.held.append((one["seq"], held))
    return found


def again(data_dir: Path, strategy: str) -> list[tuple[int, int]]:
    """Entries after the first although the target stayed since it was left: (left, entered)."""
    rows = stored(data_dir, f"select seq, target from targets where strategy = '{strategy}'")
    other = [row["seq"] for row in rows if row["target"] != 1]
    left = [one["seq"] for one in ledger(data_dir, "guard") if one["strategy"] == strategy and one["left"]]
    found = []
    for before, now in pairwise(part(data_dir, strategy).entered):
        since = max((seq for seq in left if before < seq <= now), default=before)
        if not any(since <= seq <= now for seq in other):
            found.append((since, now))
    return found


def test_exits_are_traded_live_over_a_kill(tmp_path: Path) -> None:
    live = Live(tmp_path, "kraken", Strategies(MINE, NAMES, canary=1000.0, capital=SHARE * len(NAMES)))
    where, keys = live.data_dir, f'keys_file = "{live.ready["keys_file"]}"'
    try:
        opening = live.account()
        first = live.up("first", keys)
        try:
            first.until(lambda: sold(where).keys() >= {*CERTAIN}, "exits have sold")
            hot = next(one for one in first.family() if "hot" in one.cmdline())
            hot.send_signal(signal.SIGKILL)
            assert first.result().status != 0
        finally:
            first.end()
        before = sold(where)
        assert part(where, "holds").held[-1][1] > FULL // 2, "nothing was held when it was killed"
        more = {kind: len(before[kind]) + 2 for kind in CERTAIN}
        live.trade(
            live.up("second", keys),
            lambda: all(len(sold(where)[kind]) >= least for kind, least in more.items()),
            "it goes on and exits sell",
        )
        books_are_the_exchanges(live, opening)
    finally:
        live.exchange.end()
    for name in NAMES:
        mine = part(where, name)
        assert mine.entered, f"{name} never entered"
        assert max(held for _, held in mine.held) < FULL * 3 // 2, f"{name} has entered twice"
    assert {name: again(where, name) for name in ONCE} == {name: [] for name in ONCE}
    for kind, orders in sold(where).items():
        explained = ninefold("explain", orders[-1], "--json", "--data-dir", where)
        assert explained.status == 0 and explained.json["same"], (kind, explained)
    parity = ninefold("parity", where, "--json")
    assert parity.status == 0 and parity.json["unexplained"] == 0, parity.out
