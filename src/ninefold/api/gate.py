"""Whether a request may pass: its token, the scope that its route needs, and how often its sender asks.

In:  what a request shows. Out: None, or a refusal that says what is missing.
A wrong token costs its address one of few guesses; when they are used up, tokens from there are not looked at, except
those that were right from there before: whoever guesses behind the same proxy must not keep you from halting.
What trades has a pace of its own, so that no flood of reading stands before it.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import NamedTuple

from ninefold.api.pace import MOST_KEYS, Buckets
from ninefold.api.scopes import Scope, Tokens, digest_of

READS_PER_S, READS_AT_ONCE = 100.0, 400
ACTS_PER_S, ACTS_AT_ONCE = 2.0, 20
ADDRESS_PER_S, ADDRESS_AT_ONCE = 200.0, 800
GUESSES_PER_S, GUESSES_AT_ONCE = 0.2, 5


class Refusal(NamedTuple):
    status: int
    detail: str
    retry_s: int = 0


class Gate:
    """clock: seconds that do not go back. Without tokens all may pass: then the server is on loopback alone."""

    def __init__(self, tokens: Tokens, clock: Callable[[], float]) -> None:
        self._tokens = tokens
        self._clock = clock
        self._reads = Buckets(READS_PER_S, READS_AT_ONCE)
        self._acts = Buckets(ACTS_PER_S, ACTS_AT_ONCE)
        self._addresses = Buckets(ADDRESS_PER_S, ADDRESS_AT_ONCE)
        self._guesses = Buckets(GUESSES_PER_S, GUESSES_AT_ONCE)
        self._right: OrderedDict[tuple[bytes, str], None] = OrderedDict()

    def refusal(self, what: str, needs: Scope, shown: str, address: str) -> Refusal | None:
        """what: method and path, for the text. shown: the token as it came, "" for none. address: whom it came from."""
        if not self._tokens or needs is Scope.OPEN:
            return None
        if not shown:
            return Refusal(
                401, f"{what} needs a token with the scope {_name(needs)}: send 'Authorization: Bearer TOKEN'"
            )
        now_s, sender, digest = self._clock(), network_of(address), digest_of(shown)
        if (digest, sender) not in self._right and (wait_s := self._guesses.wait_s(sender, now_s)):
            return _later(f"too many wrong tokens came from {address}; no new one is looked at", wait_s)
        token = self._tokens.find(digest)
        if token is None:
            self._guesses.take(sender, now_s)
            return Refusal(
                401, f"{what} came with a token that this server does not know; it needs one with {_name(needs)}"
            )
        self._remember((digest, sender))
        if token.scope < needs:
            return Refusal(
                403, f"{what} needs the scope {_name(needs)}, and the token {token.name!r} has {_name(token.scope)}"
            )
        return self._too_often(token.name, sender, needs, now_s)

    def _too_often(self, name: str, sender: str, needs: Scope, now_s: float) -> Refusal | None:
        if needs > Scope.READ:
            wait_s = self._acts.take(name, now_s)
            return _later(f"the token {name!r} may act {ACTS_PER_S:g} times a second", wait_s) if wait_s else None
        if wait_s := self._reads.take(name, now_s):
            return _later(f"the token {name!r} may ask {READS_PER_S:g} times a second", wait_s)
        if wait_s := self._addresses.take(sender, now_s):
            return _later(f"{sender} may ask {ADDRESS_PER_S:g} times a second", wait_s)
        return None

    def _remember(self, right: tuple[bytes, str]) -> None:
        self._right[right] = None
        self._right.move_to_end(right)
        while len(self._right) > MOST_KEYS:
            self._right.popitem(last=False)


def network_of(address: str) -> str:
    """Whom an address counts for: itself, or the /64 of IPv6, which belongs to one household.

    >>> network_of("2001:db8::1:2")
    '2001:db8::/64'
    >>> network_of("192.0.2.7")
    '192.0.2.7'
    """
    try:
        found = ip_address(address)
    except ValueError:
        return address[:100]
    if isinstance(found, IPv6Address) and not found.is_loopback and found.ipv4_mapped is None:
        return str(ip_network((int(found), 64), strict=False))
    return str(found)


def _later(why: str, wait_s: float) -> Refusal:
    retry_s = math.ceil(wait_s)
    return Refusal(429, f"{why}; ask again in {retry_s} s", retry_s)


def _name(scope: Scope) -> str:
    return scope.name.lower()
