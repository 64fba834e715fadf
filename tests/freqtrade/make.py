"""Write down what freqtrade itself gives on the generated candles: `python -m tests.freqtrade.make`.

In:  NINEFOLD_FREQTRADE, the Python of an environment with freqtrade (bench/research/requirements-freqtrade.txt).
Out: expected/*.json beside this file, a list of trades a strategy, column by column.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

from tests.freqtrade.cases import KEYS, generated_cases
from tests.freqtrade.outside import run_freqtrade

EXPECTED = Path(__file__).parent / "expected"


def file_of(name: str) -> Path:
    return EXPECTED / f"{re.sub('[^a-z]+', '_', name)}.json"


def kept(name: str) -> dict[str, list[dict[str, Any]]]:
    """The trades of each strategy in a case."""
    columns = json.loads(file_of(name).read_text())
    return {
        strategy: [dict(zip(of, row, strict=True)) for row in zip(*of.values(), strict=True)]
        for strategy, of in columns.items()
    }


def main() -> None:
    EXPECTED.mkdir(exist_ok=True)
    for case in generated_cases():
        with tempfile.TemporaryDirectory() as folder:
            found = run_freqtrade(case, Path(folder))
        columns = {name: {key: [trade[key] for trade in trades] for key in KEYS} for name, trades in found.items()}
        lines = [f'"{name}": {json.dumps(of, separators=(",", ":"))}' for name, of in sorted(columns.items())]
        file_of(case.name).write_text("{\n" + ",\n".join(lines) + "\n}\n")
        print(f"{file_of(case.name).name}: {sum(map(len, found.values()))} trades")


if __name__ == "__main__":
    main()
