"""API key, HMAC SHA256 signature and timestamp of signed requests.

In:  the payload exactly as it was sent, the key, the parameters, the clock.
Out: nothing, or `ApiError` (-2014, -2015, -1022, -1021, -1102).
Source: developers.binance.com, "Request Security" (rest-api.md, web-socket-api.md), read 2026-11-22. Since 2026-01-15
the payload is percent-encoded before it is signed, so the texts on the wire are what is signed.
"""

import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path

from ninefold.simulator import errors
from ninefold.simulator.errors import ApiError
from ninefold.simulator.params import Params

KEY_LENGTH = 64
DEFAULT_WINDOW_MS = 5_000
MOST_WINDOW_MS = 60_000
AHEAD_MS = 1_000


class Keys:
    """The one API key of the account and its secret. may_withdraw: whether the exchange says so of it."""

    def __init__(self, api_key: str, secret: str) -> None:
        self.may_withdraw = False
        self.api_key = api_key
        self.secret = secret

    def check(self, api_key: str | None, payload: str, signature: str | None, params: Params, now_ms: int) -> None:
        """Let a signed request pass, or raise ApiError. payload: all parameters but the signature, as sent."""
        self.check_key(api_key)
        if not signature:
            raise errors.missing("signature")
        expected = hmac.new(self.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), signature.lower().encode()):
            raise ApiError(*errors.BAD_SIGNATURE)
        check_time(params, now_ms)

    def check_key(self, api_key: str | None) -> None:
        if not api_key or len(api_key) != KEY_LENGTH or not api_key.isalnum():
            raise ApiError(*errors.BAD_KEY_FORMAT, status=401)
        if not hmac.compare_digest(api_key.encode(), self.api_key.encode()):
            raise ApiError(*errors.REJECTED_KEY, status=401)


def check_time(params: Params, now_ms: int) -> None:
    timestamp = params.number("timestamp")
    if timestamp is None:
        raise errors.missing("timestamp")
    window_text = params.text("recvWindow")
    try:
        window = float(window_text) if window_text is not None else DEFAULT_WINDOW_MS
    except ValueError:
        raise errors.illegal("recvWindow", "^[0-9]{1,20}(\\.[0-9]{1,3})?$") from None
    if not 0 < window <= MOST_WINDOW_MS:
        raise ApiError(-1131, "recvWindow must be less than 60000.")
    if timestamp >= now_ms + AHEAD_MS:
        raise ApiError(*errors.TOO_EARLY)
    if now_ms - timestamp > window:
        raise ApiError(*errors.TOO_LATE)


def load_keys(path: Path) -> Keys:
    """Read the keys file, or make it (mode 0600) with a random key and secret at the first start."""
    if not path.exists():
        made = {"apiKey": secrets.token_hex(KEY_LENGTH // 2), "secret": secrets.token_hex(KEY_LENGTH // 2)}
        draft = path.with_suffix(".new")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(made, file)
        draft.replace(path)
    known = json.loads(path.read_text())
    return Keys(known["apiKey"], known["secret"])


def split_signature(raw: str) -> tuple[str, str | None]:
    """A raw query or body without its signature, and the signature."""
    kept, signature = [], None
    for part in raw.split("&"):
        if part.startswith("signature="):
            signature = part.removeprefix("signature=")
        elif part:
            kept.append(part)
    return "&".join(kept), signature
