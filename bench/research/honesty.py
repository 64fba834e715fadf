"""Does deflation call luck luck, and does it still find an edge? Markets without any edge, and with one planted.

In:  --markets (1,000), --seed. Two years of 1h bars each, 200 trials a market, the best by its Sharpe ratio is judged.
Out: of markets of pure noise, the share whose best trial is called significant (at most 5 %); of markets with one
     trial of a true Sharpe ratio of 1 to 5 a year among 199 without, the share in which that one is the best and
     called significant, beside what `power` computes. The exit code is 1 if either falls short.

The noise is no gift: volatility comes in clusters and returns have fat tails (Student's t with 5 degrees). Trials are
of two kinds, one market after the other: 200 moving-average crossings, which are much alike, and 200 independent ones
that change sides by chance. What is judged is what a report judges: effective trials come from returns as the trial
ledger keeps them. Costs would only make luck look worse, so there are none.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ninefold.backtest.statistics.compact import compact_returns
from ninefold.backtest.statistics.deflated import counted_trials, deflated_sharpe, power, significant
from ninefold.backtest.statistics.effective import effective_trials
from ninefold.backtest.statistics.sharpe import sharpe, sharpes

Floats = NDArray[np.float64]

HOUR_NS = 3_600_000_000_000
YEAR = 8760
BARS = 2 * YEAR
TRIALS = 200
EDGES = (1.0, 2.0, 3.0, 4.0, 5.0)  # true Sharpe ratios a year
AT_MOST = 0.05  # of markets of noise may be called significant
MUST_FIND, AT_LEAST = 4.0, 0.90
KINDS = ("crossings", "independent")
WINDOWS = (2, 3, 5, 8, 12, 18, 24, 36, 48, 72, 96, 120, 168, 240, 336, 480, 600, 720, 960, 1200, 1440)
CROSSINGS = [(fast, slow) for fast in WINDOWS for slow in WINDOWS if fast < slow][:TRIALS]


class Judged(NamedTuple):
    """One market's best trial."""

    best: int
    effective: float
    significant: bool
    deflated: float  # the deflated Sharpe ratio of the literature
    sharpe: float  # a year


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--markets", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20_261_123)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    started = time.process_time()
    found = {kind: measure(kind, asked.markets, asked.seed) for kind in KINDS}
    said = {"markets": asked.markets, "seed": asked.seed, "kinds": found, "cpu_s": time.process_time() - started}
    print(json.dumps(said, indent=1) if asked.json else table(said))
    sys.exit(0 if all(holds(one) for one in found.values()) else 1)


def measure(kind: str, markets: int, seed: int) -> dict[str, object]:
    """Shares over all markets, as fractions."""
    noise: list[Judged] = []
    planted: dict[float, list[Judged]] = {edge: [] for edge in EDGES}
    for rng in generators(seed, markets):
        returns = noise_returns(rng)
        trials = crossings(returns) if kind == "crossings" else independent(returns, rng)
        ratios = sharpes(trials)
        noise.append(judge(trials, ratios, worth_of(trials)))
        at, worth_with_edge = int(rng.integers(TRIALS)), 0.0
        for edge in EDGES:
            trials[at] = with_edge(returns, edge, rng)
            ratios[at] = sharpe(trials[at]).value
            worth_with_edge = worth_with_edge or worth_of(trials)  # it is the same for a trial of more right guesses
            one = judge(trials, ratios, worth_with_edge)
            planted[edge].append(one._replace(significant=one.significant and one.best == at))
    worth = float(np.mean([one.effective for one in noise]))
    return {
        "effective": worth,
        "called significant": share(noise),
        "deflated above 0.95": float(np.mean([one.deflated > 0.95 for one in noise])),
        "best sharpe": float(np.median([one.sharpe for one in noise])),
        "found": {str(edge): share(planted[edge]) for edge in EDGES},
        "deflated finds": {str(edge): float(np.mean([one.deflated > 0.95 for one in planted[edge]])) for edge in EDGES},
        "power": {str(edge): power(edge / math.sqrt(YEAR), BARS, counted_trials(TRIALS, worth)) for edge in EDGES},
    }


