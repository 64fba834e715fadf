"""Our client order ids in the form that each venue allows, and back. What comes back as None is not ours.

In:  "nf-" and 20 characters of base32 (execution/ids.py). Out: the venue's text. Both directions are pure, so an id can be
     found again after a restart without a table.
"""

from __future__ import annotations

import base64
import re

from ninefold.execution.ids import PREFIX, is_ours

_OURS = re.compile(r"nf-([a-z2-7]{20})")
_LETTERS_ONLY = re.compile(r"nf([a-z2-7]{20})")
_UUID = re.compile(r"([0-9a-f]{8})-([0-9a-f]{4})-4([0-9a-f]{3})-a([0-9a-f]{3})-([0-9a-f]{12})")
_MARK = "6e66d"  # begins the 30 free digits of a UUID that is ours; the other 25 are the 100 bits of the id


def same(client_order_id: str) -> str:
    """Binance, Bybit and Coinbase take the id as it is."""
    _part(client_order_id)
    return client_order_id


def same_back(text: str) -> str | None:
    return text if is_ours(text) and _OURS.fullmatch(text) else None


def letters(client_order_id: str) -> str:
    """OKX: letters and digits alone, at most 32.

    >>> letters("nf-li2fjfq4hwmsxgzfm36u")
    'nfli2fjfq4hwmsxgzfm36u'
    """
    return f"nf{_part(client_order_id)}"


def letters_back(text: str) -> str | None:
    found = _LETTERS_ONLY.fullmatch(text)
    return PREFIX + found[1] if found else None


def uuid(client_order_id: str) -> str:
    """Kraken: a UUID, or free text of at most 18 characters, which is too short for 100 bits.

    >>> uuid("nf-li2fjfq4hwmsxgzfm36u")
    '6e66d5a3-4549-461c-a3d9-92b9b2566fd4'
    """
    bits = base64.b32decode(_part(client_order_id).upper() + "AAAA").hex()  # 24 letters are whole bytes, A is zero
    digits = _MARK + bits[:25]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[12:15]}-a{digits[15:18]}-{digits[18:]}"


def uuid_back(text: str) -> str | None:
    found = _UUID.fullmatch(text)
    digits = "".join(found.groups()) if found else ""
    if not digits.startswith(_MARK):
        return None
    packed = bytes.fromhex(digits[len(_MARK) :] + "00000")
    return PREFIX + base64.b32encode(packed).decode().lower()[:20]


def _part(client_order_id: str) -> str:
    found = _OURS.fullmatch(client_order_id)
    if found is None:
        raise ValueError(
            f"{client_order_id!r} is no id of ours for other venues; it must be 'nf-' and 20 characters of a-z and 2-7"
        )
    return found[1]
