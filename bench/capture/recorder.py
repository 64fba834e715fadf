"""The recorder as the cold process runs it: follows the stream log, commits to the tables once a second.

In:  a data dir. Out: a line of JSON for each commit (the last seq stored, when), and at the end how long rows took from
     their receive time until they were stored, memory, and processor time.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from pathlib import Path

from ninefold.journal.inputs import CHUNK
from ninefold.journal.reader import Follower
from ninefold.market.chunk import decode
from ninefold.market.histogram import Histogram
from ninefold.services import lean
from ninefold.services.cold import POLL_S
from ninefold.services.jobs import end
from ninefold.services.process import run
from ninefold.services.record import Record

READ_BYTES = 1 << 20  # as the cold process


async def record(data_dir: Path, stop: asyncio.Event) -> None:
    recorder = Record(data_dir, time.time_ns)
    follower = Follower(data_dir / "stream", recorder.position)

    async def follow() -> None:
        while True:
            found = [] if recorder.full else follower.poll(READ_BYTES)
            if found:
                recorder.take([decode(one.payload) for one in found if one.kind == CHUNK])
            await asyncio.sleep(0 if found else POLL_S)

    async def tell() -> None:
        told = 0
        while True:
            await asyncio.sleep(0.01)
            if recorder.meter.last_seq > told:
                told = recorder.meter.last_seq
                rows = recorder.meter.counters.get("rows_stored", 0)
                say({"seq": told, "at": time.time(), "rows": rows, "resident": resident()})

    jobs = [asyncio.ensure_future(job) for job in (follow(), tell(), recorder.run(stop))]
    stopping = asyncio.ensure_future(stop.wait())
    done, _ = await asyncio.wait({*jobs, stopping}, return_when=asyncio.FIRST_COMPLETED)
    await end(*jobs, stopping)
    for job in done - {stopping}:
        job.result()
    await recorder.close()
    took = recorder.meter.status(time.time_ns()).latencies.get("receive_to_store", {})
    used = resource.getrusage(resource.RUSAGE_SELF)
    percentiles = {f"p{percent:g}": (Histogram(took).percentile(percent) or 0) / 1e9 for percent in (50.0, 99.0, 100.0)}
    say({"queryable_s": percentiles, "cpu_s": used.ru_utime + used.ru_stime})


def resident() -> int:
    """Bytes in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def say(found: dict[str, object]) -> None:
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    lean.ready_to_store()  # as the cold process
    run(lambda stop: record(Path(sys.argv[1]), stop))
