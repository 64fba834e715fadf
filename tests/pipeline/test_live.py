"""`ninefold up --live` against the simulated exchange, as a person trades with real money: keys, refusals, a canary's sizes,
orders and fills, Ctrl-C, a second start that goes on."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from .live import UP, Live, Strategies, books_are_the_exchanges
from .running import ask, fills, ledger

pytestmark = pytest.mark.slow

CANARY = 20.0
HOT = ("hot",)
FLIP = """\
from ninefold.strategy import Strategy


class Flip(Strategy):
    "Long after a second that rose, else flat."

    timeframe = "1s"
    target = "where(close > open, 1, 0)"
"""


@pytest.mark.parametrize(
    ("venue", "command"),
    [
        ("kraken", HOT),
        pytest.param("kraken", UP, marks=pytest.mark.torture),
        pytest.param("binance", UP, marks=pytest.mark.torture),
    ],
)
def test_a_whole_run_of_live_trading(tmp_path: Path, venue: str, command: tuple[str, ...]) -> None:
    live = Live(tmp_path, venue, Strategies(FLIP, ("flip",), CANARY))
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

        books_are_the_exchanges(live, opening)
        _all_that_was_sent_is_there(live)
        _every_position_was_a_canary(live)
        _it_asked_the_exchange_before_it_went_on(live, before[0])
        held = [path for path in live.data_dir.rglob("*") if path.is_file()]
        assert not any(live.keys["secret"].encode() in path.read_bytes() for path in held)
    finally:
        live.exchange.end()


def _all_that_was_sent_is_there(live: Live) -> None:
    orders = {one["client_order_id"] for one in ledger(live.data_dir, "order") if one["status"] != "refused"}
    assert live.state()["orders"] == len(orders)


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
