"""`ninefold train`: teach the forecast model on stored bars."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from ninefold.commands.failing import plainly
from ninefold.forecast.boosters import NoOpenMP
from ninefold.forecast.features import Series
from ninefold.forecast.score import Score
from ninefold.forecast.training import train
from ninefold.formula import Scale
from ninefold.market.arrays import BAR_UNKNOWN
from ninefold.market.columns import columns
from ninefold.market.instruments import Instrument, UnknownInstrument
from ninefold.market.time import width_of
from ninefold.services.build import MODEL
from ninefold.store.data_dir import NoDataDir, WrongFormat
from ninefold.store.read import Reader


def run(
    data_dir: Annotated[Path, typer.Option(help="where the bars are, and where the model goes")] = Path("data"),
    timeframe: Annotated[
        list[str] | None, typer.Option(help="of the bars; may be given again. 1s and 5s if left out")
    ] = None,
    instrument: Annotated[
        list[str] | None, typer.Option(help="such as binance:BTC/USDT; may be given again. All if left out")
    ] = None,
    seed: Annotated[int, typer.Option(help="of the training")] = 1,
    json_: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Train on stored bars; the scores are of bars that the model never saw, good or bad. The next start of the
    pipeline serves it.
    """
    with plainly(NoDataDir, NoOpenMP, WrongFormat, UnknownInstrument, ValueError):
        reader = Reader(data_dir)
        registry = reader.registry()
        chosen = [registry.named(name) for name in instrument] if instrument else registry.current()
        widths = [width_of(name) for name in timeframe or ("1s", "5s")]
        series = [one for of in chosen for width in widths if (one := _series(reader, of, width)) is not None]
        if not series:
            raise ValueError(f"{data_dir} holds no bars of these instruments and timeframes; record first")
        model = train(series, seed)
    path = data_dir / MODEL
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.write_bytes(model.to_bytes())
    temporary.replace(path)
    if json_:
        said = {"model": model.id, "bars": model.record.bars, "series": model.record.series}
        print(json.dumps({**said, "scores": [_plain(score) for score in model.record.scores]}, allow_nan=False))
        return
    table = Table(
        "horizon",
        "skill against naive",
        "beats naive",
        title=f"model {model.id}, {model.record.bars:,} bars, on bars it never saw",
    )
    for score in model.record.scores:
        table.add_row(str(score.horizon), f"{score.skill:+.4f}", "yes" if score.beats_naive else "no")
    Console().print(table)
    print(f"wrote {path}; it is served from the next start on")


def _plain(score: Score) -> dict[str, object]:
    """A score as JSON can hold it: what is no number (nothing to judge by) is null."""
    numbers = {name: getattr(score, name) for name in (*score.__struct_fields__, "skill")}
    known = {name: value if math.isfinite(value) else None for name, value in numbers.items()}
    return {**known, "beats_naive": bool(score.beats_naive)}


def _series(reader: Reader, of: Instrument, width: int) -> Series | None:
    """First revisions of all bars, with unknown ones where some are missing."""
    bars = reader.bars(of.id, width, revisions="first")
    if len(bars) < 2:
        return None
    close_ns = np.arange(bars["close_ns"][0], bars["close_ns"][-1] + 1, width)
    whole = np.zeros(len(close_ns), bars.dtype)
    whole["state"] = BAR_UNKNOWN
    whole[(bars["close_ns"] - close_ns[0]) // width] = bars
    name = f"{of.name} {width // 10**9}s"
    return Series(name, Scale(of.price_decimals, of.size_decimals), close_ns, columns(whole))
