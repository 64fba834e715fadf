"""The bars of one instrument: how trades, doubts and time make them, in whole numbers.

In:  trades, and which seconds have ended; in `Series` what may be missed.
Out: (width, open_ns) of bars that were finished or restated. Bars of one second are made from trades, wider ones from the next
     narrower ones.
"""

from __future__ import annotations

import math
from copy import copy
from itertools import pairwise

import msgspec

from ninefold.market.arrays import BAR_FLAT, BAR_OK, BAR_UNKNOWN, BUY
from ninefold.market.time import SECOND_NS, TIMEFRAMES, bar_open

WIDTHS = tuple(sorted(TIMEFRAMES.values()))
KEPT = {SECOND_NS: 900}  # finished bars kept to be restated
KEPT_WIDER = 200


class Part(msgspec.Struct, array_like=True, gc=False):
    """A bar in the making. first, last: (exchange_ns, trade id) of the trades that gave open and close. above: what was paid beyond
    the open, price times size, of all trades; None where a version of the program that did not count it made part of the bar.
    """

    open: int = 0
    high: int = 0
    low: int = 0
    close: int = 0
    volume: int = 0
    buy_volume: int = 0
    trades: int = 0
    state: int = BAR_OK
    revision: int = 0
    first: tuple[int, int] = (0, 0)
    last: tuple[int, int] = (0, 0)
    above: float | None = None


class Series(msgspec.Struct):
    """bars: width to open_ns to bar, finished and (one second only) unfinished ones; covered_ns: no trade before it is promised
    to be here; missed: [from_ns, to_ns, last trade id] not yet healed; first_id: the lowest trade id so far.
    """

    bars: dict[int, dict[int, Part]]
    first_ns: int
    finished_ns: int
    covered_ns: int
    missed: list[list[int]] = []
    late: set[int] = set()  # seconds that changed after they were finished
    quote: tuple[int, int, int, int] = (0, 0, 0, 0)
    first_id: int = 0


def fold(part: Part, exchange_ns: int, trade_id: int, price: int, size: int, side: int) -> None:
    """Add a trade to a bar that has some."""
    key = (exchange_ns, trade_id)
    if key < part.first:
        if part.above is not None:
            part.above += float((part.open - price) * part.volume)
        part.first, part.open = key, price
    if part.above is not None:
        part.above += float((price - part.open) * size)
    if key >= part.last:
        part.last, part.close = key, price
    part.high = max(part.high, price)
    part.low = min(part.low, price)
    part.volume += size
    part.buy_volume += size if side == BUY else 0
    part.trades += 1


def mean_of(part: Part) -> float:
    """The volume-weighted mean price; the one price of a quiet bar; NaN where it is not known. Counted from the open, so that it
    is exact where all trades were at one price."""
    if part.state == BAR_UNKNOWN or (part.volume and part.above is None):
        return math.nan
    return part.open + part.above / part.volume if part.volume and part.above is not None else float(part.close)


def finish_second(series: Series) -> list[tuple[int, int]]:
    """Finish the next second and every wider bar that ends with it."""
    second = series.finished_ns
    end = series.finished_ns = second + SECOND_NS
    _settle_second(series, second)
    done = [(SECOND_NS, second)]
    for narrow, width in pairwise(WIDTHS):
        if end % width:
            continue
        _settle_wider(series, narrow, width, end - width)
        done.append((width, end - width))
    return done


def foreseen(series: Series) -> list[tuple[int, int, Part]]:
    """What `finish_second` would finish now: width, open_ns and bar. The series stays as it is."""
    second = series.finished_ns
    part = series.bars[SECOND_NS].get(second)
    before = None if part is None else copy(part)
    standing = {width: bars.get(bar_open(second, width)) for width, bars in series.bars.items()} | {SECOND_NS: before}
    done = finish_second(series)
    found = [(width, open_ns, series.bars[width][open_ns]) for width, open_ns in done]
    series.finished_ns = second
    for width, open_ns in done:
        if (bar := standing[width]) is None:
            del series.bars[width][open_ns]
        else:
            series.bars[width][open_ns] = bar
    return found


