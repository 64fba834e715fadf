"""What tests share: recordings, servers and browsers of the machine, and one running demo.

In:  NINEFOLD_RECORDINGS (a folder of recorded market data), PATH.
Out: fixtures. What is missing skips its tests with a plain reason, or fails them under NINEFOLD_STRICT=1.
"""

import atexit
import gc
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import settings
from hypothesis.internal import charmap
from hypothesis.internal.conjecture import providers
from hypothesis.internal.intervalsets import IntervalSet
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

from ninefold.forecast.boosters import NoOpenMP, load

PROPERTIES = os.environ.get("NINEFOLD_PROPERTIES", "")  # "thorough" in `make torture`, "quick" in `make quick`
THOROUGH, QUICK = PROPERTIES == "thorough", PROPERTIES == "quick"
for name, examples in (("usual", 25), ("money", 100), ("long", 8)):  # where the test itself says no number
    # a test says what is right, not how fast; pytest's timeout ends a hang
    settings.register_profile(name, deadline=None, max_examples=1_000 if THOROUGH else 8 if QUICK else examples)
settings.load_profile("usual")
if (
    not THOROUGH
):  # all files of ours that are loaded would be read for their constants: seconds, in every worker of a fresh clone
    providers._get_local_constants = lambda: providers._local_constants

UTF_8 = IntervalSet(((0, 0xD7FF), (0xE000, 0x10FFFF))), IntervalSet(())
by_trying = charmap.intervals_from_codec  # each of a million characters: seconds, in every worker of a fresh clone
charmap.intervals_from_codec = lambda codec: UTF_8 if codec == "utf-8" else by_trying(codec)

os.environ.setdefault(
    "SSL_CERT_FILE", os.devnull
)  # nobody outside is asked: the machine's certificates take each process 50 ms

START_SECONDS = 60.0  # imports of a cold interpreter on two busy cores; a warm start takes a few seconds
STOP_SECONDS = 15.0
STORED_TRADES = 500  # some ten seconds of it
SHARE_DEMO = (
    "web/test_page.py",
    "dashboard/test_queries.py",
    "pipeline/test_bars_equal_klines.py",
    "pipeline/test_may_and_has.py",
    "pipeline/test_notebook.py",
    "pipeline/test_series.py",
)
SHARE_TAPED = ("pipeline/test_demo.py", "pipeline/test_train_and_serve.py")
SHARE_LOADED = (
    "api",
    "backtest",
    "forecast",
    "formula",
    "freqtrade",
    "venues_orders",
)  # compiled loops, ccxt, LightGBM, Litestar
LONGEST = (  # two that mostly wait, then one that mostly computes
    *("torture/test_soak.py", "torture/test_crash_table.py", "venues/test_contract.py"),
    *(*SHARE_TAPED, "torture/test_day.py", "services/test_replay.py"),
    *(*SHARE_DEMO, "torture/test_kill.py", "backtest"),
    *("torture/test_bad_input.py", "history/test_spoken.py"),
    *("pipeline/test_nats.py", "pipeline/test_account.py", "formula"),
    *("pipeline/test_outside.py", "services/test_restore.py", "scale/test_publish.py"),
    *("history/test_interrupted.py", "services/test_ccxt_feed.py", "api"),
    *("pipeline/test_several_venues.py", "services/test_verify.py"),
    *("pipeline/test_live.py", "services/test_rebuild.py"),
    *("history/test_simulated.py", "simulator/test_tape.py", "leaks/test_corpus.py"),
    *("web/test_backtests.py", "venues/test_quick.py", "venues/test_mutants.py", "freqtrade", "forecast"),
    *("store/test_as_of.py", "store/test_kill.py", "services/test_backup.py"),
    *("venues/test_collector.py", "store/test_series.py", "store/test_tables.py", "strategy/test_library.py"),
)
RUNNING: list[subprocess.Popen[bytes]] = []  # the shared demo
WHOLLY = re.compile(r"^pytestmark = .*\bpytest\.mark\.(slow|torture)\b", re.MULTILINE)
CHARTS = re.compile(r"^charts: (http://127\.0\.0\.1:\d+)/", re.MULTILINE)


@dataclass(frozen=True)
class Demo:
    """A demo that is running and answering. `get("/api/v1/status")` returns the decoded JSON of one REST answer."""

    url: str  # http://127.0.0.1:PORT, no slash at the end
    data_dir: Path
    process: subprocess.Popen[bytes]
    log: Path  # what it printed on both outputs

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return json.load(answer)


class WholeFiles(LoadScopeScheduling):
    """A file's tests run on one worker, and all that look at the same demo on one, so that it is made once; so do folders
    whose files load the same."""

    def _split_scope(self, nodeid: str) -> str:
        file = _file(nodeid)
        folder = file.split("/")[0]
        shared = "demo" if file in SHARE_DEMO else "taped" if file in SHARE_TAPED else ""
        return shared or (folder if folder in SHARE_LOADED else file)

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        """What is done is forgotten: all that is remembered is counted again at every message of a worker."""
        super().mark_test_complete(node, item_index, duration)
        file, work = self._split_scope(self.registered_collections[node][item_index]), self.assigned_work[node]
        if all(work[file].values()):
            del work[file]


