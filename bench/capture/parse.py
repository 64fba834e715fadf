"""Part 1b: parsing alone, no socket and no journal: ninefold's adapters beside cryptofeed's.

In:  generated trades, each venue's in the form that the program speaks (cryptofeed takes Binance's aggregate trades and
     Coinbase's Advanced Trade feed). Out: nanoseconds a message, medians of interleaved repetitions.

The checking run parses every number and must give the same checksum for both; it is not timed.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from bench.capture import run
from bench.capture.market import INSTRUMENTS, Market, base
from bench.capture.messages import WIRES
from bench.capture.quiet import Watch
from bench.capture.run import CRYPTOFEED, MEASURED, OURS, Failed, Said, module, once

MESSAGES, SHORT = 200_000, 10_000
REPEAT = 5
MISSING = (
    "cryptofeed was not measured: it needs Python 3.13 (its metadata says requires-python >= 3.13, and for 3.11 pip falls "
    "back to 1.9.3 of 2022), and bench/.venv-cryptofeed does not exist because no python3.13 was found"
)


def main() -> None:
    asked = run.options(__doc__ or "").parse_args()
    with run.scratch(asked.scratch) as folder:
        found = measure(folder, asked)
    run.finish("parse", found, asked)


def measure(folder: Path, asked: argparse.Namespace) -> Said:
    messages, repeat = (SHORT, 1) if asked.short else (MESSAGES, asked.repeat or REPEAT)
    with_cryptofeed = Path(CRYPTOFEED).exists()
    if not with_cryptofeed:
        run.progress(MISSING)
    market = Market(rows=messages)
    rows = market.batch()
    costs: dict[tuple[str, str], list[float]] = defaultdict(list)
    watch = Watch(asked.short)
    for venue in WIRES:
        ours, theirs, names = write(folder, venue, rows)
        commands = {"ninefold": module(OURS, "client_parse", venue, ours)}
        if with_cryptofeed:
            script = Path(__file__).parent / "client_cryptofeed.py"
            commands["cryptofeed"] = [CRYPTOFEED, str(script), venue, str(theirs), str(names)]
        said = {who: once([*command, "check"], [MEASURED]) for who, command in commands.items()}
        if len({(one["trades"], one["ids"], one["values"]) for one in said.values()}) != 1:
            raise Failed(f"the parsers do not agree on {venue}: {said}")
        for number in range(repeat):
            for who, command in commands.items():
                timed = watch.undisturbed(partial(once, [*command, "time"], [MEASURED]))
                costs[venue, who].append(timed["seconds"] / messages * 1e9)
                run.progress(f"{number + 1}/{repeat} {venue} {who}: {costs[venue, who][-1]:,.0f} ns")
    made = {key: run.median(values) for key, values in costs.items()}
    table = [
        [venue, made[venue, "cryptofeed"] / made[venue, "ninefold"], made[venue, "ninefold"], made[venue, "cryptofeed"]]
        if with_cryptofeed
        else [venue, "-", made[venue, "ninefold"], "not measured"]
        for venue in WIRES
    ]
    head = ["venue", "cryptofeed / ninefold", "ninefold, ns a message", "cryptofeed, ns a message"]
    raw = {f"{venue}, {who}": values for (venue, who), values in costs.items()}
    return {
        "tables": [run.table(f"Parsing alone; {watch.said()}", head, table)],
        "costs": raw,
        "others": watch.others,
    }


def write(folder: Path, venue: str, rows: np.ndarray) -> tuple[Path, Path, Path]:
    """Files: our messages, cryptofeed's messages, and cryptofeed's names of the symbols."""
    ours, theirs, names = (folder / f"{venue}.{kind}" for kind in ("ninefold", "cryptofeed", "names"))
    texts = WIRES[venue].texts(rows)
    ours.write_text("\n".join(texts) + "\n")
    theirs.write_text("\n".join(map(FORMS[venue], texts)) + "\n")
    quote = "USDT" if venue == "binance" else "USD"
    bases = [base(of) for of in range(1, INSTRUMENTS + 1)]
    names.write_text(json.dumps({f"{one}-{quote}": WIRES[venue].symbol.format(one) for one in bases}))
    return ours, theirs, names


def _aggregate(text: str) -> str:
    """A trade of Binance as an aggregate trade of one."""
    message = json.loads(text)
    data = message["data"]
    id = data.pop("t")
    message["stream"] = message["stream"].replace("@trade", "@aggTrade")
    message["data"] = {**data, "e": "aggTrade", "a": id, "f": id, "l": id}
    return json.dumps(message, separators=(",", ":"))


def _advanced(text: str) -> str:
    """A match of Coinbase Exchange as Coinbase Advanced Trade sends it."""
    match = json.loads(text)
    kept = {name: match[name] for name in ("product_id", "size", "price", "time")}
    trade = {**kept, "trade_id": str(match["trade_id"]), "side": match["side"].upper()}
    event = {"type": "update", "trades": [trade]}
    return json.dumps(
        {"channel": "market_trades", "timestamp": match["time"], "events": [event]}, separators=(",", ":")
    )


FORMS: dict[str, Callable[[str], str]] = {"binance": _aggregate, "coinbase": _advanced, "kraken": str}

if __name__ == "__main__":
    main()
