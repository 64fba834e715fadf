"""Quotes on both sides: when they leave, stay, are replaced, and are cancelled."""

import msgspec
import pytest

from ninefold.execution.account import Account
from ninefold.execution.orders import begin
from ninefold.execution.quotes import Quotes
from ninefold.execution.selling_out import SellingOut
from ninefold.execution.shown import Shown
from ninefold.market.arrays import rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry, listed
from ninefold.market.quoted import Quoted
from ninefold.market.records import Flatten, Tick
from ninefold.market.time import SECOND_NS

BID, ASK = 99_00, 101_00  # cents, two decimals and two more


class Desk:
    """One strategy that quotes on one instrument, and the venue's word by hand."""

    def __init__(self) -> None:
        registry = Registry()
        registry.add(listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001", min_notional="5"))
        self.account, self.shown, self.selling_out = Account(), Shown(registry, "binance"), SellingOut()
        self.quotes = Quotes({"around": 1.0}, "main", registry, self.account, self.shown, self.selling_out)
        self.scale = 10 ** registry[1].price_decimals // 100
        self.lot = registry[1].lot_size
        self.under_way, self.now = {}, 0
        self.show()
        self.hold(5 * 10**7)

    def hold(self, amount: int) -> None:
        self.account.attribution._hold("around", 1, amount)

    def show(self) -> None:
        quote = (1, self.now, self.now, self.now, self.now, BID * self.scale, 10**9, ASK * self.scale, 10**9)
        self.shown.fold(Chunk(1, 1, self.now, {"quotes": rows("quotes", [quote])}))

    def want(self, bid: int = 98_00, ask: int = 102_00, size: int = 10_000) -> None:
        size *= self.lot
        self.quotes.want([Quoted("around", 1, self.now, bid * self.scale, size, ask * self.scale, size)])

    def tick(self, told: bool = True, may_leave: bool = True) -> tuple[list[str], list[str]]:
        """What leaves and what is cancelled, as the sides."""
        self.now += SECOND_NS
        tick = Tick(seq=self.now, known_ns=self.now, exchange_ns=self.now)
        leaving, cancels = self.quotes.look(tick, list(self.under_way.values()), told, may_leave)
        for order in leaving:
            self.quotes.see(order)
            self.under_way[order.client_order_id] = begin(msgspec.structs.replace(order, status="working"))
        return [_side(one) for one in leaving], [_side(one) for one in cancels]

    def over(self, side: str) -> None:
        self.under_way = {name: one for name, one in self.under_way.items() if _side(one.order) != side}


def _side(order) -> str:
    return "bid" if order.side > 0 else "ask"


def test_both_sides_leave_once_and_stay_while_nothing_changes():
    desk = Desk()
    desk.want()
    assert desk.tick() == (["bid", "ask"], [])
    desk.want()
    assert desk.tick() == ([], []) == desk.tick()


@pytest.mark.parametrize("change", [{"bid": 97_00}, {"size": 9_000}], ids=["price", "size"])
def test_another_price_or_size_cancels_once_and_leaves_when_the_old_one_is_over(change):
    desk = Desk()
    desk.want()
    desk.tick()
    desk.want(**change)
    leaving, cancels = desk.tick()
    assert leaving == [] and "bid" in cancels
    assert desk.tick() == ([], []), "the venue is told once"
    desk.over("bid")
    assert desk.tick() == (["bid"], [])


def test_one_that_was_filled_comes_again_at_the_next_close_only():
    desk = Desk()
    desk.want()
    desk.tick()
    desk.over("bid")
    assert desk.tick() == ([], [])
    desk.want()
    assert desk.tick() == (["bid"], [])


def halt(desk: Desk) -> dict:
    return {"may_leave": False}


def silence(desk: Desk) -> dict:
    desk.now += 60 * SECOND_NS
    return {}


def flatten(desk: Desk) -> dict:
    desk.selling_out.fold(Flatten(seq=1, known_ns=1, by="anna", instrument="binance:BTC/USDT"))
    return {}


def late(desk: Desk) -> dict:
    desk.shown.behind_ns["binance"] = SECOND_NS
    return {}


@pytest.mark.parametrize("trouble", [halt, silence, flatten, late])
def test_trouble_takes_both_back_and_nothing_leaves(trouble):
    desk = Desk()
    desk.want()
    desk.tick()
    how = trouble(desk)
    desk.want(bid=97_00)
    leaving, cancels = desk.tick(**how)
    assert leaving == [] and sorted(cancels) == ["ask", "bid"]
    desk.over("bid")
    assert desk.tick() == ([], []), "not before the next close"


def test_behind_a_start_all_are_cancelled_as_soon_as_the_venue_has_told_of_them():
    desk = Desk()
    desk.want()
    desk.tick()
    desk.quotes.started()
    assert desk.tick(told=False) == ([], [])
    assert sorted(desk.tick()[1]) == ["ask", "bid"]
    desk.over("bid")
    desk.over("ask")
    assert desk.tick() == ([], [])
    desk.want()
    assert desk.tick() == (["bid", "ask"], [])


def test_what_leaves_late_is_cut_to_what_may_be_held_by_then():
    desk = Desk()
    desk.hold(-5 * 10**7)
    desk.want()
    assert desk.tick() == (["bid"], []), "nothing is held, so nothing is offered"
    desk.want(bid=97_00)
    desk.tick()
    desk.over("bid")
    desk.hold(10**8)  # the old one got all that may be held
    assert desk.tick() == ([], [])


def test_what_was_wanted_before_a_restart_is_wanted_still_unless_it_has_left():
    desk, again = Desk(), Desk()
    desk.want()
    desk.tick()
    wanted = [Quoted("around", 1, 1, 98_00 * desk.scale, 10_000 * desk.lot, 103_00 * desk.scale, 10_000 * desk.lot)]
    for tracked in desk.under_way.values():
        again.quotes.see(msgspec.structs.replace(tracked.order, status="intended", seq=0))
    again.quotes.pass_by(wanted)
    assert again.tick() == (["ask"], []), "the bid of this price has left, the ask of it has not"
