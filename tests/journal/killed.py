"""A program that compresses a log again and again, and is killed each time a few lines later.

Arguments: a folder with a log whose closed segments are plain; how many lines later. Prints how many kills it survived.
"""

import os
import shutil
import signal
import sys
from pathlib import Path

from ninefold.journal import packed, writer
from ninefold.journal.compress import compress_closed
from ninefold.journal.reader import Follower, read
from ninefold.journal.segment import segments
from ninefold.journal.writer import LogWriter
from tests.journal.logs import is_packed
from tests.journal.steps import before_every_line


def main() -> None:
    packed.BLOCK_BYTES, writer.SYNC_S = 150, 0.0
    source, stride = Path(sys.argv[1]), int(sys.argv[2])
    made, lines, sizes = list(read(source)), 0, []
    while True:
        folder = Path(shutil.copytree(source, source.parent / "killed"))
        child = os.fork()
        if not child:
            compress_until(folder, lines)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert list(read(folder)) == made, f"lines that ran: {lines}"
        assert Follower(folder).poll() == made[: first_of_second(folder) - 1], f"lines that ran: {lines}"
        sizes.append(sum(is_packed(path) for path in segments(folder)))
        start_again(folder)
        assert list(read(folder)) == made, f"after the next start; lines that ran: {lines}"
        shutil.rmtree(folder)
        if os.WIFEXITED(status):
            break
        lines += stride
    assert sorted(set(sizes)) == list(range(len(segments(source)))), "none was killed between two segments"
    print(lines // stride)


def compress_until(folder: Path, lines: int) -> None:
    left = lines

    def line() -> None:
        nonlocal left
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    with before_every_line(line):
        compress_closed(folder)


def start_again(folder: Path) -> None:
    """The next writer removes what was left over, and compresses what is plain."""
    LogWriter(folder).close()
    assert [path.name for path in folder.iterdir() if path.suffix != ".nfj"] == []
    compress_closed(folder)
    assert all(is_packed(path) for path in segments(folder)[:-1])


def first_of_second(folder: Path) -> int:
    return int(segments(folder)[1].stem)


if __name__ == "__main__":
    main()
