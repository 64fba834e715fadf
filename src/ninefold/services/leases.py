"""What an executor must hold on this machine: its data dir, and with real money the account, whatever the data dir.

In:  a config. Out: leases; `check` before anything is sent, `keep` beside everything else.
The account's is a file in the user's own state folder, named by venue and a digest of the key.
"""

from __future__ import annotations

import asyncio
import os
from hashlib import sha256
from pathlib import Path

from ninefold.config import BadConfig, Config, keys_of
from ninefold.execution.lease import AlreadyTraded
from ninefold.store.lease import HostLease

OF_DATA_DIR = "execute.lease"


class Leases:
    """Taken when this returns. raises: AlreadyTraded, BadConfig."""

    def __init__(self, config: Config, data_dir: Path) -> None:
        files = [data_dir / OF_DATA_DIR]
        if config.account.orders == "exchange" and config.mode == "live":
            files.append(_state_folder() / f"{account_named(config)}.lease")
        self._held: list[HostLease] = []
        try:
            for file in files:
                self._held.append(HostLease(file))
        except AlreadyTraded:
            self.release()
            raise

    def check(self) -> None:
        """Return only while the account is ours. raises: TakenOver."""
        for lease in self._held:
            lease.check()

    async def keep(self) -> None:
        """Renew until cancelled. raises: TakenOver."""
        await asyncio.gather(*(lease.keep() for lease in self._held))

    def release(self) -> None:
        for lease in self._held:
            lease.release()


def account_named(config: Config) -> str:
    """The venue and a digest of the key: the name of an account among executors, which shows no key. raises: BadConfig."""
    return f"{config.venue.name}-{sha256(keys_of(config).key.encode()).hexdigest()[:32]}"


def _state_folder() -> Path:
    folder = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "ninefold"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as refused:
        raise BadConfig(
            f"{folder} cannot be made ({refused.strerror}); live executors of this machine find each other there: "
            "let XDG_STATE_HOME name a folder that can be written"
        ) from None
    return folder
