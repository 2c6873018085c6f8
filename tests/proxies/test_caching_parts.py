"""Parts of what is stored, and what the cache tells of itself."""

from __future__ import annotations

import pytest

from tests.proxies.origin import HOUR, Site, date, get, play_two, said

# Ranges: RFC 9110, section 14.


@pytest.mark.parametrize(
    ("wanted", "status", "body", "where"),
    [
        ("bytes=0-1", 206, b"01", "bytes 0-1/10"),
        ("bytes=1-", 206, b"123456789", "bytes 1-9/10"),
        ("bytes=-1", 206, b"9", "bytes 9-9/10"),
        ("bytes=-99", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=8-99999999999999999", 206, b"89", "bytes 8-9/10"),
        ("BYTES=0-0", 206, b"0", "bytes 0-0/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=-0", 416, b"", "bytes */10"),
        ("bytes=2-1", 200, b"0123456789", ""),
        ("bytes=0-1,3-4", 200, b"0123456789", ""),
        ("bytes=-", 200, b"0123456789", ""),
        ("bytes=a-b", 200, b"0123456789", ""),
        ("lines=0-1", 200, b"0123456789", ""),
    ],
)
def test_a_part_is_cut_from_what_is_stored_whole(wanted, status, body, where):
    site = Site(said(**HOUR, etag='"1"', a="1", content_length="10"))
    site.ask()
    got = site.ask(range=wanted)
    assert (got.from_cache, got.status, got.body, got["content-range"]) == (
        True,
        status,
        body,
        where,
    )
    if status == 206:
        assert (got["etag"], got["a"], got["content-length"]) == ('"1"', "1", str(len(body)))


@pytest.mark.parametrize(
    ("if_range", "status"),
    [('"1"', 206), ('"2"', 200), ('W/"1"', 200), (date(-60), 206), (date(-61), 200), ("x", 200)],
)
def test_a_part_only_of_what_the_client_has_the_rest_of(if_range, status):
    site = Site(said(**HOUR, etag='"1"', last_modified=date(-60), date=date()))
    site.ask()
    assert site.ask(range="bytes=0-1", if_range=if_range).status == status


@pytest.mark.parametrize(("made", "status"), [(0, 200), (1, 206)])
def test_a_date_is_too_weak_where_the_answer_was_made_in_the_same_second(made, status):
    site = Site(said(**HOUR, last_modified=date(), date=date(made)))
    site.ask()
    assert site.ask(range="bytes=0-1", if_range=date()).status == status


def test_parts_are_of_successful_answers_to_get():
    for answer, request in (
        (said(404, **HOUR), get(range="bytes=0-1")),
        (said(**HOUR), get(range="bytes=0-1", method="HEAD")),
        (said(body=b"", **HOUR), get(range="bytes=0-1")),
    ):
        site = Site(answer)
        site.ask()
        assert site.ask(request).status == answer.response.status


def test_who_has_it_all_gets_no_part():
    site = Site(said(**HOUR, etag='"1"'))
    site.ask()
    assert site.ask(range="bytes=0-1", if_none_match='"1"').status == 304


def test_a_part_of_what_is_stale_is_sent_when_the_whole_is_confirmed():
    site = Site(said(cache_control="max-age=1", etag='"1"'))
    site.ask()
    got = site.after(2).says(said(304, None, etag='"1"')).ask(range="bytes=0-1")
    assert (got.status, got.body, got.cache) == (206, b"01", "revalidated")
    assert got.asked[0].headers.get("range") == "bytes=0-1"
    part = said(206, b"ab", etag='"2"', content_range="bytes 0-1/9")
    got = site.after(2).says(part).ask(range="bytes=0-1")
    assert (got.status, got.body) == (206, b"ab")
    assert len(site.cache) == 0  # another ETag: what was stored is obsolete


def test_a_whole_answer_to_who_wanted_a_part_is_kept():
    site = Site(said(**HOUR))
    assert site.ask(range="bytes=0-1").status == 200
    assert site.ask(range="bytes=0-1").status == 206


# Cache-Status: RFC 9211.


def test_cache_status_tells_what_the_cache_did():
    site = Site(said(cache_control="max-age=10", etag='"1"'), named="edge")
    assert site.ask()["cache-status"] == "edge; fwd=uri-miss; fwd-status=200; stored"
    assert site.after(4).ask()["cache-status"] == "edge; hit; ttl=6"
    site.after(10).says(said(304, None))
    assert site.ask()["cache-status"] == "edge; fwd=stale; ttl=10"
    site.after(11).says(said(404, cache_control="no-store", cache_status="inner; hit"))
    assert site.ask()["cache-status"] == "inner; hit, edge; fwd=stale; fwd-status=404"
    site.says(said(**HOUR)).ask()
    got = site.says(said(body=b"newer")).ask(cache_control="no-cache")
    assert got["cache-status"] == "edge; fwd=request; fwd-status=200; stored"
    got = site.says(said(204, None)).ask(method="POST")
    assert got["cache-status"] == "edge; fwd=method; fwd-status=204"


def test_cache_status_knows_a_variant_from_a_stranger():
    site = Site(said(**HOUR, vary="Foo"), said(404, vary="Foo"), named="edge")
    site.ask(foo="1")
    assert site.ask(foo="2")["cache-status"].startswith("edge; fwd=vary-miss; fwd-status=404")


def test_cache_status_knows_a_fetch_that_was_another_s():
    site = Site(collapse=True, named="edge")
    first, second = play_two(site, get(), get(), said(**HOUR))
    told = [sent.response.headers.get("cache-status") for sent in (first, second)]
    assert told == ["edge; fwd=uri-miss; fwd-status=200; stored", "edge; fwd=miss; collapsed"]


def test_it_is_silent_unless_told_to_speak():
    site = Site(said(**HOUR))
    assert "cache-status" not in site.ask().headers
    assert "cache-status" not in site.ask().headers