def judge(trials: Floats, ratios: Floats, worth: float) -> Judged:
    """The best of the trials by its Sharpe ratio, deflated by what all of them are worth."""
    best = int(np.nanargmax(ratios))
    own = sharpe(trials[best])
    deflated = deflated_sharpe(own, worth, float(ratios.var(ddof=1)))
    return Judged(best, worth, significant(own, counted_trials(len(trials), worth)), deflated, own.annual(HOUR_NS))


def worth_of(trials: Floats) -> float:
    """How many independent trials they are worth, by their returns as the trial ledger keeps them."""
    times = (np.arange(trials.shape[1], dtype=np.int64) + 1) * HOUR_NS
    return effective_trials(compact_returns(times, trials).returns())


def noise_returns(rng: np.random.Generator) -> Floats:
    """Returns of a market that nothing foretells: their sign and size beyond volatility are chance."""
    log_volatility = ewm(rng.normal(0, 0.15, BARS), 0.98)
    return 0.005 * np.exp(log_volatility) * rng.standard_t(5, BARS) * math.sqrt(3 / 5)


def ewm(shocks: Floats, keeps: float) -> Floats:
    """value = keeps x value before + shock, by one convolution that is long enough."""
    weights = keeps ** np.arange(round(20 / (1 - keeps)))
    size = len(shocks) + len(weights)
    return np.fft.irfft(np.fft.rfft(shocks, size) * np.fft.rfft(weights, size), size)[: len(shocks)]


def crossings(returns: Floats) -> Floats:
    """Long where the fast mean of the price is above the slow one, else short; held over the next bar."""
    total = np.concatenate([[0.0], np.cumsum(np.cumsum(returns))])
    means = {}
    for window in WINDOWS:
        means[window] = np.full(len(returns), np.nan)
        means[window][window - 1 :] = (total[window:] - total[:-window]) / window
    trials = np.zeros((TRIALS, len(returns)))
    for row, (fast, slow) in zip(trials, CROSSINGS, strict=True):
        row[slow:] = np.sign(means[fast] - means[slow])[slow - 1 : -1] * returns[slow:]
    return trials


def independent(returns: Floats, rng: np.random.Generator) -> Floats:
    """Sides that change by chance, once in 5 bars on average."""
    sides = np.cumsum(rng.random((TRIALS, len(returns)), dtype=np.float32) < 0.1, axis=1, dtype=np.int32)
    sides += rng.integers(2, size=(TRIALS, 1), dtype=np.int32)
    return np.where(sides & 1, returns, -returns)


def with_edge(returns: Floats, edge: float, rng: np.random.Generator) -> Floats:
    """A trial that is on the right side a little more often than not: so much that its true ratio is `edge` a year."""
    right = edge / math.sqrt(YEAR) * returns.std() / np.abs(returns).mean()
    return np.abs(returns) * np.where(rng.random(len(returns)) < (1 + right) / 2, 1.0, -1.0)


def generators(seed: int, markets: int) -> Iterator[np.random.Generator]:
    return (np.random.default_rng(one) for one in np.random.SeedSequence(seed).spawn(markets))


def share(judged: list[Judged]) -> float:
    return float(np.mean([one.significant for one in judged]))


def holds(found: dict[str, object]) -> bool:
    hits = found["found"]
    assert isinstance(hits, dict)
    return float(str(found["called significant"])) <= AT_MOST and hits[str(MUST_FIND)] >= AT_LEAST


def table(said: dict[str, object]) -> str:
    """Markdown; percentages."""
    kinds = said["kinds"]
    assert isinstance(kinds, dict)
    lines = [
        f"{said['markets']} markets of each kind, {BARS} bars of 1h, {TRIALS} trials, seed {said['seed']}, "
        f"{said['cpu_s']:.0f} s of CPU",
        "",
        "| trials | worth | best by luck, Sharpe a year | luck called significant | by the deflated ratio |"
        + "".join(f" edge {edge:g} found (power; deflated) |" for edge in EDGES),
        "|" + " --- |" * (5 + len(EDGES)),
    ]
    for kind, found in kinds.items():
        cells = [
            kind,
            f"{found['effective']:.0f}",
            f"{found['best sharpe']:.1f}",
            f"{found['called significant']:.1%}",
            f"{found['deflated above 0.95']:.1%}",
        ]
        for edge in map(str, EDGES):
            cells.append(
                f"{found['found'][edge]:.1%} ({found['power'][edge]:.0%}; {found['deflated finds'][edge]:.0%})"
            )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
