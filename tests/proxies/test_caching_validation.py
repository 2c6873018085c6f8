"""How a cache asks again, and what it forgets, as a client and an origin see it."""

from __future__ import annotations

import pytest

from proxysim.messages import Content
from tests.proxies.origin import HOUR, Site, date, get, reused, said

# Validation, section 4.3.


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ({"etag": '"a"'}, {"if-none-match": '"a"'}),
        ({"etag": 'W/"a"'}, {"if-none-match": 'W/"a"'}),
        ({"last_modified": date(-5)}, {"if-modified-since": date(-5)}),
        (
            {"etag": '"a"', "last_modified": date(-5)},
            {"if-none-match": '"a"', "if-modified-since": date(-5)},
        ),
        ({}, {}),
    ],
)
def test_a_stale_answer_is_asked_about_by_its_own_validators(stored, expected):
    site = Site(said(cache_control="max-age=1", vary="Abc", **stored))
    site.ask(abc="123", if_none_match='"old"')
    got = site.after(3).says(said()).ask(abc="123", if_none_match='"x"')
    (asked,) = got.asked
    assert {k: v for k, v in asked.headers if k.startswith("if-")} == expected
    assert asked.headers.get("abc") == "123"


@pytest.mark.parametrize("control", ["no-cache", "max-age=10000, no-cache"])
def test_no_cache_is_kept_and_asked_about_each_time(control):
    site = Site(said(cache_control=control, etag='"abcd"'))
    site.ask()
    for _ in range(2):
        got = site.says(said(304, None, etag='"abcd"')).ask()
        assert got.asked[0].headers.get("if-none-match") == '"abcd"'
        assert (got.status, got.cache, got.body) == (200, "revalidated", b"0123456789")


def test_a_confirmation_brings_fields_up_to_date_but_those_of_the_content():
    stored = {
        "cache_control": "max-age=1",
        "etag": '"1"',
        "content_type": "text/plain",
        "content_length": "10",
        "content_encoding": "identity",
        "x_kept": "a",
        "x_changed": "b",
        "age": "7",
    }
    new = {
        "cache_control": "max-age=60",
        "etag": '"1"',
        "content_type": "text/plain;charset=utf-8",
        "content_length": "0",
        "content_encoding": "gzip",
        "x_changed": "c",
        "x_new": "d",
        "connection": "x-hop",
        "x_hop": "1",
    }
    site = Site(said(**stored), said(304, None, **new))
    site.ask()
    for got in (site.after(2).ask(), site.ask()):
        assert dict(got.headers) == {
            "etag": '"1"',
            "cache-control": "max-age=60",
            "content-type": "text/plain;charset=utf-8",
            "content-length": "10",
            "content-encoding": "identity",
            "x-kept": "a",
            "x-changed": "c",
            "x-new": "d",
            "age": "0",
            "date": date(2),
        }


@pytest.mark.parametrize(
    ("stored", "confirmation", "holds"),
    [
        ('"1"', '"1"', True),
        ('"1"', "", True),
        ('"1"', '"2"', False),
        ('W/"1"', 'W/"1"', True),
        ('"1"', 'W/"1"', True),
        ('W/"1"', '"1"', True),
        ('W/"1"', 'W/"2"', False),
    ],
)
def test_a_confirmation_of_something_else_confirms_nothing(stored, confirmation, holds):
    """Then the request is made again, without conditions."""
    site = Site(said(cache_control="max-age=1", etag=stored))
    site.ask()
    new = {"etag": confirmation} if confirmation else {}
    site.after(3).says(said(304, None, **new), said(body=b"newer"))
    got = site.ask()
    if holds:
        assert (got.cache, len(got.asked)) == ("revalidated", 1)
    else:
        assert (got.status, got.body, len(got.asked)) == (200, b"newer", 2)
        assert "if-none-match" not in got.asked[1].headers


@pytest.mark.parametrize(
    ("stored", "confirmation", "holds"),
    [
        ({"last_modified": date(-9)}, {"last_modified": date(-9)}, True),
        ({"last_modified": date(-9)}, {"last_modified": date(-8)}, False),
        ({"last_modified": date(-9)}, {}, True),
        ({"last_modified": date(-9)}, {"etag": '"1"'}, True),
        ({"etag": '"1"'}, {"last_modified": date(-9)}, False),
        ({"etag": '"1"', "last_modified": date(-9)}, {"last_modified": date(-9)}, True),
    ],
)
def test_without_tags_the_date_of_the_change_tells(stored, confirmation, holds):
    site = Site(said(cache_control="max-age=1", **stored))
    site.ask()
    site.after(3).says(said(304, None, **confirmation), said(body=b"newer"))
    assert (len(site.ask().asked) == 1) is holds