def pytest_configure(config: pytest.Config) -> None:
    """A worker that ends has told all it knows: to free, one by one, what it has loaded would take it seconds."""
    if hasattr(config, "workerinput"):
        atexit.register(os._exit, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> WholeFiles:
    return WholeFiles(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported and collected stays until the end: to look through it for garbage, again and again, took half
    the time of a worker's start and a good part of its end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(
            50_000, 20, 20
        )  # what tests make is mostly freed without: looking each 700 objects takes a sixth of all
        gc.enable()
        atexit.register(gc.unfreeze)  # or DuckDB says that its types leak


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A file whose tests are all left out need not be imported."""
    if collection_path.suffix != ".py" or not collection_path.name.startswith("test_"):
        return None
    whole = WHOLLY.search(collection_path.read_text(encoding="utf-8"))
    return True if whole and f"not {whole[1]}" in config.option.markexpr else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files come first, so that the other workers have all the rest to do meanwhile."""
    for item in items:
        for fixture, files in (("demo", SHARE_DEMO), ("taped", SHARE_TAPED)):
            if fixture in getattr(item, "fixturenames", ()) and _file(item.nodeid) not in files:
                raise pytest.UsageError(
                    f"{_file(item.nodeid)} looks at the {fixture} demo: name it in tests/conftest.py"
                )
    items.sort(key=_order)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """The shared demo ends with the last test that looks at it: it would take its part of the processor from all others."""
    if _file(item.nodeid) in SHARE_DEMO and (nextitem is None or _file(nextitem.nodeid) not in SHARE_DEMO):
        while RUNNING:
            stop(RUNNING.pop())


def _order(item: pytest.Item) -> int:
    file = _file(item.nodeid)
    folder = file.split("/")[0]
    if file in LONGEST or folder in LONGEST:
        return LONGEST.index(file if file in LONGEST else folder)
    return len(LONGEST) + (folder not in SHARE_LOADED)


def _file(nodeid: str) -> str:
    return nodeid.split("::")[0].removeprefix("tests/")


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of recorded market data."""
    named = os.environ.get("NINEFOLD_RECORDINGS")
    if not named:
        missing("NINEFOLD_RECORDINGS is not set: it names a folder of recorded market data")
    folder = Path(named)
    if not folder.is_dir():
        missing(f"NINEFOLD_RECORDINGS is {named!r}, which is no folder")
    return folder


@pytest.fixture(scope="session")
def recording(recordings: Path) -> Callable[[str], Path]:
    """A function from a name such as "orderbook/binance_spot_btcusdt_20240808.jsonl.gz" to the recorded file."""

    def find(name: str) -> Path:
        path = recordings / name
        if not path.is_file():
            missing(f"no recording {name} in {recordings}")
        return path

    return find


@pytest.fixture(scope="session")
def lightgbm() -> None:
    """LightGBM with the OpenMP runtime of the machine."""
    try:
        load()
    except NoOpenMP as error:
        missing(str(error))


@pytest.fixture(scope="session")
def chromium() -> Path:
    """A Chromium or Chrome on PATH, to be given to playwright as executable_path."""
    return program("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def prometheus() -> Path:
    """A Prometheus server on PATH."""
    return program("prometheus")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The generated market with all nine services, started once for all that look at it. Tests only look:
    one that halts, kills or floods something starts its own."""
    folder = tmp_path_factory.mktemp("demo")
    data_dir, log = folder / "data", folder / "output.txt"
    command = [sys.executable, "-m", "ninefold", "demo", "--data-dir", str(data_dir), "--port", "0"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--seconds", "900", "--rate", "150"], stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    RUNNING.append(process)
    try:
        demo = Demo(url_when_answering(process, log), data_dir, process, log)
        wait_until_stored(demo)
        yield demo
    finally:
        if process in RUNNING:
            RUNNING.remove(process)
            stop(process)


def url_when_answering(process: subprocess.Popen[bytes], log: Path) -> str:
    """Wait until the demo has printed its address and answers there."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        printed = CHARTS.search(log.read_text(errors="replace"))
        if printed and answers(printed[1] + "/api/v1/status"):
            return printed[1]
        time.sleep(0.1)
    state = "still runs" if process.poll() is None else f"ended with {process.returncode}"
    printed_last = log.read_text(errors="replace")[-4000:]
    pytest.fail(f"the demo {state} and did not answer within {START_SECONDS:.0f} s; it printed:\n{printed_last}")


def wait_until_stored(demo: Demo) -> None:
    """Its tests may count on some bars being in the tables."""
    deadline = time.monotonic() + START_SECONDS
    while demo.get("/api/v1/status")["trades_stored"] < STORED_TRADES:
        if time.monotonic() > deadline or demo.process.poll() is not None:
            pytest.fail(f"the demo stored no {STORED_TRADES} trades within {START_SECONDS:.0f} s")
        time.sleep(0.2)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as refused:  # an answer, but not yet the right one; it holds a socket
        refused.close()
        return False
    except (urllib.error.URLError, OSError):
        return False


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process as Ctrl-C would; one that does not end in time is killed and fails the run."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        pytest.fail(f"the demo did not stop within {STOP_SECONDS:.0f} s of SIGINT")


def program(*names: str) -> Path:
    for name in names:
        if found := shutil.which(name):
            return Path(found)
    missing(f"no {' or '.join(names)} on PATH")


def missing(reason: str) -> NoReturn:
    """Skip, or fail where everything was promised to be there."""
    if os.environ.get("NINEFOLD_STRICT") == "1":
        pytest.fail(f"{reason} (NINEFOLD_STRICT=1 allows nothing to be missing)")
    pytest.skip(reason)
