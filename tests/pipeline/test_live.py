"""`ninefold up --live` against the simulated exchange, as a person trades with real money: keys, refusals, a canary's sizes,
orders and fills, Ctrl-C, a second start that goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from .running import Program, Row, ask, fills, ledger

pytestmark = pytest.mark.slow

E8 = 10**8
OPEN = {"intended", "sent", "unknown", "working", "partly_filled"}
PAIR, BASE, QUOTE = "BTC/USDT", "BTC", "USDT"
CANARY = 20.0
KRAKEN = {
    "rest": "rest",
    "stream": "stream",
    "ws_api": "stream",
}  # its lines of the market and of the account: one server
UP, HOT = ("up", "--live", "--json"), ("hot",)
CONFIG = """\
data_dir = "{data_dir}"
mode = "live"
[venue]
name = "{venue}"
pairs = ["BTC/USDT"]
rest_url = "{rest}"
stream_url = "{stream}"
ws_api_url = "{ws_api}"
[account]
orders = "exchange"
unproven_venue = "{venue}"
canary_quote = {canary}
{keys}
[strategies]
names = ["flip"]
folder = "{folder}"
[serve]
port = 0
"""
STRATEGY = """\
from ninefold.strategy import Strategy


class Flip(Strategy):
    "Long after a second that rose, else flat."

    timeframe = "1s"
    target = "where(close > open, 1, 0)"
"""


class Live:
    """A simulated exchange, and a config that trades on it in the protocol of a venue."""

    def __init__(self, folder: Path, venue: str) -> None:
        self.venue = venue
        self.folder = folder
        self.data_dir = folder / "data"
        (folder / "strategies").mkdir()
        (folder / "strategies" / "flip.py").write_text(STRATEGY)
        options = ("--data-dir", folder / "exchange", "--rate", "40", "--instruments", PAIR)
        self.exchange = Program(folder / "simulator", *options, module="ninefold.simulator")
        self.ready: dict[str, Any] = json.loads(self.exchange.line())
        self.keys: dict[str, str] = json.loads(Path(self.ready["keys_file"]).read_bytes())

    def up(self, name: str, keys: str, extra: dict[str, str] | None = None, command: tuple[str, ...] = UP) -> Program:
        """keys: what the config says of where they are. command: the pipeline, or only the process of it that trades."""
        addresses = {each: self.ready[each] for each in ("rest", "stream", "ws_api")}
        if self.venue == "kraken":
            addresses = {name: f"{addresses[place]}/kraken" for name, place in KRAKEN.items()}
        config = self.folder / f"{name}.toml"
        folders = {"data_dir": self.data_dir, "folder": self.folder / "strategies"}
        config.write_text(CONFIG.format(venue=self.venue, canary=CANARY, keys=keys, **folders, **addresses))
        where = {"XDG_STATE_HOME": str(self.folder / "state")}  # of the account's lease
        return Program(self.folder / name, *command, "--config", config, extra={**where, **(extra or {})})

    def state(self) -> Row:
        found: Row = ask(f"{self.ready['rest']}/sim/v1/state")
        return found

    def account(self) -> dict[str, int]:
        held = self.state()["account"]["balances"]
        return {asset: _e8(one["free"]) + _e8(one["locked"]) for asset, one in held.items()}

    def trade(self, program: Program, done: Callable[[], bool], what: str) -> None:
        """Until something is reached; then Ctrl-C, which must end it well."""
        try:
            program.until(done, what)
            program.interrupt()
        finally:
            program.end()
        assert program.result().status == 0, program.words()


@pytest.mark.parametrize(
    ("venue", "command"),
    [
        ("kraken", HOT),
        pytest.param("kraken", UP, marks=pytest.mark.torture),
        pytest.param("binance", UP, marks=pytest.mark.torture),
    ],
)
def test_a_whole_run_of_live_trading(tmp_path: Path, venue: str, command: tuple[str, ...]) -> None:
    live = Live(tmp_path, venue)
    try:
        opening = live.account()
        in_environment = {"NINEFOLD_API_KEY": live.keys["apiKey"], "NINEFOLD_API_SECRET": live.keys["secret"]}
        ask(f"{live.ready['rest']}/sim/v1/key", {"may_withdraw": True})
        refused = live.up("withdraws", "", in_environment).result()
        assert refused.status == 2 and "this API key may withdraw" in refused.err, refused
        assert live.state()["orders"] == 0
        ask(f"{live.ready['rest']}/sim/v1/key", {"may_withdraw": False})

        live.trade(
            live.up("first", "", in_environment, command), lambda: len(fills(live.data_dir)) >= 1, "an order is filled"
        )
        before = len(ledger(live.data_dir, "order")), len(fills(live.data_dir))
        second = live.up("second", f'keys_file = "{live.ready["keys_file"]}"', command=command)
        live.trade(second, lambda: len(fills(live.data_dir)) >= before[1] + 2, "it goes on")

        _books_are_the_exchanges(live, opening)
        _every_position_was_a_canary(live)
        _it_asked_the_exchange_before_it_went_on(live, before[0])
        held = [path for path in live.data_dir.rglob("*") if path.is_file()]
        assert not any(live.keys["secret"].encode() in path.read_bytes() for path in held)
    finally:
        live.exchange.end()


def _books_are_the_exchanges(live: Live, opening: dict[str, int]) -> None:
    """Opening balances and our fills less fees are the exchange's account to the last unit, and no order is there twice."""
    [listed] = [one["instrument"] for one in ledger(live.data_dir, "listed")][-1:]
    price_unit, size_unit = 10 ** listed["price_decimals"], 10 ** listed["size_decimals"]
    held = dict(opening)
    for fill in fills(live.data_dir).values():
        size = Decimal(fill["size"]) / size_unit
        held[BASE] += fill["side"] * _e8(size)
        held[QUOTE] -= fill["side"] * _e8(size * fill["price"] / price_unit)
        held[fill["fee_asset"]] -= fill["fee"]
    assert held == live.account()
    newest = {one["client_order_id"]: one["status"] for one in ledger(live.data_dir, "order")}
    sent = {one["client_order_id"] for one in ledger(live.data_dir, "order") if one["status"] not in ("refused",)}
    assert OPEN.isdisjoint(newest.values())
    assert live.state()["orders"] == len(sent)
    assert live.state()["fills"] == len(fills(live.data_dir))


def _every_position_was_a_canary(live: Live) -> None:
    """Worth no more than the canary's, at the price of the fill that made it, which may be a little above the quote."""
    [listed] = [one["instrument"] for one in ledger(live.data_dir, "listed")][-1:]
    position = Decimal(0)
    for fill in fills(live.data_dir).values():
        position += fill["side"] * Decimal(fill["size"]) / 10 ** listed["size_decimals"]
        worth = position * fill["price"] / 10 ** listed["price_decimals"]
        assert worth <= Decimal(CANARY) * Decimal("1.01"), fill


def _it_asked_the_exchange_before_it_went_on(live: Live, before: int) -> None:
    """Of the second start: balances were told before the first order was decided."""
    events = ledger(live.data_dir, "order", "balance")
    orders = [place for place, one in enumerate(events) if one["type"] == "order"]
    first = next(place for place in orders[before:] if events[place]["status"] == "intended")
    assert any(one["type"] == "balance" for one in events[orders[before - 1] : first])


def _e8(amount: Decimal | str) -> int:
    units = Decimal(amount) * E8
    assert units == int(units), f"{amount} is finer than the exchange counts"
    return int(units)
