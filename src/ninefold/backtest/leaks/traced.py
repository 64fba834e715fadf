"""Arrays that carry, for each element, the latest row it was made from.

In:  values and the rows they know; then whatever numpy code a strategy is.
Out: arrays of the same kind. What would leave numpy unseen (a condition, a number taken out) is remembered and counted
     to the next element that is written; what cannot be followed at all is refused.

A strategy run on these is judged by what it read, not by how results differ: a leak is found even if it changed nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ninefold.backtest.leaks.functions import FOLLOWED, known_after
from ninefold.backtest.leaks.taken import Taken
from ninefold.backtest.leaks.trail import NOTHING, CannotFollow, Known, Reach, line_now, reach_of


class Traced(NDArrayOperatorsMixin):
    """An array of bars, or made of some.

    values: shape of any kind; known: int64 of the same shape, -1 where an element knows no bar.
    """

    __slots__ = ("known", "reach", "taken", "values")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, values: np.ndarray, known: Known, taken: Taken, reach: Reach = NOTHING) -> None:
        self.values, self.known, self.taken, self.reach = values, known, taken, reach

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    @property
    def ndim(self) -> int:
        return self.values.ndim

    @property
    def size(self) -> int:
        return self.values.size

    @property
    def dtype(self) -> Any:
        return self.values.dtype

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Traced]:
        return (self[at] for at in range(len(self.values)))

    def __getitem__(self, key: Any) -> Traced:
        plain, known_by_key = _key(key)
        found = np.array(self.known[plain])
        if known_by_key is not None:
            found = np.maximum(found, known_by_key)
        return self._made(np.asarray(self.values[plain]), found, (self.reach,))

    def __setitem__(self, key: Any, value: Any) -> None:
        plain, known_by_key = _key(key)
        before, reach = self._before(plain)
        new_values, new_known, new_reach = self._parts(value, self.known[plain])
        self.values[plain] = new_values
        self.known[plain] = np.maximum(new_known, before)
        if known_by_key is not None:
            self.known[plain] = np.maximum(self.known[plain], known_by_key)
        if isinstance(key, Traced) and key.shape == self.shape:  # an element that stays as it was knows why, too
            self.known = np.maximum(self.known, key.known)
        self.reach = reach_of(
            self.known, (self.reach, new_reach, reach, *([key.reach] if isinstance(key, Traced) else []))
        )

    def _before(self, plain: Any) -> tuple[int, Reach]:
        """What numbers and conditions give to what is written now."""
        if isinstance(plain, int | np.integer) and self.ndim == 1:
            return self.taken.written_at(int(plain) % len(self), self)
        return self.taken.written()

    def __bool__(self) -> bool:
        found = self._one()
        self.taken.condition(int(self.known.max()), self.reach)
        return bool(found)

    def __float__(self) -> float:
        return self._leaves(float(self._one()))

    def __int__(self) -> int:
        return int(self._leaves(int(self._one())))

    def __index__(self) -> int:
        return int(self._leaves(self._one().__index__()))

    def __round__(self, digits: int = 0) -> Any:
        return np.round(self, digits)

    def __format__(self, how: str) -> str:
        return format(self._one() if how else self.values, how)

    def __repr__(self) -> str:
        return repr(self.values)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise CannotFollow(
            f"{line_now()}: the bars were made a plain array, so the leak check cannot say what is done with them; "
            "make arrays from the bars themselves, np.zeros_like(bars.close) say"
        )

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        if any(hasattr(one, "traced") and not isinstance(one, list) for one in inputs):
            return NotImplemented  # a series or frame does it
        beside = max((one.known for one in inputs if isinstance(one, Traced)), key=np.ndim)
        values, known, reaches = zip(*(self._parts(one, beside) for one in inputs), strict=True)
        if kwargs.get("where", True) is not True:
            raise CannotFollow(f"{line_now()}: {ufunc.__name__} with where= cannot be followed; use np.where")
        made = getattr(ufunc, method)(*values, **kwargs)
        if method == "__call__" and ufunc.signature is None:
            rows = known[0]
            for one in known[1:]:
                rows = np.maximum(rows, one)
        elif method == "__call__" and ufunc is np.matmul and known[1].ndim == 1:
            rows = np.maximum(known[0].max(axis=-1), known[1].max())
        elif method in ("reduce", "accumulate", "reduceat"):
            given = {name: kwargs[name] for name in ("axis", "keepdims") if name in kwargs}
            rows = getattr(np.maximum, method)(known[0], *(one for one in values[1:]), **given)
        else:
            raise CannotFollow(
                f"{line_now()}: numpy's {ufunc.__name__} ({method}) cannot be followed by the leak check"
            )
        if isinstance(made, tuple):
            return tuple(self._made(np.asarray(one), np.array(rows), reaches) for one in made)
        whole = self._made(np.asarray(made), np.array(rows), reaches)
        return whole if out is None else _into(out[0], whole)

    def __array_function__(self, function: Callable[..., Any], kinds: Any, args: Any, kwargs: Any) -> Any:
        if any(hasattr(one, "traced") for one in kinds):
            return NotImplemented
        if function in (np.ndim, np.shape, np.size):
            return function(*_map(args, lambda one: one.values))
        if function not in FOLLOWED:
            known_after(function, (), {}, ())  # says that it is not known
        reaches: list[Reach] = []
        values = _map(args, lambda one: one.values), _map(kwargs, lambda one: one.values)
        made = function(*values[0], **values[1])
        known = (
            tuple(self._known(one, reaches) for one in args),
            {name: self._known(one, reaches) for name, one in kwargs.items()},
        )
        if isinstance(made, list | tuple):
            rows = known_after(function, known[0], known[1], ())
            many = rows if isinstance(rows, list | tuple) else [np.full(np.shape(one), np.max(rows)) for one in made]
            pairs = zip(made, many, strict=True)
            return type(made)(self._made(np.asarray(one), np.array(row), reaches) for one, row in pairs)
        return self._made(np.asarray(made), np.array(known_after(function, *known, np.shape(made))), reaches)

    def floored(self, known: int, reach: Reach) -> Traced:
        """The same, chosen by something that knows `known`."""
        return self._made(self.values, np.maximum(self.known, known), (self.reach, reach))

    def _made(self, values: np.ndarray, known: Known, made_from: Any) -> Traced:
        return Traced(values, known, self.taken, reach_of(known, made_from))

    def _one(self) -> Any:
        if self.size != 1:
            raise ValueError("an array of several elements is neither true nor a number; use np.where or .any()")
        return self.values.item()

    def _leaves(self, number: float) -> float:
        self.taken.number(number, int(self.known.max()), self.reach)
        return number

    def _parts(self, one: Any, beside: Known) -> tuple[Any, Known, Reach]:
        """Values, what they know, their reach; a plain value knows nothing, unless it is a number that was taken out."""
        if isinstance(one, Traced):
            return one.values, one.known, one.reach
        known, reach = self.taken.met(one, beside)
        return one, np.full(np.shape(one), known), reach

    def _known(self, value: Any, reaches: list[Reach]) -> Any:
        """Arguments as `known_after` takes them: arrays by what they know, plain ones mostly by -1, the rest as it is."""
        if isinstance(value, Traced | np.ndarray):
            _, known, reach = self._parts(value, self.known)
            reaches.append(reach)
            return known
        if isinstance(value, float):  # whole numbers say how, an axis or a size
            _, known, reach = self._parts(value, self.known)
            reaches.append(reach)
            return known if known.max() >= 0 else value
        if isinstance(value, list | tuple):
            mixed = any(isinstance(one, Traced | np.ndarray) for one in value)
            return type(value)(
                self._known(np.asarray(one) if mixed and np.isscalar(one) else one, reaches) for one in value
            )
        return value

    def astype(self, dtype: Any) -> Traced:
        return self._made(self.values.astype(dtype), self.known.copy(), (self.reach,))

    def copy(self) -> Traced:
        return self._made(self.values.copy(), self.known.copy(), (self.reach,))

    def __copy__(self) -> Traced:
        return self.copy()

    def __deepcopy__(self, _: Any) -> Traced:
        return self.copy()

    def reshape(self, *shape: Any) -> Any:
        return np.reshape(self, shape[0] if len(shape) == 1 else shape)


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *args, **kwargs: function(self, *args, **kwargs)


for _name in ("sum", "mean", "std", "var", "min", "max", "prod", "any", "all", "argmax", "argmin", "cumsum", "cumprod"):
    setattr(Traced, _name, _method(getattr(np, _name)))
for _name in ("clip", "round", "ravel", "repeat", "squeeze", "take", "argsort"):
    setattr(Traced, _name, _method(getattr(np, _name)))


def _key(key: Any) -> tuple[Any, Known | None]:
    """The key with plain arrays, and what the chosen elements know of the choice itself."""
    if not isinstance(key, Traced):
        return key, None
    if key.dtype == np.bool_ and key.ndim == 1:  # which are chosen depends on all before
        return key.values, np.maximum.accumulate(key.known)[key.values]
    return key.values, key.known


def _map(value: Any, change: Callable[[Traced], Any]) -> Any:
    if isinstance(value, Traced):
        return change(value)
    if isinstance(value, list | tuple):
        return type(value)(_map(one, change) for one in value)
    return {name: _map(one, change) for name, one in value.items()} if isinstance(value, dict) else value


def _into(target: Any, made: Traced) -> Traced:
    if not isinstance(target, Traced):
        raise CannotFollow(
            f"{line_now()}: bars were written into a plain array; make it with np.zeros_like(bars.close)"
        )
    target.values[...] = made.values
    target.known[...] = made.known
    target.reach = made.reach
    return target
