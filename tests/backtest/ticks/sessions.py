"""Small sessions for the tests of orders on books: by hand, and at random."""

import numpy as np

from ninefold.backtest.ticks.events import BEST, CLEAR, EVENTS, LEVEL, TRADE, Session
from ninefold.backtest.ticks.orders import ABOVE, BELOW, NOW, Cancel, Life, Order

BUY, SELL = BID, ASK = 1, -1
START_NS = 1_000


def session(*events):
    """Events of (kind, side, price, size), each 10 ns after the one before it, known as they happen."""
    rows = [(START_NS + 10 * row, START_NS + 10 * row, *event) for row, event in enumerate(events)]
    return Session(np.array(rows, EVENTS))


def trade(side, price, size):
    return TRADE, side, price, size


def level(side, price, size):
    return LEVEL, side, price, size


def best(side, price, size):
    return BEST, side, price, size


def clear():
    return CLEAR, 0, 0, 0


def random_session(seed, count, with_book=True):
    """Events near 100 that are often at the same few prices, in bunches, some with a clock that goes back."""
    random = np.random.default_rng(seed)
    at = START_NS + np.cumsum(random.choice([0, 1, 3, 20], count)) + random.integers(-2, 3, count)
    rows, middle, shown = [], 100, {}
    for row in range(count):
        middle += int(random.integers(-1, 2)) if random.random() < 0.15 else 0
        side = int(random.choice([-1, 1]))
        size = int(random.integers(0, 12)) if random.random() < 0.9 else 0
        kind = int(random.choice([TRADE, LEVEL, BEST, CLEAR], p=[0.35, 0.5, 0.13, 0.02])) if with_book else TRADE
        away = int(random.choice([0, 1, 1, 2, 3]))
        if kind == TRADE:
            event = (kind, side if random.random() < 0.9 else 0, middle + side * away, size + 1)
        elif kind == CLEAR:
            event = clear()
        else:
            price = middle - side * away
            if random.random() < 0.7:  # a little more or less than before
                size = max(0, shown.get((side, price), 5) + int(random.integers(-4, 5)))
            shown[(side, price)] = size
            event = (kind, side, price, size)
        rows.append((int(at[row]), int(at[row]) + int(random.integers(0, 6)), *event))
    if with_book:
        rows[0] = (int(at[0]), int(at[0]), *level(BID, 99, 5))
    return Session(np.array(rows, EVENTS))


def calm_session(seed, count):
    """Small trades at 99 and 101, whose levels grow and shrink: a long wait in the queue."""
    random = np.random.default_rng(seed)
    rows, shown = [], {BID: 12, ASK: 12}
    for row in range(count):
        side, change = int(random.choice([BID, ASK])), int(random.integers(-5, 6))
        if row > 1 and random.random() < 0.5:
            event = trade(side, 100 + side, int(random.integers(1, 5)))
        else:
            shown[side] = max(1, shown[side] + change)
            event = level(side, 100 - side, shown[side])
        rows.append((START_NS + 10 * row, START_NS + 10 * row, *event))
    return Session(np.array(rows, EVENTS))


def random_orders(seed, count, orders):
    """Orders of every kind at prices near 100, some in groups, some cancelled."""
    random = np.random.default_rng(seed + 7)
    wanted = []
    for _ in range(orders):
        event = int(random.integers(0, max(1, count - 1)))
        side = int(random.choice([BUY, SELL]))
        when = int(random.choice([NOW, NOW, NOW, ABOVE, BELOW]))
        trail = int(random.integers(1, 4)) if when and random.random() < 0.4 else 0
        trigger = int(random.integers(97, 104)) if when and not trail else 0
        price = int(random.integers(97, 104)) if random.random() < 0.8 else 0
        life = Life(int(random.choice(4 if price else 3)))
        group = int(random.choice([0, 0, 1, 2]))
        wanted.append(Order(event, side, int(random.integers(1, 15)), price, life, when, trigger, trail, group))
    wanted.sort(key=lambda one: one.event)
    for number, one in enumerate(list(wanted)):
        if random.random() < 0.25:
            wanted.append(Cancel(int(random.integers(one.event, count)), number))
    return wanted
