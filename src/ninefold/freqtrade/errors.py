"""What goes wrong with a strategy of somebody else."""

from __future__ import annotations


class StrategyFailed(ValueError):
    """The strategy cannot be run; the text says where, what was found and what to do."""
