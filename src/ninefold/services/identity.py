"""Who made a run: program, settings, formulas and model, so that whoever plays it again can say what is not the same.

In:  a config and a data dir. Out: an `Identity`, as bytes beside the run's inputs; the ways in which another one differs.
Of the config only what decides is in it; addresses of keys and of services are not.
"""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from pathlib import Path

import msgspec

import ninefold
from ninefold.backtest.models import LatencyModel
from ninefold.config import Account, Config
from ninefold.services.build import basis_of

DECIDING = ("market", "formula", "strategy", "backtest", "forecast", "execution", "sentiment", "venues", "services")


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """program: its version. code: digest of the folders that decide. strategies: name to timeframe and formula. model:
    digest of the forecast model, "" without one. latency: of the paper account.
    """

    program: str
    code: str
    config: Config
    strategies: dict[str, str]
    model: str
    latency: LatencyModel = LatencyModel()


class UnreadableIdentity(ValueError):
    """A run says in a way that this version does not know how it was made."""


def identity_of(config: Config, data_dir: Path, latency: LatencyModel | None = None) -> Identity:
    """What would decide now. raises: BadConfig for strategies that are not there."""
    basis = basis_of(config, data_dir)
    return Identity(
        program=ninefold.__version__,
        code=_code(),
        config=_deciding(config),
        strategies=dict(basis.formulas),
        model=basis.model,
        latency=latency or LatencyModel(),
    )


def encode_identity(identity: Identity) -> bytes:
    return msgspec.json.encode(identity)


def decode_identity(payload: bytes) -> Identity:
    """raises: UnreadableIdentity."""
    try:
        return msgspec.json.decode(payload, type=Identity)
    except msgspec.DecodeError as error:
        raise UnreadableIdentity(
            f"the run was made by another version, whose settings this one ({ninefold.__version__}) cannot read: {error}; "
            "use the version that made it"
        ) from error


def _deciding(config: Config) -> Config:
    account = Account(
        orders=config.account.orders,
        quote=config.account.quote,
        capital=config.account.capital,
        canary_quote=config.account.canary_quote,
        canary_orders=config.account.canary_orders,
    )
    return Config(
        data_dir="",
        mode=config.mode,
        venue=config.venue,
        capture=config.capture,
        account=account,
        risk=config.risk,
        sizing=config.sizing,
        strategies=config.strategies,
    )


@cache
def _code() -> str:
    package = Path(ninefold.__file__).parent
    digest = blake2b(digest_size=16)
    for folder in DECIDING:
        for path in sorted((package / folder).rglob("*.py")):
            digest.update(f"{path.relative_to(package).as_posix()}\n".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
