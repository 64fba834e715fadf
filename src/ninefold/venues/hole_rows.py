"""From series of trades with holes to gaps and questions, alike for venues whose trades are counted by `TradeHoles`.

In:  what a series tells: holes that opened, and that they were healed; the time.
Out: records of gaps; what was missed is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from ninefold.market.numbers import INT64_MAX
from ninefold.market.records import Gap
from ninefold.venues.form import Form
from ninefold.venues.rows import Rows
from ninefold.venues.trade_holes import Hole, Told, TradeHoles

if TYPE_CHECKING:
    from ninefold.venues.quick import Quick

Series = TypeVar("Series", bound=TradeHoles)


class HoleRows(Rows, Generic[Series]):
    """Rows of a venue whose commonest message may take the short way (Quickened)."""

    quick: Quick | None = None
    best_form: Form | None = None

    def begin(self) -> None:
        self._series: dict[str, Series] = {}
        self._late: dict[str, None] = {}  # symbols with trades that may come late
        self._connected = False

    def _ask_missing(self, symbol: str, known_ns: int) -> object:
        """Ask for what is missing of a symbol. Each venue has its own way."""
        raise NotImplementedError

    def quick_until_ns(self) -> int:
        return min([self._series[symbol].late_until_ns() for symbol in self._late], default=INT64_MAX)

    def settled_best(self, symbol: str, best_id: int, seen_ns: int) -> None:
        """Without a form of it there is nothing to settle."""

    def _know(self, series: dict[str, Series], connected: bool) -> None:
        """Go on with what was saved."""
        self._series, self._connected = series, connected
        self._late = {symbol: None for symbol, one in series.items() if one.late}

    def _pass_time(self, seq: int, now_ns: int) -> None:
        """Tell what has not come although it is late."""
        for symbol in list(self._late):
            self._tell(symbol, self._series[symbol].pass_time(now_ns), seq, now_ns)
            if not self._series[symbol].late:
                del self._late[symbol]

    def _tell(self, symbol: str, told: list[Told], seq: int, known_ns: int) -> None:
        """Holes that opened are asked for."""
        for hole, healed in told:
            self.gathered.records.append(gap(self._instruments[symbol].id, hole, seq, known_ns, healed=healed))
        if any(not one.healed for one in told):
            self._ask_missing(symbol, known_ns)


def gap(instrument: int, hole: Hole, seq: int, known_ns: int, *, stream: str = "trades", healed: bool = False) -> Gap:
    """A hole as it is told."""
    return Gap(
        seq=seq,
        known_ns=known_ns,
        instrument=instrument,
        stream=stream,
        from_id=hole.first,
        to_id=hole.last,
        from_ns=hole.from_ns,
        to_ns=hole.to_ns,
        healed=healed,
    )
