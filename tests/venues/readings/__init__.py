"""Readings, one file a venue."""
