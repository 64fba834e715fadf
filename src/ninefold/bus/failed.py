"""What may be wrong with a NATS server, by itself: who only tells errors loads no client for it."""

from __future__ import annotations


class BusFailed(RuntimeError):
    """A NATS server that cannot be used."""


class Unreachable(BusFailed):
    """Nothing answers there, for now."""
