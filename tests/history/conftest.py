"""Venues without their pauses: what is waited for in tests is told by loopback."""

from dataclasses import replace

import pytest

from ninefold.history import asking
from ninefold.history.table import HISTORIES
from ninefold.venues import questions


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    for name, history in HISTORIES.items():
        monkeypatch.setitem(HISTORIES, name, replace(history, pace_s=0.0))
    monkeypatch.setattr(asking, "FIRST_WAIT_S", 0.001)
    monkeypatch.setattr(questions, "RETRY_S", 0.001)
