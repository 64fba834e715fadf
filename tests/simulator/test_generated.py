"""The generated market without sockets: what the crowd does, and that it does as much as was asked."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest

from ninefold.simulator import exchange
from ninefold.simulator.agents import Crowd, OneUpper
from ninefold.simulator.engine import BUY, SELL, Book
from ninefold.simulator.exchange import Exchange
from ninefold.simulator.faults import Faults
from ninefold.simulator.generated import MOST_ACTS, GeneratedMarket
from ninefold.simulator.hub import Hub
from ninefold.simulator.instruments import GENERATED
from ninefold.simulator.pit import Pit
from ninefold.simulator.store import Store


@pytest.fixture
def market(tmp_path: Path) -> Iterator[GeneratedMarket]:
    store = Store(tmp_path / "exchange.sqlite")
    exchange = Exchange(store, Hub(Faults()), list(GENERATED.values()))
    market = GeneratedMarket(exchange, seed=7, rate=1_000)
    market.open()
    yield market
    store.close()


def run(market: GeneratedMarket, seconds: float, slice_seconds: float = 0.005) -> None:
    """Let market time pass without waiting for it."""
    for _ in range(round(seconds / slice_seconds)):
        market.advance(slice_seconds)


def test_the_crowd_makes_as_many_messages_as_were_asked_for(market: GeneratedMarket):
    run(market, 5)
    messages = sum(pit.messages for pit in market.pits.values())
    assert messages == pytest.approx(5_000, rel=0.1)
    trades = {symbol: listing.trades for symbol, listing in market.exchange.listings.items()}
    assert all(count > 50 for symbol, count in trades.items() if symbol != "ADABTC")
    assert sum(trades.values()) < 0.6 * messages


def test_books_are_deep_never_crossed_and_own_money_is_untouched_by_the_crowd(market: GeneratedMarket):
    before = {asset: balance.free_e8 for asset, balance in market.exchange.account.balances.items()}
    for _ in range(20):
        run(market, 0.1)
        for pit in market.pits.values():
            bid, ask = pit.book.bids.best(), pit.book.asks.best()
            assert bid is not None and ask is not None and bid < ask
            assert len(pit.book.bids.keys) > 5 and len(pit.book.asks.keys) > 5
    assert {asset: each.free_e8 for asset, each in market.exchange.account.balances.items()} == before


def test_a_quiet_instrument_has_whole_minutes_without_a_trade(market: GeneratedMarket):
    crowd = Crowd(GENERATED["ADABTC"], Random(3), 1_100)
    book, number, trades_at = Book(), 0, []
    for second in range(3_600):
        crowd.pass_time(1.0)
        act = crowd.next(book)
        number -= 1
        if act.kind == "cancel":
            book.cancel(act.order_id)
        elif book.submit(number, act.side, act.price_ticks, act.lots, rest=act.kind == "rest") and act.kind == "take":
            trades_at.append(second)
        if act.kind == "rest":
            crowd.rests(number, book)
    minutes = {second // 60 for second in trades_at}
    assert 10 < len(minutes) < 50


def test_the_one_upper_improves_by_one_tick_what_somebody_else_has_set_and_never_crosses():
    book, quoter = Book(), OneUpper()
    book.submit(-1, BUY, 100, 5, rest=True)
    book.submit(-2, SELL, 103, 5, rest=True)
    assert quoter.wish(book, BUY, fair=101.5) == 101
    book.submit(-3, BUY, 101, 5, rest=True)
    quoter.order_ids[BUY] = -3
    assert quoter.wish(book, BUY, fair=101.5) is None  # the best is its own
    book.submit(-4, SELL, 102, 5, rest=True)
    assert quoter.wish(book, SELL, fair=101.5) is None  # there is no room
    assert quoter.wish(book, BUY, fair=101.5) is None


def test_the_price_moves_enough_to_trade_on_and_comes_back():
    crowd = Crowd(GENERATED["BTCUSDT"], Random(1), 6_000_000)
    prices = []
    for _ in range(4 * 3600):
        crowd.pass_time(1.0)
        prices.append(crowd.latent.price)
    minutes = [abs(after / before - 1) for before, after in zip(prices[::60], prices[60::60], strict=False)]
    assert 0.0005 < sum(minutes) / len(minutes) < 0.02
    assert 3_000_000 < min(prices) <= max(prices) < 12_000_000


class ObviousCrowd(Crowd):
    """Draws with the library's own words."""

    def _doomed(self, book: Book) -> int | None:
        picked = [found for found in (self._pick(book), self._pick(book)) if found is not None]
        return max(picked, key=lambda each: abs(book.resting[each].price_ticks - self.latent.price), default=None)

    def _pick(self, book: Book) -> int | None:
        while self.resting:
            at = self.random.randrange(len(self.resting))
            if self.resting[at] in book.resting:
                return self.resting[at]
            self.resting[at] = self.resting[-1]
            self.resting.pop()
        return None


class ObviousMarket(GeneratedMarket):
    """Its one-upping quoter looks after each act, whatever that was."""

    def open(self) -> None:
        for pit in self.pits.values():
            crowd = pit.crowd
            pit.crowd = ObviousCrowd(crowd.instrument, crowd.random, int(crowd.latent.price))
        super().open()

    def _crowds(self) -> None:
        weights, acts = [pit.instrument.busy for pit in self._busy], 0
        while self._owed >= 1 and acts < MOST_ACTS * self.rate:
            self._owed -= self._act(self.random.choices(self._busy, weights)[0])
            acts += 1

    def _act(self, pit: Pit) -> int:
        before = pit.messages
        pit.do(pit.crowd.next(pit.book))
        pit.one_up()
        return pit.messages - before


def test_what_is_done_fast_is_what_the_obvious_way_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    now_ns = [10**18]
    monkeypatch.setattr(exchange, "time", SimpleNamespace(time_ns=lambda: now_ns[0]))
    books, traded = [], []
    for kind in (GeneratedMarket, ObviousMarket):
        store = Store(tmp_path / f"{kind.__name__}.sqlite")
        market = kind(Exchange(store, Hub(Faults()), list(GENERATED.values())), seed=3, rate=1_000)
        now_ns[0] = 10**18
        market.open()
        for _ in range(200):
            now_ns[0] += 5 * 10**6
            market.advance(0.005)
        books.append({name: [*pit.book.bids.rows(), *pit.book.asks.rows()] for name, pit in market.pits.items()})
        rows = store.db.execute(
            "select symbol_id, trade_id, price_ticks, lots, buyer_is_maker from trades order by 1, 2"
        )
        traded.append(rows.fetchall())
        store.close()
    assert books[0] == books[1]
    assert traded[0] == traded[1] and len(traded[0]) > 100
