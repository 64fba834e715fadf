"""A connection to a NATS server: with TLS and a credential where the server wants them, and errors that say what is wrong.

In:  an address, whose authority signed the server's certificate, the credential of a service.
Out: a client that connects again by itself, for as long as it lives.

With an address that begins with tls:// nothing is said before the server has shown its certificate, so nobody between
can talk the client out of TLS; the server needs `handshake_first` in its tls block (nats-server 2.10.4 or later).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec
import nats.errors
from nats.aio.client import Client

from ninefold.bus.credentials import NONE, Credential
from ninefold.bus.failed import BusFailed, Unreachable
from ninefold.bus.permissions import inbox_of

PORT = 4222
CONNECT_S = 5
AGAIN_S = 0.5  # a server that is there again is found after so long
PING_S = 5  # a link that is cut without a word is noticed after twice as long


class _Greeting(msgspec.Struct):
    tls_required: bool = False


@dataclass(frozen=True)
class Access:
    """How a service comes to the server. ca_file: "" for the authorities that this machine trusts."""

    url: str
    service: str
    ca_file: str = ""
    credential: Credential = NONE


@dataclass
class Told:
    """The last thing that the client or the server complained of; a request that times out asks why."""

    error: Exception | None = None

    async def take(self, error: Exception) -> None:
        self.error = error

    def denied(self) -> str:
        """What the server did not allow since this was last asked, "" if it allowed everything."""
        text, self.error = str(self.error or ""), None
        return text if "permissions violation" in text.lower() else ""


async def open_link(access: Access) -> tuple[Client, Told]:
    """raises: Unreachable if nothing answers; BusFailed if the server or the certificate is not the right one, or the
    credential is refused.
    """
    told = Told()
    options = _options(access, told)
    logging.getLogger("asyncio").addFilter(_matters)
    try:
        await asyncio.wait_for(_look(access, options.get("tls")), CONNECT_S)
        first = Client()  # one that goes on trying never says what is wrong, so another one tries once
        try:
            await first.connect(**options, allow_reconnect=False, max_reconnect_attempts=1)
        finally:
            await first.close()
        client = Client()
        await asyncio.wait_for(client.connect(**options, max_reconnect_attempts=-1), 2 * CONNECT_S)
    except (OSError, nats.errors.Error, TimeoutError) as error:
        raise _explained(access, error) from None
    told.error = None
    return client, told


def _matters(record: logging.LogRecord) -> bool:
    """nats-py puts TLS over its stream by hand, and asyncio then warns at the end of each connection, of nothing."""
    return not record.getMessage().startswith("returning true from eof_received()")


async def _look(access: Access, context: ssl.SSLContext | None) -> None:
    """Whether a NATS server is there, and the right one: the client would try a wrong certificate again and again.

    raises: OSError, BusFailed.
    """
    parts = urlsplit(access.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or PORT, ssl=context)
    try:
        greeting = await reader.readline()
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    if not greeting:
        raise BusFailed(f"what answers at {shown(access.url)} hangs up without a word; it may want TLS: use tls://")
    if not greeting.startswith(b"INFO "):
        raise BusFailed(f"what answers at {shown(access.url)} is no NATS server: it says {greeting[:40]!r}")
    if context is None and msgspec.json.decode(greeting[5:], type=_Greeting).tls_required:
        raise BusFailed(
            f"the NATS server at {shown(access.url)} wants TLS: use its address with tls:// as bus.url, and name the "
            "certificate of its authority as bus.ca_file"
        )


def shown(url: str) -> str:
    """An address without what may be secret in it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _options(access: Access, told: Told) -> dict[str, Any]:
    credential = access.credential
    options: dict[str, Any] = {
        "servers": access.url,
        "name": f"ninefold {access.service}",
        "error_cb": told.take,
        "connect_timeout": CONNECT_S,
        "reconnect_time_wait": AGAIN_S,
        "ping_interval": PING_S,
        "inbox_prefix": inbox_of(access.service),
    }
    if urlsplit(access.url).scheme == "tls":
        options |= {"tls": _context(access.ca_file), "tls_handshake_first": True}
    if credential.user:
        options |= {"user": credential.user, "password": credential.password}
    if credential.seed_file:
        options["nkeys_seed"] = credential.seed_file
    if credential.jwt_file:
        options["user_credentials"] = credential.jwt_file
    return options


def _context(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except FileNotFoundError:
        raise BusFailed(f"bus.ca_file names {ca_file}, which does not exist") from None
    except ssl.SSLError as error:
        raise BusFailed(f"bus.ca_file names {ca_file}, which holds no certificates in PEM form ({error})") from None


def _explained(access: Access, error: Exception) -> BusFailed:
    at, text = f"the NATS server at {shown(access.url)}", str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        if "ostname mismatch" in text or "IP address mismatch" in text:
            return BusFailed(
                f"{at} shows a certificate for another name ({error.verify_message}); use a name that is in it as bus.url"
            )
        authority = access.ca_file or "the authorities that this machine trusts"
        return BusFailed(
            f"{at} shows a certificate that is not signed by {authority} ({error.verify_message}); "
            "name the certificate of its authority as bus.ca_file"
        )
    if isinstance(error, ssl.SSLError):
        return BusFailed(
            f"{at} does not begin with TLS ({text}); it needs `handshake_first: true` in its tls block, and nats-server 2.10.4 "
            "or later"
        )
    if "uthorization" in text or "uthentication" in text:
        who = f"the user {access.credential.user!r}" if access.credential.user else "this credential"
        none = access.credential == NONE and "@" not in access.url
        return BusFailed(
            f"{at} refuses {'a service without a credential' if none else who}: "
            f"set bus.credentials to a folder that holds the one of {access.service!r}, or ask who runs the server"
        )
    why = text or f"not a word in {CONNECT_S} s"
    return Unreachable(
        f"no NATS server answers at {shown(access.url)} ({why}); start one with JetStream, for example `nats-server -js`"
    )
