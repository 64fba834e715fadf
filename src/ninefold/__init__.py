"""ninefold: record a crypto market, think about it, trade it on paper, say what it may do and what it did."""

__version__ = "0.1.0"
