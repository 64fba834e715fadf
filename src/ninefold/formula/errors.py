"""What is said when a formula cannot be built."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class FormulaError(ValueError):
    """A formula that is not legal: says where, what was found, what is allowed and what to do."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """'; did you mean 'sma'?' for a near miss, else nothing.

    >>> did_you_mean("smaa", ["sma", "rsi"])
    "; did you mean 'sma'?"
    """
    near = difflib.get_close_matches(name.lower(), list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
