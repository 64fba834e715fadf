"""What an update of 40 indicators of one instrument costs at a bar's close.

In:  nothing, or --json, --bars N, and interpreters that have talipp (--peer) and nautilus_trader (--nautilus), which then do
     what they have of them.
Out: microseconds of processor time for each bar, the best of some rounds, and whether the values equal those of a batch. A peer
     must answer what we do, to APART: what it defines otherwise is not asked of it.

    .venv/bin/python -m bench.research.streaming --peer bench/.venv-research/bin/python
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from ninefold.formula import Evaluator, Scale, parse

SCALE = Scale(price_decimals=2, size_decimals=5)
ROUNDS, HISTORY = 7, 1_000
PEERS = {"talipp": "streaming_talipp.py", "nautilus_trader": "streaming_nautilus.py"}
APART = 1e-9  # of the value
TERMS = (
    *("sma(close, 20)", "sma(close, 50)", "ema(close, 12)", "ema(close, 26)", "wma(close, 20)", "dema(close, 20)"),
    *("tema(close, 20)", "kama(close, 10)", "hma(close, 16)", "rsi(close, 14)", "cmo(close, 14)", "mom(close, 10)"),
    *("roc(close, 10)", "macd(close, 12, 26, 9)", "macd_signal(close, 12, 26, 9)", "macd_hist(close, 12, 26, 9)"),
    *("bbands_upper(close, 20, 2, 2)", "bbands_lower(close, 20, 2, 2)", "atr(14)", "natr(14)", "adx(14)"),
    *("plus_di(14)", "minus_di(14)", "cci(14)", "stoch_k(5, 3, 3)", "stoch_d(5, 3, 3)", "willr(14)", "mfi(14)"),
    *("obv(close)", "adosc(3, 10)", "ultosc(7, 14, 28)", "aroonosc(14)", "trix(close, 15)", "ppo(close, 12, 26)"),
    *("stddev(close, 20)", "linearreg_slope(close, 14)", "correl(close, volume, 30)", "sar()", "supertrend(10, 3)"),
    "donchian_upper(20)",
)
OWN = (  # compiled here, not TA-Lib's
    *("std(close, 20)", "median(close, 20)", "rank(close, 20)", "zscore(close, 20)", "parkinson(20)"),
    *("max_drawdown(close, 50)", "value_at_risk(close, 100)", "analogue_distance(close, 20, 200)"),
)


def main() -> None:
    asked = arguments()
    columns = made_up(HISTORY + asked.bars)
    found = {"terms": len(TERMS), "us_a_bar": measured(TERMS, columns), "equals_batch": equal(TERMS, columns)}
    found["own_us_each"] = {term: round(measured((term,), columns), 2) for term in OWN}
    for name, python in (("talipp", asked.peer), ("nautilus_trader", asked.nautilus)):
        if python:
            found[name] = beside(python, name, columns)
    if asked.json:
        json.dump(found, sys.stdout)
    else:
        print(shown(found))


def beside(python: str, name: str, columns: dict[str, np.ndarray]) -> dict:
    """What a peer needs for what it has of them, what we need for the same, and how far apart the last values are."""
    given = json.dumps({name: values.tolist() for name, values in columns.items()})
    script = Path(__file__).parent / PEERS[name]
    said = subprocess.run([python, str(script)], input=given, capture_output=True, text=True, check=True)
    peer: dict = json.loads(said.stdout)
    terms = tuple(peer["values"])
    last = Evaluator([parse(term) for term in terms], SCALE).warm(columns)[:, -1]
    apart = np.abs(last / np.array(list(peer["values"].values())) - 1)
    if not (apart <= APART).all():
        sys.exit(f"{name} answers otherwise: {terms[int(np.argmax(apart))]} is {apart.max():.1e} apart")
    return peer | {"ours_us_a_bar": measured(terms, columns), "largest_relative_difference": float(apart.max())}


def measured(terms: tuple[str, ...], columns: dict[str, np.ndarray]) -> float:
    """Microseconds of processor time a bar, the best round."""
    evaluator = Evaluator([parse(term) for term in terms], SCALE)
    evaluator.warm({name: values[:HISTORY] for name, values in columns.items()})
    rows = [
        dict(zip(columns, bar, strict=True))
        for bar in zip(*(x[HISTORY:].tolist() for x in columns.values()), strict=True)
    ]
    best = float("inf")
    for _ in range(ROUNDS):
        before = time.process_time()
        for row in rows:
            evaluator.update(row)
        best = min(best, time.process_time() - before)
    return best / len(rows) * 1e6


def equal(terms: tuple[str, ...], columns: dict[str, np.ndarray]) -> bool:
    """Whether the stream's last values are, to the bit, those of a batch over all bars."""
    parsed = [parse(term) for term in terms]
    stream = Evaluator(parsed, SCALE)
    rows = [dict(zip(columns, bar, strict=True)) for bar in zip(*(x.tolist() for x in columns.values()), strict=True)]
    last = [stream.update(row) for row in rows][-1]
    return last.tobytes() == Evaluator(parsed, SCALE).warm(columns)[:, -1].tobytes()


def made_up(n: int) -> dict[str, np.ndarray]:
    """A walk in whole ticks, with a range and a volume."""
    random = np.random.default_rng(7)
    close = 6_000_000.0 + np.cumsum(random.integers(-900, 901, n))
    open_ = np.concatenate((close[:1], close[:-1]))
    high = np.maximum(open_, close) + random.integers(0, 400, n)
    low = np.minimum(open_, close) - random.integers(0, 400, n)
    volume = random.integers(1, 50_000_000, n).astype(np.float64)
    return {"open": open_, "high": high, "low": low, "close": close, "volume": volume}


def shown(found: dict) -> str:
    lines = [
        f"{found['terms']} indicators: {found['us_a_bar']:.1f} us a bar; equal to a batch: {found['equals_batch']}"
    ]
    lines += [f"  {term}: {us} us" for term, us in found["own_us_each"].items()]
    for name in PEERS:
        if name not in found:
            continue
        peer = found[name]
        lines.append(
            f"{len(peer['values'])} of them that {name} {peer['version']} has: ours {peer['ours_us_a_bar']:.1f}, "
            f"{name} {peer['us_a_bar']:.1f} us a bar; largest relative difference {peer['largest_relative_difference']:.1e}"
        )
    return "\n".join(lines)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bars", type=int, default=2_000, help="of a round")
    parser.add_argument("--peer", help="an interpreter that has talipp")
    parser.add_argument("--nautilus", help="an interpreter that has nautilus_trader")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    return parser.parse_args()


if __name__ == "__main__":
    main()
