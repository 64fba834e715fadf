"""What the compiled short way knows of an adapter's symbols, and one run over it.

In:  symbols that the adapter teaches: how their numbers are held, and which trade comes next.
Out: rows of trades and quotes, and on `settle` what the adapter has to know of them: the next trade, the latest time, the newest
     change of the best bid and ask, when each was seen.

An adapter teaches a symbol when it has read one of its trades and nothing of it is in doubt, and lets it be forgotten
whenever something else happens to it. Until then, and for all other messages, its own way is taken: it settles the symbol of
a frame itself (to settle all of them for each such frame took longer than all else), and is settled for whatever may look at
any symbol.
"""

from __future__ import annotations

import numpy as np

from ninefold.journal.plain import Frames
from ninefold.market.arrays import QUOTES, TRADES
from ninefold.market.clock import OffsetEstimate
from ninefold.market.instruments import Instrument, listed
from ninefold.venues import quick_loop as loop
from ninefold.venues.adapter import Quickened
from ninefold.venues.form import SAID, Form, form
from ninefold.venues.quick_names import NAME_MOST, NAME_WORDS, name_words, place_of

LONG = 8  # records of a run; from there on its beginning, which takes as long as to read one in Python, costs next to nothing
MOST_REST = 15  # records that take the adapter's way before the next try, while runs are short
FEW = 128  # symbols that there is room for at first
NO_FORM = Form(())


class Quick:
    """Of one adapter."""

    def __init__(self, adapter: Quickened) -> None:
        self._settled, self._settled_best = adapter.settled, adapter.settled_best
        self.until_ns = adapter.quick_until_ns
        self._rows: dict[str, int] = {}
        self._symbols: list[str] = []
        self._known = loop.Known(
            *adapter.form.steps(),
            *(adapter.best_form or NO_FORM).steps(),
            said=np.zeros((2, SAID), np.int64),
            slots=np.zeros((2 * FEW, NAME_WORDS + 1), np.uint64),
            states=np.zeros((FEW, loop.STATES), np.int64),
            touched=np.zeros(FEW, np.int32),
        )
        self._control = np.zeros(loop.CONTROLS, np.int64)
        self._frames_seq = -1  # the last one of the frames that were read last; they themselves are let go
        self._all_rows, self._all_lags = np.empty(0, TRADES), np.empty(0, np.int64)  # of these frames
        self._all_quotes = np.empty(0, QUOTES)
        self._traded = self._quoted = 0  # how many of them are used
        self._rest, self._rested = 0, 0

    @property
    def is_due(self) -> bool:
        """Whether to try a run at the next record. Among mixed messages runs are short: there it is tried more rarely."""
        self._rested += 1
        return self._rested > self._rest

    def teach(self, symbol: str, of: Instrument, next_id: int, last_ns: int) -> None:
        """The next trade of a symbol, which must be settled, is next_id; the latest one so far was at last_ns."""
        row = self._rows.get(symbol)
        if row is None:
            row = self._add(symbol)
            if row is None:
                return
        self._known.states[row, : loop.BEST_ID] = (of.id, of.price_decimals, of.size_decimals, next_id, last_ns)

    def forget(self, symbol: str) -> None:
        """Of a symbol: no trade has this number."""
        self.settle_one(symbol)
        row = self._rows.get(symbol)
        if row is not None:
            self._known.states[row, loop.NEXT_ID] = -1

    def forget_all(self) -> None:
        self.settle()
        self._known.states[:, loop.NEXT_ID] = -1

    def settle(self) -> None:
        """Tell the adapter what has happened to its symbols."""
        count = int(self._control[loop.TOUCHED])
        if not count:
            return
        states, touched = self._known.states, self._known.touched[:count]
        for row, state in zip(touched.tolist(), states[touched, loop.NEXT_ID : loop.IS_TOUCHED].tolist(), strict=True):
            self._tell(self._symbols[row], state)
        states[touched, loop.SEEN_NS :] = 0
        self._control[loop.TOUCHED] = 0

    def settle_one(self, symbol: str) -> None:
        """The same of one symbol. It stays among those that were touched, with nothing to tell."""
        row = self._rows.get(symbol)
        if row is None:
            return
        states = self._known.states
        self._tell(symbol, states[row, loop.NEXT_ID : loop.IS_TOUCHED].tolist())
        states[row, loop.SEEN_NS : loop.IS_TOUCHED] = 0

    def _tell(self, symbol: str, state: list[int]) -> None:
        next_id, last_ns, best_id, seen_ns, best_seen_ns = state
        if seen_ns:
            self._settled(symbol, next_id, last_ns, seen_ns)
        if best_seen_ns:
            self._settled_best(symbol, best_id, best_seen_ns)

    def run(
        self,
        frames: Frames,
        at: int,
        window: np.ndarray,
        offset: np.ndarray,
        now_ns: int,
        tick_ns: int,
        behind_ns: int | None,
        until_ns: int,
    ) -> Run:
        """Take records from byte `at` on until one is of no form: see quick_loop.run.

        window, offset: of the connection, see OffsetEstimate. now_ns: of this venue's clock. tick_ns: the time of the
        leading clock at which the run has to end; behind_ns: how far that one is behind ours, None: it is this venue's.
        """
        control = self._control
        control[loop.CONNECTION], control[loop.NOW_NS], control[loop.TICK_NS] = frames.connection, now_ns, tick_ns
        control[loop.LEADS], control[loop.LEAD_MEDIAN_NS] = behind_ns is None, behind_ns or 0
        control[loop.UNTIL_NS] = until_ns
        rows, lags, quotes = self._room(frames)
        loop.run(frames.data, at, frames.end, self._known, window, offset, control, rows, lags, quotes)
        run = Run(control.tolist(), rows, lags, quotes)
        self._traded, self._quoted = self._traded + len(run.rows), self._quoted + len(run.quotes)
        goes_well = run.count >= LONG or run.why == loop.UNTAUGHT  # the adapter teaches that symbol now
        self._rest, self._rested = 0 if goes_well else min(2 * self._rest + 1, MOST_REST), 0
        return run

    def _room(self, frames: Frames) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """For the rows and lags of what is left of the same frames: one piece of memory for all runs over them."""
        if frames.last_seq != self._frames_seq:
            self._frames_seq, self._traded, self._quoted = frames.last_seq, 0, 0
            self._all_rows, self._all_lags = np.empty(frames.count, TRADES), np.empty(frames.count, np.int64)
            self._all_quotes = np.empty(frames.count, QUOTES)
        return self._all_rows[self._traded :], self._all_lags[self._traded :], self._all_quotes[self._quoted :]

    def _add(self, symbol: str) -> int | None:
        name = symbol.encode()
        if not 0 < len(name) <= NAME_MOST or not name.isascii():
            return None
        row = len(self._symbols)
        if row == len(self._known.states):
            self._grow()
        self._rows[symbol] = row
        self._symbols.append(symbol)
        self._place(symbol)
        return row

    def _grow(self) -> None:
        """Four times as many, and slots that stay half empty."""
        old = self._known
        self._known = old._replace(
            slots=np.zeros((4 * len(old.slots), NAME_WORDS + 1), np.uint64),
            states=np.concatenate([old.states, np.zeros((3 * len(old.states), loop.STATES), np.int64)]),
            touched=np.concatenate([old.touched, np.zeros(3 * len(old.touched), np.int32)]),
        )
        for symbol in self._symbols:
            self._place(symbol)

    def _place(self, symbol: str) -> None:
        slots, words = self._known.slots, name_words(symbol.encode())
        slots[place_of(words, slots)] = [*words, self._rows[symbol]]


