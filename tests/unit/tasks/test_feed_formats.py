"""Feeds in every format: what of them becomes a posting, and what odd ones come to."""

from __future__ import annotations

import contextlib
import json
import random
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tasks.providers.job_board.feed_formats import MOST_ITEMS, read_feed
from tasks.providers.job_board.feed_item import NotAFeedError, moment

RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:job="https://example.com/job">
<channel><title>Jobs</title><link>https://example.com</link>
<item><title>간호사 &amp;amp; 조무사</title><link>/jobs/1</link><dc:creator>해오름병원</dc:creator>
<job:location>서울 서초구</job:location><job:type>Full-Time</job:type>
<pubDate>Wed, 25 Nov 2026 23:30:00 -0500</pubDate>
<description>&lt;p&gt;3교대&lt;/p&gt;&lt;script&gt;alert(1)&lt;/script&gt;</description></item>
<item><title>Baker at Wheatway Group (Berlin)</title><link>javascript:alert(1)</link></item>
<item><title> </title><link>https://example.com/jobs/3</link></item>
</channel></rss>"""

ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Jobs</title>
<entry><title>Remote data engineer</title><link href="https://example.com/a"/>
<author><name>person@example.com</name></author><updated>2026-11-20T08:00:00Z</updated>
<content type="html">&lt;ul&gt;&lt;li&gt;Airflow&lt;/li&gt;&lt;li&gt;SQL&lt;/li&gt;</content>
</entry></feed>"""

JSON_FEED = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "Jobs",
    "authors": [{"name": "Larkfield Works"}],
    "items": [
        {
            "id": "1",
            "url": "https://example.com/1",
            "title": "Welder",
            "content_text": "Steel\u0000 and\n\n\n\nmore steel",
            "date_published": "2026-11-24T10:00:00+09:00",
        },
        {"id": "2", "title": "Cook", "authors": [{"name": "Potfield"}], "content_html": "<b>Hot"},
        {"id": "3", "content_text": "no title"},
        "not an item",
    ],
}

JOB_POSTING = {
    "@context": "https://schema.org/",
    "@type": "JobPosting",
    "title": "백엔드 개발자",
    "description": "<p>Flask</p>",
    "datePosted": "2026-11-25",
    "validThrough": "2099-01-01T00:00",
    "employmentType": ["CONTRACTOR", "FULL_TIME"],
    "hiringOrganization": {"@type": "Organization", "name": "달무리소프트"},
    "jobLocation": [
        {
            "@type": "Place",
            "address": {
                "@type": "PostalAddress",
                "addressLocality": "강남구",
                "addressRegion": "서울",
                "addressCountry": {"@type": "Country", "name": "South Korea"},
            },
        }
    ],
    "jobLocationType": "TELECOMMUTE",
    "baseSalary": {
        "@type": "MonetaryAmount",
        "currency": "KRW",
        "value": {"@type": "QuantitativeValue", "minValue": 4e6, "maxValue": "5,000,000",
                  "unitText": "MONTH"},
    },
    "url": "https://example.com/jobs/7",
}  # fmt: skip


def read(document: Any) -> list[Any]:
    body = document if isinstance(document, bytes | str) else json.dumps(document)
    return read_feed(body if isinstance(body, bytes) else body.encode())


def test_rss() -> None:
    first, second = read_feed(RSS.encode(), url="https://example.com/feed.xml")
    posting = first.posting
    assert (posting.title, posting.company) == ("간호사 & 조무사", "해오름병원")
    assert (posting.location, posting.job_type) == ("서울 서초구", "full_time")
    assert posting.url == "https://example.com/jobs/1"
    assert posting.description == "3교대"
    assert first.posted_at == datetime(2026, 11, 26, 4, 30, tzinfo=UTC)
    assert second.posting.title == "Baker"
    assert (second.posting.company, second.posting.location) == ("Wheatway Group", "Berlin")
    assert second.posting.url is None


def test_atom() -> None:
    (item,) = read(ATOM)
    assert item.posting.title == "Remote data engineer"
    assert item.posting.company is None, "a mail address is no company"
    assert item.posting.is_remote
    assert item.posting.description == "- Airflow\n- SQL"
    assert item.posting.posted_on == date(2026, 11, 20)


def test_json_feed() -> None:
    first, second = read(JSON_FEED)
    assert (first.posting.title, first.posting.company) == ("Welder", "Larkfield Works")
    assert first.posting.description == "Steel and\n\nmore steel"
    assert first.posted_at == datetime(2026, 11, 24, 1, tzinfo=UTC)
    assert (second.posting.company, second.posting.description) == ("Potfield", "Hot")


@pytest.mark.parametrize("shape", ["alone", "list", "graph", "items", "page"])
def test_json_ld_in_every_shape(shape: str) -> None:
    document: Any = {
        "alone": JOB_POSTING,
        "list": [JOB_POSTING],
        "graph": {"@context": "https://schema.org", "@graph": [{"@type": "WebPage"}, JOB_POSTING]},
        "items": {"@type": "ItemList", "itemListElement": [{"@type": "ListItem",
                                                            "item": JOB_POSTING}]},
        "page": '<html><script type="application/ld+json">{broken</script>'
                f'<script type="application/ld+json">{json.dumps(JOB_POSTING)}</script>'
                "<script>var a = '@type';</script></html>",
    }[shape]  # fmt: skip
    (item,) = read(document)
    posting = item.posting
    assert (posting.title, posting.company) == ("백엔드 개발자", "달무리소프트")
    assert (posting.location, posting.country) == ("강남구, 서울", "KR")
    assert posting.is_remote
    assert posting.job_type == "contract"
    assert posting.salary is not None
    assert posting.salary.yearly_minimum == Decimal(48_000_000)
    assert (posting.salary.maximum, posting.salary.currency) == (Decimal(5_000_000), "KRW")
    assert item.posted_at == datetime(2026, 11, 25, 23, 59, 59, 999999, tzinfo=UTC)


