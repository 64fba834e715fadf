"""From what the messages of Coinbase Exchange tell to rows, gaps and questions.

In:  rows and numbers of messages that were read whole.
Out: rows and records in `gathered`; what is to be asked in `questions`. Which message tells what: see coinbase.py.
"""

from __future__ import annotations

from ninefold.market.instruments import Instrument, listed
from ninefold.market.time import SECOND_NS
from ninefold.venues import coinbase_wire as wire
from ninefold.venues.adapter import Question
from ninefold.venues.coinbase_series import PAGE_MOST, Series
from ninefold.venues.coinbase_wire import STREAMS, VENUE
from ninefold.venues.hole_rows import HoleRows

SPACING_NS = SECOND_NS // 10  # between questions after a connection: ten a second are allowed


class CoinbaseRows(HoleRows[Series]):
    """What CoinbaseExchange knows, and what it makes of it; its arguments are those of Rows. Products are "BTC-USD"."""

    venue = VENUE
    default_streams = STREAMS
    called = "product"

    def begin(self) -> None:
        super().begin()
        self._level2 = next((stream for stream in self._streams if stream.startswith("level2")), "level2_batch")
        self._products: dict[str, wire.Product] = {}

    def _take(self, of: Instrument, series: Series, row: tuple[int, ...], *, live: bool) -> bool:
        """Keep a trade; True if it is new."""
        exchange_ns, receive_ns, seq, trade_id = row[1], row[2], row[3], row[6]
        is_new, told = series.arrive(trade_id, exchange_ns, receive_ns, live=live)
        if is_new:
            self.gathered.trades.append(row)
        else:
            self.gathered.duplicates += 1
        if series.late:
            self._late[of.venue_symbol] = None
        self._tell(of.venue_symbol, told, seq, receive_ns)
        return is_new

    def _ask_again(self, known_ns: int) -> None:
        """On a new connection: what is still missing, and what came since the last known trade."""
        place = 0
        for symbol in sorted(self._wanted or ()):
            self.seen.update({f"{symbol}@{stream}": known_ns for stream in self._streams})
            series = self._series.get(symbol)
            if series is not None and series.ids.next_id:
                place += self._ask_missing(symbol, known_ns, place * SPACING_NS)
                path = f"/products/{symbol}/trades?before={series.ids.next_id - 1}&limit={PAGE_MOST}"
                self.questions.append(Question("trades", path, not_before_ns=known_ns + place * SPACING_NS))
                place += 1

    def _ask_missing(self, symbol: str, known_ns: int, pause_ns: int = 0) -> bool:
        """Whether there was anything to ask."""
        path = self._series[symbol].ask_missing(symbol, known_ns, pause_ns)
        if path:
            self.questions.append(Question("trades", path, not_before_ns=known_ns + pause_ns))
        return bool(path)

    def _given_up(self, url: str) -> bool:
        """Whether another question for missing trades has taken this one's place."""
        return "?after=" in url and all(series.asked != url for series in self._series.values())

    def _listing(self, symbol: str) -> Instrument:
        product = self._products.get(symbol)
        return wire.listing(product) if product else listed(VENUE, symbol, *wire.split(symbol))

    def _known(self, of: Instrument, seq: int, known_ns: int) -> Series:
        """Keep an instrument's rules if they are new; what is known of its stream."""
        symbol = of.venue_symbol
        if self._instruments.get(symbol) is not of and self._register(symbol, of, seq, known_ns)[1]:
            self._series.setdefault(symbol, Series()).booked = False
        return self._series.setdefault(symbol, Series())
