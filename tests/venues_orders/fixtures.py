"""The exact requests of every venue, as files: fixtures/VENUE.json.

In:  order_cases.py. Out: the files, written anew by `python -m tests.venues_orders.fixtures`; look at the difference.
"""

import json
from pathlib import Path

from msgspec.structs import astuple

from ninefold.venues.order_table import ORDER_ENTRIES
from ninefold.venues.signed import Signed
from tests.venues_orders.order_cases import requests_of, signed

FOLDER = Path(__file__).parent / "fixtures"


def kept(venue: str) -> dict[str, Signed]:
    """The requests in a venue's file, by name."""
    return {name: Signed(*parts) for name, parts in json.loads((FOLDER / f"{venue}.json").read_text()).items()}


def write(venue: str) -> None:
    made = {name: signed(venue, request) for name, request in requests_of(venue).items()}
    rows = (f"{json.dumps(name)}: {json.dumps(astuple(one))}" for name, one in made.items())
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{venue}.json").write_text("{\n" + ",\n".join(rows) + "\n}\n")


if __name__ == "__main__":
    for each in ORDER_ENTRIES:
        write(each)
