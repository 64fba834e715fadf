"""An exchange of ccxt, made so that nothing is lost on the way through it.

In:  a venue of the config: ccxt.EXCHANGE, and the addresses if it names others.
Out: ccxt's own object for it. Numbers stay texts with every digit that was sent; a frame that ccxt cannot read ends the
     connection, for behind it ccxt would hear nothing more and say nothing.
"""

from __future__ import annotations

import difflib
import json
from asyncio import CancelledError, current_task
from collections.abc import Awaitable, Callable
from functools import partial
from importlib import import_module
from typing import Any

import aiohttp

from ninefold.config import BadConfig, Venue
from ninefold.venues.ccxt import TOO_MANY
from ninefold.venues.ccxt_names import PREFIX

decode = partial(json.loads, parse_float=str)  # whole numbers are exact in Python
# What ccxt's readers raise when an exchange says what they do not expect; its own errors are all of ccxt.BaseError.
UNEXPECTED = (ArithmeticError, AssertionError, AttributeError, LookupError, OSError, TypeError, ValueError)
OPTIONS = {  # where ccxt asks by REST for what has other ids than the trades of the stream
    "binanceus": {"fetchTradesMethod": "publicGetTrades"},
}
SHARING = 2  # where a venue is traded: who captures it and who trades there each have an object of ccxt
NO_ANSWER, WRONG, NOT_UNDERSTOOD, TROUBLE = 0, 400, 422, 500


class Failed(Exception):
    """A call of ccxt gave nothing. status: as an Answer has it, as if the exchange had said it over HTTP."""

    def __init__(self, status: int, error: BaseException) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.status = status


def exchange_of(venue: Venue, sharing: int = 1) -> Any:
    """Needs the extra `ccxt`. sharing: how many objects call the exchange; each keeps to its part of the exchange's pace.

    raises: BadConfig without it, and for an exchange that ccxt does not know.
    """
    try:
        streaming, asked = import_module("ccxt.pro"), import_module("ccxt.async_support")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "ccxt":
            raise
        raise BadConfig(
            f'{venue.name} is captured through ccxt, which is not installed: pip install "ninefold[ccxt]"'
        ) from None
    name = venue.name.removeprefix(PREFIX)
    if name not in asked.exchanges:
        near = difflib.get_close_matches(name, asked.exchanges, n=3)
        hint = f"did you mean {' or '.join(repr(PREFIX + one) for one in near)}?" if near else "it knows none like it;"
        raise BadConfig(
            f"ccxt {streaming.__version__} knows no exchange {name!r}; {hint} It names them at docs.ccxt.com, "
            "and they are written in small letters, for example 'ccxt.bitvavo'"
        )
    exchange = getattr(streaming if name in streaming.exchanges else asked, name)({"enableRateLimit": True})
    exchange.options.update(OPTIONS.get(name, {}))
    exchange.number = str
    exchange.on_json_response = decode
    exchange.rateLimit *= sharing
    exchange.tokenBucket = None  # made of the rate when the exchange was made
    exchange.init_rest_rate_limiter()
    _point(exchange, venue)
    if hasattr(exchange, "client"):
        exchange.client = partial(_listening, exchange.client)
    return exchange


async def asked(call: Awaitable[Any]) -> Any:
    """What a call of ccxt gives. raises: Failed."""
    ccxt = import_module("ccxt")
    try:
        return await call
    except CancelledError as error:  # also ccxt cancels what it waits for, when it closes a socket
        task = current_task()
        if task is None or task.cancelling():
            raise
        raise Failed(NO_ANSWER, error) from error
    except (ccxt.RateLimitExceeded, ccxt.DDoSProtection) as error:
        raise Failed(TOO_MANY, error) from error
    except ccxt.NetworkError as error:
        raise Failed(NO_ANSWER, error) from error
    except (ccxt.AuthenticationError, ccxt.BadRequest, ccxt.NotSupported) as error:
        raise Failed(WRONG, error) from error
    except ccxt.BaseError as error:
        raise Failed(TROUBLE, error) from error
    except (aiohttp.ClientError, *UNEXPECTED) as error:
        raise Failed(NOT_UNDERSTOOD, error) from error


def _listening(made: Callable[[str], Any], url: str) -> Any:
    """A websocket of ccxt that reads its frames with every digit."""
    client = made(url)
    client.handle_text_or_binary_message = partial(_take, client)
    return client


def _take(client: Any, data: str | bytes) -> None:
    try:
        text = data.decode() if isinstance(data, bytes) and client.decompressBinary else data
        is_json = isinstance(text, str) and text[:1] in ("{", "[")
        client.on_message_callback(client, decode(text) if is_json else text)
    except UNEXPECTED as error:
        client.on_error(ConnectionError(f"ccxt cannot read {data[:160]!r}: {error!r}"))


def _point(exchange: Any, venue: Venue) -> None:
    """Every address of the exchange with its scheme and host replaced, where the config names others."""
    exchange.urls["api"] = _pointed(exchange.urls["api"], venue)


def _pointed(urls: Any, venue: Venue) -> Any:
    if isinstance(urls, dict):
        return {name: _pointed(each, venue) for name, each in urls.items()}
    if not isinstance(urls, str):
        return urls
    scheme, _, rest = urls.partition("://")
    other = venue.stream_url if scheme in ("ws", "wss") else venue.rest_url
    path = rest.partition("/")[2]
    return "/".join(filter(None, (other.rstrip("/"), path))) if other else urls
