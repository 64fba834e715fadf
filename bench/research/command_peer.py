"""The back-test that `ninefold backtest` does, as people write it with backtesting.py; run in the peers' environment.

In:  a file of columns (.npz), times in ms and prices in quote, which loads sooner than any Parquet or CSV file.
Out: a line of JSON: equity at the end and how many trades are over. backtesting.py makes its own statistics on the way.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.research.bars_market import TICK
from bench.research.bars_peer import crossed, is_above


def main() -> None:
    with np.load(sys.argv[1]) as file:
        made = {name: file[name] for name in ("open_time", "open", "high", "low", "close")}
    index = pd.to_datetime(made.pop("open_time"), unit="ms")
    frame = pd.DataFrame({name.title(): values for name, values in made.items()}, index=index)
    above = is_above(np.rint(made["close"] / TICK).astype(np.int64))
    print(json.dumps(crossed(frame, above)))


if __name__ == "__main__":
    main()
