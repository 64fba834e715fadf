"""How knowledge goes through numpy's functions: for each, which rows every element of the result knows.

In:  the function, its arguments with the arrays' values replaced by the rows they know (-1: none).
Out: the rows that the result knows. A function that is not here is refused, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ninefold.backtest.leaks.trail import CannotFollow, Known, line_now

Rule = Callable[..., Any]
Rules = set[Rule]

# moves elements about: what moves the values moves what they know
MOVED: Rules = {
    *(np.roll, np.flip, np.flipud, np.reshape, np.ravel, np.transpose, np.concatenate, np.stack, np.vstack, np.hstack),
    *(np.column_stack, np.repeat, np.tile, np.squeeze, np.expand_dims, np.broadcast_to, np.take, np.split, np.copy),
    *(np.array_split, np.append, np.swapaxes, np.moveaxis, np.lib.stride_tricks.sliding_window_view, np.atleast_1d),
}
# one number of many, along an axis
REDUCED: Rules = {
    *(np.sum, np.mean, np.std, np.var, np.min, np.max, np.median, np.prod, np.any, np.all, np.ptp, np.average),
    *(np.nansum, np.nanmean, np.nanstd, np.nanvar, np.nanmin, np.nanmax, np.nanmedian, np.argmax, np.argmin),
    *(np.percentile, np.quantile, np.nanpercentile, np.nanquantile, np.count_nonzero, np.nanargmax, np.nanargmin),
}
# each element of all before it
ACCUMULATED: Rules = {np.cumsum, np.cumprod, np.nancumsum, np.nancumprod}
# each element of its own
ELEMENTWISE: Rules = {np.where, np.clip, np.nan_to_num, np.round, np.isclose, np.real, np.select}
# each element of all along an axis
MIXED: Rules = {np.sort, np.argsort, np.partition, np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.irfft}
# each element of everything
WHOLE: Rules = {
    np.polyfit,
    np.corrcoef,
    np.cov,
    np.interp,
    np.unique,
    np.searchsorted,
    np.histogram,
    np.dot,
    np.linalg.lstsq,
}
# nothing but a shape
EMPTY: Rules = {np.zeros_like, np.ones_like, np.empty_like, np.full_like}


def known_after(function: Rule, args: tuple[Any, ...], kwargs: dict[str, Any], shape: tuple[int, ...]) -> Any:
    """The rows that the result knows; a tuple or list of arrays where the function gives several.

    args, kwargs: as called, arrays of the bars replaced by what they know, other arrays by -1.
    shape:        of the result.
    raises:       CannotFollow.
    """
    if function in MOVED:
        return function(*args, **kwargs)
    if function is np.pad:
        mode = kwargs.get("mode", args[2] if len(args) > 2 else "constant")
        return np.pad(args[0], args[1], mode=mode, **({"constant_values": -1} if mode == "constant" else {}))
    if function in EMPTY:  # of the first array only the shape is taken
        return np.broadcast_to(_together(args[1:], kwargs), shape)
    if function in ELEMENTWISE:
        return np.broadcast_to(_together(args, kwargs), shape)
    if function in WHOLE:
        return np.full(shape, np.max(_flat(args, kwargs)))
    axis = kwargs.get("axis", _axis_argument(function, args))
    if function in REDUCED:
        return np.broadcast_to(np.max(args[0], axis=axis, keepdims=kwargs.get("keepdims", False)), shape)
    if function in ACCUMULATED:
        return np.maximum.accumulate(args[0].ravel() if axis is None else args[0], axis=axis or 0)
    if function in MIXED:
        most = np.max(args[0], axis=-1 if axis is None else axis, keepdims=True)
        return np.broadcast_to(most, shape) if most.ndim == len(shape) else np.full(shape, np.max(most))
    special = SPECIAL.get(function)
    if special is None:
        raise CannotFollow(
            f"{line_now()}: numpy's {function.__name__} is not known to the leak check, so it cannot say which bars its result knows; "
            "use slices, shifts, cumulative sums or sliding_window_view, or a formula"
        )
    return special(*args, **kwargs)


def _diff(known: Known, n: int = 1, axis: int = -1) -> Known:
    for _ in range(n):
        known = np.maximum(np.delete(known, 0, axis), np.delete(known, -1, axis))
    return known


def _gradient(known: Known, *_: Any) -> Known:
    padded = np.pad(known, 1, mode="edge")
    found: Known = np.lib.stride_tricks.sliding_window_view(padded, 3).max(axis=-1)
    return found


def _convolve(known: Known, weights: Known, mode: str = "full") -> Known:
    long, short = (known, weights) if len(known) >= len(weights) else (weights, known)
    padded = np.pad(long, len(short) - 1, constant_values=-1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(short))
    full: Known = np.maximum(windows.max(axis=-1), short.max())
    if mode == "full":
        return full
    first = len(short) - 1 if mode == "valid" else (len(short) - 1) // 2
    return full[first : first + (len(long) - len(short) + 1 if mode == "valid" else len(long))]


def _correlate(known: Known, weights: Known, mode: str = "valid") -> Known:
    if mode == "same" and len(weights) % 2 == 0:
        return _convolve(known, weights, "full")[len(weights) // 2 :][: len(known)]
    return _convolve(known, weights, mode)


SPECIAL: dict[Rule, Rule] = {
    np.diff: _diff,
    np.gradient: _gradient,
    np.convolve: _convolve,
    np.correlate: _correlate,
}
FOLLOWED: frozenset[Rule] = frozenset(
    {*MOVED, *REDUCED, *ACCUMULATED, *ELEMENTWISE, *MIXED, *WHOLE, *EMPTY, *SPECIAL, np.pad}
)


def _axis_argument(function: Rule, args: tuple[Any, ...]) -> int | tuple[int, ...] | None:
    """The axis, if it was given by its place: the second argument, or the third after a quantile or a size."""
    third = {np.percentile, np.quantile, np.nanpercentile, np.nanquantile, *(MIXED - {np.sort, np.argsort})}
    place = 2 if function in third else 1
    axis: int | tuple[int, ...] | None = args[place] if len(args) > place else None
    return axis


def _flat(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Known:
    arrays = [np.ravel(one) for one in _arrays((*args, *kwargs.values()))]
    return np.concatenate([*arrays, np.array([-1])])


def _together(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Known:
    most: Known = np.array(-1)
    for one in _arrays((*args, *kwargs.values())):
        most = np.maximum(most, one)
    return most


def _arrays(values: Any) -> list[Known]:
    found: list[Known] = []
    for one in values:
        if isinstance(one, np.ndarray):
            found.append(one)
        elif isinstance(one, list | tuple):
            found += _arrays(one)
    return found
