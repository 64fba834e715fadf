"""A distributed engine's answer, run by the environment that has dask: `python engine.py s3://BUCKET/PREFIX`.

Two workers, each a process of its own on loopback, read the published trades, a file each at a time, with nothing of ninefold.
Printed as JSON: by instrument the rows, the sums of prices and of sizes; how many workers there were, and how many processes
other than this one read.
"""

from __future__ import annotations

import json
import os
import sys

import dask
import dask.dataframe as dd
import pandas as pd
from deltalake import DeltaTable
from distributed import Client, LocalCluster
from pyarrow import parquet
from pyarrow.fs import S3FileSystem

COLUMNS = ["instrument", "seq", "price", "size"]


def rows_of(uri: str) -> pd.DataFrame:
    """One file of the table, and who read it."""
    scheme, _, at = os.environ["AWS_ENDPOINT_URL"].partition("://")
    keys = {name: os.environ[f"AWS_{name.upper()}"] for name in ("secret_access_key", "access_key_id", "region")}
    store = S3FileSystem(
        access_key=keys["access_key_id"],
        secret_key=keys["secret_access_key"],
        region=keys["region"],
        scheme=scheme,
        endpoint_override=at,
    )
    rows = parquet.read_table(uri.removeprefix("s3://"), columns=COLUMNS, filesystem=store, partitioning=None)
    return rows.to_pandas().assign(pid=os.getpid())


def main(url: str) -> None:
    files = DeltaTable(f"{url}/trades").file_uris()
    dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"})  # load the libraries once for both
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None)
    with cluster, Client(cluster) as client:
        trades = dd.from_map(rows_of, files)
        sums = trades.groupby("instrument").agg({"seq": "count", "price": "sum", "size": "sum"}).compute()
        pids = set(trades["pid"].unique().compute())
        workers = len(client.scheduler_info()["workers"])
    found = {str(int(key)): [int(row["seq"]), int(row["price"]), int(row["size"])] for key, row in sums.iterrows()}
    print(json.dumps({"workers": workers, "readers": len(pids - {os.getpid()}), "instruments": found}))


if __name__ == "__main__":
    main(sys.argv[1])
