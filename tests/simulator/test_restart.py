"""Killed at any moment, the exchange remembers everything it has said."""

import asyncio
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ninefold.simulator.server import locked, main
from ninefold.simulator.store import Store

from .running import Client, Simulator, talk, until

pytestmark = pytest.mark.slow

OWN = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "45000", "quantity": "0.01"}


def listen_until_killed(simulator: Simulator, seconds: float) -> dict[str, Any]:
    """What was heard on the streams, and answered to orders, before a kill -9."""
    heard: dict[str, Any] = {"trades": {}, "updates": {}, "orders": [], "filled": []}

    async def run(client: Client) -> None:
        names = [f"{each.lower()}@{kind}" for each in simulator.ready["symbols"] for kind in ("trade", "bookTicker")]
        stream = await client.streams(*names)
        asyncio.get_running_loop().call_later(seconds, simulator.process.send_signal, signal.SIGKILL)
        try:
            while True:
                heard["orders"].append(await client.signed("POST", "order", **OWN))
                market = {"symbol": "ETHUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
                heard["filled"].append(await client.signed("POST", "order", **market))
                await asyncio.sleep(0.03)  # below the limit of orders
        except aiohttp.ClientError:
            pass  # killed, perhaps in the middle of an order
        async for message in stream:
            if message.type is aiohttp.WSMsgType.TEXT:
                keep(heard, message.json()["data"])
        assert heard["trades"]

    talk(simulator, run)
    assert simulator.stop(signal.SIGKILL) == -signal.SIGKILL
    return heard


def keep(heard: dict[str, Any], data: dict[str, Any]) -> None:
    if data.get("e") == "trade":
        heard["trades"][(data["s"], data["t"])] = (data["p"], data["q"], data["T"])
    else:
        heard["updates"][data["s"]] = max(data["u"], heard["updates"].get(data["s"], 0))


@pytest.mark.parametrize("round_", [0, *(pytest.param(number, marks=pytest.mark.torture) for number in range(1, 6))])
def test_after_a_kill_nothing_that_was_said_is_lost_contradicted_or_said_again(start, round_: int):
    first = start("--rate", "2000", "--seed", str(round_))
    heard = listen_until_killed(first, 0.3 + random.Random(round_).random())
    second = start("--rate", "2000", "--seed", str(round_))
    assert second.ready["rest"] == first.ready["rest"]  # clients find it where it was

    async def check(client: Client) -> None:
        state = await client.state()
        for symbol, last in heard["updates"].items():
            assert state["symbols"][symbol]["last_update_id"] > last
        stored = {}
        for symbol in state["symbols"]:
            rows = await client.get("/sim/v1/trades", symbol=symbol, limit=100000)
            assert [row["id"] for row in rows] == list(range(1, len(rows) + 1))
            assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
            stored |= {(symbol, row["id"]): (row["price"], row["qty"], row["time"]) for row in rows}
        assert heard["trades"].items() <= stored.items()
        resting = await client.signed("GET", "openOrders")
        known = [each["orderId"] for each in heard["orders"]]
        assert [each["orderId"] for each in resting][: len(known)] == known  # the last one may not have been answered
        book = await client.get("/sim/v1/book", symbol="BTCUSDT")
        ours = f"{len(resting) * 0.01:.8f}"
        assert dict(book["bids"])["45000.00000000"] == ours
        for each in heard["filled"]:
            found = await client.signed("GET", "order", symbol="ETHUSDT", orderId=each["orderId"])
            assert (found["status"], found["executedQty"]) == (each["status"], each["executedQty"])
        newest = await client.signed("POST", "order", **OWN)
        assert newest["orderId"] > max(known)

    talk(second, check)
    assert second.stop() == 0
    check_ledger(second.data_dir / "exchange.sqlite")


def check_ledger(path: Path) -> None:
    """Balances are the opening ones moved by the fills alone; locked money is what open orders need."""
    db = sqlite3.connect(path)
    balances = {asset: free + locked for asset, free, locked in db.execute("select * from balances")}
    expected = {"USDT": 100_000 * 10**8, "ETH": 10 * 10**8}
    rows = db.execute("select symbol, lots, value_e8, fee_e8, fee_asset, is_buyer, trade_id, price_ticks from fills")
    for symbol, lots, value_e8, fee_e8, fee_asset, is_buyer, trade_id, price_ticks in rows.fetchall():
        assert (symbol, is_buyer) == ("ETHUSDT", 1)
        expected["ETH"] += lots * 10_000
        expected["USDT"] -= value_e8
        expected[fee_asset] -= fee_e8
        public = db.execute(
            "select price_ticks, lots from trades join symbols using (symbol_id) where symbol = ? and trade_id = ?",
            (symbol, trade_id),
        ).fetchone()
        assert public == (price_ticks, lots)
    assert {asset: balances[asset] for asset in expected} == expected
    opened = db.execute("select sum(lots - filled_lots) from orders where status = 'NEW'").fetchone()[0]
    [locked] = db.execute("select locked_e8 from balances where asset = 'USDT'").fetchone()
    assert locked == opened * 1_000 * 45_000  # lots of 0.00001 BTC at 45000
    db.close()


def test_candles_after_a_restart_are_those_from_before(start):
    def candles(simulator: Simulator, end_ms: int) -> Any:
        async def run(client: Client) -> Any:
            await until(lambda: enough(client))
            return await client.get("/api/v3/klines", symbol="BTCUSDT", interval="1s", endTime=end_ms, startTime=1)

        return talk(simulator, run)

    async def enough(client: Client) -> bool:
        return bool((await client.state())["symbols"]["BTCUSDT"]["trades"] > 50)

    first = start("--rate", "1000")
    candles(first, 0)
    end_ms = time.time_ns() // 1_000_000 - 1_000
    before = candles(first, end_ms)
    first.stop(signal.SIGKILL)
    assert candles(start("--rate", "1000"), end_ms) == before


def test_a_full_disk_stops_the_exchange_before_it_says_what_it_could_not_write(start):
    simulator = start("--rate", "3000", largest_file=400_000)

    async def listen(client: Client) -> int:
        socket = await client.streams(*(f"{each.lower()}@trade" for each in simulator.ready["symbols"]))
        return sum([1 async for _ in socket])  # to the end of the connection

    heard = talk(simulator, listen)
    assert simulator.process.wait(5) == 3
    assert "cannot be written" in Path(simulator.log.name).read_text()
    assert 0 < heard <= sum(stored_trades(start()).values())


def stored_trades(simulator: Simulator) -> dict[str, int]:
    async def run(client: Client) -> dict[str, int]:
        return {name: each["trades"] for name, each in (await client.state())["symbols"].items()}

    found: dict[str, int] = talk(simulator, run)
    return found


def test_it_stops_cleanly_and_fast_with_clients_connected(start):
    simulator = start()

    async def run(client: Client) -> None:
        await client.streams("btcusdt@trade")
        started_s = time.monotonic()
        simulator.process.send_signal(signal.SIGINT)
        assert simulator.process.wait(5) == 0
        assert time.monotonic() - started_s < 2.0

    talk(simulator, run)


def refused(*arguments: str) -> str:
    command = [sys.executable, "-m", "ninefold.simulator", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


def test_a_port_or_directory_in_use_is_said_plainly(tmp_path, capsys):
    with locked(tmp_path / "used"):
        assert main(["--data-dir", str(tmp_path / "used")]) == 2
    assert "is in use by another simulator" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["--data-dir", "x", "--instruments", "XRPUSDT"])
    assert "no instrument 'XRPUSDT'; there are BTCUSDT" in capsys.readouterr().err
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused("--data-dir", str(tmp_path / "other"), "--port", str(port))
    assert f"port {port} on 127.0.0.1 cannot be used" in said


def test_a_directory_of_another_market_or_a_newer_version_is_refused(tmp_path):
    of_a_tape, newer = tmp_path / "tape", tmp_path / "newer"
    for folder, key, value in ((of_a_tape, "market", "tape 1"), (newer, "schema", "99")):
        folder.mkdir()
        store = Store(folder / "exchange.sqlite")
        store.claim("generated")
        store.set_meta(key, value)
        store.close()
    assert "holds the market 'tape 1', not 'generated'" in refused("--data-dir", str(of_a_tape))
    assert "has schema version 99; this simulator reads version 1" in refused("--data-dir", str(newer))
