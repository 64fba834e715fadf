"""A pipeline of which one process does not start leaves none of the others running."""

import asyncio
import socket
from pathlib import Path

import psutil
import pytest

from ninefold.config import Config, Serve, Venue
from ninefold.services.children import ChildFailed
from ninefold.services.run import Pipeline
from ninefold.store.data_dir import open_data_dir

NOWHERE = "127.0.0.1:9"


@pytest.mark.slow
def test_where_the_page_finds_its_port_taken_the_hot_process_ends_too(tmp_path: Path) -> None:
    open_data_dir(tmp_path)
    venue = Venue(pairs=("BTC/USDT",), rest_url=f"http://{NOWHERE}", stream_url=f"ws://{NOWHERE}")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = Config(data_dir=str(tmp_path), venue=venue, serve=Serve(port=taken.getsockname()[1]))
        with pytest.raises(ChildFailed, match=r"^cold ended with status 2: .*in use"):
            asyncio.run(Pipeline.start(config))
    assert (tmp_path / "logs" / "hot.log").exists()
    assert [one for one in psutil.Process().children() if str(tmp_path) in " ".join(one.cmdline())] == []
