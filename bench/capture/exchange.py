"""The sending side: a venue on loopback that sends generated trades. A process of its own, on a core of its own.

In:  how many messages and how fast, by the command line. Out: a line of JSON with the port; frames to whoever opens a
     websocket; with --sent, the moment of each send (ns since 1970, int64) in a file.

Everything is made before it is sent. Without a rate the kernel is given a quarter of a megabyte at a time, so that the
sender is faster than any client; with one, each message is a send of its own at its own moment.
"""

from __future__ import annotations

import argparse
import base64
import gc
import hashlib
import json
import os
import socket
import threading
import time
from pathlib import Path

import numpy as np

from bench.capture.market import ROWS, TRAVEL_NS, Market
from bench.capture.messages import WIRES, Wire, frame

SLICE = 256 * 1024
PAUSE_S = 0.5  # between the handshake and the first message
STAMPED = 1_000_000  # messages a second, by their stamps, where they are sent as fast as they are taken
LIVE_S = 0.01  # a live sender sends what is due this often
LIVE_ROWS = 1_000  # at most so many at once
ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("venue", choices=WIRES)
    parser.add_argument("--messages", type=int, required=True)
    parser.add_argument("--rate", type=float, default=0.0, help="messages a second; 0: as fast as they are taken")
    parser.add_argument("--live", action="store_true", help="made while sending, with the time of sending")
    parser.add_argument("--sent", type=Path, help="file for the moments of sending, with a rate")
    asked = parser.parse_args()
    wire = WIRES[asked.venue]
    frames = [] if asked.live else made(wire, asked.messages)
    whole = b"".join(frames) if frames and not asked.rate else b""
    server = socket.create_server(("127.0.0.1", 0))
    print(json.dumps({"port": server.getsockname()[1], "bytes": sum(map(len, frames))}), flush=True)
    gc.disable()
    line = websocket(server, wire.answers())
    time.sleep(PAUSE_S)
    try:
        if asked.live:
            send_live(line, wire, asked.messages, asked.rate)
        elif asked.rate:
            send_paced(line, frames, asked.rate).tofile(asked.sent)
        else:
            send_all(line, whole)
        print(json.dumps({"sent": asked.messages}), flush=True)
        while line.recv(65536):  # until the client goes
            pass
    except (BrokenPipeError, ConnectionResetError):
        pass


def made(wire: Wire, messages: int) -> list[bytes]:
    """The frames of so many trades, stamped as by a venue that has STAMPED of them each second."""
    market = Market(batch_ms=ROWS * 1000 // STAMPED)
    frames: list[bytes] = []
    while len(frames) < messages:
        frames += map(frame, wire.texts(market.batch()[: messages - len(frames)]))
    return frames


def websocket(server: socket.socket, answers: dict[str, bytes]) -> socket.socket:
    """Answer REST questions until somebody wants a websocket; REST goes on beside it."""
    upgraded: list[socket.socket] = []
    done = threading.Event()

    def serve() -> None:
        while True:
            client, _ = server.accept()
            threading.Thread(target=talk, args=(client,), daemon=True).start()

    def talk(client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while (head := _head(client)) and b"\r\nsec-websocket-key:" not in head.lower():
            path = head.split()[1].decode().partition("?")[0]
            body = answers.get(path, b"{}")
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        if head:
            _upgrade(client, head)
            upgraded.append(client)
            done.set()

    threading.Thread(target=serve, daemon=True).start()
    done.wait()
    return upgraded[0]


def send_all(line: socket.socket, whole: bytes) -> None:
    view = memoryview(whole)
    for start in range(0, len(view), SLICE):
        line.sendall(view[start : start + SLICE])


def send_paced(line: socket.socket, frames: list[bytes], rate: float) -> np.ndarray:
    """One send a message. Returns when each was begun; a send that is late is sent at once, the others keep their time."""
    sent = np.empty(len(frames), np.int64)
    step = 1e9 / rate
    start = time.time_ns()
    for number, data in enumerate(frames):
        due = start + int(number * step)
        while (now := time.time_ns()) < due:
            pass
        sent[number] = now
        line.sendall(data)
    return sent


def send_live(line: socket.socket, wire: Wire, messages: int, rate: float) -> None:
    """Every 10 ms what is due, stamped with the moment at which it was due; late rows stay late."""
    market = Market()
    step, start, count, rows = 1e9 / rate, time.time_ns(), 0, market.batch()
    while count < messages:
        due = min(int((time.time_ns() - start) / step), messages) - count
        if due <= 0:
            time.sleep(LIVE_S)
            continue
        used = count % ROWS
        some = rows[used : used + min(due, LIVE_ROWS)].copy()
        late = some["receive_ns"] - some["exchange_ns"] > 2 * TRAVEL_NS
        past = some["receive_ns"] - some["exchange_ns"]
        some["exchange_ns"] = start + ((count + np.arange(len(some))) * step).astype(np.int64) - late * past
        line.sendall(b"".join(map(frame, wire.texts(some))))
        count += len(some)
        if count % ROWS == 0:
            rows = market.batch()


def _head(client: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        more = client.recv(65536)
        if not more:
            return b""
        head += more
    return head


def _upgrade(client: socket.socket, head: bytes) -> None:
    key = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
    accept = base64.b64encode(hashlib.sha1(key.split(b":")[1].strip() + ACCEPT).digest())
    client.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


if __name__ == "__main__":
    main()
    os._exit(0)  # threads that answer REST are left behind
