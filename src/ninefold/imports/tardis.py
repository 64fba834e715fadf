"""Downloaded data sets of tardis.dev: trades, incremental_book_L2 and quotes, as .csv or .csv.gz.

In:  a file or a folder. Out: a part for each; what it holds is told by its columns. Times are microseconds in UTC;
     `local_timestamp` is another collector's clock and is not ours.
source: docs.tardis.dev/downloadable-csv-files/data-types, read 2026-11-22
"""

from __future__ import annotations

from collections.abc import Iterator

from ninefold.imports.csv import ENDINGS, part_of
from ninefold.imports.files import files_of
from ninefold.imports.mapping import ImportRefused, Mapping
from ninefold.imports.source import Part, Place

_HEAD = ("exchange", "symbol", "timestamp", "local_timestamp")
LAYOUTS = {
    (*_HEAD, "id", "side", "price", "amount"): "trades",
    (*_HEAD, "is_snapshot", "side", "price", "amount"): "books",
    (*_HEAD, "ask_amount", "ask_price", "bid_price", "bid_amount"): "quotes",
}
KNOWN = Mapping(time_unit="us", columns={"time": "timestamp"})


def parts(place: Place) -> Iterator[Part]:
    """raises: ImportRefused for other data types."""
    for path in files_of(place.place, ENDINGS):
        columns = part_of(path, (), Mapping()).columns
        if columns not in LAYOUTS:
            known = "; ".join(f"{what}: {','.join(layout)}" for layout, what in LAYOUTS.items())
            raise ImportRefused(f"{path} has the columns {','.join(columns)}; what is read of tardis: {known}")
        yield part_of(path, (), Mapping(what=LAYOUTS[columns], time_unit=KNOWN.time_unit, columns=KNOWN.columns))  # type: ignore[arg-type]
