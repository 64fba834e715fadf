"""Data of other programs into the store: one file a source, a pure core that maps their rows to our values."""
