"""A private key for tests, and the JSON web tokens that are signed with it.

In:  "Bearer TOKEN". Out: the same with header and claims of the token in the open, once its signature is verified.
"""

import base64
import json
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

KEY = ec.derive_private_key(int.from_bytes(b"\x01" * 32, "big"), ec.SECP256R1())
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def parts(bearer: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims. raises: InvalidSignature."""
    kind, token = bearer.split(" ")
    assert kind == "Bearer"
    signed, _, signature = token.rpartition(".")
    raw = _bytes(signature)
    assert len(raw) == 64
    numbers = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    KEY.public_key().verify(numbers, signed.encode(), ec.ECDSA(hashes.SHA256()))
    header, claims = (json.loads(_bytes(part)) for part in signed.split("."))
    return header, claims


def opened(bearer: str) -> str:
    return as_text(*parts(bearer))


def as_text(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return f"Bearer {json.dumps(header, sort_keys=True)} {json.dumps(claims, sort_keys=True)}"


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
