"""The credential of a service for NATS: read from a file of its own or from the environment, made for our own server.

In:  a folder with NAME.json ({"user": ..., "password": ...}), NAME.nk (the seed of an nkey) or NAME.creds (a JWT and its
     seed, as NATS's tools write it), each readable by its owner alone; or two environment variables.
Out: a credential that shows nothing of itself when it is printed.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

FORMS = ("json", "nk", "creds")
PASSWORD_BYTES = 32


class NoCredential(ValueError):
    """A credential that is not there or cannot be used; the text says where it was looked for, never what was found."""


class _Pair(msgspec.Struct):
    user: str
    password: str


@dataclass(frozen=True)
class Credential:
    """Either user and password, or the file of an nkey's seed or of a JWT."""

    user: str = ""
    password: str = field(default="", repr=False)
    seed_file: str = ""
    jwt_file: str = ""


NONE = Credential()


def credential_of(folder: str, service: str) -> Credential:
    """What the folder holds for a service. raises: NoCredential."""
    found = [path for form in FORMS if (path := Path(folder) / f"{service}.{form}").exists()]
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise NoCredential(
            f"{folder} must hold one credential of the service {service!r}: {service}.json, {service}.nk or {service}.creds; "
            f"found: {names}"
        )
    (path,) = found
    _owner_only(path)
    if path.suffix == ".json":
        pair = _pair(path)
        return Credential(user=pair.user, password=pair.password)
    if importlib.util.find_spec("nkeys") is None:
        raise NoCredential(f"{path} needs the package nkeys; install it with `pip install 'nats-py[nkeys]'`")
    return Credential(seed_file=str(path)) if path.suffix == ".nk" else Credential(jwt_file=str(path))


def from_environment(user_env: str, password_env: str, environment: Mapping[str, str] = os.environ) -> Credential:
    """What two variables hold; no credential if neither is set. raises: NoCredential if only one is."""
    user, password = environment.get(user_env, ""), environment.get(password_env, "")
    if bool(user) != bool(password):
        missing = password_env if user else user_env
        raise NoCredential(f"{missing} is not set in the environment; a user and its password come together")
    return Credential(user=user, password=password)


def make_credentials(folder: Path, services: Iterable[str]) -> dict[str, Credential]:
    """User and password of each service, those that are not there yet made; for a server that runs on this host.

    raises: NoCredential if a file cannot be used, or holds no user and password.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = {}
    for service in services:
        path = folder / f"{service}.json"
        if not path.exists():
            _write(path, _Pair(service, secrets.token_urlsafe(PASSWORD_BYTES)))
        _owner_only(path)
        pair = _pair(path)
        made[service] = Credential(user=pair.user, password=pair.password)
    return made


def _write(path: Path, pair: _Pair) -> None:
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(pair))
    temporary.replace(path)


def _owner_only(path: Path) -> None:
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise NoCredential(f"{path} can be read by others; run `chmod 600 {path}`")


def _pair(path: Path) -> _Pair:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Pair)
    except msgspec.DecodeError:
        raise NoCredential(f'{path} must be JSON like {{"user": "...", "password": "..."}}') from None
