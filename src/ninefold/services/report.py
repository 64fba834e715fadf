"""The report of a kept run as a file.

In:  a data dir, the number of a run. Out: one self-contained HTML file.
"""

from __future__ import annotations

from pathlib import Path

import ninefold
from ninefold.report.page import SCRIPT, STYLE, report_page
from ninefold.report.shown import Shown
from ninefold.store.data_dir import failed_write
from ninefold.store.runs import RunReader

BUILT = Path(ninefold.__file__).parent / "api" / "static"  # by scripts/build_web.py


class NoReport(RuntimeError):
    """A report that cannot be made; the text says why."""


def write_report(data_dir: Path, number: int, file: Path, built: Path = BUILT) -> None:
    """raises: NoReport if the web front end is not built; UnknownRun; StoreWriteFailed; what the data dir raises."""
    reader = RunReader(data_dir)
    kept, shown = reader.kept(number), Shown(reader.run(number), reader.bars(number))
    try:
        script, style = ((built / name).read_text() for name in (SCRIPT, STYLE))
    except FileNotFoundError as error:
        raise NoReport(
            f"the web front end is not built ({error.filename} is missing), so there is no report; run `make setup`. The result is "
            f"kept: it is run {number} of {data_dir}"
        ) from error
    page = report_page(shown, kept.about, script, style)
    try:
        file.write_text(page.text, encoding="utf-8")
    except OSError as refused:
        raise failed_write(file, refused) from refused
