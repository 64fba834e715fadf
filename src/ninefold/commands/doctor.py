"""`ninefold doctor`: look at everything a run needs, and say what to do about what is wrong."""

from __future__ import annotations

import json
import shutil
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from ninefold.commands.failing import plainly
from ninefold.config import BadConfig, Config, Venue, keys_of, load
from ninefold.forecast.boosters import NoOpenMP
from ninefold.forecast.boosters import load as load_lightgbm
from ninefold.venues.table import VENUES

FREE_BYTES = 5 * 10**9  # a day of two busy pairs is about this much before compression
CLOCK_S = 1.0  # signed requests are refused when the clocks differ by more than a few seconds


class Finding(msgspec.Struct, frozen=True):
    """ok None: could not be looked at."""

    what: str
    ok: bool | None
    found: str
    remedy: str = ""


def run(
    config: Annotated[Path, typer.Option(help="as `ninefold init` writes it")] = Path("ninefold.toml"),
    json_: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Check clock, disk, ports, keys and venues. Exit status 1 if anything is wrong."""
    with plainly(BadConfig):
        settings = load(config)
    checks: tuple[Callable[[Config], Finding], ...] = (_disk, _port, _keys, _python, _models)
    findings = [check(settings) for check in checks]
    findings += [_venue(venue) for venue in settings.venues]
    if json_:
        print(json.dumps([msgspec.to_builtins(finding) for finding in findings]))
    else:
        table = Table("", "what", "found", "what to do")
        for finding in findings:
            mark = {True: "ok", False: "WRONG", None: "?"}[finding.ok]
            table.add_row(mark, finding.what, finding.found, finding.remedy)
        Console().print(table)
    sys.exit(0 if all(finding.ok is not False for finding in findings) else 1)


def _disk(config: Config) -> Finding:
    folder = Path(config.data_dir).absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    found = f"{free / 1e9:,.1f} GB free at {folder}"
    return Finding(
        "disk",
        free >= FREE_BYTES,
        found,
        "" if free >= FREE_BYTES else f"make room, or set data_dir to a larger disk ({FREE_BYTES / 1e9:.0f} GB)",
    )


def _port(config: Config) -> Finding:
    host, port = config.serve.host, config.serve.port
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return Finding(
                "port", False, f"{host}:{port}: {error.strerror}", "stop the program that has it, or set serve.port"
            )
    return Finding("port", True, f"{host}:{port} is free")


def _keys(config: Config) -> Finding:
    if config.account.orders == "paper":
        return Finding("keys", True, "none needed for paper trading")
    try:
        keys_of(config)
    except BadConfig as error:
        return Finding("keys", False, str(error), "see `[account]` in the config")
    return Finding("keys", True, "found; whether the venue takes them is seen at the first signed request")


def _venue(venue: Venue) -> Finding:
    """Reachability and clock: the venue's time against ours, halfway through the question."""
    entry = VENUES[venue.name]
    path, read_clock = entry.clock
    if not path:
        ask = f"`ninefold collect --check {venue.name} --pairs {venue.pairs[0]}` asks it"
        return Finding("venue and clock", None, f"{venue.name} is reached through ccxt alone", ask)
    url = (venue.rest_url or entry.rest_url) + path
    asked = time.time()
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            theirs = read_clock(answer.read())
    except (OSError, urllib.error.URLError, msgspec.DecodeError) as error:
        return Finding("venue and clock", False, f"{url}: {error}", "check the network, a firewall, or its rest_url")
    off = (asked + time.time()) / 2 - theirs
    remedy = "" if abs(off) <= CLOCK_S else "set the clock by NTP (chrony, systemd-timesyncd)"
    return Finding(
        "venue and clock",
        abs(off) <= CLOCK_S,
        f"{venue.name} answers; our clock is {off * 1000:+.0f} ms off",
        remedy,
    )


def _models(config: Config) -> Finding:
    try:
        load_lightgbm()
    except NoOpenMP as error:
        return Finding("forecasts", None, str(error), "install it to train and serve forecasts; all else works without")
    return Finding("forecasts", True, "LightGBM can be loaded")


def _python(config: Config) -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", (3, 11) <= sys.version_info < (3, 14), version, "")
