"""What went wrong with a request, in words that show no address: a webhook is one, and keys of news sources are in theirs.

In:  what aiohttp raised. Out: a text for logs, the journal, the API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ninefold.services.lazily import lazily

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = lazily("aiohttp")  # who has such an error has loaded it


class NotSent(RuntimeError):
    """Slack did not take a post; retry_s says when to try again, 0 if it did not say."""

    def __init__(self, reason: str, retry_s: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_s = retry_s


def without_address(error: Exception) -> str:
    """Host and port may be in it, path and query never.

    >>> without_address(aiohttp.InvalidURL("https://hooks.example.com:x/made-up"))
    'InvalidURL'
    """
    if isinstance(error, aiohttp.ClientResponseError):
        return f"http {error.status}"  # the words beside it are the server's, and may repeat the address
    return str(error) if isinstance(error, OSError) and str(error) else type(error).__name__


def host_of(address: str) -> str:
    """Scheme, host and port of an address, without a user, a password, a path or a query.

    >>> host_of("http://user:made-up@127.0.0.1:8086/made-up?key=made-up")
    'http://127.0.0.1:8086'
    """
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
