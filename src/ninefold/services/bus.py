"""How the services of a config come to NATS, and the server that they come to.

In:  a config's `[bus]`. Out: what a connection needs; a NATS server with TLS and a credential for each service.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from ninefold.bus.credentials import NONE, NoCredential, credential_of, from_environment, make_credentials
from ninefold.bus.failed import BusFailed
from ninefold.bus.link import PORT, Access
from ninefold.bus.permissions import COLLECT, allowed, collector_stage, services_of
from ninefold.bus.server import LOOPBACK, Guarded, NatsServer
from ninefold.config import BadConfig, Bus, Config
from ninefold.store.data_dir import open_data_dir

FOLDER = "nats"
LOCAL = ("localhost", LOOPBACK, "::1")


def access_of(bus: Bus, name: str, url: str = "") -> Access:
    """name: of a service as `ninefold service` takes it. url: instead of the config's. raises: BadConfig, BusFailed."""
    if not (url or bus.url):
        raise BadConfig("there is no address of a NATS server: give --bus, or set bus.url")
    service = collector_stage(bus.name) if name == COLLECT else name
    try:
        held = credential_of(bus.credentials, service) if bus.credentials else NONE
        credential = held if bus.credentials else from_environment(bus.user_env, bus.password_env)
    except NoCredential as error:
        raise BusFailed(str(error)) from None
    return Access(url or bus.url, service, bus.ca_file, credential)


async def bus_alone(config: Config, stop: asyncio.Event, on_ready: Callable[[int], None]) -> None:
    """Run a NATS server until `stop`, JetStream in the data dir; it listens where bus.url says.

    Credentials that are not there yet are made, one file for each service, in bus.credentials (D/nats/credentials if it
    is not set): those of another host's services are to be moved there.
    raises: BadConfig if it would be open to others without TLS; BusFailed.
    """
    folder = open_data_dir(Path(config.data_dir)) / FOLDER
    parts = urlsplit(config.bus.url or f"nats://{LOOPBACK}:{PORT}")
    host = parts.hostname or LOOPBACK
    guarded = _guarded(config.bus, folder, host)
    server = await NatsServer.start(folder, host, parts.port if parts.port is not None else PORT, guarded)
    on_ready(urlsplit(server.url).port or 0)
    await server.run(stop)


def _guarded(bus: Bus, folder: Path, host: str) -> Guarded | None:
    if not (bus.cert_file or bus.key_file):
        if host not in LOCAL or urlsplit(bus.url).scheme == "tls":
            raise BadConfig(
                f"the server at {bus.url} needs a certificate: set bus.cert_file and bus.key_file, or let it listen at "
                f"nats://{LOOPBACK}:{PORT} for services of this host alone"
            )
        return None
    for key, value in (("cert_file", bus.cert_file), ("key_file", bus.key_file)):
        if not value or not Path(value).is_file():
            raise BadConfig(f"bus.{key} is {value!r}, which is no file; a server with TLS needs certificate and key")
    if urlsplit(bus.url).scheme != "tls":
        raise BadConfig(
            f"bus.url is {bus.url!r}; a server with a certificate is reached at tls://, so that nobody talks to it without"
        )
    try:
        users = make_credentials(Path(bus.credentials or folder / "credentials"), services_of(bus.collectors))
    except NoCredential as error:
        raise BusFailed(str(error)) from None
    return Guarded(
        Path(bus.cert_file),
        Path(bus.key_file),
        {service: (one, allowed(service, bus.collectors)) for service, one in users.items()},
    )
