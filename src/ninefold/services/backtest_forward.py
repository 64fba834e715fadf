"""Walk forward: fit on the past, act on what comes, go on; what comes out is out of sample.

In:  what is asked, with ranges for settings; how long to fit and to act. Out: a document: the joined result, and what each fit
     chose.

A fit sees bars that closed before it acts, and by the embargo earlier. `backtest_fitting` says how points are fitted and joined.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ninefold.backtest.bars import Bars
from ninefold.backtest.statistics.splits import walk_forward
from ninefold.market.time import DAY_NS
from ninefold.services.backtest_fitting import Fold, known_rows, validated
from ninefold.services.backtest_search import Progress
from ninefold.services.backtest_wanted import BadBacktest, Wanted

if TYPE_CHECKING:
    from ninefold.services.backtest_ticks import WantedTicks

UNITS = {"m": DAY_NS // 1440, "h": DAY_NS // 24, "d": DAY_NS, "w": 7 * DAY_NS}


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to fit and to act, and how long before acting a fit ends; as people write them: 26w, 30d, 12h, 45m."""

    train: str
    test: str
    embargo: str = "0d"
    kind: ClassVar[str] = "walk-forward"

    def asked(self) -> Mapping[str, Any]:
        return asdict(self)

    def folds(self, bars: Bars) -> list[Fold]:
        """raises: BadBacktest for lengths that are none, or bars that are too few."""
        train_ns, test_ns, embargo_ns = (_duration(name, getattr(self, name)) for name in ("train", "test", "embargo"))
        if embargo_ns >= train_ns:
            raise BadBacktest(
                f"an embargo of {self.embargo} leaves nothing of {self.train} to train on; give a shorter one"
            )
        found = []
        for fold in walk_forward(bars.open_ns, bars.close_ns + embargo_ns, train_ns, test_ns):
            train, test = (known_rows(bars, rows) for rows in (fold.teach, fold.judge))
            if train and test:
                found.append(Fold((train,), test))
        if not found:
            days = (int(bars.close_ns[-1]) - int(bars.open_ns[0])) / DAY_NS
            raise BadBacktest(f"the bars cover {days:.1f} days, too few to train for {self.train} and test after it")
        return found


def forward(wanted: Wanted | WantedTicks, pace: Pace, now_ns: int, progress: Progress) -> dict[str, Any]:
    """Run it as trials of the data dir's ledger; the same again goes on, or is read.

    raises: those of `backtest_wanted.REFUSED`.
    """
    return validated(wanted, pace, now_ns, progress)


def _duration(name: str, text: str) -> int:
    form = re.fullmatch(r"(\d+)([mhdw])", text)
    if not form or (name != "embargo" and int(form[1]) == 0):
        raise BadBacktest(f"--{name} is {text!r}; write weeks, days, hours or minutes, such as 26w, 30d, 12h or 45m")
    return int(form[1]) * UNITS[form[2]]
