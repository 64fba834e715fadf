"""What the url of a REST question says: what it was for, and of what.

In:  a url as it was asked, with or without the venue's address.
Out: texts; "" for what it does not say.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit


def purpose_of(url: str) -> str:
    """The last part of its path.

    >>> purpose_of("https://api.kraken.com/0/public/Trades?pair=XBTUSD")
    'Trades'
    """
    return urlsplit(url).path.rpartition("/")[2]


def asked(url: str, name: str) -> str:
    """The value of a name in its query.

    >>> asked("/0/public/Trades?pair=XBTUSD", "pair"), asked("/0/public/Trades?pair=XBTUSD", "since")
    ('XBTUSD', '')
    """
    return parse_qs(urlsplit(url).query).get(name, [""])[0]
