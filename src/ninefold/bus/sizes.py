"""How large things on the bus may be, which server and clients must agree on."""

from __future__ import annotations

PAYLOAD_BYTES = 32 * 1024 * 1024  # a chunk after a long pause holds many bars; the server must allow it
KEPT_BYTES = 2 * 1024**3  # a stream's oldest messages go when it is larger; the journal keeps what came
STREAMS = 64  # nine stages, inputs, and the collectors of many hosts
FILE_BYTES = STREAMS * KEPT_BYTES  # what the streams may have together, which a server sets aside as they are made
