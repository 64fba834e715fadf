"""What of a log was let go: the mark that tells a log that begins late from one whose first segments were lost.

In:  the folder of a log. Out: the last record that was let go, from a small file that is on the disk before a segment
     goes.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from ninefold.journal.durable import folder_to_disk, to_disk

MARK = "let-go.json"


class LetGo(ValueError):
    """Records that are asked for were let go: the log no longer holds them."""


class Gone(msgspec.Struct, frozen=True):
    """The last record that was let go, and when it was received."""

    seq: int
    receive_ns: int


def let_go_of(folder: Path) -> Gone | None:
    """None if the log still has all it ever had. raises: LetGo if the mark cannot be read."""
    path = folder / MARK
    try:
        return msgspec.json.decode(path.read_bytes(), type=Gone)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise LetGo(
            f'{path} cannot be read ({error}); it must be like {{"seq": 1200, "receive_ns": 1723075200000000000}} and '
            "name the last record that retention removed. Put it back from a copy"
        ) from error


def note(folder: Path, gone: Gone) -> None:
    """On the disk before this returns."""
    temporary = folder / f".{MARK}.new"
    with temporary.open("wb") as file:
        file.write(msgspec.json.encode(gone))
        file.flush()
        to_disk(file.fileno())
    temporary.replace(folder / MARK)
    folder_to_disk(folder)


def refuse_before(folder: Path, after_seq: int) -> None:
    """raises: LetGo if records behind `after_seq` were let go, naming from where on there are any."""
    gone = let_go_of(folder)
    if gone is not None and gone.seq > after_seq:
        raise LetGo(
            f"{folder} was asked for records behind seq {after_seq}, but those up to seq {gone.seq} were let go by "
            "retention before they were read. Read from there on, or put the segments back from a copy"
        )
