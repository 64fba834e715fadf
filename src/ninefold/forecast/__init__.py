"""Distributions of the log return over the next bars: features, labels, splits, models, scores, drift."""
