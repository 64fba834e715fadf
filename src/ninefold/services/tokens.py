"""The tokens of the API, and the settings that an admin may see.

In:  the section [serve], the environment, an owner-only file. Out: `Tokens`; a config without what addresses may hide.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from ninefold.api.scopes import Given, Scope, Tokens
from ninefold.config import BadConfig, Config, Serve
from ninefold.config.secret_file import owner_only
from ninefold.services.failures import host_of

SHORTEST = 16  # characters of a token in a file


class _Held(msgspec.Struct, forbid_unknown_fields=True):
    scope: Literal["read", "trade", "admin"]
    token: Annotated[str, msgspec.Meta(min_length=SHORTEST)]


def tokens_of(serve: Serve, environment: Mapping[str, str] = os.environ) -> Tokens:
    """raises: BadConfig, which shows no token."""
    named = ((serve.token_env, Scope.ADMIN), (serve.trade_token_env, Scope.TRADE), (serve.read_token_env, Scope.READ))
    given = [Given(name, scope, environment[name]) for name, scope in named if environment.get(name)]
    if serve.tokens_file:
        given += _from(Path(serve.tokens_file))
    try:
        return Tokens(given)
    except ValueError as twice:
        raise BadConfig(f"serve: {twice}") from None


def shown(config: Config) -> dict[str, object]:
    """Every key of a config. Of addresses only who is asked: keys may be in the rest, of news sources above all."""
    found: dict[str, object] = msgspec.to_builtins(config)
    return {name: _shown(value) for name, value in found.items()}


def _from(path: Path) -> list[Given]:
    try:
        held = msgspec.json.decode(owner_only(path, "serve.tokens_file"), type=dict[str, _Held])
    except msgspec.DecodeError:
        raise BadConfig(
            f'{path} must be JSON like {{"grafana": {{"scope": "read", "token": "..."}}}}; scopes are read, trade and admin, '
            f"a token has at least {SHORTEST} characters"
        ) from None
    return [Given(name, Scope[one.scope.upper()], one.token) for name, one in held.items()]


def _shown(value: object) -> object:
    if isinstance(value, dict):
        return {name: _shown(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(one) for one in value]
    if isinstance(value, str) and "://" in value:
        return host_of(value)
    return value