def restate(series: Series) -> list[tuple[int, int]]:
    """Settle again what changed after it was finished."""
    changed: dict[tuple[int, int], None] = {}
    seconds = series.bars[SECOND_NS]
    for second in sorted(series.late):
        while second < series.finished_ns and second in seconds:
            if _settle_second(series, second):
                changed[SECOND_NS, second] = None
            second += SECOND_NS
            if second not in seconds or seconds[second].trades or (SECOND_NS, second) in changed:
                break  # a flat bar carries the close before it on; a traded one does not
    series.late = set()
    for narrow, width in pairwise(WIDTHS):
        for open_ns in sorted({bar_open(start, width) for (of, start) in changed if of == narrow}):
            if open_ns in series.bars[width] and _settle_wider(series, narrow, width, open_ns):
                changed[width, open_ns] = None
    for width, open_ns in changed:
        series.bars[width][open_ns].revision += 1
    return list(changed)


def seconds_of(series: Series, start_ns: int, end_ns: int) -> list[int]:
    """Finished seconds that touch [start, end]."""
    first = max(bar_open(start_ns, SECOND_NS), series.first_ns)
    last = min(end_ns, series.finished_ns - 1)
    return [second for second in range(first, last + 1, SECOND_NS) if second in series.bars[SECOND_NS]]


def forget(series: Series) -> None:
    """Whole groups at a time: what restates a wider bar needs all the narrower ones it consists of."""
    for width, wider in zip(WIDTHS, (*WIDTHS[1:], WIDTHS[-1]), strict=True):
        bars = series.bars[width]
        oldest = bar_open(series.finished_ns - KEPT.get(width, KEPT_WIDER) * width, wider)
        while (open_ns := next(iter(bars), oldest)) < oldest:
            del bars[open_ns]
    series.missed = [one for one in series.missed if one[1] >= series.finished_ns - KEPT_WIDER * WIDTHS[1]]


def _settle_second(series: Series, second: int) -> bool:
    """Give a finished second its state and, if it was quiet, the price before it; True if that changed it."""
    seconds = series.bars[SECOND_NS]
    part = seconds.get(second)
    before = None if part is None else (part.close, part.state)
    if part is None:
        part = seconds[second] = Part()
    late = second in series.late
    missed = any(start < second + SECOND_NS and end >= second for start, end, _ in series.missed)
    if missed or series.covered_ns > second:
        part.state = BAR_UNKNOWN
    else:
        part.state = BAR_OK if part.trades else BAR_FLAT
    if not part.trades:
        earlier = seconds.get(second - SECOND_NS)
        price = earlier.close if earlier is not None else part.close
        part.open = part.high = part.low = part.close = price
    return (late and bool(part.trades)) or before != (part.close, part.state)


def _settle_wider(series: Series, narrow: int, width: int, open_ns: int) -> bool:
    children = [
        part for at in range(open_ns, open_ns + width, narrow) if (part := series.bars[narrow].get(at)) is not None
    ]
    old = series.bars[width].get(open_ns)
    part = _joined(children)
    if series.covered_ns > open_ns:
        part.state = BAR_UNKNOWN
    if old is not None:
        part.revision = old.revision
    series.bars[width][open_ns] = part
    return old is None or old != part


def _joined(children: list[Part]) -> Part:
    """One bar from the narrower ones it consists of, oldest first. Quiet ones only matter if all are."""
    shown = [child for child in children if child.trades] or children
    state = BAR_OK if shown[0].trades else BAR_FLAT
    if any(child.state == BAR_UNKNOWN for child in children):
        state = BAR_UNKNOWN
    first = shown[0].open
    paid = [None if one.above is None else one.above + float((one.open - first) * one.volume) for one in shown]
    return Part(
        open=first,
        high=max(child.high for child in shown),
        low=min(child.low for child in shown),
        close=shown[-1].close,
        volume=sum(child.volume for child in shown),
        buy_volume=sum(child.buy_volume for child in shown),
        trades=sum(child.trades for child in shown),
        state=state,
        above=None if None in paid else math.fsum(one for one in paid if one is not None),
    )
