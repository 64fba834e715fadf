"""A trading session for the risk gate, drawn at random: prices, gaps, fills, halts and orders of any kind.

In:  a seed. Out: orders that were approved, each with the limits that it breaks by the slow oracle.
"""

import msgspec
import numpy as np

from ninefold.execution.account import Account
from ninefold.execution.canary import Canary
from ninefold.execution.orders import begin, follow
from ninefold.execution.rejections import Rejections
from ninefold.execution.returns import Returns
from ninefold.execution.risk import RiskState, check
from ninefold.execution.rules import AccountRules
from ninefold.execution.shown import Shown
from ninefold.execution.under_way import pending, pending_parts
from ninefold.execution.worth import Worth
from ninefold.market.arrays import BAR_OK, BAR_UNKNOWN, BARS, rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry, listed
from ninefold.market.records import Balance, Equity, Fill, Flatten, Halted, Late, Order, Shared
from ninefold.market.time import MINUTE_NS, SECOND_NS

from .gate_oracle import ONE, Happened, broken, need

MID = {1: 50_000_00, 2: 2_000_00, 3: 50_500_00, 4: 3 * ONE}
LIMITS = {  # what a session may draw tight: most of them bind at some hundreds
    "max_order": 300 * ONE,
    "max_position": 500 * ONE,
    "max_orders_per_minute": 3,
    "max_instrument": 500 * ONE,
    "max_venue": 700 * ONE,
    "max_total": 700 * ONE,
    "max_strategy": 300 * ONE,
    "price_band_ppm": 20_000,
    "max_skew_ns": SECOND_NS,
    "max_daily_loss_ppm": 20_000,
    "max_drawdown_ppm": 50_000,
    "max_var": 2 * ONE,
    "max_cvar": 3 * ONE,
    "canary": 200 * ONE,
}
LOOSE = {
    **dict.fromkeys(LIMITS, None),
    **dict.fromkeys(("max_order", "max_position"), 10**20),
    "max_orders_per_minute": 10**6,
}
FAULTS = (
    "halt",
    "flatten",
    "awaited",
    "unknown bar",
    "stale",
    "late",
    "lopsided",
    "poor",
    "skewed",
    "lost",
    "unknown worth",
)


def registry() -> Registry:
    known = Registry()
    band = {"price_band": ("0.9", "1.02", "0.98", "1.1")}
    known.add(
        listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.0001", min_notional="5", min_size=2, **band)
    )
    known.add(listed("binance", "ETHUSDT", "ETH", "USDT", tick="0.01", lot="0.001", min_notional="5"))
    known.add(listed("kraken", "XBTUSDT", "BTC", "USDT", tick="0.01", lot="0.0001"))
    known.add(listed("binance", "XRPUSDT", "XRP", "USDT"))
    return known


