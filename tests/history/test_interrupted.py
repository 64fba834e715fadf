"""A download that is cut off anywhere, refused, banned or hung up on goes on to the same rows as one that was not."""

import asyncio
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from aiohttp import web

from ninefold.commands import download as command
from ninefold.history.download import Wanted, download
from ninefold.history.keep import FOLDER, Keeper
from ninefold.history.venue import CannotDownload
from ninefold.store.data_dir import AlreadyWritten
from ninefold.store.delta import stored_files
from ninefold.store.read import Reader
from ninefold.store.scan import scan
from tests.calling import Result, ninefold

from .exchange import DAY, JANUARY, MINUTE, Exchange, S, random_trades
from .running import PAIRS, fetch, silent, stored_bars, stored_trades, true_bars, true_trades

pytestmark = pytest.mark.slow

SPAN = (JANUARY + DAY - 360 * MINUTE, JANUARY + DAY + 360 * MINUTE)
NOW = JANUARY + 40 * DAY
TRUTH = random_trades(4, SPAN[0] - 60 * MINUTE, SPAN[1] + 60 * MINUTE, 12 * S)


def everything(data_dir: Path) -> tuple[object, object]:
    assert set(certified(data_dir).values()) == {"complete"}
    assert list(certified(data_dir)) == list(range(*SPAN, 60 * MINUTE))
    return stored_trades(data_dir, SPAN), stored_bars(data_dir, "1m", SPAN)


def certified(data_dir: Path) -> dict[int, str]:
    """The state of each hour."""
    return {one.hour_ns: one.state for one in Reader(data_dir / FOLDER).certificates()}


@pytest.mark.parametrize("venue", ["binance", "kraken"])
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.torture) for seed in range(1, 6))])
def test_interrupted_at_random_requests_it_goes_on_without_asking_again(tmp_path, seed, venue):
    """As Ctrl-C does it: the whole is cancelled while requests are under way."""
    chance = random.Random(seed)
    exchange = Exchange(TRUTH, NOW)
    answered: list[str] = []
    cuts = 0
    while not cut_off(exchange, tmp_path, venue, chance.randint(3, 6)):
        cuts += 1
        answered += pages(exchange)
        exchange.asked.clear()
    answered += pages(exchange)
    assert cuts > 0
    assert everything(tmp_path) == (true_trades(TRUTH, SPAN), true_bars(TRUTH, "1m", SPAN))
    assert len(answered) <= len(set(answered)) + cuts * 4, "only what was under way is asked again"


def pages(exchange: Exchange) -> list[str]:
    """Questions of a download's own, without those that find where it begins and ends."""
    return [
        path
        for path in exchange.asked
        if "fromId" in path or "endTime" in path or ("since" in path and "count" not in path)
    ]


def cut_off(exchange: Exchange, data_dir: Path, venue: str, after: int) -> bool:
    """Cancel at the Nth request; whether the download had ended before."""

    async def run() -> bool:
        enough = asyncio.Event()
        exchange.before = lambda number, request: enough.set() if number >= after else None
        async with exchange.running() as url:
            wanted = Wanted(venue, (PAIRS[venue],), ("trades", "1m"), *SPAN, url, "")
            work = asyncio.create_task(download(wanted, data_dir, lambda: NOW, silent, silent))
            waiting = asyncio.create_task(enough.wait())
            await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if not work.done():
                work.cancel()
                await asyncio.wait({work})
            return not work.cancelled() and bool(work.result())

    return asyncio.run(run())


