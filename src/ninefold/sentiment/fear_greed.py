"""The Fear & Greed index of alternative.me: one number a day for the mood of the whole market.

In:  CSV with a heading (date, value, value_classification in any order), or the answer of
     https://api.alternative.me/fng/:
     {"data": [{"value": "30", "value_classification": "Fear", "timestamp": "1517443200"}, ...], "metadata": {"error"}}.
     There numbers are texts, times Unix seconds, and the newest entry comes first.
Out: index values, oldest first. A day that the source left out stays out.
"""

import csv
from datetime import UTC, date, datetime

import msgspec

from ninefold.sentiment.headlines import BadFeed, to_ns

COLUMNS = ("date", "value", "value_classification")


class IndexValue(msgspec.Struct, frozen=True):
    """The index from `day_ns` (midnight UTC) on: 0 is extreme fear, 100 extreme greed."""

    day_ns: int
    value: int
    classification: str

    @property
    def score(self) -> float:
        """The mood on the scale of headlines: 0 -> -1.0, 50 -> 0.0, 100 -> +1.0."""
        return (self.value - 50) / 50


def parse_fear_greed(raw: bytes) -> list[IndexValue]:
    """Index values of a CSV file or of an answer of alternative.me, oldest first.

    raises: BadFeed naming the row and what was found in it.
    """
    values = json_values(raw) if raw.lstrip()[:1] == b"{" else csv_values(raw)
    return sorted(values, key=lambda value: value.day_ns)


class Entry(msgspec.Struct):
    value: str
    value_classification: str
    timestamp: str


class Metadata(msgspec.Struct):
    error: str | None = None


class Answer(msgspec.Struct):
    data: list[Entry]
    metadata: Metadata = msgspec.field(default_factory=Metadata)


def json_values(raw: bytes) -> list[IndexValue]:
    try:
        answer = msgspec.json.decode(raw, type=Answer)
    except msgspec.DecodeError as error:
        raise BadFeed(f"Fear & Greed answer: {error}; it begins {raw[:60]!r}") from error
    if answer.metadata.error:
        raise BadFeed(f"Fear & Greed answer: alternative.me reports {answer.metadata.error!r}")
    return [
        IndexValue(
            whole(entry.timestamp, f"Fear & Greed answer, entry {number}: timestamp", 2**33) * 1_000_000_000,
            whole(entry.value, f"Fear & Greed answer, entry {number}: value", 100),
            entry.value_classification,
        )
        for number, entry in enumerate(answer.data, start=1)
    ]


def csv_values(raw: bytes) -> list[IndexValue]:
    try:
        reader = csv.DictReader(raw.decode("utf-8-sig").splitlines())
    except UnicodeDecodeError as error:
        raise BadFeed(f"Fear & Greed file: no UTF-8 text: {error}") from error
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
    if missing:
        raise BadFeed(f"Fear & Greed file: the heading is {reader.fieldnames}; missing: {', '.join(missing)}")
    return [csv_row(row, f"Fear & Greed file, line {reader.line_num}") for row in reader]


def csv_row(row: dict[str, str], place: str) -> IndexValue:
    day = row["date"] or ""
    try:
        day_ns = to_ns(datetime.combine(date.fromisoformat(day), datetime.min.time(), tzinfo=UTC))
    except ValueError as error:
        raise BadFeed(f"{place}: date is {day!r}; allowed is for example '2018-02-01'") from error
    return IndexValue(day_ns, whole(row["value"] or "", f"{place}: value", 100), row["value_classification"] or "")


def whole(found: str, place: str, highest: int) -> int:
    if not (found.isascii() and found.isdigit() and int(found) <= highest):
        raise BadFeed(f"{place} is {found!r}; allowed is a whole number from 0 to {highest}")
    return int(found)
