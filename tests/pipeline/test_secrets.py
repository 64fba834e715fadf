"""Planted secrets are nowhere that anybody could read: not in what is printed, stored or answered, in no process list.

In:  made-up secrets in every place that takes one, in a run in which all goes wrong that may: the exchange refuses the
     signature, Slack and the news answer with errors that repeat the address, the live copy is refused, a process ends
     with a traceback.
Out: everything that the run left: outputs, each file of the data dir, records of the logs taken out of their blocks,
     text of the tables, what the API and /metrics answered, the command lines of the processes.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import threading
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import psutil
import pyarrow.parquet as pq
import pytest

from ninefold.journal.reader import read
from ninefold.venues.binance_client import BinanceClient
from ninefold.venues.binance_requests import ask_account

from .running import Program, ledger

pytestmark = pytest.mark.slow

MADE = {
    name: secrets.token_hex(32)
    for name in (
        "api key",
        "api secret",
        "wrong secret",
        "admin",
        "trade",
        "read",
        "grafana",
        "webhook",
        "slack",
        "signing",
        "bus",
        "news",
    )
}
MADE["influx"] = secrets.token_hex(20)
PLANTED = {**MADE, "basic": b64encode(f"writer:{MADE['influx']}".encode()).decode()}
ENVIRONMENT = {
    "NINEFOLD_API_KEY": MADE["api key"],
    "NINEFOLD_API_SECRET": MADE["api secret"],
    "NINEFOLD_API_TOKEN": MADE["admin"],
    "NINEFOLD_API_TRADE_TOKEN": MADE["trade"],
    "NINEFOLD_API_READ_TOKEN": MADE["read"],
    "NINEFOLD_SLACK_TOKEN": MADE["slack"],
    "NINEFOLD_SLACK_SIGNING_SECRET": MADE["signing"],
    "NINEFOLD_INFLUX_PASSWORD": MADE["influx"],
    "NINEFOLD_BUS_USER": "collect",
    "NINEFOLD_BUS_PASSWORD": MADE["bus"],
}


class Refusing(BaseHTTPRequestHandler):
    """Whatever is asked, it is refused with an error that repeats the address."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(404, f"no {self.path}")
        body = f"nothing at {self.path}".encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *said: object) -> None:
        return


@pytest.fixture(scope="module")
def outside() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class Left:
    """What a run left, as texts by where each was found."""

    def __init__(self) -> None:
        self.texts: dict[str, bytes] = {}

    def leaks(self, planted: dict[str, str] = PLANTED) -> list[str]:
        return [
            f"{name} in {where}"
            for where, text in self.texts.items()
            for name, one in planted.items()
            if one.encode() in text
        ]

    def take_folder(self, folder: Path) -> None:
        for path in (path for path in folder.rglob("*") if path.is_file()):
            self.texts[str(path.relative_to(folder.parent))] = path.read_bytes()
            if path.suffix == ".parquet":
                self.texts[f"rows of {path.name}"] = json.dumps(pq.read_table(path).to_pylist(), default=str).encode()
        for log in ("journal", "stream") if folder.name == "data" else ():
            self.texts[f"records of {log}"] = b"\n".join(bytes(record.payload) for record in read(folder / log, 0))

    def take_answers(self, url: str, token: str) -> None:
        paths = json.loads(self._get(f"{url}api/v1/openapi/openapi.json", token))["paths"]
        for path in [*paths, "/metrics", "/", "/api/v1/nothing"]:
            self._get(url + re.sub(r"{\w+}", "1", path).lstrip("/"), token)
            self._get(url + path.lstrip("/").replace("{number}", "1"), "wrong")

    def _get(self, address: str, token: str) -> bytes:
        request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                found = answer.read()
        except urllib.error.HTTPError as refused:
            found = refused.read() + str(refused.headers).encode()
        self.texts[f"{address} with {token[:5]}"] = found
        return bytes(found)


