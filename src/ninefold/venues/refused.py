"""A venue's no, by itself: who only tells errors loads no client for it."""

from __future__ import annotations


class Refused(RuntimeError):
    """A venue says that what we want is wrong, and will say so again."""
