"""What a NATS server sets aside for streams: ours is told how much it may, and one that may too little is told of."""

from __future__ import annotations

from pathlib import Path

import pytest

from ninefold.bus import server as servers
from ninefold.bus.failed import BusFailed
from ninefold.bus.nats import NatsBus
from ninefold.bus.permissions import ORDER
from ninefold.bus.server import NatsServer
from ninefold.bus.sizes import FILE_BYTES, KEPT_BYTES
from tests.bus.test_cut import play


async def all_streams(server: NatsServer, bus: NatsBus) -> NatsServer:
    for stage in ORDER:
        await bus.make(stage)
    return server


def test_all_streams_find_room_however_small_the_disk_is(tmp_path: Path) -> None:
    play(tmp_path, all_streams)
    assert f"max_file_store: {FILE_BYTES}" in (tmp_path / "nats.conf").read_text()


def test_a_server_that_may_set_aside_too_little_is_told_of_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "FILE_BYTES", 3 * KEPT_BYTES)
    with pytest.raises(BusFailed, match=rf"no room for the stream ninefold_\w+: .* set max_file_store: {FILE_BYTES} "):
        play(tmp_path, all_streams)
