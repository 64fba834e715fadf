"""InfluxDB 1.x over HTTP: line protocol, the instrument a tag, one request a batch, its log synced for each.

A point is named by tag and time, and a second one with the same name replaces it: trades of one millisecond are moved
apart by nanoseconds, which is taken back in the answers.
"""

from __future__ import annotations

import csv
import http.client
import io
import socket
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from bench.capture.market import TRAVEL_NS
from bench.capture.stores.store import columns, folder_size

START_S = 30.0
REST_S = 25.0  # longer than the cold durations below
LATE_PLACE = 500_000  # late rows of a batch come behind those in time
CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  wal-fsync-delay = "0s"
  cache-max-memory-size = "4g"
  cache-snapshot-write-cold-duration = "10s"
  compact-full-write-cold-duration = "20s"
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
  max-row-limit = 0
[logging]
  level = "error"
[monitor]
  store-enabled = false
"""


class Influx:
    durable = "wal-fsync-delay = 0: its log is synced at each write"
    at_once = 20_000_000

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        port, rpc = _free_port(), _free_port()
        config = folder / "influxdb.conf"
        config.write_text(CONFIG.format(folder=folder, port=port, rpc=rpc))
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._server = subprocess.Popen(["influxd", "run", "-config", str(config)], **quiet)
        self._line = http.client.HTTPConnection("127.0.0.1", port)
        until = time.monotonic() + START_S
        while not self._answers():
            if time.monotonic() > until:
                raise TimeoutError("influxd does not answer")
            time.sleep(0.1)
        self._post("/query?q=" + quote("CREATE DATABASE bench"), b"")

    def prepare(self, rows: np.ndarray) -> Any:
        made = columns(rows)
        made["at"] = rows["exchange_ns"] + _places(rows)
        names = ("instrument", "receive_ns", "seq", "id", "price", "size", "side", "at")
        lines = zip(*(made[name].tolist() for name in names), strict=True)
        return "\n".join(
            f"trades,instrument={of} receive_ns={received}i,seq={seq}i,id={id}i,price={price}i,size={size}i,side={side}i {at}"
            for of, received, seq, id, price, size, side, at in lines
        ).encode()

    def insert(self, prepared: Any) -> None:
        self._post("/write?db=bench&precision=ns", prepared)

    def settle(self) -> None:
        pass

    def finish(self) -> None:
        """Wait until its compaction has come to rest."""
        before, size = -1, self.size()
        while size != before:
            time.sleep(REST_S)
            before, size = size, self.size()

    def size(self) -> int:
        return folder_size(self._folder / "data") + folder_size(self._folder / "wal")

    def candles(self, instrument: int) -> np.ndarray:
        of = f"WHERE instrument = '{instrument}' AND time >= 0 GROUP BY time(1m) fill(none)"
        return self._rows(f"SELECT first(price), max(price), min(price), last(price), sum(size) FROM trades {of}")

    def last(self, instrument: int, count: int) -> np.ndarray:
        of = f"FROM trades WHERE instrument = '{instrument}' ORDER BY time DESC LIMIT {count}"
        return _whole_ms(self._rows(f"SELECT id, price, size {of}"))[::-1]

    def between(self, instrument: int, start_ns: int, end_ns: int) -> np.ndarray:
        of = f"instrument = '{instrument}' AND time >= {start_ns} AND time < {end_ns}"
        return _whole_ms(self._rows(f"SELECT id, price, size FROM trades WHERE {of}"))

    def counts(self) -> np.ndarray:
        found = self._csv("SELECT count(id) FROM trades GROUP BY instrument")
        counts = np.array([(row[1].removeprefix("instrument="), row[3]) for row in found], np.int64)
        return counts[np.argsort(counts[:, 0])]

    def close(self) -> None:
        self._line.close()
        self._server.terminate()
        self._server.wait()

    def _answers(self) -> bool:
        try:
            self._line.request("GET", "/ping")
            self._line.getresponse().read()
        except OSError:
            self._line.close()
            return False
        return True

    def _post(self, path: str, body: bytes) -> None:
        self._line.request("POST", path, body)
        answer = self._line.getresponse()
        said = answer.read()
        if answer.status not in (200, 204):
            raise RuntimeError(f"influxd answers {answer.status}: {said[:200]!r}")

    def _csv(self, query: str) -> list[list[str]]:
        """Rows of name, tags, time, values; CSV is what it writes fastest."""
        path = "/query?db=bench&epoch=ns&chunked=true&chunk_size=1000000&q=" + quote(query)
        self._line.request("GET", path, headers={"Accept": "application/csv"})
        text = self._line.getresponse().read().decode()
        return [row for row in csv.reader(io.StringIO(text)) if row and row[0] != "name"]

    def _rows(self, query: str) -> np.ndarray:
        """time and values."""
        return np.array([row[2:] for row in self._csv(query)], np.int64)


def _places(rows: np.ndarray) -> np.ndarray:
    """The place of each row among those of its instrument and millisecond, in order of arrival."""
    late = rows["receive_ns"] - rows["exchange_ns"] > 2 * TRAVEL_NS
    order = np.lexsort((rows["seq"], late, rows["exchange_ns"], rows["instrument"]))
    same = rows[["instrument", "exchange_ns"]][order]
    new = np.append(True, same[1:] != same[:-1])
    starts = np.flatnonzero(new)
    places = np.empty(len(rows), np.int64)
    places[order] = np.arange(len(rows)) - np.repeat(starts, np.diff(np.append(starts, len(rows))))
    return places + late * (LATE_PLACE + rows["seq"] % 400_000)


def _whole_ms(rows: np.ndarray) -> np.ndarray:
    rows[:, 0] = rows[:, 0] // 1_000_000 * 1_000_000
    return rows


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
