"""Files of an archive: a zip with one CSV in it, or a CSV in gzip; and their checksums.

In:  the bytes of both. Out: columns as integers in the instrument's units; every digit counts, nothing is rounded.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from hashlib import sha256

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv

from ninefold.history.venue import CannotDownload
from ninefold.venues.adapter import BadFrame

UNREADABLE = (zipfile.BadZipFile, zlib.error, struct.error, RuntimeError, ValueError, EOFError)  # of zipfile and Arrow
WIDEST = 12  # decimals that a number in a file may have
MOST_BYTES = 4 * 2**30  # of an unpacked file
GZIP = b"\x1f\x8b"


def check_sum(path: str, data: bytes, said: bytes) -> None:
    """said: the checksum file, 'SHA256  NAME'. raises: CannotDownload with both sums."""
    wanted, found = said.decode("ascii", "replace").split()[:1], sha256(data).hexdigest()
    if wanted != [found]:
        raise CannotDownload(
            f"{path} is not what its checksum says: found {found}, its .CHECKSUM says {' '.join(wanted) or 'nothing'}. "
            "Nothing of it was stored; run the same command again, and if it stays so, the venue's file is broken: "
            "ask for a range without it"
        )


def columns_of(data: bytes, names: Sequence[str], wanted: Mapping[str, pa.DataType]) -> pa.Table:
    """The wanted columns of the only CSV in a zip, or of a CSV in gzip, with or without a line of headings.

    raises: BadFrame if it is no such file.
    """
    try:
        text = _unpacked(data)
        return csv.read_csv(
            io.BytesIO(text),
            read_options=csv.ReadOptions(column_names=list(names), skip_rows=int(text[:1].isalpha())),
            convert_options=csv.ConvertOptions(
                column_types=dict(wanted),
                include_columns=list(wanted),
                true_values=["True", "true"],
                false_values=["False", "false"],
            ),
        )
    except UNREADABLE as error:
        raise BadFrame(f"no packed CSV with the columns {', '.join(names)}: {error}") from error


def _unpacked(data: bytes) -> bytes:
    """Both forms end with a checksum of what is in them."""
    if data[:2] == GZIP:
        unpacking = zlib.decompressobj(wbits=31)
        text = unpacking.decompress(data, MOST_BYTES)
        if not unpacking.eof or unpacking.unused_data:
            raise BadFrame(f"the gzip has no end, more than one part, or more than {MOST_BYTES:,} bytes")
        return text
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        [inside] = packed.infolist()
        if inside.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadFrame(f"{inside.filename} is compressed by method {inside.compress_type}; deflate is expected")
        if inside.file_size > MOST_BYTES:
            raise BadFrame(f"{inside.filename} has {inside.file_size:,} bytes; {MOST_BYTES:,} are read at most")
        return packed.read(inside)


def decimals() -> pa.DataType:
    return pa.decimal128(38, WIDEST)


def units_of(column: pa.ChunkedArray, places: int) -> np.ndarray:
    """Decimals as int64 numbers of 10**-places, shape (n,). raises: BadFrame if one has more digits, or is negative."""
    try:
        whole = column.cast(pa.decimal128(38, places))
    except pa.ArrowInvalid as error:
        raise BadFrame(f"a number has more than {places} decimals; the instrument's rules must be refreshed") from error
    parts = [_low_words(chunk) for chunk in whole.chunks] or [np.empty(0, np.int64)]
    return np.concatenate(parts)


def _low_words(chunk: pa.Array) -> np.ndarray:
    """Of 128-bit integers that are not negative and fit into 63 bits."""
    if chunk.null_count:
        raise BadFrame("a number is missing")
    words = np.frombuffer(chunk.buffers()[1], np.int64)[2 * chunk.offset : 2 * (chunk.offset + len(chunk))]
    low, high = words[::2], words[1::2]
    if (high != 0).any() or (low < 0).any():
        raise BadFrame("a number is negative or does not fit into 64 bits")
    return low
