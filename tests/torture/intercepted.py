"""The calls by which a process changes anything outside itself: each is told before the kernel makes it, and it can be the last.

In:  in the process that is to be watched, `stop_and_be_watched`, before it has threads; its child's calls are told as well.
Out: to who forked it, each call with what it is made on (`journal`, `ledger.db-wal`, `socket` ...); a process that is killed
     there has made the calls before it, and not this one. Linux on x86-64 alone: the kernel asks us through seccomp
     (seccomp_unotify(2)), which costs the process a few microseconds for each of these calls and nothing for others.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import re
import select
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterable
from functools import cache
from typing import NamedTuple

CALLS = {
    **{"write": 1, "writev": 20, "pwrite64": 18, "pwritev": 296, "pwritev2": 328, "ftruncate": 77, "fallocate": 285},
    **{"fsync": 74, "fdatasync": 75, "sync": 162, "syncfs": 306, "sync_file_range": 277, "msync": 26},
    **{"sendto": 44, "sendmsg": 46, "sendmmsg": 307, "sendfile": 40, "splice": 275, "copy_file_range": 326},
    **{"rename": 82, "renameat": 264, "renameat2": 316, "link": 86, "linkat": 265, "unlink": 87, "unlinkat": 263},
}
NAMES = {number: name for name, number in CALLS.items()}
BY_PATH = {
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "sync",
    "msync",
}  # no file is open
SECCOMP, PIDFD_GETFD, NO_NEW_PRIVS = 317, 438, 38
NEW_LISTENER, LOAD, IS_EQUAL, RETURN, ALLOW, ASK = 8, 0x20, 0x15, 0x06, 0x7FFF0000, 0x7FC00000
RECEIVE, ANSWER, GO_ON = 0xC0502100, 0xC0182101, 1
LISTENER = 900  # the descriptor under which the watcher finds it
_libc = ctypes.CDLL(None, use_errno=True)


class Call(NamedTuple):
    """name: of the kernel's call. on: what it changes."""

    name: str
    on: str


def possible() -> str:
    """Why a process cannot be watched here; "" if it can."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return "calls are told by Linux on x86-64 alone"
    refused = "the kernel lets nobody watch a process's calls, as in some containers"
    child = os.fork()
    if not child:
        try:
            stop_and_be_watched()
        except OSError:
            os._exit(1)
        os._exit(0)
    try:
        return "" if watch(child, lambda call: False, 10.0) == 0 else refused
    except OSError:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return refused


def stop_and_be_watched(calls: Iterable[str] = CALLS) -> None:
    """Ask before each of these calls from now on, in every thread to come. Waits until somebody watches."""
    listener = _filter([CALLS[name] for name in calls])
    if listener < 0:
        raise OSError(ctypes.get_errno(), "the kernel lets nobody watch this process's calls")
    os.dup2(listener, LISTENER)
    os.close(listener)
    os.kill(os.getpid(), signal.SIGSTOP)
    os.close(LISTENER)


def watch(child: int, is_last: Callable[[Call], bool], patience_s: float) -> int | None:
    """The exit status of a child that stops to be watched; None if it did not end in time, and was killed.

    is_last: asked before each call; where it says so, the child is killed instead.
    """
    _, status = os.waitpid(child, os.WUNTRACED)
    if not os.WIFSTOPPED(status):
        return os.waitstatus_to_exitcode(status)
    handle = os.pidfd_open(child)
    listener = _libc.syscall(PIDFD_GETFD, handle, LISTENER, 0)
    try:
        if listener < 0:
            raise OSError(ctypes.get_errno(), "the child's calls cannot be had")
        os.kill(child, signal.SIGCONT)
        in_time = _ask_until_over(child, handle, listener, is_last, time.monotonic() + patience_s)
        if not in_time:
            os.kill(child, signal.SIGKILL)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return ended if in_time else None
    finally:
        os.close(handle)
        if listener >= 0:
            os.close(listener)


def _ask_until_over(child: int, handle: int, listener: int, is_last: Callable[[Call], bool], until_s: float) -> bool:
    """Whether the child ended before that time, killed at its last call or by itself."""
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    poll.register(listener, select.POLLIN)
    while (left_s := until_s - time.monotonic()) > 0:
        ready = dict(poll.poll(left_s * 1000))
        if ready.get(listener, 0) & select.POLLIN:
            _answer(child, listener, is_last)
        elif ready.get(listener):
            poll.unregister(listener)  # nobody is left who could ask
        elif ready:
            return True
    return False


def _answer(child: int, listener: int, is_last: Callable[[Call], bool]) -> None:
    asked = bytearray(80)
    try:
        fcntl.ioctl(listener, RECEIVE, asked)
        id, _, _, number, _, _, file = struct.unpack_from("QIIiIQQ", asked)
        if is_last(Call(NAMES[number], _what(child, NAMES[number], file))):
            os.kill(child, signal.SIGKILL)
        else:
            fcntl.ioctl(listener, ANSWER, struct.pack("QqiI", id, 0, 0, GO_ON))
    except OSError as error:
        if error.errno != errno.ENOENT:  # who asked is gone
            raise


def _what(child: int, name: str, file: int) -> str:
    """What a call is made on: a log, a file of the data dir, a socket; not which of many files of a kind."""
    if name in BY_PATH:
        return ""
    try:
        return _kind(os.readlink(f"/proc/{child}/fd/{file}"))
    except OSError:
        return "closed"


@cache
def _kind(target: str) -> str:
    """Of `/data/journal/0001.log`: journal; of `/data/ledger.db-wal`: ledger.db-wal; of `socket:[123]`: socket."""
    folder, name = os.path.split(target)
    if not folder:
        return re.sub(r"^anon_inode:|:.*|[^a-z:]", "", name)
    return os.path.basename(folder) if os.path.basename(folder) in ("journal", "stream") else re.sub(r"\d+", "", name)


def _filter(numbers: Iterable[int]) -> int:
    """Install it in this process; the descriptor on which calls are told, below 0 if the kernel refuses."""
    program = [_step(LOAD, 0, 0, 0)]
    for number in numbers:
        program += [_step(IS_EQUAL, 0, 1, number), _step(RETURN, 0, 0, ASK)]
    program.append(_step(RETURN, 0, 0, ALLOW))
    code = ctypes.create_string_buffer(b"".join(program))
    whole = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program), ctypes.addressof(code)))
    _libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0)
    return int(_libc.syscall(SECCOMP, 1, NEW_LISTENER, whole))


def _step(code: int, yes: int, no: int, value: int) -> bytes:
    return struct.pack("HBBI", code, yes, no, value)
