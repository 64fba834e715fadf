"""What a back-test leaves behind: its fills, as rows, and why each of them was.

In:  nothing. Out: the layout of fills, reasons, and the error for amounts that do not fit.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Reason(IntEnum):
    """Why something was filled or paid."""

    TARGET = 0
    STOP_LOSS = 1
    TAKE_PROFIT = 2
    TRAILING = 3
    TIME = 4
    LIQUIDATION = 5
    FUNDING = 6
    UNFILLED = 7  # of several instruments: one that could not be filled with the others; nothing was traded
    UNWOUND = 8  # back to what was held before, since another could not be filled


FILLS = np.dtype(
    [
        ("bar", "<i8"),
        ("price", "<i8"),  # ticks
        ("size", "<i8"),  # lots, + bought, - sold; 0 of a funding
        ("fee", "<i8"),  # units (tick times lot), rounded up
        ("slippage", "<i8"),
        ("funding", "<i8"),
        ("reason", "<i8"),
        ("inside", "<i8"),  # 0: at the bar's open; 1: within it
    ]
)

COLUMNS = len(FILLS.fields or ())


def table_of(fills: np.ndarray) -> np.ndarray:
    """FILLS rows as whole numbers, shape (m, COLUMNS); the same memory."""
    found: np.ndarray = fills.view(np.int64).reshape(-1, COLUMNS)
    return found


class TooLarge(OverflowError):
    """An amount beyond 2**60 units; `row` is the bar's."""

    def __init__(self, row: int) -> None:
        self.row = row
        super().__init__(
            f"at row {row} an amount exceeds 2**60 units (tick times lot) and could no longer be counted exactly; give bars "
            "with a coarser tick or lot, less cash, or limits"
        )