def test_what_was_evicted_while_it_was_asked_about_is_still_confirmed():
    site = Site(said(cache_control="max-age=1", etag='"1"'))
    site.ask()
    site.after(3)
    handling = site.proxy.handle(get())
    next(handling)
    site.cache.flush()
    send = handling.send(said(304, None, etag='"1"'))
    assert (send.response.status, send.cache) == (200, "revalidated")
    assert len(site.cache) == 0


def test_what_is_newer_takes_the_place_of_what_was_asked_about():
    site = Site(said(cache_control="max-age=1", etag='"1"'), said(body=b"new", **HOUR))
    site.ask()
    assert site.after(2).ask().body == b"new"
    assert site.ask().body == b"new"
    assert len(site.cache) == 1


@pytest.mark.parametrize("collapse", [False, True])
@pytest.mark.parametrize(
    ("answer", "left"), [(said(404, cache_control="no-store"), 0), (said(499), 0), (said(500), 1)]
)
def test_what_is_found_obsolete_is_forgotten(answer, left, collapse):
    site = Site(said(cache_control="max-age=1"), answer, collapse=collapse)
    site.ask()
    assert site.after(2).ask().status == answer.response.status
    assert len(site.cache) == left


@pytest.mark.parametrize("collapse", [False, True])
def test_who_asks_about_what_is_not_kept_is_told_by_the_origin(collapse):
    site = Site(said(304, None, etag='"1"', **HOUR), said(), collapse=collapse)
    assert site.ask(if_none_match='"1"').status == 304
    assert len(site.cache) == 0
    assert site.ask().status == 200


def test_what_has_been_replaced_meanwhile_is_not_forgotten_for_the_older_one():
    site = Site(said(cache_control="max-age=1"), said(body=b"newer", **HOUR))
    site.ask()
    slow = site.after(2).proxy.handle(get())
    next(slow)
    site.ask()
    slow.send(said(404, cache_control="no-store"))
    assert site.ask().body == b"newer"


def test_nor_for_an_older_one_that_proves_too_large():
    site = Site(said(body=b"newer", **HOUR), max_object=1000)
    slow = site.proxy.handle(get())
    next(slow)
    site.after(1).ask(cache_control="no-cache")
    slow.send(said(body=b"x" * 2000, **HOUR)).store.abandon(2000)
    assert site.ask().body == b"newer"


@pytest.mark.parametrize(
    ("stored", "condition", "expected"),
    [
        ({"etag": '"a"'}, {"if_none_match": '"a"'}, 304),
        ({"etag": 'W/"a"'}, {"if_none_match": 'W/"a"'}, 304),
        ({"etag": '"a"'}, {"if_none_match": 'W/"a"'}, 304),
        ({"etag": '"a"'}, {"if_none_match": '"1", "a", "5"'}, 304),
        ({"etag": '"a"'}, {"if_none_match": ['"1"', '"a"']}, 304),
        ({"etag": '"a"'}, {"if_none_match": "*"}, 304),
        ({"etag": '"a"'}, {"if_none_match": '"b"'}, 200),
        ({"etag": '"a\\"'}, {"if_none_match": '"a\\", "b"'}, 304),
        (
            {"etag": '"a"', "last_modified": date(-50)},
            {"if_none_match": '"a"', "if_modified_since": date(-90)},
            304,
        ),
        (
            {"etag": '"a"', "last_modified": date(-50)},
            {"if_none_match": '"b"', "if_modified_since": date(-50)},
            200,
        ),
        ({"last_modified": date(-50)}, {"if_modified_since": date(-50)}, 304),
        ({"last_modified": date(-50)}, {"if_modified_since": date(-40)}, 304),
        ({"last_modified": date(-50)}, {"if_modified_since": date(-60)}, 200),
        ({"last_modified": date(-50)}, {"if_modified_since": "yesterday"}, 200),
        ({"date": date()}, {"if_modified_since": date(60)}, 304),
    ],
)
@pytest.mark.parametrize("stale", [False, True])
def test_a_client_that_has_it_is_told_so(stored, condition, expected, stale):
    """By a fresh answer at once, by a stale one when it has been confirmed."""
    site = Site(said(cache_control="max-age=10", **stored))
    site.ask()
    if stale:
        site.after(11).says(said(304, None))
    got = site.ask(**condition)
    assert (got.status, got.from_cache) == (expected, not stale)
    if expected == 304:
        assert got.body == b""
        assert got["etag"] == stored.get("etag", "")
        assert "content-type" not in got.headers


def test_a_client_that_has_the_newer_one_already_is_told_so_too():
    site = Site(said(cache_control="max-age=1", etag='"1"'), said(body=b"new", etag='"2"', **HOUR))
    site.ask()
    got = site.after(2).ask(if_none_match='"2"')
    assert (got.status, got.body) == (304, b"")
    assert site.ask().body == b"new"


def test_conditions_that_only_the_origin_can_judge_go_to_the_origin():
    for name in ("if_match", "if_unmodified_since"):
        site = Site(said(**HOUR, etag='"1"'), said(412, b""))
        site.ask()
        got = site.ask(**{name: '"1"'})
        assert (got.status, got.cache) == (412, "bypass")


