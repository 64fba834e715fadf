"""The form in which a venue writes its commonest messages, to the byte: so exactly that a compiled loop can read it.

In:  literal bytes and fields, in the order of the message.
Out: the same as arrays of numbers, for `quick.py`.

A form is no second parser that may be of another opinion: whatever differs from it in one byte goes to the adapter, and
what it reads must be what the adapter would have read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LITERAL, SYMBOL, LOWER, ID, PRICE, SIZE, ASK, ASK_SIZE, TIME_MS, STAMP_MS, TIME_TEXT, SIDE, TEXT, NUMBER, FLAG = range(
    15
)
WORD = 8


@dataclass(frozen=True)
class Field:
    """kind: one of

    SYMBOL             the venue's symbol, up to a quote; LOWER: the same in small letters, up to an @
    ID                 the trade's number, without a hole to the next one; of a best bid and ask the number of the change
    PRICE, SIZE        decimal text, up to what follows; of a best bid and ask those of the bid
    ASK, ASK_SIZE      the same of the ask
    TIME_MS, STAMP_MS  when the trade happened, and when the venue sent it
    TIME_TEXT          both, as '2026-11-22T09:30:00.123456Z'
    SIDE               of the taker: `texts` of a buyer and of a seller
    TEXT, NUMBER, FLAG not wanted: text up to a quote, a whole number, true or false
    """

    kind: int
    texts: tuple[bytes, bytes] = (b"", b"")


@dataclass(frozen=True)
class Form:
    """A whole message."""

    parts: tuple[bytes | Field, ...]

    def steps(self) -> tuple[np.ndarray, np.ndarray]:
        """(kind, offset, length, other) of each part, int64 (n, 4), and the literals they point to, uint8.

        Each literal begins at a whole word and is followed by zeros, so that it can be compared by words.
        """
        texts = bytearray()

        def keep(text: bytes) -> tuple[int, int]:
            at = len(texts)
            texts.extend(text + bytes(-len(text) % WORD))
            return at, len(text)

        steps = []
        for part in self.parts:
            if isinstance(part, bytes):
                steps.append((LITERAL, *keep(part), 0))
            elif part.kind == SIDE:
                (buy, length), (sell, other) = (keep(text) for text in part.texts)
                steps.append((SIDE, buy, length, sell << 32 | other))
            else:
                steps.append((part.kind, 0, 0, 0))
        return np.array(steps, np.int64).reshape(-1, 4), np.frombuffer(bytes(texts) + bytes(WORD), np.uint8)


def form(template: str, buyer: bytes = b"", seller: bytes = b"") -> Form:
    """A form from its text, in which <name> stands for a field; buyer, seller: what <side> is, of the taker.

    >>> form('{"t":<id>}', b"buy", b"sell").parts
    (b'{"t":', Field(kind=3, texts=(b'', b'')), b'}')
    """
    fields = {**FIELDS, "side": Field(SIDE, (buyer, seller))}
    parts: list[bytes | Field] = []
    for number, piece in enumerate(template.replace("<", ">").split(">")):
        if number % 2:
            parts.append(fields[piece])
        elif piece:
            parts.append(piece.encode())
    return Form(tuple(parts))


FIELDS = {
    "symbol": Field(SYMBOL),
    "lower": Field(LOWER),
    "id": Field(ID),
    "price": Field(PRICE),
    "size": Field(SIZE),
    "ask": Field(ASK),
    "ask_size": Field(ASK_SIZE),
    "time": Field(TIME_MS),
    "stamp": Field(STAMP_MS),
    "moment": Field(TIME_TEXT),
    "text": Field(TEXT),
    "number": Field(NUMBER),
    "flag": Field(FLAG),
}
