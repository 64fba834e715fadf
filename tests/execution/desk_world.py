"""A market of one price, the core and the paper venue: what orders by hand and held orders are played in.

In:  prices, requests, cancels, restarts. Out: the ledger, and what must be true of it at the end.
"""

from collections.abc import Sequence

import msgspec
from hypothesis import strategies as st

from ninefold.backtest.models import LatencyModel
from ninefold.backtest.paper import PaperVenue
from ninefold.execution.core import ExecutionCore
from ninefold.execution.ids import asked_id
from ninefold.execution.rules import AccountRules
from ninefold.market.arrays import rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry, listed
from ninefold.market.records import (
    AnyRecord,
    Asked,
    Balance,
    CancelAsked,
    Fill,
    Flatten,
    Flattened,
    Halted,
    Listed,
    Order,
    Resumed,
    Started,
    Tick,
)
from ninefold.market.time import SECOND_NS

ONE = 10**8
RULES = AccountRules(
    account="paper", venue="binance", quote="USDT", max_position=10**15, max_order=10**15,
    max_orders_per_minute=10_000, simulated=True, balances={"USDT": 10_000 * ONE},
)  # fmt: skip
KEPT = Order | Fill | Balance | Asked | CancelAsked | Halted | Resumed | Flatten | Flattened | Listed


