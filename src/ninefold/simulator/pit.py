"""One instrument of the generated market: its book, its crowd, and what both make public.

In:  acts of the crowd, own orders. Out: trades and payloads handed to the exchange; nothing leaves before its flush.
Agents' order ids are negative, own ones positive: that is how a match is known to be ours.
"""

from random import Random

from ninefold.simulator import frames
from ninefold.simulator.agents import Act, Crowd, OneUpper
from ninefold.simulator.engine import BUY, SELL, Book, Match
from ninefold.simulator.exchange import Exchange, Listing
from ninefold.simulator.store import UPDATE_IDS_AHEAD, TradeRow

FAST_DEPTH_MS = 100
SLOW_DEPTH_MS = 1_000

Changes = dict[tuple[int, int], int]


class DepthStream:
    """A diff stream: levels changed since the last event, and the id it ended with."""

    def __init__(self, name: str, every_ms: int, update_id: int, phase_ms: int) -> None:
        self.name = name
        self.every_ms = every_ms
        self.last_id = update_id
        self.due_ms = phase_ms
        self.changes: Changes = {}


class Pit:
    """`messages` counts generated market messages (trade, bookTicker, depth@100ms), heard or not."""

    def __init__(self, exchange: Exchange, listing: Listing, random: Random) -> None:
        self.exchange = exchange
        self.listing = listing
        self.instrument = listing.instrument
        start = listing.last.price_ticks if listing.last else self.instrument.start_ticks
        self.book = Book(exchange.store.reserved_update_id(listing.symbol_id))
        self.ceiling = exchange.store.reserve_update_ids(listing.symbol_id, self.book.update_id)
        self.crowd = Crowd(self.instrument, random, start)
        self.one_upper = OneUpper()
        self.messages = 0
        self._agent_id = 0
        self._agg_key: tuple[int, int] | None = None
        self._best: tuple[int, int, int, int] | None = None
        self._is_answered = False  # whether the one-upping quoter has answered to the best prices as they are
        stream, first_id = self.instrument.stream, self.book.update_id
        self._trade, self._agg = f"{stream}@trade", f"{stream}@aggTrade"
        self._ticker = f"{stream}@bookTicker"
        self.fast = DepthStream(f"{stream}@depth@100ms", FAST_DEPTH_MS, first_id, 0)
        self.slow = DepthStream(f"{stream}@depth", SLOW_DEPTH_MS, first_id, 0)

    def open(self) -> None:
        """Let own orders rest again, then fill the book around the last price without touching them."""
        for order in self.exchange.open_orders.values():
            if order.symbol == self.instrument.symbol and not order.waits:
                self.book.submit(order.order_id, order.side, order.price_ticks, order.left_lots, rest=True)
        for act in self.crowd.opening():
            self.do(act)

    def do(self, act: Act) -> None:
        """Carry out an act of the crowd."""
        kind, side, price, lots, order_id = act
        if kind == "cancel":
            self.book.cancel(order_id)
            self.after([], 0, BUY)
            return
        rests = kind == "rest"
        beside = self._beside(side, price) if rests else price
        if beside is None:
            return
        order_id = self._next_agent_id()
        matches = self.book.submit(order_id, side, beside, lots, rests)
        if rests:
            self.crowd.rests(order_id, self.book)
        self.after(matches, order_id, side)

    def answer(self) -> None:
        """Let the one-upping quoter answer, if there is something new for it: neither best price nor its size is as it was."""
        if not self._is_answered:
            self.one_up()

    def one_up(self) -> None:
        """Let the one-upping quoter answer to what changed, or to what the crowd believes in by now."""
        wish, fair = self.one_upper.wish, self.crowd.latent.price
        for side in (BUY, SELL):
            wanted = wish(self.book, side, fair)
            if wanted is None:
                continue
            self.book.cancel(self.one_upper.order_ids.get(side, 0))
            order_id = self._next_agent_id()
            lots = max(1, self.instrument.mean_lots // 2)
            matches = self.book.submit(order_id, side, wanted, lots, rest=True)
            self.one_upper.order_ids[side] = order_id
            self.after(matches, order_id, side)
        self._is_answered = bool(self.book.bids.keys and self.book.asks.keys)

    def after(self, matches: list[Match], taker_id: int, side: int) -> None:
        """Make public what an order did to trades and to the best prices."""
        if matches:
            self._publish_trades(matches, taker_id, side)
        self._publish_ticker()
        if self.book.update_id > self.ceiling - UPDATE_IDS_AHEAD // 2:
            self.ceiling = self.exchange.store.reserve_update_ids(self.listing.symbol_id, self.book.update_id)
        if matches and self.exchange.waiting:
            prices = [match.price_ticks for match in matches]
            self.exchange.traded(self.instrument.symbol, min(prices), max(prices))

    def publish_depth(self, now_ms: int) -> int:
        """Send the diff streams that are due; how many messages that made."""
        if now_ms < self.fast.due_ms:
            return 0
        for side, price, lots in self.book.take_changed():
            self.fast.changes[(side, price)] = lots
            self.slow.changes[(side, price)] = lots
        made = self._emit(self.fast, now_ms)
        self.messages += made
        if now_ms >= self.slow.due_ms:
            self._emit(self.slow, now_ms)
        return made

    def _emit(self, depth: DepthStream, now_ms: int) -> int:
        depth.due_ms = now_ms + depth.every_ms
        last_id = self.book.update_id
        if last_id == depth.last_id:
            return 0
        if depth.name in self.exchange.hub.topics:
            rows = [(side, price, lots) for (side, price), lots in depth.changes.items()]
            payload = frames.depth_update(self.instrument, now_ms, depth.last_id + 1, last_id, rows)
            self.exchange.publish(depth.name, payload)
        depth.changes.clear()
        depth.last_id = last_id
        return 1

    def _publish_trades(self, matches: list[Match], taker_id: int, side: int) -> None:
        exchange, listing = self.exchange, self.listing
        now_ms = exchange.now_ms()
        first_of_agg = 0
        rows = []
        for at, match in enumerate(matches):
            row = self._trade_row(match, taker_id, side, now_ms)
            rows.append(row)
            exchange.record_trade(listing, row)
            self.messages += 1
            if self._trade in exchange.hub.topics:
                exchange.publish(self._trade, frames.trade(self.instrument, row, now_ms))
            if taker_id > 0:
                exchange.fill_own(taker_id, row.trade_id, match, now_ms, is_maker=False)
            if match.maker_id > 0:
                exchange.fill_own(match.maker_id, row.trade_id, match, now_ms, is_maker=True)
            if at + 1 == len(matches) or matches[at + 1].price_ticks != match.price_ticks:
                self._publish_aggregate(row, matches[first_of_agg : at + 1], now_ms)
                first_of_agg = at + 1
        for face in exchange.faces:
            face.traded(listing, rows)

    def _trade_row(self, match: Match, taker_id: int, side: int, now_ms: int) -> TradeRow:
        last = self.listing.last
        same = self._agg_key == (taker_id, match.price_ticks)
        self._agg_key = (taker_id, match.price_ticks)
        trade_id = self.listing.last_trade_id + 1
        agg_id = 1 if last is None else last.agg_id + (0 if same else 1)
        value_e8 = self.instrument.value_e8(match.price_ticks, match.size_lots)
        return TradeRow(
            self.listing.symbol_id, trade_id, trade_id, agg_id, match.price_ticks, match.size_lots, value_e8,
            now_ms, int(side == SELL),
        )  # fmt: skip

    def _publish_aggregate(self, last: TradeRow, matches: list[Match], now_ms: int) -> None:
        if self._agg in self.exchange.hub.topics:
            lots = sum(match.size_lots for match in matches)
            row = last._replace(first_id=last.trade_id - len(matches) + 1, lots=lots)
            self.exchange.publish(self._agg, frames.agg_trade(self.instrument, row, now_ms))

    def _publish_ticker(self) -> None:
        book = self.book
        bids, asks = book.bids, book.asks
        if not bids.keys or not asks.keys:
            self._is_answered = False
            return
        bid, ask = -bids.keys[0], asks.keys[0]
        best = (bid, bids.levels[bid].total_lots, ask, asks.levels[ask].total_lots)
        if best == self._best:
            return
        self._best, self._is_answered = best, False
        self.messages += 1
        if self._ticker in self.exchange.hub.topics:
            payload = frames.book_ticker(self.instrument, book.update_id, best[:2], best[2:])
            self.exchange.publish(self._ticker, payload)

    def _beside(self, side: int, price_ticks: int) -> int | None:
        """The price moved so that it does not cross; None if there is no room."""
        other = self.book.side(-side).best()
        if other is not None and (price_ticks - other) * side >= 0:
            price_ticks = other - side
        return price_ticks if price_ticks >= 1 else None

    def _next_agent_id(self) -> int:
        self._agent_id -= 1
        return self._agent_id
