"""The form in which a venue writes its commonest messages, to the byte: so exactly that a compiled loop can read it.

In:  literal bytes and fields, in the order of the message.
Out: the same as arrays of numbers, for `quick.py`.

A form is no second parser that may be of another opinion: whatever differs from it in one byte goes to the adapter, and
what it reads must be what the adapter would have read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NOTHING, NAME, WHOLE, MILLISECONDS, DECIMAL, MOMENT, SIDE, TEXT, FLAG = range(9)  # how a field is read
# What a message says, int64 each. Of two words: where a name is and how long; all digits of a price or size and how many of them are
# behind the point, of a best bid and ask those of the bid. DAY: of the last MOMENT, its text, 16 bytes, and its ns.
SYMBOL, LOWER, PRICE, SIZE, ASK, ASK_SIZE, UNUSED = range(0, 14, 2)
ID, TIME_NS, STAMP_NS, TAKER, DAY = range(14, 19)
SAID = DAY + 3
READER, LITERAL, LENGTH, PLACE, FIRST, FIRST_LENGTH, SECOND, SECOND_LENGTH = range(8)  # of a step
STEP = 8
TEXT_BYTES = 32  # of a literal that are compared at once (wide.py, which loads a compiler)


@dataclass(frozen=True)
class Field:
    """reader: how it is read. place: of what it says, in what a message says. texts: of SIDE those of a buyer and of a seller.
    stop: the byte that ends a NAME.
    """

    reader: int
    place: int = UNUSED
    texts: tuple[bytes, bytes] = (b"", b"")
    stop: int = 0


@dataclass(frozen=True)
class Form:
    """A whole message."""

    parts: tuple[bytes | Field, ...]

    def steps(self) -> tuple[np.ndarray, np.ndarray]:
        """Literals, each with the field behind it, int64 (n, STEP), and the texts that they point to, uint8.

        A text is TEXT_BYTES bytes, and then as many that say which of its bits count; a longer literal is several steps.
        """
        texts = bytearray()

        def keep(text: bytes) -> tuple[int, int]:
            if len(text) > TEXT_BYTES:
                raise ValueError(f"{text!r} has {len(text)} bytes; a text of a side may have {TEXT_BYTES}")
            at = len(texts)
            texts.extend(text.ljust(TEXT_BYTES, b"\0") + (b"\xff" * len(text)).ljust(TEXT_BYTES, b"\0"))
            return at, len(text)

        steps, literal = [], b""
        for part in (*self.parts, Field(NOTHING)):
            if isinstance(part, bytes):
                literal += part
                continue
            while len(literal) > TEXT_BYTES:
                steps.append((NOTHING, *keep(literal[:TEXT_BYTES]), UNUSED, 0, 0, 0, 0))
                literal = literal[TEXT_BYTES:]
            told = (*keep(part.texts[0]), *keep(part.texts[1])) if part.reader == SIDE else (part.stop, 0, 0, 0)
            steps.append((part.reader, *keep(literal), part.place, *told))
            literal = b""
        return np.array(steps if self.parts else [], np.int64).reshape(-1, STEP), np.frombuffer(bytes(texts), np.uint8)


def form(template: str, buyer: bytes = b"", seller: bytes = b"") -> Form:
    """A form from its text, in which <name> stands for a field; buyer, seller: what <side> is, of the taker.

    >>> form('{"t":<id>}').parts
    (b'{"t":', Field(reader=2, place=14, texts=(b'', b''), stop=0), b'}')
    """
    fields = {**FIELDS, "side": Field(SIDE, TAKER, (buyer, seller))}
    parts: list[bytes | Field] = []
    for number, piece in enumerate(template.replace("<", ">").split(">")):
        if number % 2:
            parts.append(fields[piece])
        elif piece:
            parts.append(piece.encode())
    return Form(tuple(parts))


FIELDS = {
    "symbol": Field(NAME, SYMBOL, stop=ord('"')),  # the venue's
    "lower": Field(NAME, LOWER, stop=ord("@")),  # the same in small letters
    "id": Field(
        WHOLE, ID
    ),  # the trade's, without a hole to the next one; of a best bid and ask the number of the change
    "price": Field(DECIMAL, PRICE),
    "size": Field(DECIMAL, SIZE),
    "ask": Field(DECIMAL, ASK),
    "ask_size": Field(DECIMAL, ASK_SIZE),
    "time": Field(MILLISECONDS, TIME_NS),  # when the trade happened
    "stamp": Field(MILLISECONDS, STAMP_NS),  # when the venue sent it
    "moment": Field(MOMENT, TIME_NS),  # both, as '2026-11-22T09:30:00.123456Z'
    "text": Field(TEXT),  # this one and the next ones are not wanted
    "number": Field(WHOLE),
    "flag": Field(FLAG),
}
