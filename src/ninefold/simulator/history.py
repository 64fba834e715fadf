"""Questions about public trades, answered from the store.

In:  a connection that reads (the writer's at start, a reader's later), a symbol's id.
Out: trades, aggregates and one-second candles. Trades of one symbol rise in time with their id, so a moment is found by
     bisection over ids and no index on time is needed.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from ninefold.simulator.candles import SECOND_MS, Candle, Candles, CandleTrade, add, flat, fresh
from ninefold.simulator.store import TradeRow

MAX_ID = 2**63 - 1
Reached = Callable[[TradeRow], bool]


class History:
    """One reader. Not to be used by two threads at once."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None, check_same_thread=False)

    def close(self) -> None:
        self.db.close()

    def trades_from(self, symbol_id: int, from_id: int, limit: int) -> list[TradeRow]:
        rows = self.db.execute(
            "select * from trades where symbol_id = ? and trade_id >= ? order by trade_id limit ?",
            (symbol_id, from_id, limit),
        )
        return [TradeRow(*row) for row in rows]

    def last_trades(self, symbol_id: int, limit: int) -> list[TradeRow]:
        rows = self.db.execute(
            "select * from trades where symbol_id = ? order by trade_id desc limit ?", (symbol_id, limit)
        )
        return [TradeRow(*row) for row in rows][::-1]

    def span(self, symbol_id: int) -> tuple[int, TradeRow | None, TradeRow | None]:
        """Number of stored trades, the first and the last of them."""
        count = self.db.execute("select count(*) from trades where symbol_id = ?", (symbol_id,)).fetchone()[0]
        first, last = self.trades_from(symbol_id, 0, 1), self.last_trades(symbol_id, 1)
        return int(count), first[0] if first else None, last[0] if last else None

    def first_at(self, symbol_id: int, time_ms: int) -> int:
        """The id of the first trade at or after a moment; MAX_ID if there is none."""
        return self._bisect(symbol_id, lambda row: row.time_ms >= time_ms)

    def aggregates(
        self, symbol_id: int, from_agg: int | None, start_ms: int | None, end_ms: int | None, limit: int
    ) -> list[TradeRow]:
        """Aggregates as rows whose `first_id` and `trade_id` span them; the newest ones without any bound."""
        if from_agg is not None:
            start = self._bisect(symbol_id, lambda row: row.agg_id >= from_agg)
        elif start_ms is not None:
            start = self.first_at(symbol_id, start_ms)
        else:
            return self._newest_aggregates(symbol_id, end_ms, limit)
        first = self.trades_from(symbol_id, start, 1)
        if not first:
            return []
        full = first[0].agg_id + limit  # aggregate ids have no gaps
        stop = MAX_ID if end_ms is None else self.first_at(symbol_id, end_ms + 1)
        return self._grouped(symbol_id, start, min(stop, self._bisect(symbol_id, lambda row: row.agg_id >= full)))

    def seconds(self, symbol_id: int, start_ms: int, end_ms: int) -> list[Candle]:
        """One-second candles that open in [start_ms, end_ms], both whole seconds; flat ones included."""
        first = self.first_at(symbol_id, start_ms)
        before = self.db.execute(
            "select price_ticks from trades where symbol_id = ? and trade_id < ? order by trade_id desc limit 1",
            (symbol_id, first),
        ).fetchone()
        stop = self.first_at(symbol_id, end_ms + SECOND_MS)
        candles: dict[int, Candle] = {}
        for row in self._between(symbol_id, first, stop):
            open_ms = row.time_ms // SECOND_MS * SECOND_MS
            if open_ms in candles:
                add(candles[open_ms], candle_trade(row))
            else:
                candles[open_ms] = fresh(open_ms, candle_trade(row))
        close = None if before is None else int(before[0])
        result = []
        for open_ms in range(start_ms, end_ms + 1, SECOND_MS):
            candle = candles.get(open_ms)
            if candle is None and close is not None:
                candle = flat(open_ms, close)
            if candle is not None:
                result.append(candle)
                close = candle.close
        return result

    def candles(self, symbol_id: int) -> Candles:
        """The minutes so far: the stored ones, and what was traded after the last of them."""
        rows = self.db.execute("select * from minutes where symbol_id = ? order by open_ms", (symbol_id,))
        known = Candles([Candle(*row[1:]) for row in rows])
        after = known.minutes[-1].last_id + 1 if known.minutes else 0
        for row in self._between(symbol_id, after, MAX_ID):
            known.add(candle_trade(row))
        return known

    def _between(self, symbol_id: int, start_id: int, stop_id: int) -> list[TradeRow]:
        rows = self.db.execute(
            "select * from trades where symbol_id = ? and trade_id >= ? and trade_id < ? order by trade_id",
            (symbol_id, start_id, stop_id),
        )
        return [TradeRow(*row) for row in rows]

    def _grouped(self, symbol_id: int, start_id: int, stop_id: int) -> list[TradeRow]:
        rows = self.db.execute(
            "select symbol_id, max(trade_id), min(first_id), agg_id, price_ticks, sum(lots), sum(value_e8),"
            " min(time_ms), buyer_is_maker from trades where symbol_id = ? and trade_id >= ? and trade_id < ?"
            " group by agg_id order by agg_id",
            (symbol_id, start_id, stop_id),
        )
        return [TradeRow(*row) for row in rows]

    def _newest_aggregates(self, symbol_id: int, end_ms: int | None, limit: int) -> list[TradeRow]:
        stop = MAX_ID if end_ms is None else self.first_at(symbol_id, end_ms + 1)
        row = self.db.execute(
            "select agg_id from trades where symbol_id = ? and trade_id < ? order by trade_id desc limit 1",
            (symbol_id, stop),
        ).fetchone()
        if row is None:
            return []
        oldest = int(row[0]) - limit + 1
        return self._grouped(symbol_id, self._bisect(symbol_id, lambda each: each.agg_id >= oldest), stop)

    def _bisect(self, symbol_id: int, reached: Reached) -> int:
        ends = self.trades_from(symbol_id, 0, 1) + self.last_trades(symbol_id, 1)
        if not ends:
            return MAX_ID
        low, high = ends[0].trade_id, ends[-1].trade_id
        answer = MAX_ID
        while low <= high:
            middle = (low + high) // 2
            row = self.trades_from(symbol_id, middle, 1)[0]
            if reached(row):
                answer, high = row.trade_id, middle - 1
            else:
                low = row.trade_id + 1
        return answer


def candle_trade(row: TradeRow) -> CandleTrade:
    return CandleTrade(
        row.time_ms, row.price_ticks, row.lots, row.value_e8, bool(row.buyer_is_maker), row.first_id, row.trade_id
    )
