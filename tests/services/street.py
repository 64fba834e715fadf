"""A market of which every trade is given, and strategies on it: bars, targets and orders as the pipeline makes them, on paper.

In:  strategies; bars of a second, each as the prices traded in it, oldest first, the first one its open.
Out: fills, each with the bar in which it came, and the reason that its order gives; the rows of bars and targets.

A bar is closed by the tick 300 ms into the next one, which decides. The open comes after it, so what was decided is filled at the
open, as in back-tests. Then come a tick, the other trades, a tick, and the last price once more, at which an exit is filled.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from ninefold.backtest.models import FeeModel, LatencyModel
from ninefold.backtest.paper import PaperVenue
from ninefold.config import Config, parse
from ninefold.execution.decisions import Basis
from ninefold.market.arrays import BUY, ID_INTEGER, empty, rows
from ninefold.market.bars import BarMaker
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry, listed
from ninefold.market.records import AnyRecord, Connection, Fill, Listed, Order, Tick
from ninefold.market.strategy_records import Guard, Renewed
from ninefold.market.time import SECOND_NS
from ninefold.services.build import exit_rules
from ninefold.services.execute import Execute
from ninefold.services.play_again import Memory
from ninefold.strategy.decide import Decide
from ninefold.strategy.plan import Plan

START = 1_700_000_000 * SECOND_NS
MS = 1_000_000
LIMITS = "".join(f"{of}_quote = 1e9\n" for of in ("order", "position", "instrument", "venue", "total", "strategy"))
SETTINGS = '[venue]\npairs = ["BTC/USDT"]\n[sizing]\nmost = 0.5\n'
RISK = f"[risk]\ndrawdown = 1.0\ndaily_loss = 1.0\nprice_band = 0.9\norders_per_minute = 100000\n{LIMITS}"


def config() -> Config:
    return parse(SETTINGS + RISK)


class Street:
    """Prices are whole USDT, ticks a cent. fee: of the paper venue; 0, so that positions are those of a back-test without."""

    def __init__(self, *plans: Plan, fee: str = "0") -> None:
        self.plans = plans
        self.formulas: dict[str, str] = {}  # what decides, as the ledger's digests have it
        self.fee = FeeModel(taker=Fraction(fee))
        self.bars, self.targets = empty("bars"), empty("targets")
        self.renewed: list[Renewed] = []
        self.made: list[AnyRecord] = []
        self.seq, self.row = 0, -1
        self.maker = BarMaker()
        self.decide = Decide([plan for plan in plans if not plan.knows_itself], "binance")
        registry = Registry()
        registry.add(listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001", min_notional="5"))
        self.listed = registry[1]
        self._execute([], 0)
        opened = Connection(seq=1, known_ns=0, venue="binance", name="market", state="open")
        self._hand_on({}, opened, Listed(seq=2, known_ns=0, instrument=self.listed))
        self.tick(-SECOND_NS)

    def restart(self) -> None:
        """The account is made again from its ledger; formulas and bars go on. The market is seen before anything is decided."""
        self._execute(self.memory.known + self.memory.made, self.seq)
        self.seq += 1
        at = START + self.row * SECOND_NS + 950 * MS
        quote = (1, at, at, self.seq, self.seq, self.price, 10**12, self.price, 10**12)
        self._hand_on({"quotes": rows("quotes", [quote])})
        self.execute.warm([self.listed], self.bars, empty("values"))

    def play(self, *bars: Sequence[int]) -> None:
        for prices in bars:
            self.bar(*prices)

    def bar(self, *prices: int) -> None:
        """One more second."""
        self.row += 1
        self.tick(self.row * SECOND_NS + 300 * MS)
        self.trade(400, prices[0])
        self.tick(self.row * SECOND_NS + 450 * MS)
        for price in prices[1:]:
            self.trade(500, price)
        self.tick(self.row * SECOND_NS + 800 * MS)
        self.trade(900, prices[-1])

    def trade(self, ms: int, price: int) -> None:
        at, cents = START + self.row * SECOND_NS + ms * MS, price * 100
        self.price = cents
        self.seq += 1
        quote = (1, at, at, self.seq, self.seq, cents, 10**12, cents, 10**12)
        trade = (1, at, at, self.seq, ID_INTEGER, 0, self.seq, cents, 10**6, BUY)
        self._hand_on({"trades": rows("trades", [trade]), "quotes": rows("quotes", [quote])})

    def tick(self, after_ns: int) -> None:
        at = START + after_ns
        self.seq += 1
        self._hand_on({}, Tick(seq=self.seq, known_ns=at, exchange_ns=at))

    def fills(self) -> list[tuple[int, int, float, str]]:
        """Bar, side, price and why."""
        reasons = {one.client_order_id: one.reason for one in self.of(Order) if one.status == "sent"}
        return [
            (
                (one.exchange_ns - START) // SECOND_NS,
                one.side,
                one.price / 100,
                reasons[one.client_order_id].split(" of ")[0],
            )
            for one in self.of(Fill)
        ]

    def turns(self) -> list[tuple[int, int, str]]:
        """Bar, side and why of fills that begin a position or end it: what is sized anew in between is left out."""
        found, held = [], 0
        for (bar, side, _, why), fill in zip(self.fills(), self.of(Fill), strict=True):
            before, held = held, held + side * fill.size
            if not before or not held:
                found.append((bar, side, why))
        return found

    def guards(self) -> list[tuple[str, int | None, str]]:
        """Who left by which exit, wanting what, and who came in again."""
        return [(one.strategy, one.target, one.left) for one in self.of(Guard) if not one.stop and not one.take]

    def of(self, kind: type) -> list:
        return [one for one in self.made if isinstance(one, kind)]

    def held(self, strategy: str) -> int:
        return self.execute.core.account.attribution.held(strategy, 1)

    def _execute(self, known: list[AnyRecord], seq: int) -> None:
        self.memory = Memory(known, seq)
        names = tuple(plan.name for plan in self.plans)

        def venue(rules, registry):
            return PaperVenue(rules, registry, self.fee, LatencyModel(order_ns=0))

        registry = Registry([self.listed])
        itself = [plan for plan in self.plans if plan.knows_itself]
        exits, basis = exit_rules(self.plans), Basis(self.formulas)
        self.execute = Execute(config(), names, self.memory, registry, venue, exits=exits, itself=itself, basis=basis)

    def _hand_on(self, arrays: dict[str, np.ndarray], *records: AnyRecord) -> None:
        known_ns = max([START, *(record.known_ns for record in records)])
        self.seq = max([self.seq, *(record.seq for record in records)])
        chunk = Chunk(self.seq, self.seq, known_ns, arrays, list(records))
        for stage in (self.maker, self.decide, self.execute):
            chunk = stage.step(chunk)
        self.execute.write(chunk)
        self.bars = np.concatenate([self.bars, chunk.rows("bars")])
        self.targets = np.concatenate([self.targets, chunk.rows("targets")])
        self.made += chunk.records
        self.renewed += [one for one in chunk.records if isinstance(one, Renewed)]
