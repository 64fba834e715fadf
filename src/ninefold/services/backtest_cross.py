"""Cross-validation: each part of the time is judged once, by what all the rest of it chose.

In:  what is asked, with ranges for settings; how many parts, how many bars are left out around the judged one. Out: a document as
     of a walk forward, with what was left out, and how likely the choice of a point overfits.

Bars whose result still reaches into the judged part teach nothing (purge), and neither do those after it whose formulas still read
it (embargo). Other than a walk forward it teaches from the future too, so it says how well a choice carries over, not what would
have been earned.

source: Lopez de Prado (2018), Advances in Financial Machine Learning, chapter 7.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ninefold.backtest.bars import Bars
from ninefold.backtest.statistics.splits import purged_folds
from ninefold.services.backtest_fitting import Fitting, Fold, Rows, known_rows, validated
from ninefold.services.backtest_outcome import played_together
from ninefold.services.backtest_report import overfitted
from ninefold.services.backtest_search import Progress, parts_of
from ninefold.services.backtest_wanted import BadBacktest, Wanted

if TYPE_CHECKING:
    from ninefold.services.backtest_ticks import WantedTicks

MOST_FOLDS = 100
EMBARGOED = 100  # the usual embargo is one bar of so many


@dataclass(frozen=True, slots=True)
class Cut:
    """parts: of the time. purge, embargo: bars; embargo None: one of a hundred of all."""

    parts: int = 5
    purge: int = 1
    embargo: int | None = None
    kind: ClassVar[str] = "cross-validate"

    def asked(self) -> Mapping[str, Any]:
        return asdict(self)

    def embargo_of(self, bars: Bars) -> int:
        return -(-len(bars) // EMBARGOED) if self.embargo is None else self.embargo

    def folds(self, bars: Bars) -> list[Fold]:
        """raises: BadBacktest for parts that are too many or too few, or that leave nothing to teach."""
        if not 2 <= self.parts <= MOST_FOLDS:
            raise BadBacktest(f"--folds is {self.parts}; time is cut into 2 to {MOST_FOLDS} parts")
        embargo = self.embargo_of(bars)
        if self.purge < 0 or embargo < 0:
            raise BadBacktest(f"--purge is {self.purge} and --embargo {embargo} bars; give 0 or more")
        if len(bars) < 2 * self.parts:
            raise BadBacktest(
                f"{len(bars)} bars cannot be cut into {self.parts} parts to train and test; give fewer --folds"
            )
        width_ns = int(bars.close_ns[0] - bars.open_ns[0])
        found = []
        for fold in purged_folds(bars.open_ns, bars.close_ns + self.purge * width_ns, self.parts, embargo * width_ns):
            train = tuple(_known_stretches(bars, fold.teach))
            test = known_rows(bars, fold.judge)
            if not train:
                raise BadBacktest(
                    f"a purge of {self.purge} and an embargo of {embargo} bars leave nothing of {len(bars)} bars to train on; give "
                    "less of them, or fewer --folds"
                )
            if test:
                found.append(Fold(train, test))
        return found


def cross_validate(wanted: Wanted | WantedTicks, cut: Cut, now_ns: int, progress: Progress) -> dict[str, Any]:
    """Run it as trials of the data dir's ledger; the same again goes on, or is read.

    raises: those of `backtest_wanted.REFUSED`.
    """
    return validated(wanted, cut, now_ns, progress, lambda fitting: _said(cut, fitting))


def _said(cut: Cut, fitting: Fitting) -> dict[str, Any]:
    return {"embargo": cut.embargo_of(fitting.bars), "overfitting": overfitted(_whole(fitting))}


def _whole(fitting: Fitting) -> np.ndarray:
    """Returns of every point over all of the time, shape (points, stretches)."""
    bars, found = fitting.bars, []
    for part in parts_of(range(len(fitting.grid.points)), len(bars)):
        made = fitting.plays.sweep(part, 0, len(bars))
        found.append(played_together(bars, made, fitting.plays.cash, fitting.width_ns).outcome.compact.returns())
    return np.concatenate(found)


def _known_stretches(bars: Bars, rows: np.ndarray) -> Iterator[Rows]:
    """Rows that follow one another, each stretch from its first known bar."""
    for stretch in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
        known = known_rows(bars, stretch)
        if known:
            yield known
