"""serve: REST, websocket, charts and metrics over what is followed and stored.

In:  finished chunks and statuses. Out: answers.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from ninefold.api.app import create_app
from ninefold.api.context import ApiContext
from ninefold.api.live import LiveView
from ninefold.api.server import serve
from ninefold.bus.status import Status
from ninefold.config import BadConfig, Config
from ninefold.market.chunk import Chunk
from ninefold.market.records import AnyRecord, Gap, Halted, Has, Malformed, May, MayScored, Resumed
from ninefold.services import halt
from ninefold.services.tokens import shown, tokens_of
from ninefold.store.completeness import completeness, plain
from ninefold.store.ledger import LedgerReader
from ninefold.store.read import Reader
from ninefold.store.runs import RunReader

LOOPBACK = ("127.0.0.1", "localhost", "::1")
REMEMBERED = 2_000  # stored messages that a new start shows


class Serve:
    """The view is folded on the loop that answers. stored_seq: up to where the tables told it; from there on it follows."""

    def __init__(self, config: Config, clock: Callable[[], int]) -> None:
        self._config = config
        self._clock = clock
        self._data_dir = Path(config.data_dir)
        tokens = tokens_of(config.serve)
        if config.serve.host not in LOOPBACK and not tokens:
            raise BadConfig(
                f"serve.host is {config.serve.host!r}, which others can reach, and {config.serve.token_env} is not set; "
                "set a token there, or serve on 127.0.0.1"
            )
        reader = Reader(self._data_dir)
        self.stored_seq = reader.position()  # before the rest: what is stored meanwhile, the stream tells again
        self.view = LiveView(config.mode, reader.captured(), first_number=clock())
        self._remember(reader)
        context = ApiContext(
            view=self.view,
            halt=self._halt,
            resume=self._resume,
            flatten=self._flatten,
            now_ns=clock,
            reader=reader,
            runs=RunReader(self._data_dir),
            completeness=self._completeness,
            host=config.serve.host,
            tokens=tokens,
            settings=shown(config),
            slack_secret=os.environ.get(config.notify.signing_secret_env, ""),
            slack_users=config.notify.slack_users,
        )
        self._app = create_app(context)

    def take(self, chunks: list[Chunk]) -> None:
        for chunk in chunks:
            if chunk.last_seq > self.view.last_seq:
                self.view.apply(chunk)

    def hear(self, statuses: list[Status]) -> None:
        for status in statuses:
            self.view.apply_status(status)

    async def run(self, on_ready: Callable[[int], None]) -> None:
        """Answer until cancelled. raises CannotListen."""
        await serve(self._app, self._config.serve.host, self._config.serve.port, on_ready)

    def _remember(self, reader: Reader) -> None:
        """Show what was stored before this start; what came later is in the stream that is followed."""
        kinds = (May, MayScored, Has, Gap, Malformed, Halted, Resumed)
        records: list[AnyRecord] = [*reader.records(kinds, limit=REMEMBERED), *LedgerReader(self._data_dir).events()]
        records = sorted((record for record in records if record.seq <= self.stored_seq), key=lambda record: record.seq)
        if records:
            self.view.apply(Chunk(0, self.stored_seq, records[-1].known_ns, {}, records))

    def _completeness(
        self, name: str, from_ns: int | None, to_ns: int | None, width_ns: int | None
    ) -> dict[str, object]:
        return plain(completeness(self._data_dir, name, from_ns, to_ns, width_ns=width_ns))

    async def _halt(self, by: str, reason: str) -> None:
        await asyncio.to_thread(halt.write, self._data_dir, halt.Halt(by, reason, self._clock()))

    async def _flatten(self, by: str, instrument: str) -> None:
        await asyncio.to_thread(halt.flatten, self._data_dir, halt.Ask(by, instrument, self._clock()))

    async def _resume(self, by: str) -> None:
        await asyncio.to_thread(halt.clear, self._data_dir)
