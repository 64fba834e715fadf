"""Many fast back-tests at once, on both cores: of targets, of targets in bits, of changes; compiled.

In:  arrays of whole numbers, the targets, the rules, as `fast` takes them.
Out: of each run a summary, and its equity at some of the closes (`Left`).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, cast

import numpy as np
from numba import prange

from ninefold.backtest.fast import ONE, play
from ninefold.backtest.funding import Market
from ninefold.backtest.market_rules import Numbers
from ninefold.backtest.parallel import parallel
from ninefold.market.compiled import compiled, first_set

WORD = 64  # bits
lowest_bit = cast(Any, first_set)
SUMMARY = ("equity", "fees", "slippage", "funding", "fills", "trades", "won", "held")


class Left(NamedTuple):
    """Of many runs. runs: shape (strategies, len(SUMMARY)), zeros before; equity: at the closes of the rows `samples`, shape
    (strategies, samples); status: 0, or what `play` refused, or row + 1 of a wrong target."""

    runs: np.ndarray
    samples: np.ndarray
    equity: np.ndarray
    status: np.ndarray


@compiled
def target_changes(target: np.ndarray, at: np.ndarray, to: np.ndarray) -> int:
    """The changes of a target, shape (n,), that begins at 0; how many. -row - 1 of the first value outside [-1, +1]."""
    count, before, whole = 0, 0.0, 0
    for row in range(len(target)):
        value = target[row]
        if value == before:
            continue
        before = value
        if not -1.0 <= value <= 1.0:
            if not math.isnan(value):
                return -row - 1
            value = 0.0
        rounded = int(np.rint(value * ONE))
        if rounded != whole:
            whole = rounded
            at[count], to[count] = row, rounded
            count += 1
    return count


@parallel
def play_targets(market: Market, targets: np.ndarray, r: Numbers, left: Left) -> None:
    """`play` of each row of targets, shape (strategies, n); status is row + 1 of a wrong one."""
    for one in prange(len(targets)):
        play_target(market, targets[one], r, left, one)


@compiled
def play_target(market: Market, target: np.ndarray, r: Numbers, left: Left, one: int) -> None:
    at, to = np.empty(len(target), np.int64), np.empty(len(target), np.int64)
    count = target_changes(target, at, to)
    if count < 0:
        left.status[one] = -count
    else:
        play_one(market, at[:count], to[:count], r, left, one)


@parallel
def play_bits(market: Market, bits: np.ndarray, r: Numbers, left: Left) -> None:
    """`play` of targets that are 1 where a bit is set, else 0. bits: uint64, shape (strategies, words)."""
    for one in prange(len(bits)):
        at, to = bit_changes(bits[one])
        play_one(market, at, to, r, left, one)


@parallel
def play_changes(market: Market, at: np.ndarray, to: np.ndarray, begins: np.ndarray, r: Numbers, left: Left) -> None:
    """`play` of changes that stand one after another; those of a run end where those of the next begin."""
    for one in prange(len(begins) - 1):
        play_one(market, at[begins[one] : begins[one + 1]], to[begins[one] : begins[one + 1]], r, left, one)


@compiled
def bit_changes(words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Changes of a target that is 1 where a bit is set, else 0."""
    at, to = np.empty(len(words) * WORD, np.int64), np.empty(len(words) * WORD, np.int64)
    count, carry = 0, np.uint64(0)
    for place in range(len(words)):
        turned = words[place] ^ (words[place] << np.uint64(1) | carry)
        carry = words[place] >> np.uint64(63)
        while turned != 0:
            at[count] = place * WORD + lowest_bit(turned)
            to[count] = ONE if count % 2 == 0 else 0
            turned &= turned - np.uint64(1)
            count += 1
    return at[:count], to[:count]


@compiled
def play_one(market: Market, at: np.ndarray, to: np.ndarray, r: Numbers, left: Left, one: int) -> None:
    """`play`, and what is left of it."""
    summary, samples, equity = left.runs[one], left.samples, left.equity[one]
    close = market.close
    fills = np.empty((3 * len(at) + len(market.funding_at) + 1, 8), np.int64)
    count = play(market, at, to, r, fills)
    if count > len(fills):
        fills = np.empty((count, 8), np.int64)
        count = play(market, at, to, r, fills)
    if count < 0:
        left.status[one] = count
        return
    cash, before, position, sample, since = r.cash, r.cash, 0, 0, 0
    for place in range(count):
        row, size = fills[place, 0], fills[place, 2]
        while sample < len(samples) and samples[sample] < row:
            equity[sample] = cash + position * close[samples[sample]]
            sample += 1
        if position == 0:
            before, since = cash, row
        position += size
        cash -= fills[place, 1] * size + fills[place, 3] + fills[place, 4] + fills[place, 5]
        for column in range(1, 4):
            summary[column] += fills[place, 2 + column]
        if size != 0:
            summary[4] += 1
            if position == 0:
                summary[5] += 1
                summary[6] += cash > before
                summary[7] += row - since
    if position != 0:
        summary[7] += len(close) - since
    last = cash + position * close[-1]
    while sample < len(samples):
        equity[sample] = cash + position * close[samples[sample]]
        sample += 1
    summary[0] = last
