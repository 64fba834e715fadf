"""Loops whose rounds (`prange`) are shared out among all cores. A round writes only what is its own: no sums across."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

from ninefold.market.compiled import kept

F = TypeVar("F", bound=Callable[..., Any])


def parallel(function: F) -> F:
    """Compiled as by `market.compiled.compiled`, on all cores."""
    return cast(F, kept(njit(nogil=True, parallel=True)(function)))
