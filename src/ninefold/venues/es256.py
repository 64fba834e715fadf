"""A JSON web token signed with ES256: ECDSA over P-256 and SHA-256 (RFC 7518, 3.4).

In:  header and claims, a private key as PEM. Out: the token. Needs the extra `coinbase`; no two signatures are the same.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from importlib import import_module

import msgspec

HALF = 32  # bytes of each of the signature's two numbers


class NoSigner(RuntimeError):
    """The library that signs is not installed."""


def token(header: Mapping[str, object], claims: Mapping[str, object], pem: str) -> str:
    """raises: NoSigner; ValueError if the key is none of P-256, without a word of what it holds."""
    signed = f"{_text(msgspec.json.encode(header))}.{_text(msgspec.json.encode(claims))}"
    return f"{signed}.{_text(_signature(signed.encode(), pem))}"


def _signature(signed: bytes, pem: str) -> bytes:
    try:
        hashes = import_module("cryptography.hazmat.primitives.hashes")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "cryptography":
            raise
        raise NoSigner('Coinbase keys sign with ES256, which needs: pip install "ninefold[coinbase]"') from None
    serialization = import_module("cryptography.hazmat.primitives.serialization")
    ec = import_module("cryptography.hazmat.primitives.asymmetric.ec")
    utils = import_module("cryptography.hazmat.primitives.asymmetric.utils")
    try:
        key = serialization.load_pem_private_key(pem.replace("\\n", "\n").encode(), None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError(
            "the secret of coinbase is no private key of P-256 as PEM (-----BEGIN EC PRIVATE KEY-----); "
            "make the API key with the signature algorithm ECDSA, not Ed25519"
        )
    one, other = utils.decode_dss_signature(key.sign(signed, ec.ECDSA(hashes.SHA256())))
    return bytes(one.to_bytes(HALF, "big") + other.to_bytes(HALF, "big"))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