def test_json_ld_by_reference_and_what_has_ended() -> None:
    named = {"@id": "#org", "@type": "Organization", "name": "Larkfield"}
    living = JOB_POSTING | {"hiringOrganization": {"@id": "#org"}}
    ended = JOB_POSTING | {"title": "Ended", "validThrough": "2020-01-01"}
    (item,) = read([named, living, ended])
    assert item.posting.company == "Larkfield"


@pytest.mark.parametrize(
    "odd",
    [
        {"title": None, "name": None},
        {"title": {"@value": ""}},
        {"title": []},
    ],
)
def test_json_ld_without_a_title_is_left_out(odd: dict[str, Any]) -> None:
    assert read(JOB_POSTING | odd) == []


@pytest.mark.parametrize(
    "odd",
    [
        {"baseSalary": "much"},
        {"baseSalary": {"value": {"value": "NaN", "unitText": "YEAR"}}},
        {"baseSalary": {"value": {"value": -5, "unitText": "YEAR"}}},
        {"baseSalary": {"value": 5}},
        {"baseSalary": {"value": {"value": 10**40, "unitText": "YEAR"}}},
    ],
)
def test_pay_that_cannot_be_is_not_told(odd: dict[str, Any]) -> None:
    (item,) = read(JOB_POSTING | odd)
    assert item.posting.salary is None


@pytest.mark.parametrize("place", [None, [], "Berlin", {"address": "Berlin"}, {"name": "Berlin"}])
def test_places_of_every_shape(place: Any) -> None:
    (item,) = read(JOB_POSTING | {"jobLocation": place})
    assert item.posting.location in (None, "Berlin")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"<html><body>No jobs</body></html>",
        b"{",
        b"[" * 100_000,
        b'{"a": 1}',
        b"\xff\xfe\x00",
        b"%PDF-1.7",
        b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
    ],
)
def test_what_is_no_feed_is_told_apart(body: bytes) -> None:
    with pytest.raises(NotAFeedError):
        read_feed(body)


def test_an_empty_feed_is_a_feed() -> None:
    assert read(b'<rss version="2.0"><channel><title>None today</title></channel></rss>') == []


def test_files_are_not_opened() -> None:
    """A document that looks like a path is still a document."""
    with pytest.raises(NotAFeedError):
        read_feed(b"/etc/passwd")


def test_entities_that_multiply_or_lead_to_files_give_nothing() -> None:
    levels = "".join(
        f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)
    )  # a billion laughs
    bomb = f'<!DOCTYPE rss [<!ENTITY a0 "ha">{levels}<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    feed = bomb + "<rss><channel><item><title>&a11; &f; x</title></item></channel></rss>"
    for item in read(feed):
        assert len(item.posting.title) < 400
        assert "root:" not in item.posting.title


def test_long_feeds_are_cut() -> None:
    items = [{"title": f"Job {number}"} for number in range(MOST_ITEMS + 5)]
    assert len(read(JSON_FEED | {"items": items})) == MOST_ITEMS


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-11-26T10:00:00Z", datetime(2026, 11, 26, 10, tzinfo=UTC)),
        ("2026-11-26 10:00", datetime(2026, 11, 26, 10, tzinfo=UTC)),
        ("Thu, 26 Nov 2026 10:00:00 GMT", datetime(2026, 11, 26, 10, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("tomorrow", None),
        ("", None),
        (None, None),
    ],
)
def test_dates_of_every_kind(written: Any, meant: datetime | None) -> None:
    assert moment(written) == meant


def test_broken_feeds_give_what_can_be_read_or_none() -> None:
    """A thousand feeds with pieces cut out, doubled and put in; nothing else is ever raised."""
    dice = random.Random(5)
    whole = [RSS, ATOM, json.dumps(JSON_FEED), json.dumps(JOB_POSTING)]
    whole.append(f'<script type="application/ld+json">{json.dumps(JOB_POSTING)}</script>')
    pieces = b'<![CDATA[ ]]> <!DOCTYPE <![if &#x110000; \0 null {} [] 1e999 "@id" \xff'.split()
    pieces += [b"<a href='http://[/'>", b"-9999-"]
    read = 0
    for _ in range(1000):
        feed = bytearray(dice.choice(whole).encode())
        for _ in range(dice.randint(1, 12)):
            place, length = dice.randrange(len(feed) + 1), dice.randint(1, 40)
            if dice.random() < 0.4:
                feed[place:place] = dice.choice(pieces)
            elif dice.random() < 0.5:
                del feed[place : place + length]
            else:
                feed[place:place] = feed[length : 3 * length]
        with contextlib.suppress(NotAFeedError):
            read_feed(bytes(feed), url="https://example.com/")
            read += 1
    assert read > 200
