"""Funding of a perpetual, out of a Parquet file or as it was recorded.

In:  what is asked: a file with a column of times and one of rates in usual namings, or what is recorded of an instrument; a range.
Out: `Funding`: when something is paid within the range, and the rate.

Recorded is what a venue told before it was due: the last that it said of each moment counts. Venues that tell a rate of the moment
and no time of payment (Deribit pays all the time, Hyperliquid each hour; BitMEX tells it when it is paid) need a file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ninefold.backtest.funding import NO_FUNDING, BadFunding, Funding
from ninefold.imports.times import nanoseconds
from ninefold.market.records import Funding as Told
from ninefold.services.backtest_wanted import RECORDED
from ninefold.store.forms import instruments_wanted
from ninefold.store.read import Reader

TIMES = ("due_ns", "funding_time", "fundingtime", "calc_time", "timestamp", "time", "date", "datetime", "ts")
RATES = ("rate", "funding_rate", "fundingrate", "last_funding_rate")
Range = tuple[int | None, int | None]  # [from, to) in ns; None where it is open


class Asked(Protocol):
    """file or instrument: the market. funding: a file of it, or RECORDED; None: none is paid."""

    @property
    def data_dir(self) -> Path: ...
    @property
    def file(self) -> Path | None: ...
    @property
    def instrument(self) -> str | None: ...
    @property
    def funding(self) -> str | None: ...


def funding_of(asked: Asked, spot: bool, range_ns: Range) -> Funding:
    """raises: BadFunding for spot, and what a file has not; as `funding_of_file` and `funding_recorded`."""
    if asked.funding is None:
        return NO_FUNDING
    name = asked.instrument or asked.file
    if spot:
        raise BadFunding(
            f"{name} is spot, which pays no funding; leave --funding out, or say --short if the file is of a perpetual"
        )
    if asked.funding != RECORDED:
        return funding_of_file(Path(asked.funding), range_ns)
    if asked.instrument is None:
        raise BadFunding(f"of {name} nothing is recorded; give a file: --funding FILE.parquet")
    return funding_recorded(asked.data_dir, asked.instrument, range_ns)


def funding_of_file(path: Path, range_ns: Range) -> Funding:
    """raises: BadFunding naming the file, the column or row, what is allowed; ImportRefused for times of mixed units."""
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise BadFunding(f"{path} cannot be read as a Parquet file of funding: {error}") from error
    lower = {name.lower(): name for name in table.column_names}
    found = {}
    for what, allowed in (("time", TIMES), ("rate", RATES)):
        theirs = next((lower[name] for name in allowed if name in lower), None)
        if theirs is None:
            raise BadFunding(
                f"{path} has no column for the {what} of funding: allowed are {', '.join(allowed)} (in capitals too); found "
                f"{', '.join(table.column_names) or 'none'}. Rename it"
            )
        found[what] = table.column(theirs).combine_chunks()
    at_ns, reasons, _ = nanoseconds(found["time"], "", "UTC", "the time of funding")
    for row in sorted(reasons)[:1]:
        raise BadFunding(f"{path}, row {row}: {reasons[row]}")
    kind = found["rate"].type
    if not (pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_integer(kind)):
        raise BadFunding(f"{path} has rates of {kind}; write them as numbers (0.0001 is one basis point)")
    rate = found["rate"].cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    try:
        return Funding(at_ns, rate).between(*range_ns)
    except BadFunding as error:
        raise BadFunding(f"{path}: {error}") from error


def funding_recorded(data_dir: Path, name: str, range_ns: Range) -> Funding:
    """raises: BadFunding if none was recorded; UnknownInstrument, NoDataDir, WrongFormat."""
    reader = Reader(data_dir)
    [versions] = instruments_wanted(reader.registry(), name).values()
    ids = {version.id for version in versions}
    said = {}
    for told in reader.records([Told]):
        if (
            isinstance(told, Told)
            and told.instrument in ids
            and max(told.exchange_ns + 1, told.known_ns) <= told.due_ns
        ):
            said[told.due_ns] = float(told.rate)
    if not said:
        raise BadFunding(
            f"{data_dir} holds no funding of {name} with the time at which it is paid; give what was paid as --funding FILE.parquet, "
            "or leave --funding out"
        )
    at_ns = sorted(said)
    return Funding(np.array(at_ns), np.array([said[one] for one in at_ns])).between(*range_ns)