# HEAD, section 4.3.5.


def test_a_head_is_answered_from_what_a_get_has_brought():
    site = Site(said(**HOUR, content_length="10"))
    site.ask()
    got = site.ask(method="HEAD")
    assert (got.from_cache, got.body, got["content-length"]) == (True, b"", "10")


def test_what_a_head_has_brought_answers_no_get():
    assert not reused(said(body=None, **HOUR), first=get(method="HEAD"))


@pytest.mark.parametrize(
    ("new", "kept"),
    [
        ({"content_length": "10"}, True),
        ({"etag": '"1"'}, True),
        ({"etag": '"2"'}, False),
        ({"last_modified": date(-9)}, False),
        ({"content_length": "11"}, False),
    ],
)
def test_a_head_brings_what_is_stored_up_to_date_or_makes_it_obsolete(new, kept):
    site = Site(said(cache_control="max-age=2", etag='"1"', last_modified=date(-99), a="1", b="1"))
    site.ask()
    head = said(body=None, cache_control="max-age=1000", a="2", **new)
    got = site.after(3).says(head).ask(method="HEAD")
    assert got.asked[0].method == "HEAD"
    assert got["a"] == "2"
    site.says(said(body=b"newer"))
    got = site.ask()
    assert got.from_cache is kept
    if kept:
        assert (got["a"], got["b"], got.body) == ("2", "1", b"0123456789")


@pytest.mark.parametrize(("length", "kept"), [("0", True), ("1", False)])
def test_a_head_is_about_an_answer_without_content_too(length, kept):
    site = Site(said(body=None, cache_control="max-age=1"))
    site.ask()
    site.after(2).says(said(body=None, content_length=length, **HOUR)).ask(method="HEAD")
    assert site.says(said()).ask().from_cache is kept


# Invalidation, section 4.4.


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "M-SEARCH"])
def test_a_change_that_worked_makes_the_stored_answer_obsolete(method):
    for status, obsolete in ((200, True), (204, True), (302, True), (400, False), (500, False)):
        site = Site(said(**HOUR), said(status, b""), said(body=b"newer"))
        site.ask()
        assert site.ask(method=method).cache == "bypass"
        assert bool(site.ask().asked) is obsolete


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PROPFIND"])
def test_what_only_reads_makes_nothing_obsolete(method):
    site = Site(said(**HOUR), said())
    site.ask()
    site.ask(method=method)
    assert site.ask().from_cache


@pytest.mark.parametrize("name", ["location", "content_location"])
@pytest.mark.parametrize(
    ("reference", "obsolete"),
    [
        ("/other", True),
        ("other", True),
        ("http://a.example/other", True),
        ("//A.example:80/other", True),
        ("http://b.example/other", False),
        ("https://a.example/other", False),
        ("http://a.example:81/other", False),
        ("/other?x", False),
        ("http://[", False),
    ],
)
def test_so_is_what_the_answer_names_at_the_same_origin(name, reference, obsolete):
    site = Site(said(**HOUR), said(201, b"", **{name: reference}), said(body=b"newer"))
    site.ask(get("/other"))
    site.ask(get("/form", method="POST"))
    assert bool(site.ask(get("/other")).asked) is obsolete


@pytest.mark.parametrize("collapse", [False, True])
def test_what_was_asked_for_before_a_change_is_not_kept_after_it(collapse):
    site = Site(collapse=collapse)
    handling = site.proxy.handle(get())
    if collapse:
        spawn = next(handling)
        fetch = spawn.generator
        next(fetch)
        handling.send(None)
    else:
        fetch = handling
        next(fetch)
    site.after(1)
    change = site.proxy.handle(get(method="PUT"))
    next(change)
    change.send(said(204, None))
    fetch.send(said(body=b"before", **HOUR)).store.commit(Content(b"before"))
    assert len(site.cache) == 0
    assert site.says(said(body=b"after", **HOUR)).ask().body == b"after"
    assert len(site.cache) == 1


def test_all_variants_become_obsolete_at_once():
    site = Site(said(**HOUR, vary="Foo"), said(**HOUR, vary="Foo"), said())
    site.ask(foo="1")
    site.ask(foo="2")
    site.ask(method="DELETE")
    assert len(site.cache) == 0


def test_a_post_that_says_it_is_the_page_is_kept_as_the_page():
    """RFC 9110, section 9.3.3: with explicit freshness and Content-Location of the same URL."""
    fresh = {"expires": date(3600), "date": date()}
    for fields, expected in (
        ({**fresh, "content_location": "/"}, True),
        ({**HOUR, "content_location": "/"}, True),
        ({**fresh, "content_location": "/other"}, False),
        (fresh, False),
        ({"content_location": "/"}, False),
    ):
        site = Site(said(**fields), said(body=b"newer"))
        site.ask(method="POST")
        assert site.after(3).ask().from_cache is expected
