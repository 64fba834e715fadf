"""`ninefold explain ORDER [--data-dir DIR] [--json]`: why was it sent or refused, and is it decided so again?"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from ninefold.commands.failing import plainly
from ninefold.commands.known import KNOWN
from ninefold.commands.progress import shown_progress
from ninefold.execution.asked import HAND
from ninefold.execution.decisions import APPROVED
from ninefold.execution.limits.state import FLATTEN
from ninefold.execution.money import text
from ninefold.market.arrays import BAR_UNKNOWN
from ninefold.market.instruments import Instrument
from ninefold.market.records import Decision, Fill, Order
from ninefold.services.explain import Explanation, NoSuchOrder, Wish, explain
from ninefold.services.identity import UnreadableIdentity
from ninefold.services.lives import NoParity

MS_NS = 1_000_000
ASKED: dict[tuple[str, ...], str] = {
    (HAND,): "asked for by hand",
    (FLATTEN,): "asked for by a flatten",
}  # in place of strategies


def run(
    order: Annotated[
        str, typer.Argument(help="a client order id, or its beginning; `ninefold export orders` lists them")
    ],
    data_dir: Annotated[Path, typer.Option(help="of a run of demo, up or replay")] = Path("data"),
    json_: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Decide an order again from the journal, only reading, and show all it was decided from and what came of it. Exit status 1
    if the decision is not the same again.
    """
    with plainly(NoSuchOrder, NoParity, UnreadableIdentity, *KNOWN), shown_progress() as progress:
        found = explain(data_dir, order, progress)
    if json_:
        print(json.dumps(as_json(found)))
    else:
        _print(found, Console(highlight=False))
    sys.exit(0 if found.same else 1)


def as_json(found: Explanation) -> dict[str, Any]:
    """Nanosecond times are strings, as everywhere in JSON."""
    said = {**msgspec.to_builtins(found, str_keys=True), "instrument": found.instrument.name, "same": found.same}
    said["verdict"] = _verdict(found)
    return {name: _plain(value) for name, value in said.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: str(one) if name.endswith("_ns") and name != "width_ns" else _plain(one)
            for name, one in value.items()
        }
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _verdict(found: Explanation) -> str:
    """What risk said."""
    if found.decided is not None:
        return found.decided.verdict
    born = found.history[0]
    return born.reason if isinstance(born, Order) and born.status == "refused" else APPROVED


def _print(found: Explanation, console: Console) -> None:
    order, of = found.order, found.instrument
    verb = "buy" if order.side > 0 else "sell"
    console.print(f"order {order.client_order_id}: {verb} {of.size_text(order.size)} {of.name}, {order.status}")
    tick = f", at {_time(found.tick.exchange_ns)} of the venue" if found.tick else ""
    console.print(f"decided at input {found.history[0].seq:,}{tick}")
    if asked_by := ASKED.get(_strategies(found)):
        console.print(f"{asked_by}: no strategy had a part in it")
    else:
        for wish in found.wishes:
            is_quote = found.decided is not None and wish.strategy not in found.decided.targets
            _print_wish(wish, found.instrument, is_quote, console)
    if found.decided is not None:
        _print_decision(found.decided, found, console)
    console.print(f"risk: {_verdict(found)}")
    told = f"{found.foretold.text} ({found.foretold.may_id})" if found.foretold else "no MAY had told of it"
    console.print(f"foretold: {told}")
    console.print(_history(found))
    if found.has is not None:
        console.print(found.has.text)
    for difference in found.differences:
        console.print(f"DIFFERS: {difference}")
    if found.same:
        console.print("decided again from the journal: the same")


def _strategies(found: Explanation) -> tuple[str, ...]:
    born = found.history[0]
    return born.strategies if isinstance(born, Order) else ()


def _print_wish(wish: Wish, of: Instrument, is_quote: bool, console: Console) -> None:
    """What it wanted and saw; its formula below, whole, so that it can be copied."""
    wants = "wants cannot tell" if wish.target is None else f"wants {wish.target:+.2f}"
    bar = _bar(wish.bar, of)
    said = "quotes" if is_quote else wants
    console.print(f"{wish.strategy} {said}{f', of the bar {bar}' if bar else ''}", soft_wrap=True)
    if wish.own is not None:
        held, bars = of.size_text(int(wish.own["position"])), int(wish.own["bars_held"])
        profit = f", {bars} bars, at {wish.own['open_profit']:+.2%}" if bars else ""
        console.print(f"    it held {held} {of.base}{profit}", soft_wrap=True)
    if wish.left is not None:
        at = f" set off at {of.price_text(wish.left.price)} {of.quote}" if wish.left.price else ""
        console.print(f"    out by its {wish.left.left}{at}, flat until its target changes or its entry holds again")
    if wish.legs is not None:
        console.print(f"    {wish.legs.text}", soft_wrap=True)
    console.print(f"    {wish.formula}", style="dim", soft_wrap=True)
    for term, value in wish.values.items():
        console.print(f"    {term} = {'unknown' if value is None else format(value, '.6g')}", soft_wrap=True)


def _time(at_ns: int) -> str:
    """To the millisecond, UTC."""
    seconds, rest = divmod(at_ns, 1_000 * MS_NS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{rest // MS_NS:03} UTC"


def _bar(bar: dict[str, Any] | None, of: Instrument) -> str:
    """Open, high, low and close."""
    if bar is None:
        return ""
    if bar["state"] == BAR_UNKNOWN:
        return "unknown"
    return " ".join(of.price_text(bar[name]) for name in ("open", "high", "low", "close"))


def _print_decision(decided: Decision, found: Explanation, console: Console) -> None:
    of = found.instrument
    bid, ask = of.price_text(decided.bid), of.price_text(decided.ask)
    together = f"together they want {of.size_text(decided.desired)} {of.base}; "
    console.print(
        f"{'' if _strategies(found) in ASKED else together}held were {text(decided.position, of.base)}; "
        f"the best prices were {bid} and {ask}",
        soft_wrap=True,
    )
    model = decided.model or "none"
    console.print(f"inputs {decided.inputs}, formulas {decided.formulas}, forecast model {model}", soft_wrap=True)


def _history(found: Explanation) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("ms after", "what", ""):
        table.add_column(column, justify="right" if column == "ms after" else "left", overflow="fold")
    begun_ns = found.history[0].known_ns
    of = found.instrument
    trades: set[str] = set()
    before: tuple[str, int, str] | None = None  # what was shown of the order last
    for one in found.history:
        after_ms = f"{(one.known_ns - begun_ns) / MS_NS:.1f}"
        if isinstance(one, Fill):
            again = one.trade_id in trades  # by the answer and by the account's line
            trades.add(one.trade_id)
            words = f"{of.size_text(one.size)} at {of.price_text(one.price)}, fee {text(one.fee, one.fee_asset)}"
            table.add_row(after_ms, "told again" if again else "fill", f"{words}, trade {one.trade_id}")
        elif (now := (one.status, one.filled, one.reason)) != before:
            before = now
            filled = f"{of.size_text(one.filled)} filled" if one.filled else ""
            table.add_row(after_ms, one.status, ", ".join(filter(None, (filled, one.reason))))
    return table
