"""Feeds and files of headlines, well formed and not."""

from itertools import pairwise

import pyarrow.parquet as parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.sentiment.fear_greed import IndexValue, parse_fear_greed
from ninefold.sentiment.headlines import BadFeed, make, parse_lines, parse_rss

NOON_NS = 1_769_860_800_000_000_000  # 2026-01-31 12:00:00 UTC

RSS = b"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>Coin Post</title>
<item><title>Bitcoin &amp; ether  climb</title><link>https://coin.example/1</link>
<pubDate>Sat, 31 Jan 2026 12:00:00 GMT</pubDate></item>
<item><title><![CDATA[Fees <soar>]]></title><guid>urn:2</guid><pubDate>Sat, 31 Jan 2026 13:00:00 +0100</pubDate></item>
</channel></rss>"""

ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>Chain News</title>
<entry><title type="html">Ether <b>slides</b></title><link rel="self" href="https://x.example/self"/>
<link href="https://x.example/a"/><updated>2026-01-31T12:30:00Z</updated>
<published>2026-01-31T12:00:00.5Z</published></entry></feed>"""


def test_rss_items_give_title_link_time_and_the_feeds_name():
    first, second = parse_rss(RSS)
    assert first == make("Bitcoin & ether climb", "https://coin.example/1", NOON_NS, "Coin Post")
    assert second == make("Fees <soar>", "urn:2", NOON_NS, "Coin Post")


def test_atom_entries_give_the_alternate_link_and_the_publish_time_rather_than_the_update():
    assert parse_rss(ATOM) == [make("Ether slides", "https://x.example/a", NOON_NS + 500_000_000, "Chain News")]


def test_the_id_depends_on_url_and_title_alone():
    assert make("a", "u", 1, "x").id == make("a", "u", 2, "y").id
    assert len({make("a", "u", 1, "x").id, make("b", "u", 1, "x").id, make("a", "v", 1, "x").id}) == 3


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "no readable XML"),
        (b"<html>", "no readable XML"),
        (b"<html></html>", "outermost element is <html>"),
        (b"<rss></rss>", "no <channel>"),
        (RSS.replace(b"Sat, 31 Jan 2026 13:00:00 +0100", b"yesterday"), "item 2: pubDate is 'yesterday'"),
        (RSS.replace(b"<pubDate>Sat, 31 Jan 2026 12:00:00 GMT</pubDate>", b""), r"item 1 \(no pubDate\)"),
        (RSS.replace(b"<![CDATA[Fees <soar>]]>", b""), "item 2: <title> is missing or empty"),
        (RSS[:200], "no readable XML"),
        (
            b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><rss><channel>&c;</channel></rss>',
            "entity is declared",
        ),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><rss><channel/></rss>', "line 1: a document type"),
    ],
)
def test_a_feed_that_cannot_be_read_is_refused_with_the_place_and_the_reason(raw, says):
    with pytest.raises(BadFeed, match=says):
        parse_rss(raw)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_and_nothing_else(raw):
    for parse in (parse_rss, parse_lines, parse_fear_greed):
        try:
            parse(raw)
        except BadFeed:
            continue


def test_a_file_of_lines_is_read_in_order_and_empty_lines_are_passed_over():
    first = b'{"published":"2026-01-31T12:00:00Z","title":"A","url":"u"}'
    second = b'{"published":"2026-01-31T13:00:00+01:00","title":"B"}'
    assert parse_lines(first + b"\n\n" + second) == [make("A", "u", NOON_NS, "file"), make("B", "", NOON_NS, "file")]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b'{"published":"2026-01-31T12:00:00Z"}', "line 2: Object missing required field `title`"),
        (b'{"published":"soon","title":"A"}', "line 2: published is 'soon'"),
        (b'{"published":"2026-01-31T12:00:00Z","title":" "}', "line 2: the title is empty"),
        (b"{broken", "line 2: .*found b'{broken'"),
    ],
)
def test_a_bad_line_is_named(line, says):
    with pytest.raises(BadFeed, match=says):
        parse_lines(b"\n" + line)


def test_fear_and_greed_reads_the_csv_and_the_json_form_oldest_first():
    day_ns = 1_517_443_200_000_000_000  # 2018-02-01
    expected = [IndexValue(day_ns, 30, "Fear"), IndexValue(day_ns + 86_400_000_000_000, 15, "Extreme Fear")]
    table = b"value,value_classification,date\n15,Extreme Fear,2018-02-02\n30,Fear,2018-02-01\n"
    answer = (
        b'{"name":"Fear and Greed Index","data":['
        b'{"value":"15","value_classification":"Extreme Fear","timestamp":"1517529600","time_until_update":"68499"},'
        b'{"value":"30","value_classification":"Fear","timestamp":"1517443200"}],"metadata":{"error":null}}'
    )
    assert parse_fear_greed(table) == parse_fear_greed(answer) == expected
    assert [value.score for value in expected] == [-0.4, -0.7]


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"date,value\n", "missing: value_classification"),
        (b"date,value,value_classification\n2018-02-01,101,Greed\n", "line 2: value is '101'"),
        (b"date,value,value_classification\n2018-02-01\n", "line 2: value is ''"),
        (b"date,value,value_classification\n1/2/18,10,Fear\n", "line 2: date is '1/2/18'"),
        (b'{"data":[],"metadata":{"error":"quota"}}', "reports 'quota'"),
        (b'{"data":[{"value":"-1","value_classification":"","timestamp":"1"}]}', "entry 1: value is '-1'"),
    ],
)
def test_a_fear_and_greed_source_that_cannot_be_read_is_refused(raw, says):
    with pytest.raises(BadFeed, match=says):
        parse_fear_greed(raw)


def test_the_recorded_fear_and_greed_years_are_read_with_their_missing_days_missing(recording):
    table = parquet.read_table(recording("sentiment/fear_greed_index_2018-02_2021-12.parquet"))
    lines = (f"{row['date']},{row['value']},{row['value_classification']}" for row in table.to_pylist())
    values = parse_fear_greed("\n".join(["date,value,value_classification", *lines]).encode())
    assert len(values) == 1427
    assert (values[0].value, values[0].classification) == (30, "Fear")
    gaps = {b.day_ns - a.day_ns for a, b in pairwise(values)}
    assert gaps == {86_400_000_000_000, 4 * 86_400_000_000_000}  # 2018-04-14 to 16 are missing