class Run:
    """A simulated exchange, and the hot and the cold process of a config against it; all end with `end`."""

    def __init__(self, folder: Path, outside: str) -> None:
        self.folder, self.data_dir = folder, folder / "data"
        self.exchange = self._exchange()
        ready = json.loads(self.exchange.line())
        self.rest_url = ready["rest"]
        tokens = folder / "tokens.json"
        tokens.write_text(json.dumps({"grafana": {"scope": "read", "token": MADE["grafana"]}}))
        tokens.chmod(0o600)
        self.config = folder / "ninefold.toml"
        self.config.write_text(CONFIG.format(outside=outside, news=MADE["news"], folder=folder, **ready))
        self.extra = {**ENVIRONMENT, "NINEFOLD_SLACK_WEBHOOK": f"{outside}/services/{MADE['webhook']}"}

    def _exchange(self) -> Program:
        held = self.folder / "simulator"
        held.mkdir(parents=True)
        (held / "keys.json").write_text(json.dumps({"apiKey": MADE["api key"], "secret": MADE["api secret"]}))
        (held / "keys.json").chmod(0o600)
        return Program(self.folder / "exchange", "--data-dir", held, "--rate", "50", module="ninefold.simulator")

    def start(self, name: str) -> Program:
        return Program(self.folder / name, name, "--config", self.config, extra=self.extra)


CONFIG = """
data_dir = "{folder}/data"
mode = "demo"
[venue]
pairs = ["BTC/USDT"]
rest_url = "{rest}"
stream_url = "{stream}"
ws_api_url = "{ws_api}"
[account]
orders = "exchange"
[[sentiment]]
name = "news"
form = "rss"
address = "{outside}/rss?key={news}"
every_s = 1.0
[influx]
url = "{outside}"
user = "writer"
[serve]
port = 0
tokens_file = "{folder}/tokens.json"
"""


def command_lines() -> bytes:
    return "\n".join(" ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])).encode()


async def wrongly_signed(rest_url: str) -> bytes:
    """All that is told of a question that the exchange refuses."""
    client = BinanceClient(rest_url, MADE["api key"], MADE["wrong secret"], time.time_ns)
    await client.start()
    status, body = await client.call(ask_account(client.venue_ms()))
    asking = asyncio.ensure_future(client.until_answered(ask_account))
    while "-1022" not in client.problem:
        await asyncio.sleep(0.02)
    asking.cancel()
    await client.close()
    return f"{status} {body} {client.problem}".encode()


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory, outside: str) -> Left:
    """Of one run with everything in it."""
    run, found = Run(tmp_path_factory.mktemp("secrets"), outside), Left()
    running = [run.exchange]
    try:
        cold, hot = run.start("cold"), run.start("hot")
        running += [cold, hot]
        url = f"http://127.0.0.1:{cold.line().removeprefix('port: ')}/"
        for path in ("/services/", "/rss", "/write"):
            hot.until(lambda path=path: [one for one in Refusing.asked if path in one], f"{path} is asked for")
        hot.until(lambda: ledger(run.data_dir, "balance"), "the account is known")
        found.texts["the process list"] = command_lines()
        found.take_answers(url, MADE["admin"])
        found.texts["a wrong signature"] = asyncio.run(wrongly_signed(run.rest_url))
        (run.data_dir / "state").rename(run.data_dir / "state.away")
        (run.data_dir / "state").write_text("no folder")
        assert "Traceback" in hot.result().err
    finally:
        for program in reversed(running):
            program.end()
    for folder in ("exchange", "cold", "hot", "data"):
        found.take_folder(run.folder / folder)
    return found


def test_no_planted_secret_is_in_anything_that_is_left(left: Left) -> None:
    assert left.leaks() == []


def test_the_search_finds_what_is_there_in_each_place_it_looks_at(left: Left) -> None:
    there = {"pair": "BTC/USDT", "refused": "could not be fetched: http 404", "slack": "Slack answered 404"}
    found = left.leaks(there)
    for place in ("pair in records of journal", "pair in records of stream", "pair in data/ledger.db"):
        assert place in found
    assert any(one.startswith("refused in rows of ") for one in found)
    assert any("/api/v1/messages" in one and one.startswith("refused") for one in found)
    assert any("/api/v1/services" in one and one.startswith("slack") for one in found)
    assert set(left.leaks({"crash": "Traceback"})) >= {"crash in hot/stderr.txt"}
    assert "signed in a wrong signature" in left.leaks({"signed": "-1022"})
    assert "command in the process list" in left.leaks({"command": "-m ninefold hot --config"})