@pytest.mark.parametrize("trouble", ["429", "418", "503", "hangup", "short", "kraken busy"])
def test_trouble_now_and_then_changes_nothing(tmp_path, trouble):
    venue = "kraken" if trouble == "kraken busy" else "binance"
    exchange = Exchange(TRUTH, NOW)
    chance = random.Random(trouble)

    def before(number: int, request: web.Request) -> web.Response | None:
        if chance.random() > 0.3:
            return None
        if trouble == "hangup":
            request.transport.abort()
        if trouble == "short":  # a body that ends before its length
            request.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n[[17")
            request.transport.close()
        if trouble == "kraken busy":
            return web.json_response({"error": ["EGeneral:Too many requests"]})
        status = int(trouble) if trouble.isdigit() else 500
        return web.Response(status=status, headers={"Retry-After": "0"})

    exchange.before = before
    fetch(exchange, tmp_path, "trades", "1m", venue=venue, span=SPAN)
    assert everything(tmp_path) == (true_trades(TRUTH, SPAN), true_bars(TRUTH, "1m", SPAN))


def test_retry_after_is_kept_before_the_next_question(tmp_path, monkeypatch):
    """The venue's 60 s pass on the clock that the download is given."""
    exchange = Exchange(TRUTH, NOW)
    slept: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        exchange.now_ns += int(seconds * S)
        await real(0)

    monkeypatch.setattr("ninefold.venues.questions.asyncio.sleep", sleep)
    exchange.before = lambda number, request: (
        web.Response(status=429, headers={"Retry-After": "60"}) if number == 3 else None
    )
    fetch(exchange, tmp_path, "1m", span=SPAN)
    assert 60.0 in [round(seconds, 3) for seconds in slept]
    assert stored_bars(tmp_path, "1m", SPAN) == true_bars(TRUTH, "1m", SPAN)


def test_a_venue_that_never_answers_is_told_with_what_to_do(tmp_path):
    exchange = Exchange(TRUTH, NOW)
    exchange.before = lambda number, request: web.Response(status=500, text="boom")
    with pytest.raises(CannotDownload, match=r"does not answer \(status 500: boom\).*network.*Nothing was asked yet"):
        fetch(exchange, tmp_path, "1m", span=SPAN)
    assert len(exchange.asked) == 3


def test_an_answer_that_cannot_be_read_is_kept_and_told(tmp_path):
    exchange = Exchange(TRUTH, NOW)
    odd = web.json_response
    exchange.before = lambda number, request: odd([["x"]]) if "endTime" in request.path_qs else None
    with pytest.raises(CannotDownload, match=r"cannot be read.*under seq 2, nothing of it was stored"):
        fetch(exchange, tmp_path, "1m", span=SPAN)
    exchange.before = lambda number, request: None
    fetch(exchange, tmp_path, "1m", span=SPAN)
    assert stored_bars(tmp_path, "1m", SPAN) == true_bars(TRUTH, "1m", SPAN)


def rows(data_dir: Path) -> dict[str, list[tuple]]:
    """Every stored row whole, with its seq; every revision."""
    reader = Reader(data_dir / FOLDER)
    [of] = reader.registry()
    bars = reader.bars(of.id, MINUTE, revisions="all", newest=False)
    certificates = scan("certificates", stored_files(data_dir / FOLDER / "tables", "certificates"), None)
    return {
        "trades": sorted(reader.trades(of.id).tolist()),
        "bars": sorted(bars.tolist()),
        "certificates": sorted(tuple(map(str, row.values())) for row in certificates.to_pylist()),
    }


@pytest.mark.parametrize("kept", ["none", "half"])
def test_tables_are_made_again_from_the_journal_row_for_row(tmp_path, kept):
    """Also from tables that a crash left behind the journal."""
    exchange = Exchange(TRUTH, NOW)
    exchange.withheld = {SPAN[0] + 7 * MINUTE, SPAN[0] + 400 * MINUTE}
    fetch(exchange, tmp_path, "1m", span=(SPAN[0], SPAN[0] + 300 * MINUTE))
    half = tmp_path / "half"
    shutil.copytree(tmp_path / FOLDER / "tables", half)
    fetch(exchange, tmp_path, "1m", span=SPAN)
    fetch(exchange, tmp_path, "trades", "1m", span=SPAN)
    whole = rows(tmp_path)
    assert len(whole["bars"]) > 600, "one of the missing bars was unknown before it was made of trades"
    shutil.rmtree(tmp_path / FOLDER / "tables")
    if kept == "half":
        shutil.copytree(half, tmp_path / FOLDER / "tables")
    Keeper(tmp_path, lambda: NOW).close()
    assert rows(tmp_path) == whole


def test_one_data_dir_has_one_download(tmp_path):
    keeper = Keeper(tmp_path, lambda: NOW)
    with pytest.raises(AlreadyWritten, match="history is being written by process"):
        fetch(Exchange(TRUTH, NOW), tmp_path, "1m", span=SPAN)
    keeper.close()


DOWNLOADS = """
import asyncio, os, sys, traceback
from dataclasses import replace
from pathlib import Path
from ninefold.history.table import HISTORIES
from ninefold.history.download import Wanted, download
HISTORIES["binance"] = replace(HISTORIES["binance"], pace_s=0.01)
url, data_dir, start, end, now = sys.argv[1:]
wanted = Wanted("binance", ("BTC/USDT",), ("trades", "1m"), int(start), int(end), url, "")
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(download(wanted, Path(data_dir), lambda: int(now), lambda *_: None, lambda _: None))
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""  # a download for each line, in a process of its own that is told by its number: libraries are loaded once


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.torture) for seed in range(1, 4))])
def test_killed_at_random_moments_it_goes_on(tmp_path, seed):
    """kill -9 of the whole process when the Nth request comes, again and again."""
    chance = random.Random(seed)
    exchange = Exchange(TRUTH, NOW)
    killed = asyncio.run(kill_often(exchange, tmp_path / "data", chance))
    assert killed > 0
    assert everything(tmp_path / "data") == (true_trades(TRUTH, SPAN), true_bars(TRUTH, "1m", SPAN))


async def kill_often(exchange: Exchange, data_dir: Path, chance: random.Random) -> int:
    killed, pipe = 0, subprocess.PIPE
    async with exchange.running() as url:
        arguments = [url, str(data_dir), *(str(at) for at in (*SPAN, NOW))]
        starting = await asyncio.create_subprocess_exec(
            sys.executable, "-c", DOWNLOADS, *arguments, stdin=pipe, stdout=pipe
        )
        while True:
            exchange.asked.clear()
            starting.stdin.write(b"again\n")
            child = int(await starting.stdout.readline())
            ended = asyncio.ensure_future(starting.stdout.readline())
            last = chance.randint(2, 6) if killed < 4 else sys.maxsize

            def before(number: int, request: web.Request, child=child, ended=ended, last=last) -> None:
                if number >= last and not ended.done():
                    with suppress(ProcessLookupError):
                        os.kill(child, signal.SIGKILL)

            exchange.before = before
            code = int(await ended)
            if code == 0:
                starting.stdin.close()
                await starting.wait()
                return killed
            assert code == -signal.SIGKILL
            killed += 1


def test_the_command_says_all_of_it_as_one_json_document(tmp_path):
    """Several values for one option, as freqtrade takes them."""
    exchange = Exchange(TRUTH, NOW)
    start, end = (str(at // S) for at in SPAN)

    async def run(*arguments: str) -> Result:
        async with exchange.running() as url:
            there = ("--rest-url", url, "-d", str(tmp_path / "data"), "--timerange", f"{start}-{end}")
            return await asyncio.to_thread(ninefold, "download", *arguments, *there)

    pairs = ("-p", "BTC/USDT", "ETH/USDT", "-t", "1m", "5m")
    done = asyncio.run(run(*pairs, "--json"))
    assert done.status == 0, done.err
    named = [(one["pair"], one["what"], one["asked"], one["stored"], one["missing"]) for one in done.json["downloads"]]
    assert named == [
        (pair, what, count, count, 0) for pair in ("BTC/USDT", "ETH/USDT") for what, count in (("1m", 720), ("5m", 144))
    ]
    again = asyncio.run(run("--pairs", "BTC/USDT", "--dl-trades"))
    assert again.status == 0
    assert "BTC/USDT  trades" in again.out


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"timeframes": ["7m"]}, "no timeframe '7m'; allowed are 1s 5s 1m 5m 15m 1h 1d and trades"),
        ({"venue": "mtgox"}, "no history of a venue 'mtgox'; allowed are binance, coinbase, kraken"),
        ({"timerange": "29990101-"}, "begins in the future: it is 2024-02-10T00:00:00Z"),
        ({"timerange": "-20240101"}, "has no beginning; write START-END"),
        ({"timerange": "yesterday"}, "allowed are 20240101-20240601"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_is_allowed(changed, said):
    usual = {"venue": "binance", "pairs": ["BTC/USDT"], "timeframes": ["1m"], "trades": False, "timerange": "20240101-"}
    with pytest.raises(CannotDownload, match=re.escape(said)):
        command._wanted(**{**usual, **changed}, rest_url="", archive_url="", now_ns=NOW)


def test_left_out_options_are_as_in_freqtrade_and_another_venue_has_no_archive():
    wanted = command._wanted("binance", ["BTC/USDT"], None, False, None, "", "", NOW)
    assert (wanted.what, wanted.start_ns, wanted.end_ns) == (("1m", "5m"), NOW - 30 * DAY, NOW - MINUTE)
    assert wanted.archive_url == "https://data.binance.vision"
    assert command._wanted("binance", ["BTC/USDT"], None, True, None, "http://x", "", NOW).archive_url == ""
    assert command._wanted("binance", ["BTC/USDT"], None, True, None, "", "", NOW).what == ("trades",)
