"""Every query of the dashboard, run by a real Prometheus that scrapes a running demo: none errors, none is empty.

No Grafana server was available; what Grafana would substitute for its variables is substituted here.
"""

import json
import math
import re
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .dashboard import FOLDER, committed, queries

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]
WAIT_SECONDS = 300.0  # the first MAY is scored when its horizon is over


@dataclass(frozen=True)
class Server:
    """A Prometheus that answers. `ask` returns the `data` of one API call; raises AssertionError with its own words."""

    url: str

    def ask(self, path: str, **query: str) -> Any:
        address = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as refused:
            raise AssertionError(f"{query or path}: {json.load(refused)['error']}") from None

    def values(self, expression: str) -> list[float]:
        """The value of each series now."""
        return [float(one["value"][1]) for one in self.ask("query", query=expression)["result"]]


@pytest.fixture(scope="module")
def scraping(demo, prometheus: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real Prometheus on loopback that scrapes the demo as dashboards/prometheus.yml says."""
    folder = tmp_path_factory.mktemp("prometheus")
    port = urllib.parse.urlsplit(demo.url).port
    config = folder / "prometheus.yml"
    config.write_text((FOLDER / "prometheus.yml").read_text().replace('127.0.0.1:PORT"', f'127.0.0.1:{port}"'))
    address = f"127.0.0.1:{free_port()}"
    command = [str(prometheus), f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"]
    log = (folder / "log.txt").open("wb")
    process = subprocess.Popen([*command, f"--web.listen-address={address}"], stdout=log, stderr=log)
    try:
        server = Server(f"http://{address}")
        until(lambda: process.poll() is None and ready(server.url), 30, "Prometheus answers")
        yield server
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def test_prometheus_scrapes_the_demo(scraping):
    until(lambda: scraping.values('up{job="ninefold"}') == [1.0], 30, "the scrape succeeds")
    targets = scraping.ask("targets", state="active")["activeTargets"]
    assert [one["lastError"] for one in targets] == [""]


def test_every_query_of_the_dashboard_answers_with_at_least_one_number(scraping):
    waiting = dict(queries())
    deadline = time.monotonic() + WAIT_SECONDS
    while waiting and time.monotonic() < deadline:
        chosen = variables(scraping)
        if chosen is not None:
            answered = [where for where, query in waiting.items() if has_number(scraping, filled_in(query, chosen))]
            for where in answered:
                del waiting[where]
        time.sleep(0.5)
    assert not waiting, f"still empty after {WAIT_SECONDS:.0f} s: {json.dumps(waiting, indent=1)}"


def test_a_mean_of_prices_is_near_the_last_price(scraping):
    """In the same unit: both are shown in one panel."""
    ratio = (
        'ninefold_indicator{term="sma(close, 20)", timeframe="1s"} / on(instrument) group_left() ninefold_last_price'
    )
    until(lambda: has_number(scraping, ratio), WAIT_SECONDS, "a mean of twenty bars")
    assert all(0.8 < found < 1.25 for found in scraping.values(ratio) if math.isfinite(found))


def test_a_query_of_an_unknown_metric_would_be_noticed(scraping):
    assert not has_number(scraping, "ninefold_no_such_metric")
    with pytest.raises(AssertionError, match="parse error"):
        scraping.values("sum(rate(")


def has_number(server: Server, expression: str) -> bool:
    return any(math.isfinite(value) for value in server.values(expression))


def variables(server: Server) -> dict[str, str] | None:
    """The first value of each variable as Grafana would list them, `All` for several; None while one has none."""
    chosen: dict[str, str] = {}
    for one in committed()["templating"]["list"]:
        if one.get("includeAll"):
            chosen[one["name"]] = one["allValue"]
            continue
        selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", one["query"]).groups()
        selector = filled_in(selector, chosen)
        found = sorted({series[label] for series in server.ask("series", **{"match[]": selector})})
        if not found:
            return None
        chosen[one["name"]] = found[0]
    return chosen


def filled_in(expression: str, chosen: dict[str, str]) -> str:
    for name, value in {**chosen, "__rate_interval": "1m"}.items():
        expression = expression.replace(f"${name}", value)
    return expression


def ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as refused:
        refused.close()
        return False
    except OSError:
        return False


def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain: {what}"
        time.sleep(0.1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