def registry(keeps: tuple[str, ...] = ()) -> Registry:
    known = Registry()
    known.add(listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001", min_notional="5", keeps=keeps))
    return known


class World:
    """A market of one price (bid a tick below the ask), core and paper venue wired as `execute` wires them. A step is a tenth
    of a second: trades at the price, a quote, records, a tick. keeps: stops that the venue is to keep beside us."""

    def __init__(
        self,
        ledger: Sequence[AnyRecord] = (),
        seq: int = 0,
        price: int = 50_000,
        cut: bool = False,
        keeps: tuple[str, ...] = (),
    ) -> None:
        self.cut = cut  # whether a step's rows and its records come in chunks of their own
        self.keeps = keeps
        self.price = price
        self.rules = msgspec.structs.replace(RULES, stops_at_venue=bool(keeps))
        self.registry = registry(keeps)
        for record in ledger:
            if isinstance(record, Listed):
                self.registry.learn(record.instrument)
        self.core = ExecutionCore.restore(self.rules, self.registry, ledger)
        self.venue = PaperVenue(self.rules, self.registry, latency=LatencyModel(order_ns=1, patience_ns=SECOND_NS))
        self.venue.restore(ledger)
        self.ledger: list[AnyRecord] = list(ledger)
        self.seq = seq
        self.step(price, Started(seq=seq + 2, known_ns=seq * SECOND_NS // 10, run="a"))

    def step(
        self,
        price: int,
        *records: AnyRecord,
        desired: dict[int, int] | None = None,
        size: int = 10**6,
        tick: bool = True,
    ) -> list[AnyRecord]:
        self.seq += 10
        self.price = price
        at = self.seq * SECOND_NS // 100
        ask = price * 100
        made = Chunk(self.seq - 9, self.seq, at)
        number = self.registry.current()[0].id
        made.add("trades", rows("trades", [(number, at, at, self.seq - 9, 0, 0, self.seq, ask, 1, 1)]))
        made.add("quotes", rows("quotes", [(number, at, at, self.seq - 9, self.seq, ask - 1, size, ask, size)]))
        for record in records:
            made.records.append(msgspec.structs.replace(record, seq=self.seq - 1, known_ns=at))
        if tick:
            made.records.append(Tick(seq=self.seq, known_ns=at, exchange_ns=at))
        if desired:
            made.add("targets", rows("targets", [(1, b"cross", SECOND_NS, at, 0.5, at, self.seq)]))
        pieces = [made]
        if self.cut:
            rest = Chunk(
                self.seq - 8, self.seq, at, {"targets": made.arrays.pop("targets")} if desired else {}, made.records
            )
            pieces, made.records, made.last_seq = [made, rest], [], self.seq - 9
        for piece in pieces:
            self._hand_on(piece, desired, at)
        return [record for piece in pieces for record in piece.records]

    def _hand_on(self, made: Chunk, desired: dict[int, int] | None, at: int) -> None:
        made.records.extend(self.venue.step(made))
        self.venue.accept(self.core.step(made, desired))
        self.venue.cancel(self.core.take_cancels(), at)
        self.ledger += [record for record in made.records if isinstance(record, KEPT)]

    def ask(self, **more: object) -> str:
        """A person asks, and the next tick decides; the id of what was asked for."""
        number = len([one for one in self.ledger if isinstance(one, Asked)])
        plain = {"ask_id": f"ask {number}", "by": "ada", "side": 1, "size": "0.01", "pair": "BTC/USDT", **more}
        self.step(50_000, msgspec.convert({"type": "asked", "seq": 0, "known_ns": 0, **plain}, Asked))
        return asked_id(f"ask {number}")

    def orders(self) -> list[tuple[str, str, int, int]]:
        """Type, status, side and filled size of every order's last record, in the order of their first."""
        last: dict[str, Order] = {}
        for record in self.ledger:
            if isinstance(record, Order):
                last[record.client_order_id] = record
        return [(one.order_type, one.status, one.side, one.filled) for one in last.values()]

    def position(self) -> int:
        return sum(self.core.account.positions.values())

    def restarted(self, price: int = 50_000) -> "World":
        return World(self.ledger, self.seq, price, self.cut, self.keeps)


ACTS = st.one_of(
    st.builds(lambda price: ("price", price), st.integers(47_000, 53_000)),
    st.builds(lambda size: ("thin", size), st.integers(0, 1_500)),
    st.builds(lambda stop: ("bracket", stop), st.integers(47_500, 49_900)),
    st.builds(lambda trail: ("trail", trail), st.integers(50, 2_000)),
    st.builds(lambda price: ("limit", price), st.integers(48_000, 51_000)),
    st.builds(lambda number: ("cancel", number), st.integers(0, 12)),
    st.just(("twap", 3)),
    st.just(("restart", 0)),
)


def play(world: World, acts: list[tuple[str, int]]) -> World:
    price = world.price
    for act, value in acts:
        if act == "price":
            price = value
            world.step(price)
        elif act == "thin":
            world.step(price, size=value)
        elif act == "bracket":
            world.ask(stop=str(value), take_profit="52500", size="0.013")
        elif act == "trail":
            world.ask(trail=str(value))
        elif act == "limit":
            world.ask(order_type="limit", price=str(value), stop="47000")
        elif act == "twap":
            world.ask(slices=3, over_ns=SECOND_NS, size="0.03")
        elif act == "cancel":
            ids = list(dict.fromkeys(each.client_order_id for each in world.ledger if isinstance(each, Order)))
            ids = [one for one in ids if not _is_exit(world, one)]
            if value < len(ids):
                world.step(price, CancelAsked(seq=0, known_ns=0, by="ada", client_order_id=ids[value]))
        else:
            held = dict(world.core.desk.held)
            assert ExecutionCore.restore(world.rules, registry(world.keeps), world.ledger).desk.held == held
            world = world.restarted(price)
        assert world.position() >= 0
    return world


def check_the_end(world: World, acts: int) -> None:
    """After a fall below every trigger the books agree, and every exit gave back what its entry got, but for dust."""
    for price in [46_000] * 15 + [40_000] * 30:
        world.step(price)
    assert not world.core.contradictions
    assert world.core.account.differences() == {}
    left = world.position() - sum(999 * one.size for one in _by_hand_alone(world))
    assert left * 40_000 // ONE < 5 * (1 + acts), "every exit gave back what its entry got, but for dust"


def _is_exit(world: World, order_id: str) -> bool:
    return any(isinstance(one, Order) and one.client_order_id == order_id and one.reduce_only for one in world.ledger)


def _by_hand_alone(world: World) -> list[Fill]:
    """Fills of what has no exit: slices."""
    slices = {one.client_order_id for one in world.ledger if isinstance(one, Order) and one.order_type == "slice"}
    return [one for one in world.ledger if isinstance(one, Fill) and one.client_order_id in slices]
