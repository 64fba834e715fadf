"""Is the quoter that keeps outbidding by one tick found, and nobody accused of it? Simulated markets with and without one.

In:  --first (1,000) and --markets (200): the seeds that are scored. Seeds 0 to 99 were for choosing the threshold.
Out: precision, recall, the counts they come from, and by kind of market the range of the scores; the exit code is 1 if
     either is below 0.95.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from typing import NamedTuple

from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.research.one_upping_markets import simulated
from ninefold.formula.one_upping import ONE_UPPED, OneUpping

AT_LEAST = 0.95
PLANTED = "quoter"


class Judged(NamedTuple):
    seed: int
    kind: str
    score: float  # at the end of the market; NaN: too few improvements were seen

    @property
    def accused(self) -> bool:
        return self.score >= ONE_UPPED


class Counts(NamedTuple):
    found: int
    overlooked: int
    accused: int
    cleared: int

    @property
    def precision(self) -> float:
        return self.found / (self.found + self.accused) if self.found + self.accused else math.nan

    @property
    def recall(self) -> float:
        return self.found / (self.found + self.overlooked) if self.found + self.overlooked else math.nan


def judged(seed: int) -> Judged:
    """What the detector says at the end of one market, having seen its best quotes alone."""
    market = simulated(seed)
    detector = OneUpping()
    detector.hear(market.quotes, {1: 1})
    return Judged(seed, market.kind, detector.score(1))


def counts(markets: list[Judged]) -> Counts:
    planted = [one.accused for one in markets if one.kind == PLANTED]
    absent = [one.accused for one in markets if one.kind != PLANTED]
    return Counts(sum(planted), len(planted) - sum(planted), sum(absent), len(absent) - sum(absent))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=1_000)
    parser.add_argument("--markets", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + asked.markets)
    markets = [judged(seed) for seed in track(seeds, "markets", console=Console(stderr=True))]
    found = counts(markets)
    kinds = {kind: sorted(one.score for one in markets if one.kind == kind) for kind in {one.kind for one in markets}}
    if asked.json:
        said = {"precision": found.precision, "recall": found.recall, **found._asdict(), "threshold": ONE_UPPED}
        print(json.dumps({**said, "scores": {kind: [scores[0], scores[-1]] for kind, scores in kinds.items()}}))
    else:
        _show(found, kinds)
    sys.exit(0 if found.precision >= AT_LEAST and found.recall >= AT_LEAST else 1)


def _show(found: Counts, kinds: dict[str, list[float]]) -> None:
    table = Table(
        "market", "markets", "lowest score", "highest score", title=f"a score from {ONE_UPPED} on says one-upping"
    )
    for kind, scores in sorted(kinds.items(), key=lambda one: one[0] != PLANTED):
        table.add_row(kind, str(len(scores)), f"{scores[0]:.3f}", f"{scores[-1]:.3f}")
    console = Console()
    console.print(table)
    console.print(f"planted: {found.found} found, {found.overlooked} overlooked")
    console.print(f"absent: {found.accused} accused, {found.cleared} cleared")
    console.print(f"precision {found.precision:.4f}, recall {found.recall:.4f} (each at least {AT_LEAST})")


if __name__ == "__main__":
    main()
