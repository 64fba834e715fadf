"""The live view: what the API shows at once, folded from the followed stream.

In:  chunks of the stream, statuses of the services, the time when something is published.
Out: the newest rows of everything, in bounded memory, and numbered messages for websocket clients (`feed.py`).
     Pure: no clock, sockets or files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np

from ninefold.api.account import Account
from ninefold.api.feed import Feed, Message
from ninefold.api.messages import Messages
from ninefold.api.rows import Json, bar_columns, bar_row, instrument_row, quote_row
from ninefold.api.series import BarSeries, traded
from ninefold.api.services import Services
from ninefold.api.tape import Tape
from ninefold.bus.status import Status
from ninefold.execution.booked import Booked
from ninefold.formula.one_upping import ONE_UPPED
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Instrument, Registry, UnknownInstrument
from ninefold.market.records import AnyRecord, Equity, Fill, Gap, Halted, Listed, Malformed, Order, Resumed
from ninefold.market.time import TIMEFRAMES, UNKNOWN_NS
from ninefold.market.values import ONE_UPPING, TOLD, told

SNAPSHOT_ROWS = 500  # of each topic: a screen of a page that has just opened; REST has more
EQUITY_SNAPSHOT_ROWS = 2_000
DERIVED_HELD = 500  # targets, forecasts and each of what is told, of one instrument and width; the store has all


class LiveView:
    """mode: 'demo', 'paper' or 'live'.

    first_number: greater than any number that an earlier process gave a message; its start time in ns is.
    """

    def __init__(self, mode: str, registry: Registry | None = None, first_number: int = 1) -> None:
        self.mode = mode
        self.registry = registry if registry is not None else Registry()
        self.feed = Feed(first_number)
        self.series: dict[tuple[int, int], BarSeries] = {}
        self.trades: dict[int, Tape] = {}
        self.targets: dict[tuple[int, int], Tape] = {}
        self.forecasts: dict[tuple[int, int], Tape] = {}
        self.told: dict[tuple[int, int], Tape] = {}
        self.quotes: dict[int, tuple[int, tuple[int, ...]]] = {}  # number of the change, row
        self.values: dict[tuple[int, int, str], float] = {}  # instrument, width_ns, term
        self.one_upped: dict[tuple[int, int], int] = {}  # instrument, width_ns; since which close there is a one-upper
        self.newest_targets: dict[tuple[str, int, int], float] = {}  # strategy, instrument, width_ns
        self.newest_forecasts: dict[tuple[int, int, int], float] = {}  # instrument, width_ns, horizon; mean
        self.last_price: dict[int, int] = {}
        self.trades_seen: Counter[int] = Counter()
        self.messages = Messages(self.instrument)
        self.account = Account()
        self.booked = Booked(self.registry)
        self.services = Services()
        self.counts: Counter[str] = Counter()
        self.halted: Json | None = None
        self.known_ns: int | None = None
        self.last_seq = 0
        self._published_ns = 0

    def instrument(self, id: int) -> Instrument:
        """raises: UnknownInstrument if its listing has not come."""
        if not 1 <= id <= len(self.registry):
            raise UnknownInstrument(
                f"the stream names instrument {id}, and {len(self.registry)} are listed; "
                "start the view with the stored registry"
            )
        return self.registry[id]

    def apply(self, chunk: Chunk) -> None:
        """Fold one chunk. Listings come first: rows of the same chunk may use them."""
        for record in chunk.records:
            if isinstance(record, Listed) and record.instrument.id > len(self.registry):
                self.registry.add(record.instrument)
        for kind, rows in chunk.arrays.items():
            self.counts[kind] += len(rows)
        self._trades(chunk.rows("trades"))
        self._quotes(chunk.rows("quotes"))
        self._bars(chunk.rows("bars"))
        self._derived(chunk)
        for record in chunk.records:
            self._record(record)
        self.known_ns, self.last_seq = chunk.known_ns, chunk.last_seq

    def apply_status(self, status: Status) -> None:
        self.services.put(status)
        if status.service == "notify":
            for row in self.messages.sent_until(status.last_seq):
                self.feed.event("messages", row)

    def publish(self, now_ns: int) -> None:
        """Offer status and services to clients; called once a second."""
        self._published_ns = now_ns
        self.feed.state("status", self.status(now_ns))
        self.feed.state("services", {"services": self.services.rows(now_ns)})

    def status(self, now_ns: int) -> Json:
        rate = self.services.rate("collect")
        return {
            "mode": self.mode,
            "halted": self.halted,
            "messages_per_s": rate if rate is not None else 0.0,
            "trades_stored": self.services.counter("record", "trades_stored"),
            "bars": self.counts["bars"],
            "orders": self.account.orders_seen,
            "equity": self.account.equity_text(),
            "lag_ns": None if self.known_ns is None else now_ns - self.known_ns,
            "gaps": self.counts["gap"],
            "malformed": self.counts["malformed"],
        }

    def changed(self, topic: str, since: int) -> list[Message]:
        """Rows of a merged topic ('bars:NAME:TIMEFRAME', 'quotes:NAME') that changed after a number."""
        kind, _, rest = topic.partition(":")
        if kind == "bars":
            name, _, timeframe = rest.rpartition(":")
            return [
                Message(number, topic, {**head, **bar_row(row, instrument), "open_bar": is_open})
                for instrument, series, head in self._series_named(name, timeframe)
                for number, row, is_open in series.changed_since(since)
            ]
        if kind == "quotes":
            return [
                Message(self.quotes[instrument.id][0], topic, quote_row(self.quotes[instrument.id][1], instrument))
                for instrument in self.registry.current()
                if instrument.name == rest and instrument.id in self.quotes and self.quotes[instrument.id][0] > since
            ]
        return []

    def snapshot(self, topics: Iterable[str]) -> Json:
        """Topic to what REST answers for it (its newest rows); bars also have `open_bar`, a row or null."""
        return {topic: self._snapshot(topic) for topic in topics}

    def _snapshot(self, topic: str) -> Json | None:
        match topic.partition(":")[0]:
            case "messages":
                return {"messages": self.messages.newest(SNAPSHOT_ROWS), "scores": self.messages.scores()}
            case "orders":
                return {"orders": list(islice(self.account.orders(), SNAPSHOT_ROWS))}
            case "fills":
                return {"fills": list(islice(self.account.fills(), SNAPSHOT_ROWS))}
            case "equity":
                return self.account.equity_columns(EQUITY_SNAPSHOT_ROWS)
            case "bars":
                name, _, timeframe = topic.partition(":")[2].rpartition(":")
                return next(self._bar_snapshots(name, timeframe), None)
            case "quotes":
                return next((message.data for message in self.changed(topic, 0)), None)
        return self.feed.latest(topic)

    def _bar_snapshots(self, name: str, timeframe: str) -> Iterator[Json]:
        for instrument, series, head in self._series_named(name, timeframe):
            held = series.open_bar
            open_bar = None if held is None else {**head, **bar_row(held, instrument), "open_bar": True}
            yield {**head, "columns": bar_columns(series.between()[-SNAPSHOT_ROWS:], instrument), "open_bar": open_bar}

    def _series_named(self, name: str, timeframe: str) -> Iterator[tuple[Instrument, BarSeries, Json]]:
        for instrument in self.registry.current():
            series = self.series.get((instrument.id, TIMEFRAMES.get(timeframe, 0)))
            if instrument.name == name and series is not None:
                yield instrument, series, {"instrument": name, "timeframe": timeframe}

    def _trades(self, rows: np.ndarray) -> None:
        for id in np.unique(rows["instrument"]).tolist():
            mine = rows[rows["instrument"] == id]
            self.instrument(id)
            self.trades.setdefault(id, Tape()).add(mine)
            self.last_price[id] = int(mine["price"][-1])
            self.trades_seen[id] += len(mine)
            timed = mine[mine["exchange_ns"] != UNKNOWN_NS]
            if len(timed):
                whole = traded(timed)
                for width_ns in TIMEFRAMES.values():
                    self._series(id, width_ns).preview(timed, whole, self.feed.next())

    def _quotes(self, rows: np.ndarray) -> None:
        for id in np.unique(rows["instrument"]).tolist():
            self.instrument(id)
            newest = rows[rows["instrument"] == id][-1].tolist()
            self.quotes[id] = (self.feed.next(), newest)

    def _bars(self, rows: np.ndarray) -> None:
        for row in rows.tolist():
            self.instrument(row[0])
            self._series(row[0], row[1]).put(row, self.feed.next())

    def _derived(self, chunk: Chunk) -> None:
        """Targets, forecasts and what is told: the newest rows of each instrument and width; of other values the newest one."""
        values = chunk.rows("values")
        for rows, tapes, held in (
            (chunk.rows("targets"), self.targets, DERIVED_HELD),
            (chunk.rows("forecasts"), self.forecasts, DERIVED_HELD),
            (told(values), self.told, DERIVED_HELD * len(TOLD)),
        ):
            for id, width_ns in sorted(set(zip(rows["instrument"].tolist(), rows["width_ns"].tolist(), strict=True))):
                self.instrument(id)
                mine = rows[(rows["instrument"] == id) & (rows["width_ns"] == width_ns)]
                tapes.setdefault((id, width_ns), Tape(held)).add(mine)
        targets = chunk.rows("targets")
        for strategy, id, width_ns, target in targets[["strategy", "instrument", "width_ns", "target"]].tolist():
            self.newest_targets[(strategy.decode(), id, width_ns)] = target
        forecasts = chunk.rows("forecasts")
        for id, width_ns, horizon, mean in forecasts[["instrument", "width_ns", "horizon", "mean"]].tolist():
            self.newest_forecasts[(id, width_ns, horizon)] = mean
        for id, width_ns, close_ns, term, value in values[
            ["instrument", "width_ns", "close_ns", "term", "value"]
        ].tolist():
            self.values[(id, width_ns, term.decode())] = value
            if term == ONE_UPPING:
                self._one_upping((id, width_ns), close_ns, value)

    def _one_upping(self, key: tuple[int, int], close_ns: int, score: float) -> None:
        if score >= ONE_UPPED:
            self.one_upped.setdefault(key, close_ns)
        else:
            self.one_upped.pop(key, None)

    def _series(self, id: int, width_ns: int) -> BarSeries:
        key = (id, width_ns)
        if key not in self.series:
            self.series[key] = BarSeries(id, width_ns)
        return self.series[key]

    def _record(self, record: AnyRecord) -> None:
        self.booked.fold(record)
        message = self.messages.put(record)
        if message is not None:
            self.feed.event("messages", message)
        match record:
            case Order():
                self.feed.event("orders", self.account.order(record, self.instrument(record.instrument)))
            case Fill():
                self.feed.event("fills", self.account.fill(record, self.instrument(record.instrument)))
            case Equity():
                self.feed.event("equity", self.account.equity(record))
            case Halted():
                self._halt({"by": record.by, "reason": record.reason, "since_ns": str(record.known_ns)})
            case Resumed():
                self._halt(None)
            case Gap(healed=False):
                self.counts["gap"] += 1
            case Malformed():
                self.counts["malformed"] += 1

    def _halt(self, halted: Json | None) -> None:
        self.halted = halted
        if self._published_ns:  # clients are told at once, not with the next second
            self.feed.state("status", self.status(self._published_ns))


def instruments(view: LiveView) -> Json:
    """one_upping: the score at the newest close of the narrowest width, null while unknown; one_upped_since_ns: the close
    from which on it has said that there is such a quoter, as far back as this process has heard, null while it does not."""
    narrowest: dict[int, int] = {}
    for id, width_ns, term in sorted(view.values):
        if term == ONE_UPPING.decode():
            narrowest.setdefault(id, width_ns)
    return {"instruments": [_one(view, listed, narrowest.get(listed.id, 0)) for listed in view.registry.current()]}


def _one(view: LiveView, instrument: Instrument, width_ns: int) -> Json:
    since_ns = view.one_upped.get((instrument.id, width_ns))
    return {
        **instrument_row(instrument),
        "one_upping": view.values.get((instrument.id, width_ns, ONE_UPPING.decode())),
        "one_upped_since_ns": None if since_ns is None else str(since_ns),
    }
