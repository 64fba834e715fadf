"""Live trading at the simulated exchange in the protocol of a venue: what is started, and what must be true afterwards.

In:  strategies of a user's file, the canary's worth. Out: the pipeline in the background, the exchange's account beside our books.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from .running import Program, Row, ask, fills, ledger
from .trading import OPEN, e8

PAIR, BASE, QUOTE = "BTC/USDT", "BTC", "USDT"
KRAKEN = {
    "rest": "rest",
    "stream": "stream",
    "ws_api": "stream",
}  # its lines of the market and of the account: one server
THROUGH_CCXT = ["trades", "quotes"]
UP = ("up", "--live", "--json")
CONFIG = """\
data_dir = "{data_dir}"
mode = "live"
[venue]
name = "{venue}"
pairs = ["BTC/USDT"]
rest_url = "{rest}"
stream_url = "{stream}"
streams = {streams}
ws_api_url = "{ws_api}"
[account]
orders = "exchange"
unproven_venue = "{venue}"
key_cannot_withdraw = {cannot_withdraw}
capital = "{capital}"
canary_quote = {canary}
{keys}
[strategies]
names = {names}
folder = "{folder}"
[serve]
port = 0
"""


class Strategies(NamedTuple):
    """text: of a user's file. capital: what they may use together. canary: the worth of a position at most. Both in quote."""

    text: str
    names: tuple[str, ...]
    canary: float
    capital: int = 10_000


class Live:
    """A simulated exchange, and a config that trades on it in the protocol of a venue."""

    def __init__(self, folder: Path, venue: str, strategies: Strategies) -> None:
        self.venue = venue
        self.strategies = strategies
        self.folder = folder
        self.data_dir = folder / "data"
        (folder / "strategies").mkdir()
        (folder / "strategies" / "mine.py").write_text(strategies.text)
        options = ("--data-dir", folder / "exchange", "--rate", "40", "--instruments", PAIR)
        self.exchange = Program(folder / "simulator", *options, module="ninefold.simulator")
        self.ready: dict[str, Any] = json.loads(self.exchange.line())
        self.keys: dict[str, str] = json.loads(Path(self.ready["keys_file"]).read_bytes())

    def up(
        self,
        name: str,
        keys: str,
        extra: dict[str, str] | None = None,
        command: tuple[str, ...] = UP,
        cannot_withdraw: bool = False,
    ) -> Program:
        """keys: what the config says of where they are. command: the pipeline, or only the process of it that trades.
        cannot_withdraw: what the config says of the key, at a venue that cannot be asked."""
        addresses = {each: self.ready[each] for each in ("rest", "stream", "ws_api")}
        if self.venue == "kraken":
            addresses = {name: f"{addresses[place]}/kraken" for name, place in KRAKEN.items()}
        config = self.folder / f"{name}.toml"
        folders = {"data_dir": self.data_dir, "folder": self.folder / "strategies"}
        asked = self.strategies._asdict() | {"names": json.dumps(self.strategies.names), "venue": self.venue}
        asked |= {"streams": json.dumps(THROUGH_CCXT if self.venue.startswith("ccxt.") else [])}
        asked |= {"cannot_withdraw": json.dumps(cannot_withdraw)}
        config.write_text(CONFIG.format(keys=keys, **asked, **folders, **addresses))
        where = {"XDG_STATE_HOME": str(self.folder / "state")}  # of the account's lease
        return Program(self.folder / name, *command, "--config", config, extra={**where, **(extra or {})})

    def state(self) -> Row:
        found: Row = ask(f"{self.ready['rest']}/sim/v1/state")
        return found

    def account(self) -> dict[str, int]:
        held = self.state()["account"]["balances"]
        return {asset: e8(Decimal(one["free"])) + e8(Decimal(one["locked"])) for asset, one in held.items()}

    def trade(self, program: Program, done: Callable[[], bool], what: str) -> None:
        """Until something is reached; then Ctrl-C, which must end it well."""
        try:
            program.until(done, what)
            program.interrupt()
        finally:
            program.end()
        assert program.result().status == 0, program.words()


def books_are_the_exchanges(live: Live, opening: dict[str, int]) -> None:
    """Opening balances and our fills less fees are the exchange's account to the last unit, and no order is there twice."""
    [listed] = [one["instrument"] for one in ledger(live.data_dir, "listed")][-1:]
    price_unit, size_unit = 10 ** listed["price_decimals"], 10 ** listed["size_decimals"]
    held = dict(opening)
    for fill in fills(live.data_dir).values():
        size = Decimal(fill["size"]) / size_unit
        held[BASE] += fill["side"] * e8(size)
        held[QUOTE] -= fill["side"] * e8(size * fill["price"] / price_unit)
        held[fill["fee_asset"]] -= fill["fee"]
    assert held == live.account()
    newest = {one["client_order_id"]: one["status"] for one in ledger(live.data_dir, "order")}
    taken = {one["client_order_id"] for one in ledger(live.data_dir, "order") if one["venue_order_id"]}
    assert OPEN.isdisjoint(newest.values())
    assert live.state()["orders"] == len(taken)
    assert live.state()["fills"] == len(fills(live.data_dir))
