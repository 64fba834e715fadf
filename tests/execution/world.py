"""A market and an account for the risk gate, everything as it should be; tests change what they are about."""

from dataclasses import dataclass, field

import numpy as np

from ninefold.execution.account import Account
from ninefold.execution.rejections import Rejections
from ninefold.execution.returns import Returns
from ninefold.execution.risk import RiskState
from ninefold.execution.rules import AccountRules
from ninefold.execution.shown import Shown
from ninefold.execution.worth import Worth
from ninefold.market.arrays import BAR_OK, BARS, rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry, listed
from ninefold.market.records import Balance, Equity, Flatten, Halted, Late, Order
from ninefold.market.time import MINUTE_NS, SECOND_NS

ONE = 10**8
NOW = 1_000 * SECOND_NS


RULES = AccountRules(
    account="main", venue="binance", quote="USDT", max_position=600 * ONE, max_order=600 * ONE, max_orders_per_minute=3
)


@dataclass
class World:
    """Everything as it should be: 0.01 BTC wanted at 50,000 with 1,000 USDT at hand."""

    size: int = 1_000
    side: int = 1
    quotes: list[tuple[int, ...]] = field(default_factory=lambda: [(1, NOW, NOW, 1, 1, 49_999_00, 9, 50_000_00, 9)])
    bar_state: int = BAR_OK
    balances: dict[str, int] = field(default_factory=lambda: {"USDT": 1_000 * ONE, "BTC": 0})
    rules: AccountRules = RULES
    listing: dict[str, object] = field(
        default_factory=lambda: {"tick": "0.01", "lot": "0.00001", "min_size": 10, "min_notional": "5"}
    )
    quote_asset: str = "USDT"
    halted: Halted | None = None
    sent_ns: list[int] = field(default_factory=list)
    awaited: list[str] = field(default_factory=list)
    late: list[Late] = field(default_factory=list)
    positions: dict[int, int] = field(default_factory=dict)
    pending: dict[int, tuple[int, int]] = field(default_factory=dict)
    skew_ns: int | None = 0
    equity: list[int | None] = field(default_factory=lambda: [1_000 * ONE])  # of one day, a second each
    closes: dict[int, list[int]] = field(default_factory=dict)  # of bars of a minute, by instrument
    wanted: dict[str, dict[str, int]] = field(default_factory=dict)
    held: dict[str, dict[int, int]] = field(default_factory=dict)  # by strategy and instrument
    flattened: dict[str, Flatten] = field(default_factory=dict)
    parts: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)  # on order, by strategy and instrument
    rejections: Rejections = field(default_factory=Rejections)

    def state(self) -> RiskState:
        registry = Registry()
        registry.add(listed("binance", "BTCUSDT", "BTC", self.quote_asset, **self.listing))
        registry.add(listed("binance", "ETHUSDT", "ETH", "USDT", tick="0.01", lot="0.0001"))
        registry.add(listed("kraken", "XBTUSDT", "BTC", "USDT", tick="0.01", lot="0.00001"))
        shown = Shown(registry, "binance")
        bars = np.zeros(1, BARS)
        bars["instrument"], bars["state"] = 1, self.bar_state
        shown.fold(Chunk(1, 1, NOW, {"quotes": rows("quotes", self.quotes), "bars": bars}, self.late))
        account = Account()
        for asset, free in self.balances.items():
            account.show(Balance(seq=1, known_ns=1, asset=asset, free=free, locked=0))
        account.positions.update(self.positions)
        for strategy, amounts in self.held.items():
            for instrument, amount in amounts.items():
                account.attribution._hold(strategy, instrument, amount)
        return RiskState(
            NOW,
            self.rules,
            registry,
            shown,
            account,
            self.halted,
            self.sent_ns,
            self.awaited,
            self.pending,
            self.skew_ns,
            self.worth(),
            self.returns(),
            self.wanted,
            self.flattened,
            self.parts,
            rejections=self.rejections,
        )

    def worth(self) -> Worth:
        made = Worth()
        for second, value in enumerate(self.equity):
            made.see(Equity(seq=1, known_ns=second * SECOND_NS, quote="USDT", value=value))
        return made

    def returns(self) -> Returns:
        made = Returns({MINUTE_NS})
        for instrument, closes in self.closes.items():
            bars = np.zeros(len(closes), BARS)
            bars["instrument"], bars["width_ns"], bars["close"] = instrument, MINUTE_NS, closes
            bars["close_ns"] = np.arange(1, len(closes) + 1) * MINUTE_NS
            made.fold(bars)
        return made

    def order(self, name: str = "nf-a") -> Order:
        return Order(
            seq=5, known_ns=NOW, client_order_id=name, instrument=1, side=self.side, size=self.size, status="intended"
        )
