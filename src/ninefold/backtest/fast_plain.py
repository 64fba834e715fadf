"""The commonest back-test, compiled: market orders alone, long or flat, of cash that is there; many at once through few bars.

In:  arrays of whole numbers and the changes of a target, as `fast` takes them, of all bars or of a stretch of them.
Out: an account that goes on with the next stretch, and what is left at the end, as `fast_many` keeps it; or that `fast` must
     play it. The same to the unit either way.

Where nothing but a change of the target moves the account, no fill need be written down: the sums are kept as they come.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from ninefold.backtest.fast import BAR_TRADED, LARGEST, ONE, affordable, part, part_up, share
from ninefold.backtest.funding import Market
from ninefold.backtest.market_rules import Numbers
from ninefold.market.compiled import address_of, compiled, fetch

place_of, soon_wanted = cast(Any, address_of), cast(Any, fetch)
LARGEST_WORD = 2**63 - 1
AHEAD = 8  # changes: so far ahead bars are fetched, as many of them lie too far from the processor to wait for
BEYOND = 1  # status of what only `fast` can play: something sold short, or cash that is borrowed
PLACES = 14  # of an account: cash, position, what is wanted of it, the target; cash and row of the last entry; samples that are
# written; fees, slippage, fills, trades that are over, won among them, closes with a position. All 0 but the cash at the start.


@compiled
def is_plain(market: Market, r: Numbers) -> bool:
    """Whether nothing happens between a change of the target and the next."""
    exits = r.stop > 0 or r.take > 0 or r.trail > 0 or r.hold > 0
    return not (exits or r.maintenance > 0 or r.volume_share > 0 or len(market.funding_at) > 0 or len(market.tiers) > 0)


@compiled
def play_stretch(
    market: Market,
    at: np.ndarray,
    to: np.ndarray,
    count: int,
    r: Numbers,
    account: np.ndarray,
    start: int,
    stop: int,
    samples: np.ndarray,
    equity: np.ndarray,
) -> int:
    """Go on with an account through the bars from row `start` up to `stop`. Its status: 0, BEYOND or -row - 1 as of `play`.

    at, to: the first `count` are changes within these bars. account: shape (PLACES,). equity: at the rows `samples`, written
    as far as it has come.
    """
    open_, close, state, kept = market.open, market.close, market.state, len(samples)
    opens, closes = place_of(open_), place_of(close)
    cash, position, wanted, target, before, since, sample = seven(account, 0)
    fees, slips, fills, trades, won, held, _ = seven(account, 7)
    row, status = start, 0
    fitting = (LARGEST_WORD - ONE) // r.taker if r.taker > 0 else -1
    for change in range(count + 1):
        if change + AHEAD < count:
            soon = at[change + AHEAD]
            soon_wanted(opens + 8 * soon + 8)
            if r.size == 0:  # what a share of the equity buys is asked of the close
                soon_wanted(closes + 8 * soon)
        until = at[change] if change < count else stop - 1
        if wanted != position:
            while row <= until and state[row] != BAR_TRADED:
                row += 1
            if row <= until:
                price, size = open_[row], wanted - position
                fee, each = fee_of(price * abs(size), r.taker, fitting), r.slip_ticks + part_up(price, r.slip_rate)
                if size > 0 and (r.initial != ONE or fee < 0 or cash < price * size + fee + each * size):
                    size = affordable(cash, position, price, size, r.taker, r)
                    wanted, fee = position + size, part_up(price * size, r.taker)
                if size != 0:
                    if sample < kept and samples[sample] < row:
                        sample = show(close, row, cash, position, samples, sample, equity)
                    if position == 0:
                        before, since = cash, row
                    slip = each * abs(size)
                    cash, position = cash - price * size - fee - slip, wanted
                    fees, slips, fills = fees + fee, slips + slip, fills + 1
                    if cash < 0 or cash > LARGEST:
                        status = BEYOND if cash < 0 else -row - 1
                        break
                    if position == 0:
                        trades, won, held = trades + 1, won + (cash > before), held + row - since
        row = until + 1
        if change < count and (to[change] != target or (position == 0 and wanted == 0)):
            target = to[change]
            worth = 0 if r.size > 0 else cash + position * close[until]
            lots = part(r.size, abs(target)) if r.size > 0 else share(abs(target), worth, close[until], r)
            wanted = min(lots, r.most_long) if target > 0 else -min(lots, r.most_short)
            if lots > r.most_lots or wanted < 0:
                status = BEYOND if lots <= r.most_lots else -row
                break
    keep(account, 0, cash, position, wanted, target, before, since, sample)
    keep(account, 7, fees, slips, fills, trades, won, held, 0)
    return status


@compiled
def fee_of(value: int, rate: int, fitting: int) -> int:
    """`part_up`, by one division of values up to `fitting`, whose product fits; two are a fifth of all that a fill costs."""
    if 0 <= value <= fitting:  # `int` alone would leave it without a sign, and both results would be doubles
        return int(np.int64(np.uint64(value * rate + ONE - 1) // np.uint64(ONE)))
    return part_up(value, rate)


@compiled
def seven(account: np.ndarray, first: int) -> tuple[int, int, int, int, int, int, int]:
    one, two, three, four = account[first], account[first + 1], account[first + 2], account[first + 3]
    return one, two, three, four, account[first + 4], account[first + 5], account[first + 6]


@compiled
def keep(
    account: np.ndarray, first: int, one: int, two: int, three: int, four: int, five: int, six: int, last: int
) -> None:
    account[first], account[first + 1], account[first + 2], account[first + 3] = one, two, three, four
    account[first + 4], account[first + 5], account[first + 6] = five, six, last


@compiled
def show(
    close: np.ndarray, row: int, cash: int, position: int, samples: np.ndarray, sample: int, equity: np.ndarray
) -> int:
    """Write the equity at the samples before a row; how many are written then."""
    while sample < len(samples) and samples[sample] < row:
        equity[sample] = cash + position * close[samples[sample]]
        sample += 1
    return sample


@compiled
def summed(
    close: np.ndarray, account: np.ndarray, summary: np.ndarray, samples: np.ndarray, equity: np.ndarray
) -> None:
    """What is left after the last bar."""
    cash, position, since = account[0], account[1], account[5]
    show(close, len(close), cash, position, samples, account[6], equity)
    summary[0], summary[1], summary[2], summary[3] = cash + position * close[-1], account[7], account[8], 0
    summary[4], summary[5], summary[6] = account[9], account[10], account[11]
    summary[7] = account[12] + (len(close) - since if position != 0 else 0)
