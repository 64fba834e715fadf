"""Readings, one file a venue."""

from importlib import import_module

from ..reading import Reading


def reading_of(venue: str) -> Reading:
    return import_module(f"{__name__}.{venue}").READING