class Session:
    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        tight = {name: LIMITS[name] for name in LIMITS if self.rng.random() < 0.12}
        self.rules = AccountRules(account="main", venue="binance", quote="USDT", canary_orders=1, **{**LOOSE, **tight})
        self.registry = registry()
        self.known = Happened()
        self.shown, self.account = Shown(self.registry, "binance"), Account()
        self.worth, self.returns = Worth(), Returns({MINUTE_NS})
        self.tracked = {}
        self.rejections = Rejections()
        self.venue = np.random.default_rng([seed, 1])  # what it says beside fills
        self.refuses = self.venue.random() < 0.12
        self.seq = 0
        self._history()
        self._balance("USDT", 10_000 * ONE)
        for asset in ("BTC", "ETH", "XRP"):
            self._balance(asset, 10 * ONE)

    def run(self, steps: int = 12) -> list[tuple[Order, set[str]]]:
        """Approved orders, each with what it breaks."""
        found = []
        for _ in range(steps):
            self._market()
            found += self._decide()
            self._answers()
            self._fills()
        return found

    def _history(self) -> None:
        """Minutes before; seldom too few of them."""
        count = 60 if self.rng.random() < 0.1 else 130
        for one in MID:
            closes = (MID[one] * np.exp(np.cumsum(self.rng.normal(0, 0.004, count)))).astype(int)
            self.known.closes[one] = closes.tolist()
            bars = np.zeros(count, BARS)
            bars["instrument"], bars["width_ns"], bars["close"] = one, MINUTE_NS, closes
            bars["close_ns"] = np.arange(1, count + 1) * MINUTE_NS
            self.returns.fold(bars)

    def _market(self) -> None:
        """One to thirty seconds later, sometimes with something wrong in it."""
        known, rng = self.known, self.rng
        self.seq += 1
        known.now += int(rng.integers(1, 30)) * SECOND_NS
        known.taken, known.skew_ns, known.halted, known.flattened, known.awaited = {}, 0, None, {}, []
        fault = str(rng.choice(FAULTS)) if rng.random() < 0.4 else ""
        values = []
        for one, mid in MID.items():
            if one not in known.quotes or not (fault == "stale" and rng.random() < 0.7):
                at = int(mid * (1 + rng.normal(0, 0.01)))
                half = int(mid * (0.03 if rng.random() < 0.1 else 0.0001))
                bid = 0 if fault == "lopsided" and rng.random() < 0.5 else at - half
                known.quotes[one], known.seen[one] = (bid, at + half), known.now
                values.append((one, known.now, known.now, self.seq, self.seq, bid, 9, at + half, 9))
        known.late = {"binance": 3 * SECOND_NS if fault == "late" else 0}
        known.unknown_bars = {int(rng.integers(1, 4))} if fault == "unknown bar" else set()
        bars = np.zeros(len(MID), BARS)
        bars["instrument"], bars["width_ns"], bars["close_ns"] = list(MID), SECOND_NS, known.now
        bars["state"] = [BAR_UNKNOWN if one in known.unknown_bars else BAR_OK for one in MID]
        late = [Late(seq=self.seq, known_ns=known.now, venue="binance", behind_ns=known.late["binance"])]
        self.shown.fold(Chunk(self.seq, self.seq, known.now, {"quotes": rows("quotes", values), "bars": bars}, late))
        self._told(fault)

    def _told(self, fault: str) -> None:
        known = self.known
        if fault == "halt":
            known.halted = Halted(seq=self.seq, known_ns=known.now, by="ada", reason="")
        if fault == "flatten" or (fault == "halt" and self.rng.random() < 0.5):
            known.flattened = {"binance:BTC/USDT": Flatten(seq=self.seq, known_ns=known.now, by="ada")}
        if fault == "awaited":
            known.awaited = ["its balances"]
        if fault == "skewed":
            known.skew_ns = int(self.rng.choice([-1, 1])) * 2 * SECOND_NS
        if fault == "poor":
            self._balance("USDT", int(self.rng.integers(0, 300)) * ONE)
            self._balance("BTC", int(self.rng.integers(0, ONE // 1_000)))
        value = int(10_000 * ONE * (1 - (self.rng.uniform(0, 0.1) if fault == "lost" else 0)))
        known.equity.append((known.now, None if fault == "unknown worth" else value))
        self.worth.see(Equity(seq=self.seq, known_ns=known.now, quote="USDT", value=known.equity[-1][1]))

    def _balance(self, asset: str, free: int) -> None:
        self.known.free[asset] = free
        self.account.show(Balance(seq=self.seq, known_ns=self.known.now, asset=asset, free=free, locked=0))

    def _decide(self) -> list[tuple[Order, set[str]]]:
        known = self.known
        intents = [self._intent(number) for number in range(int(self.rng.integers(1, 4)))]
        wanted = {one.client_order_id: self._wants(one) for one in intents}
        state = RiskState(
            known.now, self.rules, self.registry, self.shown, self.account, known.halted,
            [one.known_ns for one in known.orders], known.awaited, pending(self.tracked.values(), self.registry),
            known.skew_ns, self.worth, self.returns, wanted, known.flattened,
            pending_parts(self.tracked.values(), self.registry, self.account.attribution), Canary(self.rules),
            self.rejections,
        )  # fmt: skip
        found = []
        for each in check(state, intents)[0]:
            order = each.order
            known.wanted[order.client_order_id] = wanted[order.client_order_id]
            found.append((order, broken(known, self.rules, self.registry, order)))
            known.orders.append(order)
            self.tracked[order.client_order_id] = begin(order)
            self.account.attribution.follow(order)
            if shares := wanted[order.client_order_id]:
                self.account.attribution.share(
                    Shared(seq=1, known_ns=1, client_order_id=order.client_order_id, instrument=1, wanted=shares)
                )
            asset, amount = need(self.registry[order.instrument], order, known.quotes[order.instrument])
            known.taken[asset] = known.taken.get(asset, 0) + amount
        return found

    def _intent(self, number: int) -> Order:
        rng = self.rng
        instrument = self.registry[int(rng.choice([1, 2, 3, 4], p=[0.5, 0.42, 0.04, 0.04]))]
        held = sum(fill.side * fill.size for fill in self.known.fills if fill.instrument == instrument.id)
        side = -1 if held and rng.random() < 0.4 else 1
        lots = max(1, int(rng.uniform(0.0, 400) * ONE / MID[instrument.id] / ONE * 100 * 10**instrument.size_decimals))
        size = lots if rng.random() < 0.05 else max(1, lots // instrument.lot_size) * instrument.lot_size
        if instrument.id < 3 and rng.random() < 0.9:
            step = 10 if instrument.id == 2 else 1
            size = max(1, int(rng.uniform(0, 60))) * step * instrument.lot_size
        if side < 0 and rng.random() < 0.5:
            size = held
        flat = rng.random() < 0.1
        price = 0
        if rng.random() < 0.3:
            price = int(MID[instrument.id] * rng.uniform(0.97, 1.03))
            price -= 0 if rng.random() < 0.1 else price % instrument.tick_size
        return Order(
            seq=self.seq, known_ns=self.known.now, client_order_id=f"nf-{self.seq}-{number}", instrument=instrument.id,
            side=side, size=size, status="intended", order_type="limit" if price else "market", price=price,
            reduce_only=flat, strategies=("flatten",) if flat else ("fast", "slow"),
        )  # fmt: skip

    def _wants(self, order: Order) -> dict[str, int]:
        if self.rng.random() < 0.05:
            return {}
        amount = order.size * 10 ** (8 - self.registry[order.instrument].size_decimals)
        part = int(amount * self.rng.random())
        return {"fast": order.side * part, "slow": order.side * (amount - part)}

    def _answers(self) -> None:
        """A venue that refuses rejects most new orders, some time later, and takes the others."""
        for name, tracked in list(self.tracked.items()) if self.refuses else ():
            if tracked.order.status != "intended":
                continue
            no = self.venue.random() < 0.7
            at = self.known.now + int(self.venue.integers(0, 10)) * SECOND_NS // 10
            self._say(name, msgspec.structs.replace(tracked.order, status="rejected" if no else "working", known_ns=at))
            if no:
                self.known.over[name] = 0
                self.tracked.pop(name)

    def _say(self, name: str, update: Order) -> None:
        self.known.said.append((update.known_ns, "rejected" if update.status == "rejected" else "took", update))
        before = self.tracked[name]
        self.tracked[name] = follow(before, update)
        self.rejections.see(before, self.tracked[name])

    def _fills(self) -> None:
        """Some of the open orders are filled in part or in full, some end."""
        for name, tracked in list(self.tracked.items()):
            order = tracked.order
            left = order.size - sum(fill.size for fill in tracked.fills.values())
            if self.rng.random() < 0.6:
                size = left if self.rng.random() < 0.6 else int(self.rng.integers(1, left + 1))
                self._fill(order, size)
                left -= size
            if left == 0 or self.rng.random() < 0.2:
                self.known.over[name] = order.size - left
                self.tracked.pop(name)

    def _fill(self, order: Order, size: int) -> None:
        bid, ask = self.known.quotes[order.instrument]
        fill = Fill(
            seq=self.seq, known_ns=self.known.now, client_order_id=order.client_order_id, instrument=order.instrument,
            side=order.side, price=ask if order.side > 0 else bid, size=size, fee=0, fee_asset="",
            trade_id=f"{order.client_order_id}-{len(self.known.fills)}", exchange_ns=self.known.now,
        )  # fmt: skip
        self.known.fills.append(fill)
        self.account.book(fill, self.registry[order.instrument])
        before = self.tracked[order.client_order_id]
        self.tracked[order.client_order_id] = follow(before, fill)
        self.rejections.see(before, self.tracked[order.client_order_id])
        self.known.said.append((self.known.now, "took", order))
