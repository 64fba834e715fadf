"""What the API needs from whoever starts it: the live view, the store, what halts and resumes, and who may ask."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from ninefold.api.live import LiveView
from ninefold.api.scopes import Tokens
from ninefold.store.runs import RunReader

STATIC = Path(__file__).parent / "static"  # the web front end as `scripts/build_web.py` builds it


class StoreReader(Protocol):
    """What the API reads of the store: rows of one instrument, oldest first, the newest `limit` of them."""

    def bars(
        self,
        instrument_id: int,
        width_ns: int,
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int | None = None,
        newest: bool = True,
    ) -> np.ndarray: ...

    def trades(
        self,
        instrument_id: int,
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int | None = None,
        newest: bool = False,
    ) -> np.ndarray: ...

    def values(
        self,
        instrument_id: int,
        width_ns: int,
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int | None = None,
        newest: bool = True,
        term: str | None = None,
    ) -> np.ndarray: ...


@dataclass(frozen=True)
class ApiContext:
    """host: the address that is listened on; any but loopback needs tokens. settings: as an admin may see them.
    slack_secret: that signs what Slack sends; without it nothing of Slack's is taken. slack_users: ids of those who may; empty: all.

    halt(by, reason), resume(by), flatten(by, instrument name or "" for all): make the pipeline do it; the view shows it when the
    stream says that it happened.
    completeness(instrument, from_ns, to_ns, width_ns): what the store's certificates say; slow enough for a thread.
    runs: back-tests that are kept, or None while there is no data dir.
    reader: the store, or None while there is none; then only what the live view holds is answered.
    """

    view: LiveView
    halt: Callable[[str, str], Awaitable[None]]
    resume: Callable[[str], Awaitable[None]]
    flatten: Callable[[str, str], Awaitable[None]]
    now_ns: Callable[[], int]
    reader: StoreReader | None = None
    runs: RunReader | None = None
    completeness: Callable[[str, int | None, int | None, int | None], dict[str, object]] | None = None
    host: str = "127.0.0.1"
    tokens: Tokens = field(default_factory=Tokens)
    slack_secret: str = field(default="", repr=False)
    slack_users: tuple[str, ...] = ()
    settings: dict[str, object] = field(default_factory=dict)
    static: Path = STATIC
