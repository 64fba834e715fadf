"""The legs of a run against back-tests of the same legs on its own bars.

In:  the shared bars and targets of a strategy's legs; what became of its moves in the run.
Out: a `Difference` for each move that ended otherwise, or wanted something else, than the rule of back-tests says of the fills that
     the run had ("legs"); and for each leg that got something else than a back-test at the next opens ("leg fill").

With the fills that were known the rule is the same, so a move differs only by what the back-test does not have: the risk gate, the
account's other strategies, fees that are taken from what was bought. At the next opens a leg differs by the fill model: the run fills
at quotes, and a leg that a bar fills may not have been filled at a quote, or the other way round. What none of that accounts for
is UNEXPLAINED.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ninefold.backtest.legs_again import Again, Shared, at_next_opens, with_known_fills
from ninefold.backtest.legs_filled import Both, how_it_differs, with_filled
from ninefold.backtest.outcome import Reason
from ninefold.execution.held_before import HeldBefore
from ninefold.execution.legs_moved import HELD, REFUSED, UNDER_WAY, LegsBooked, Moved
from ninefold.execution.money import size_of
from ninefold.execution.reasons import CODE, CRASH, FILL, NETTING, RISK, UNEXPLAINED, Changed, Difference, Found, Known
from ninefold.market.instruments import Instrument
from ninefold.market.time import TIMEFRAME_OF

MOVE, FILLED = "legs", "leg fill"


class Run(NamedTuple):
    """What a run says of all legs. before: what strategies held. unsized: why sizes are not the plain part of the capital, by
    instrument; "" if they are. until_seq: up to where the ledger goes."""

    booked: LegsBooked
    before: HeldBefore
    unsized: dict[int, str]
    until_seq: int
    known: Known


def legs_against_back_tests(shared: Shared, name: str, width_ns: int, run: Run) -> Found:
    """Of one strategy."""
    return _Legs(shared, name, width_ns, run).found()


@dataclass(frozen=True)
class _Legs:
    shared: Shared
    name: str
    width_ns: int
    run: Run

    def found(self) -> Found:
        found, apart = Found(), ""
        known, opens = with_known_fills(self.shared, self._traded()), at_next_opens(self.shared)
        for place, row in enumerate(self.shared.at.tolist()):
            if row + 1 >= len(self.shared.seq):
                break  # nothing comes behind it that a back-test could fill
            found.compared[MOVE] += 1
            if one := self._of_move(place, known):
                found.differences.append(one)
            for both in self._fills(place, opens):
                found.compared[FILLED] += 1
                if said := how_it_differs(both, apart):
                    found.differences.append(self._difference(FILLED, place, both.words, *said, both.leg))
            move = self.moves[place]
            if not apart and move is not None and move.end != opens.ends[place]:
                apart = f"follows from the legs at seq {int(self.shared.seq[row]):,}, which were {move.end} in the run"
        return found

    @cached_property
    def moves(self) -> list[Moved | None]:
        """Of the run, at each change of the targets."""
        told, seq = self.run.booked.moves.get(self.name, []), self.shared.seq
        found = []
        for place, row in enumerate(self.shared.at.tolist()):
            until_seq = int(seq[self.shared.until(place)]) if place + 1 < len(self.shared.at) else np.inf
            to = {of.id: int(self.shared.to[leg, row]) for leg, of in enumerate(self.shared.instruments)}
            mine = (one for one in told if seq[row] <= one.first.seq < until_seq and _flat(one.first.targets) == to)
            found.append(next(mine, None))
        return found

    def _traded(self) -> np.ndarray:
        """Whether each leg was filled in each bar, as the run knew it: in the bar behind that in which its orders left."""
        shared = self.shared
        traded = np.ones(shared.to.shape, bool)
        for place, row in enumerate(shared.at.tolist()):
            move, until = self.moves[place], shared.until(place)
            if (
                move is not None
                and not move.sent_seq
                and (move.end == HELD or (move.end == REFUSED and not move.is_risk))
            ):
                continue  # the rule says so itself
            waits = move is None or not move.sent_seq or move.end == UNDER_WAY
            last = until if move is None or waits else int(np.searchsorted(shared.seq, move.sent_seq, "right")) - 1
            traded[:, row + 1 : last + 1] = False
            if move is not None and last < until:
                whole = [self.run.booked.is_whole(move.sent.get(of.id, ())) for of in shared.instruments]
                traded[:, last + 1] = whole
        return traded

    def _of_move(self, place: int, known: Again) -> Difference | None:
        move, again, row = self.moves[place], known.ends[place], int(self.shared.at[place])
        wanted = [int(self.shared.amounts[leg, row]) for leg in range(len(self.shared.instruments))]
        words = self._words(again, wanted)
        if move is None:
            return self._difference(MOVE, place, ("nothing", words), *self._without_move(row))
        legs = np.flatnonzero(self.shared.changed[:, row]).tolist()
        said = [move.first.wanted.get(of.id, 0) for of in self.shared.instruments]
        unlike = [leg for leg in legs if said[leg] != wanted[leg]]
        if not unlike and move.end == again:
            return None
        texts = (self._words(move.end, said), words)
        if unlike:
            why = self.run.unsized[self.shared.instruments[unlike[0]].id]
            plain = "its part of the capital is another amount at the same quote"
            return self._difference(MOVE, place, texts, NETTING if why else UNEXPLAINED, why or plain)
        return self._difference(MOVE, place, texts, *self._other_end(move, known, row))

    def _without_move(self, row: int) -> tuple[str, str]:
        seq = int(self.shared.seq[row])
        if seq > self.run.until_seq or any(after < seq <= until for after, until in self.run.known.crashes):
            return CRASH, "the run ended here before it was in the ledger"
        return UNEXPLAINED, "the run did not decide its legs at this input"

    def _other_end(self, move: Moved, known: Again, row: int) -> tuple[str, str]:
        """Why a move ended otherwise than the rule says of the same fills."""
        if move.is_risk:
            return RISK, move.last.why
        if move.end == REFUSED or known.ends[self.moves.index(move)] == REFUSED:
            for leg, of in enumerate(self.shared.instruments):
                held, alike = self._held(of, row), int(known.position[leg, row]) * of.lot_size
                if held != alike:
                    apart = f"it held {of.size_text(held)} {of.base}, {of.size_text(alike)} had fees taken nothing"
                    return FILL, f"{move.last.why or 'it was sent'}: {apart}"
        return UNEXPLAINED, "the rule says otherwise of the same fills"

    def _fills(self, place: int, opens: Again) -> Iterator[Both]:
        """Each leg that got something on either side, to what was wanted and back."""
        row, until, move = int(self.shared.at[place]), self.shared.until(place), self.moves[place]
        span = int(self.shared.seq[row]), int(self.shared.seq[until]) if until > row else self.run.until_seq
        after = opens.fills[(opens.fills["bar"] > row) & (opens.fills["bar"] <= until)]
        for leg, of in enumerate(self.shared.instruments):
            for reason in (Reason.TARGET, Reason.UNWOUND):
                mine = after[(after["instrument"] == leg) & (after["reason"] == reason)]
                lacks = int(opens.position[leg, row]) * of.lot_size - self._held(of, row)
                how = opens.ends[place], reason == Reason.UNWOUND, lacks, self.run.unsized[of.id]
                both = with_filled(Both(leg, of, self.name, mine, move, *how), self.run.booked, span)
                if any(both.size):
                    yield both

    def _held(self, of: Instrument, row: int) -> int:
        """Of the run, in the instrument's units."""
        return size_of(of, self.run.before.at(self.name, of.id, int(self.shared.seq[row])).amount)

    def _words(self, end: str, amounts: Sequence[int]) -> str:
        pairs = zip(self.shared.instruments, amounts, strict=True)
        return f"{end}: {', '.join(f'{of.size_text(size_of(of, amount))} {of.base}' for of, amount in pairs)}"

    def _difference(
        self, kind: str, place: int, words: tuple[str, str], reason: str, why: str, leg: int = 0
    ) -> Difference:
        row, of = int(self.shared.at[place]), self.shared.instruments[leg]
        bar = self.shared.bars[leg][row]
        changed = self.run.known.changed[-1][1] if self.run.known.changed else Changed()
        if reason == UNEXPLAINED and (other := changed.strategies.get(self.name) or changed.code):
            reason, why = CODE, other
        return Difference(
            seq=int(bar["seq"]),
            known_ns=int(bar["known_ns"]),
            kind=kind,
            instrument=of.name if kind == FILLED else "",
            strategy=self.name,
            what=f"{TIMEFRAME_OF[self.width_ns]} closing {int(bar['close_ns'])}",
            run=words[0],
            again=words[1],
            reason=reason,
            why=why,
        )


def _flat(targets: dict[int, int]) -> dict[int, int]:
    """A leg that would be short, which spot cannot be, makes all flat."""
    return dict.fromkeys(targets, 0) if any(to < 0 for to in targets.values()) else targets
