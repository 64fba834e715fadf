"""Several chunks in one message: what a collector elsewhere sends, so that a long way costs one round trip for many chunks.

In:  encoded chunks. Out: bytes, and back.
"""

from __future__ import annotations

import msgspec
import zstandard

LEVEL = 3
MOST_BYTES = 256 * 1024 * 1024  # of what is unpacked
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[bytes]).decode


class BadParcel(ValueError):
    """Bytes that are no parcel."""


def pack(chunks: list[bytes]) -> bytes:
    return zstandard.ZstdCompressor(LEVEL).compress(_encode(chunks))


def unpack(parcel: bytes) -> list[bytes]:
    """raises: BadParcel."""
    try:
        return _decode(zstandard.ZstdDecompressor().decompress(parcel, max_output_size=MOST_BYTES))
    except (zstandard.ZstdError, msgspec.DecodeError) as error:
        raise BadParcel(f"a message of a collector cannot be unpacked: {error}") from None
