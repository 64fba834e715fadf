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
from ninefold.backtest.fast_plain import BEYOND, PLACES, is_plain, play_stretch, summed
from ninefold.backtest.funding import Market
from ninefold.backtest.market_rules import Numbers
from ninefold.backtest.parallel import parallel
from ninefold.backtest.scan import BLOCK, differing
from ninefold.market.compiled import compiled, first_set

WORD = 64  # bits
STRETCH = (
    8 * BLOCK
)  # bars that many go through before the next are fetched: they and the targets stay near the processor
TOGETHER, SHARES = 32, 16  # strategies side by side at most; parts that all are dealt out in, at least
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
    flags, words = np.empty(BLOCK, np.uint8), np.empty(BLOCK // WORD, np.uint64)
    count = whole = 0
    for first in range(0, len(target), BLOCK):
        count, whole = changes_within(target, first, whole, count, at, to, flags, words)
        if count < 0:
            break
    return count


@compiled
def changes_within(
    target: np.ndarray,
    first: int,
    whole: int,
    count: int,
    at: np.ndarray,
    to: np.ndarray,
    flags: np.ndarray,
    words: np.ndarray,
) -> tuple[int, int]:
    """The same of the block from row `first` on, behind `count` changes, the last of them to `whole`: both as they are after it."""
    differing(target, first, flags, words)
    for place in range(BLOCK // WORD):
        turned = words[place]
        while turned != 0:
            row = first + place * WORD + lowest_bit(turned)
            turned &= turned - np.uint64(1)
            value = target[row]
            if not -1.0 <= value <= 1.0:
                if not math.isnan(value):
                    return -row - 1, whole
                value = 0.0
            rounded = int(np.rint(value * ONE))
            if rounded != whole:
                whole = rounded
                at[count], to[count] = row, rounded
                count += 1
    return count, whole


@parallel
def play_targets(market: Market, targets: np.ndarray, r: Numbers, left: Left) -> None:
    """`play` of each row of targets, shape (strategies, n); status is row + 1 of a wrong one."""
    together = max(1, min(TOGETHER, len(targets) // SHARES))
    for group in prange((len(targets) + together - 1) // together):
        play_group(market, targets, group * together, min((group + 1) * together, len(targets)), r, left)


@compiled
def play_group(market: Market, targets: np.ndarray, first: int, stop: int, r: Numbers, left: Left) -> None:
    """Several side by side, block by block of the bars, so that each block is fetched once for all of them."""
    done = np.zeros(stop - first, np.bool_)
    if is_plain(market, r):
        play_plainly(market, targets, first, stop, r, left, done)
    at, to = np.empty(0, np.int64), np.empty(0, np.int64)
    for one in range(first, stop):
        if done[one - first]:
            continue
        if not len(at):
            at, to = np.empty(targets.shape[1], np.int64), np.empty(targets.shape[1], np.int64)
        count = target_changes(targets[one], at, to)
        if count < 0:
            left.status[one] = -count
        else:
            play_one(market, at[:count], to[:count], r, left, one)


@compiled
def play_plainly(
    market: Market, targets: np.ndarray, first: int, stop: int, r: Numbers, left: Left, done: np.ndarray
) -> None:
    """Those that `play_stretch` can play; `done` is where one was played or refused."""
    accounts, said = np.zeros((stop - first, PLACES), np.int64), np.zeros(stop - first, np.int64)
    accounts[:, 0] = r.cash
    flags, words = np.empty(BLOCK, np.uint8), np.empty(BLOCK // WORD, np.uint64)
    at, to = np.empty(STRETCH, np.int64), np.empty(STRETCH, np.int64)
    bars = len(market.close)
    beyond = np.zeros(stop - first, np.bool_)
    for start in range(0, bars, STRETCH):
        end = min(start + STRETCH, bars)
        for one in range(first, stop):
            if done[one - first] or beyond[one - first]:
                continue
            count, whole = 0, said[one - first]
            for block in range(start, end, BLOCK):
                if count >= 0:
                    count, whole = changes_within(targets[one], block, whole, count, at, to, flags, words)
            said[one - first], status = whole, -count
            if count >= 0:
                status = play_stretch(
                    market, at, to, count, r, accounts[one - first], start, end, left.samples, left.equity[one]
                )
            beyond[one - first] = count >= 0 and status == BEYOND
            done[one - first] = status != 0 and not beyond[one - first]
            left.status[one] = status if done[one - first] else 0
    for one in range(first, stop):
        if not (done[one - first] or beyond[one - first]):
            summed(market.close, accounts[one - first], left.runs[one], left.samples, left.equity[one])
            done[one - first] = True


@parallel
def play_bits(market: Market, bits: np.ndarray, r: Numbers, left: Left) -> None:
    """`play` of targets that are 1 where a bit is set, else 0. bits: uint64, shape (strategies, words)."""
    for one in prange(len(bits)):
        at, to = bit_changes(bits[one], len(market.close))
        play_one(market, at, to, r, left, one)


@parallel
def play_changes(market: Market, at: np.ndarray, to: np.ndarray, begins: np.ndarray, r: Numbers, left: Left) -> None:
    """`play` of changes that stand one after another; those of a run end where those of the next begin."""
    for one in prange(len(begins) - 1):
        play_one(market, at[begins[one] : begins[one + 1]], to[begins[one] : begins[one + 1]], r, left, one)


@compiled
def bit_changes(words: np.ndarray, bars: int) -> tuple[np.ndarray, np.ndarray]:
    """Changes of a target that is 1 where a bit is set, else 0; there may be more bits than bars."""
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
    while count > 0 and at[count - 1] >= bars:
        count -= 1
    return at[:count], to[:count]


@compiled
def play_one(market: Market, at: np.ndarray, to: np.ndarray, r: Numbers, left: Left, one: int) -> None:
    """`play`, and what is left of it."""
    summary, samples, equity = left.runs[one], left.samples, left.equity[one]
    close = market.close
    if is_plain(market, r):
        account = np.zeros(PLACES, np.int64)
        account[0] = r.cash
        status = play_stretch(market, at, to, len(at), r, account, 0, len(close), samples, equity)
        if status != BEYOND:
            left.status[one] = status
            summed(close, account, summary, samples, equity)
            return
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
