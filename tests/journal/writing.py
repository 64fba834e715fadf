"""A program that appends numbered records until it is killed. Arguments: folder, bytes of a segment, what limits a file (0: nothing)."""

import resource
import sys
from pathlib import Path

from ninefold.journal.writer import DiskFull, LogWriter


def main() -> None:
    folder, segment_bytes, limit = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    log = LogWriter(folder, segment_bytes)
    print(log.last_seq, flush=True)
    seq = log.last_seq
    while True:
        for _ in range(7):
            seq += 1
            log.append(1, 0, seq, seq * 10, b"%d " % seq * (seq % 40))
        try:
            log.flush()
        except DiskFull as full:
            print(f"full {full}", flush=True)
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            log.flush()
            log.close()
            return
        print(str(seq).ljust(4000), flush=True)  # a pipe holds 16 of them, so the writer cannot run far ahead


if __name__ == "__main__":
    main()