class _Example:
    """An adapter without symbols."""

    form = form("<symbol>")
    best_form: Form | None = None
    quick: Quick | None = None

    def quick_until_ns(self) -> int:
        return 0

    def settled(self, symbol: str, next_id: int, last_ns: int, seen_ns: int) -> None:
        """Nothing ever happens to it."""

    def settled_best(self, symbol: str, best_id: int, seen_ns: int) -> None:
        """Nor to this."""


def warm() -> None:
    """Compile, or load what was compiled before."""
    quick = Quick(_Example())
    quick.teach("A", listed("", "A", "A", "A"), -1, 0)
    offset = OffsetEstimate()
    frames = Frames(np.zeros(loop.PADDING, np.uint8), 0, 0, 0, 0, 0)
    quick.run(frames, 0, offset.window, offset.state, 0, 0, None, 0)


class Run:
    """One run: at, where it ended; count rows; last_seq and receive_ns of the last of them; what the venue's clock says.
    rows and lags of trades.
    """

    def __init__(self, control: list[int], rows: np.ndarray, lags: np.ndarray, quotes: np.ndarray) -> None:
        self.at, traded, quoted = control[loop.AT], control[loop.TRADES], control[loop.QUOTES]
        self.count = traded + quoted
        self.why = control[loop.WHY]
        self.last_seq, self.receive_ns, self.now_ns = control[loop.SEQ], control[loop.RECEIVE_NS], control[loop.NOW_NS]
        self.least_lag_ns = control[loop.LEAST_LAG_NS]
        self.goes_on = self.why not in (loop.NOT_MINE, loop.UNTAUGHT)  # whether the next record may be of a form
        self.rows, self.lags, self.quotes = rows[:traded], lags[:traded], quotes[:quoted]
