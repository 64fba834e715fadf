"""Stop and take-profit orders of the simulated exchange: refused, kept through a restart, set off by trades, told as documented."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ninefold.simulator.agents import Act
from ninefold.simulator.auth import Keys
from ninefold.simulator.errors import ApiError
from ninefold.simulator.exchange import Exchange
from ninefold.simulator.faults import Faults
from ninefold.simulator.generated import GeneratedMarket
from ninefold.simulator.hub import Hub
from ninefold.simulator.instruments import GENERATED
from ninefold.simulator.orders import Orders
from ninefold.simulator.params import Params
from ninefold.simulator.private import Private
from ninefold.simulator.rules import symbol_info
from ninefold.simulator.store import Store

WORD = "Order would trigger immediately."
LACKS = "Account has insufficient balance for requested action."


class Desk:
    """The exchange over a file; its private side, and what it tells listeners. A price is what somebody else trades at last."""

    def __init__(self, path: Path) -> None:
        self.store = Store(path)
        self.exchange = Exchange(self.store, Hub(Faults()), [GENERATED["BTCUSDT"], GENERATED["ADABTC"]])
        self.market = GeneratedMarket(self.exchange, seed=7, rate=1_000)
        self.market.open()
        self.private = Private(self.exchange, Orders(self.exchange, self.market), Keys("key", "secret"))
        self.told: list[dict[str, Any]] = []
        self.exchange.user_listeners[self.told.append] = None

    def take(self, side: int, lots: int = 3_000) -> int:
        """Somebody takes so much; the last price is known then."""
        best = self.market.pits["BTCUSDT"].book.side(-side).best() or 6_000_000
        self.market.pits["BTCUSDT"].do(Act("take", side, best + side * 5_000, lots))
        self.exchange.flush()
        return self.last()

    def last(self) -> int:
        row = self.exchange.listings["BTCUSDT"].last
        assert row is not None
        return row.price_ticks

    def place(self, kind: str, stop_ticks: int, side: str = "SELL", **more: str) -> dict[str, Any]:
        asked = {"symbol": "BTCUSDT", "side": side, "type": kind, "quantity": "0.01", "newOrderRespType": "FULL"}
        stop = f"{stop_ticks // 100}.{stop_ticks % 100:02d}"
        return dict(self.private.place(Params({**asked, "stopPrice": stop, **more})))  # type: ignore[call-overload]

    def order(self, order_id: int) -> dict[str, Any]:
        return dict(self.private.order(Params({"symbol": "BTCUSDT", "orderId": str(order_id)})))  # type: ignore[call-overload]

    def fall_to(self, ticks: int) -> None:
        """Others sell until the last price is there."""
        for _ in range(500):
            if self.take(-1) <= ticks:
                return
        raise AssertionError(f"the market would not fall to {ticks}")

    def reports(self, order_id: int) -> list[tuple[str, str, bool]]:
        mine = [one for one in self.told if one["e"] == "executionReport" and one["i"] == order_id]
        return [(one["x"], one["X"], one["w"]) for one in mine]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "exchange.sqlite")
    made.take(-1)
    try:
        yield made
    finally:
        made.store.close()


def test_while_it_waits_it_is_new_and_in_no_book_and_what_it_sells_is_locked(desk):
    placed = desk.place("STOP_LOSS", desk.last() - 2_000)
    assert (placed["status"], placed["workingTime"], placed["fills"]) == ("NEW", -1, [])
    [opened] = desk.private.open_orders(Params({"symbol": "BTCUSDT"}))
    assert (opened["isWorking"], opened["workingTime"], opened["type"]) == (False, -1, "STOP_LOSS")
    assert opened["stopPrice"] == placed["stopPrice"] != "0.00000000"
    assert desk.exchange.account.of("BTC").locked_e8 == 1_000_000
    assert desk.reports(placed["orderId"]) == [("NEW", "NEW", False)]
    [report] = [one for one in desk.told if one["e"] == "executionReport"]
    assert (report["P"], "W" in report) == (placed["stopPrice"], False)
    desk.private.cancel(Params({"symbol": "BTCUSDT", "orderId": str(placed["orderId"])}))
    assert desk.order(placed["orderId"])["status"] == "CANCELED"
    assert desk.exchange.account.of("BTC").locked_e8 == 0


def test_it_goes_off_when_the_last_price_has_reached_it_and_sells_at_the_market(desk):
    stop = desk.last() - 500
    placed = desk.place("STOP_LOSS", stop)
    desk.fall_to(stop)
    found = desk.order(placed["orderId"])
    assert (found["status"], found["executedQty"], found["isWorking"]) == ("FILLED", "0.01000000", True)
    told = desk.reports(placed["orderId"])
    assert told[:2] == [("NEW", "NEW", False), ("NEW", "NEW", True)]
    assert told[-1] == ("TRADE", "FILLED", False)
    held = desk.exchange.account.of("BTC")
    assert (held.free_e8, held.locked_e8) == (99_000_000, 0)


def test_one_with_a_limit_rests_at_its_limit_once_it_has_gone_off(desk):
    stop = desk.last() - 500
    limit = stop + 100_000
    placed = desk.place("STOP_LOSS_LIMIT", stop, price=f"{limit // 100}.00", timeInForce="GTC")
    desk.fall_to(stop)
    found = desk.order(placed["orderId"])
    assert (found["status"], found["isWorking"], found["workingTime"] > 0) == ("NEW", True, True)
    assert desk.exchange.account.of("BTC").locked_e8 == 1_000_000
    assert desk.market.pits["BTCUSDT"].book.resting[placed["orderId"]].price_ticks == limit // 100 * 100


def test_each_of_the_four_goes_off_on_its_side_of_the_price_and_is_refused_on_the_other(desk):
    last = desk.last()
    above = {("STOP_LOSS", "BUY"), ("TAKE_PROFIT", "SELL")}
    for kind, side in [(kind, side) for kind in ("STOP_LOSS", "TAKE_PROFIT") for side in ("BUY", "SELL")]:
        right, wrong = (last + 2_000, last) if (kind, side) in above else (last - 2_000, last)
        with pytest.raises(ApiError, match=WORD) as refused:
            desk.place(kind, wrong, side)
        assert refused.value.code == -2010
        assert desk.place(kind, right, side)["status"] == "NEW"


def test_two_that_the_same_trade_reaches_go_off_one_after_the_other(desk):
    stop = desk.last() - 500
    first, second = desk.place("STOP_LOSS", stop), desk.place("STOP_LOSS", stop - 1)
    desk.fall_to(stop - 1)
    assert [desk.order(one["orderId"])["status"] for one in (first, second)] == ["FILLED", "FILLED"]


def test_after_a_restart_it_still_waits_and_goes_off(desk, tmp_path):
    stop = desk.last() - 500
    placed = desk.place("STOP_LOSS", stop)
    desk.store.close()
    again = Desk(tmp_path / "exchange.sqlite")
    assert again.order(placed["orderId"])["isWorking"] is False
    assert placed["orderId"] not in again.market.pits["BTCUSDT"].book.resting
    again.fall_to(stop)
    assert again.order(placed["orderId"])["status"] == "FILLED"
    again.store.close()


def test_a_purchase_that_the_account_cannot_pay_when_it_goes_off_expires(desk):
    stop = desk.last() + 500
    placed = desk.place("STOP_LOSS", stop, "BUY", quantity="1")
    usdt = desk.exchange.account.of("USDT")
    usdt.free_e8 = 0
    usdt.locked_e8 -= 10**8 * 30_000
    for _ in range(500):
        if desk.take(1) >= stop:
            break
    assert desk.order(placed["orderId"])["status"] == "EXPIRED"


@pytest.mark.parametrize(
    ("kind", "more", "code", "message"),
    [
        ("STOP_LOSS", {"stopPrice": ""}, -1102, "stopPrice"),
        ("STOP_LOSS", {"stopPrice": "1000.001"}, -1013, "PRICE_FILTER"),
        ("STOP_LOSS", {"price": "1000"}, -1106, "'price' sent when not required"),
        ("STOP_LOSS", {"timeInForce": "GTC"}, -1106, "'timeInForce' sent when not required"),
        ("STOP_LOSS_LIMIT", {}, -1102, "timeInForce"),
        ("STOP_LOSS_LIMIT", {"timeInForce": "GTC"}, -1102, "price"),
        ("STOP_LOSS", {"quantity": "2"}, -2010, LACKS),
        ("STOP_LOSS", {"trailingDelta": "100"}, -2010, "Trailing stop orders are not supported for this symbol."),
        (
            "STOP_LOSS",
            {"symbol": "ADABTC", "quantity": "100"},
            -1013,
            "Stop loss orders are not supported for this symbol.",
        ),
        ("LIMIT", {"price": "1000", "timeInForce": "GTC"}, -1106, "'stopPrice' sent when not required"),
    ],
)
def test_what_is_wrong_with_one_is_said_in_the_venue_s_words(desk, kind, more, code, message):
    with pytest.raises(ApiError, match=message) as refused:
        desk.place(kind, desk.last() - 2_000, **more)
    assert refused.value.code == code


def test_a_symbol_has_five_of_them_at_most_and_says_which_types_it_has(desk):
    for number in range(5):
        desk.place("STOP_LOSS", desk.last() - 2_000 - number)
    with pytest.raises(ApiError, match="MAX_NUM_ALGO_ORDERS"):
        desk.place("TAKE_PROFIT", desk.last() + 2_000)
    told = {one.symbol: symbol_info(one)["orderTypes"][3:] for one in (GENERATED["BTCUSDT"], GENERATED["ADABTC"])}
    assert told["BTCUSDT"] == ["STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"]
    assert told["ADABTC"] == ["STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"]
