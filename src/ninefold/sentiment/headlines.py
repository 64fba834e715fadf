"""Headlines out of the bytes of a feed or a file.

In:  RSS 2.0 or Atom, or one JSON object a line; all as the raw bytes that came.
Out: headlines in the order of the feed. What cannot be read is refused with the place and the reason, never guessed:
     an entry without a readable publish time is an error, because a headline without a time cannot be checked later.

An entity or a document type in XML is refused before it is read: feeds need neither, and both can blow up memory.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from xml.etree.ElementTree import Element, ParseError, TreeBuilder
from xml.parsers import expat

import msgspec

ATOM = "{http://www.w3.org/2005/Atom}"
DUBLIN_CORE_DATE = "{http://purl.org/dc/elements/1.1/}date"


class Headline(msgspec.Struct, frozen=True):
    """What somebody published. `published_ns` is the publisher's claim; when it reached us is the caller's to say."""

    id: str
    title: str
    url: str
    published_ns: int
    source: str


class BadFeed(ValueError):
    """Bytes that are no feed, or an entry in them that lacks what we need; the text says where and what."""


def parse_rss(raw: bytes) -> list[Headline]:
    """Headlines of an RSS 2.0 or Atom document.

    raises: BadFeed naming the line of broken XML, or the entry and the element that is missing or unreadable.
    source: RSS 2.0 specification (rssboard.org), RFC 4287 for Atom.
    """
    root = read_xml(raw)
    if root.tag == "rss":
        channel = root.find("channel")
        if channel is None:
            raise BadFeed("RSS feed: <rss> holds no <channel>")
        return [rss_item(item, place, text(channel, "title")) for place, item in numbered(channel.iter("item"), "item")]
    if root.tag == f"{ATOM}feed":
        name = text(root, f"{ATOM}title")
        return [atom_entry(entry, place, name) for place, entry in numbered(root.iter(f"{ATOM}entry"), "entry")]
    raise BadFeed(f"feed: the outermost element is <{root.tag}>; allowed are <rss> (RSS 2.0) and <feed> (Atom)")


def parse_lines(raw: bytes) -> list[Headline]:
    """Headlines of a file with one JSON object a line: {"published": "2026-01-31T12:00:00Z", "title": ..., "url": ...}.

    `url` and `source` may be missing; empty lines are passed over.
    raises: BadFeed naming the line and what is wrong with it.
    """
    found = []
    for number, line in enumerate(raw.splitlines(), start=1):
        if line.strip():
            try:
                found.append(msgspec.json.decode(line, type=Line).headline(f"line {number}"))
            except msgspec.DecodeError as error:
                raise BadFeed(f"headlines, line {number}: {error}; found {line[:80]!r}") from error
    return found


def make(title: str, url: str, published_ns: int, source: str) -> Headline:
    """A headline with its id: equal url and title give the same id wherever and whenever they are seen."""
    digest = hashlib.sha256(f"{url}\n{title}".encode()).hexdigest()[:16]
    return Headline(digest, title, url, published_ns, source)


class Line(msgspec.Struct):
    published: str
    title: str
    url: str = ""
    source: str = "file"

    def headline(self, place: str) -> Headline:
        if not self.title.strip():
            raise BadFeed(f"headlines, {place}: the title is empty")
        return make(self.title.strip(), self.url, iso_ns(self.published, f"headlines, {place}: published"), self.source)


def rss_item(item: Element, place: str, source: str) -> Headline:
    place = f"RSS feed, {place}"
    title, url = required(item, "title", place), text(item, "link") or text(item, "guid")
    when = text(item, "pubDate")
    if when:
        return make(title, url, rfc822_ns(when, f"{place}: pubDate"), source)
    when = required(item, DUBLIN_CORE_DATE, f"{place} (no pubDate)")
    return make(title, url, iso_ns(when, f"{place}: dc:date"), source)


def atom_entry(entry: Element, place: str, source: str) -> Headline:
    place = f"Atom feed, {place}"
    links = [link for link in entry.findall(f"{ATOM}link") if link.get("rel", "alternate") == "alternate"]
    url = links[0].get("href", "") if links else text(entry, f"{ATOM}id")
    when = text(entry, f"{ATOM}published") or required(entry, f"{ATOM}updated", f"{place} (no published)")
    return make(required(entry, f"{ATOM}title", place), url, iso_ns(when, f"{place}: published"), source)


def read_xml(raw: bytes) -> Element:
    """Parse XML that holds no document type and no entity of its own."""
    parser, builder = expat.ParserCreate(namespace_separator="}"), TreeBuilder()

    def refuse(*_: object) -> None:
        raise BadFeed(f"feed, line {parser.CurrentLineNumber}: a document type or entity is declared; feeds need none")

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = lambda tag, attributes: builder.start(clark(tag), attributes)
    parser.EndElementHandler = lambda tag: builder.end(clark(tag))
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(raw, True)
        return builder.close()
    except (expat.ExpatError, ParseError, LookupError) as error:
        raise BadFeed(f"feed: no readable XML: {error}; it begins {raw[:60]!r}") from error


def clark(tag: str) -> str:
    """expat's "uri}name" in ElementTree's notation "{uri}name"."""
    return "{" + tag if "}" in tag else tag


def numbered(elements: Iterator[Element], name: str) -> Iterator[tuple[str, Element]]:
    for number, element in enumerate(elements, start=1):
        yield f"{name} {number}", element


def text(element: Element, tag: str) -> str:
    """The element's text, markup inside it left out, white space made single; empty when it is missing."""
    child = element.find(tag)
    return " ".join("".join(child.itertext()).split()) if child is not None else ""


def required(element: Element, tag: str, place: str) -> str:
    found = text(element, tag)
    if not found:
        raise BadFeed(f"{place}: <{tag.rpartition('}')[2]}> is missing or empty")
    return found


def rfc822_ns(when: str, place: str) -> int:
    try:
        return to_ns(parsedate_to_datetime(when))
    except (ValueError, OverflowError) as error:
        raise BadFeed(f"{place} is {when!r}; allowed is for example 'Sat, 31 Jan 2026 12:00:00 GMT'") from error


def iso_ns(when: str, place: str) -> int:
    try:
        return to_ns(datetime.fromisoformat(when))
    except (ValueError, OverflowError) as error:
        raise BadFeed(f"{place} is {when!r}; allowed is for example '2026-01-31T12:00:00Z'") from error


def to_ns(when: datetime) -> int:
    """Nanoseconds since 1970; a time without a zone is taken as UTC."""
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    passed = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return (passed.days * 86_400 + passed.seconds) * 1_000_000_000 + passed.microseconds * 1_000
