"""The rules of HTTP caching one by one, as functions of texts and fields."""

from __future__ import annotations

from email.utils import formatdate, parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.messages import Headers, Request, Response
from proxysim.policies.caching import freshness, invalidation, selection, storing, validation
from proxysim.policies.caching.directives import named, parse_cache_control, seconds
from proxysim.policies.http_date import http_date, written

NOON = 1_431_864_000.0
DATE = formatdate(NOON, usegmt=True)


def ask(method="GET", **fields):
    return Request(method, "http", "a.example", 80, "/", head(fields), "10.0.0.1")


def answer(status=200, **fields):
    return Response(status, head(fields))


def head(fields):
    return Headers((name.replace("_", "-"), text) for name, text in fields.items())


def at(seconds):
    return formatdate(NOON + seconds, usegmt=True)


# Cache-Control as text.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("no-store", {"no-store": None}),
        ("Max-Age=60, PUBLIC", {"max-age": "60", "public": None}),
        ('max-age="60"', {"max-age": "60"}),
        ('private="a, b", max-age=1', {"private": "a, b", "max-age": "1"}),
        ("max-age=1, max-age=2", {"max-age": "1"}),
        (" , ,no-cache , ", {"no-cache": None}),
        ('x="a\\"b, no-store"', {"x": 'a"b, no-store'}),
    ],
)
def test_directives(text, expected):
    assert parse_cache_control(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("max-age=60", 60),
        ("max-age=0", 0),
        ("max-age=007", 7),
        (f"max-age={'0' * 5000}7", 7),
        ("max-age=2147483648", 2**31),
        ("max-age=99999999999999999999999", 2**31),
        ("max-age", 0),
        ("max-age=", 0),
        ("max-age=-1", 0),
        ("max-age=1.5", 0),
        ("max-age=+1", 0),
        ("max-age=٣", 0),
        ("max-age= 60", 0),
        ("max-age =60", 0),
        ("s-maxage=60", None),
    ],
)
def test_seconds(text, expected):
    assert seconds(parse_cache_control(text), "max-age") == expected


@given(st.text())
def test_no_text_is_too_odd(text):
    for name in parse_cache_control(text):
        found = seconds(parse_cache_control(text), name)
        assert found is not None
        assert 0 <= found <= 2**31


# Dates.


@given(st.integers(0, 4_000_000_000))
def test_dates_are_read_as_the_standard_library_writes_them(seconds):
    assert http_date(formatdate(seconds, usegmt=True)) == seconds
    assert written(seconds) == formatdate(seconds, usegmt=True)


@given(
    st.from_regex(
        r"[A-Z][a-z]{2}, [0-3]\d [JFMASOND][a-z]{2} (19|20)\d\d [0-2]\d:[0-6]\d:[0-6]\d GMT"
    )
)
def test_what_the_standard_library_refuses_is_refused(text):
    try:
        expected = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError):
        expected = None
    assert http_date(text) in (expected, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784111777),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 784111777),
        ("Sun Nov  6 08:49:37 1994", 784111777),
        ("Thursday, 01-Jan-70 00:00:00 GMT", 0),
        ("Sun, 06 Nov 1994 08:49:37 UTC", None),
        ("Sun, 06 Nov 1994 08:49:37", None),
        ("Sun, 6 Nov 1994 08:49:37 GMT", None),
        ("Sun, 31 Feb 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 24:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49:37 GMT, x", None),
        ("0", None),
        ("", None),
    ],
)
def test_date_forms(text, expected):
    assert http_date(text) == expected


# Section 3: storing.


@pytest.mark.parametrize(
    ("request_", "response", "expected"),
    [
        (ask(), answer(cache_control="max-age=60"), True),
        (ask(), answer(), True),  # heuristically cacheable
        (ask(), answer(404), True),
        (ask(), answer(302), False),
        (ask(), answer(302, cache_control="max-age=60"), True),
        (ask(), answer(503, expires=DATE), True),
        (ask("POST"), answer(cache_control="max-age=60"), False),
        (ask("HEAD"), answer(cache_control="max-age=60"), False),
        (ask(), answer(206, cache_control="max-age=60"), False),
        (ask(), answer(304, cache_control="max-age=60"), False),
        (ask(), answer(100), False),
        (ask(), answer(cache_control="no-store, max-age=60"), False),
        (ask(), answer(cache_control="private, max-age=60"), False),
        (ask(), answer(cache_control='private="set-cookie", max-age=60'), True),
        (ask(cache_control="no-store"), answer(cache_control="max-age=60"), False),
        (ask(authorization="Basic x"), answer(cache_control="max-age=60"), False),
        (ask(authorization="Basic x"), answer(cache_control="public"), True),
        (ask(authorization="Basic x"), answer(cache_control="s-maxage=9"), True),
        (ask(authorization="Basic x"), answer(cache_control="must-revalidate, max-age=1"), True),
        (ask(), answer(vary="Accept-Encoding"), True),
        (ask(), answer(vary="Accept-Encoding, Cookie"), True),
        (ask(), answer(vary="*"), False),
    ],
)
def test_storable(request_, response, expected):
    assert storing.storable(request_, response) is expected


# Section 4.2: lifetime and age.


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (answer(cache_control="max-age=60"), 60),
        (answer(cache_control="s-maxage=9, max-age=60"), 9),
        (answer(cache_control="max-age=60", expires=at(600), date=DATE), 60),
        (answer(expires=at(600), date=DATE), 600),
        (answer(expires=at(-600), date=DATE), 0),
        (answer(expires="0", date=DATE), 0),
        (answer(expires=at(600)), 0),
        (answer(cache_control="max-age=x", expires=at(600), date=DATE), 0),
        (answer(cache_control="no-cache, max-age=60"), 0),
        (answer(pragma="no-cache"), 0),
        (answer(pragma="no-cache", cache_control="max-age=60"), 60),
        (answer(cache_control='no-cache="x", max-age=60'), 60),
        (answer(last_modified=at(-1000), date=DATE), 100),
        (answer(last_modified=at(-(10**8)), date=DATE), 86400),
        (answer(last_modified=at(1000), date=DATE), 0),
        (answer(last_modified="yesterday", date=DATE), 0),
        (answer(302, last_modified=at(-1000), date=DATE), 0),
        (answer(302, last_modified=at(-1000), date=DATE, cache_control="public"), 100),
        (answer(), 0),
    ],
)
def test_lifetime(response, expected):
    assert freshness.lifetime(response) == expected


def test_a_response_without_date_is_dated_by_its_receipt():
    assert freshness.lifetime(answer(expires=at(600)), received=NOON) == 600


@pytest.mark.parametrize(
    ("response", "received", "expected"),
    [
        (answer(), None, 0),
        (answer(age="7"), None, 7),
        (answer(age="7, 9"), None, 7),
        (answer(age="-7"), None, 0),
        (answer(age="x"), None, 0),
        (answer(date=DATE), NOON + 5, 5),
        (answer(date=DATE), NOON - 5, 0),
        (answer(date=DATE, age="7"), NOON + 5, 7),
    ],
)
def test_age_on_receipt(response, received, expected):
    assert freshness.age_on_receipt(response, received) == expected


def test_the_way_adds_to_the_age_that_was_told():
    assert freshness.age_on_receipt(answer(age="7"), delay=2.5) == 9.5
    assert freshness.age_on_receipt(answer(age="7", date=DATE), NOON + 60, delay=2.5) == 60


# Section 4.2.4 and RFC 5861: stale answers.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("max-age=60", None),
        ("max-age=60, stale-while-revalidate=30", 30),
        ("s-maxage=60, stale-while-revalidate=30", 30),
        ("s-maxage=60", 0),
        ("must-revalidate, stale-while-revalidate=30", 0),
        ("proxy-revalidate", 0),
        ("no-cache", 0),
        ('no-cache="x"', None),
    ],
)
def test_stale_window(text, expected):
    assert freshness.stale_window(answer(cache_control=text)) == expected


# Section 5.2.1: what the client says.


@pytest.mark.parametrize(
    ("request_", "age", "lifetime", "expected"),
    [
        (ask(), 59, 60, True),
        (ask(), 60, 60, False),
        (ask(cache_control="no-cache"), 0, 60, False),
        (ask(pragma="No-Cache"), 0, 60, False),
        (ask(pragma="no-cache", cache_control="max-age=60"), 0, 60, True),
        (ask(cache_control="max-age=0"), 1, 60, False),
        (ask(cache_control="max-age=10"), 10, 60, True),
        (ask(cache_control="max-age=10"), 11, 60, False),
        (ask(cache_control="min-fresh=20"), 40, 60, True),
        (ask(cache_control="min-fresh=20"), 41, 60, False),
        (ask(cache_control="x"), 59.5, 60, True),
        (ask(cache_control="x"), 60, 60, False),
    ],
)
def test_usable(request_, age, lifetime, expected):
    assert freshness.usable(request_, age, lifetime) is expected


@pytest.mark.parametrize(
    ("control", "age", "expected"),
    [
        (None, 59, True),
        (None, 60, True),
        (None, 89, True),
        (None, 90, False),
        ("x", 89, True),
        ("x", 90, False),
        ("no-cache", 59, False),
        ("no-cache", 61, False),
        ("max-age=80", 59, True),
        ("max-age=80", 61, False),
        ("min-fresh=5", 55, True),
        ("min-fresh=5", 56, False),
        ("min-fresh=5", 61, False),
        ("min-fresh=0", 60, False),
        ("max-stale", 89, True),
        ("max-stale", 90, False),
        ("max-stale=10", 70, True),
        ("max-stale=10", 71, False),
        ("max-stale=10, max-age=65", 65, True),
        ("max-stale=10, max-age=65", 66, False),
    ],
)
def test_while_a_newer_one_is_fetched_only_who_does_not_mind_gets_the_stale_one(
    control, age, expected
):
    request = ask() if control is None else ask(cache_control=control)
    assert freshness.usable_meanwhile(request, age, 60, 30) is expected


def test_whole_answers_of_rfc_9110_are_understood_and_no_others():
    """Section 15 leaves 306 and 418 unused."""
    known = [range(200, 207), range(300, 309), range(400, 418), (421, 422, 426), range(500, 506)]
    whole = {status for row in known for status in row} - {206, 304, 306}
    assert whole == storing.UNDERSTOOD


def test_only_if_cached():
    assert freshness.only_if_cached(ask(cache_control="only-if-cached"))
    assert not freshness.only_if_cached(ask())


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (ask(), False),
        (ask("HEAD"), False),
        (ask("POST"), True),
        (ask("DELETE"), True),
        (ask(authorization="Basic x"), False),
        (ask(range="bytes=0-1"), False),
        (ask(upgrade="websocket"), True),
        (ask(if_match='"1"'), True),
        (ask(if_unmodified_since=DATE), True),
        (ask(if_none_match='"1"'), False),
        (ask(cache_control="no-store"), True),
        (ask(cache_control="no-cache"), False),
    ],
)
def test_bypassed(request_, expected):
    assert storing.bypassed(request_) is expected


# Section 4.3: validation.


def test_a_cache_asks_with_its_own_validators():
    client = ask(if_none_match='"old"', range="bytes=0-1", accept="*/*")
    asked = validation.conditional(client, '"1"', DATE)
    assert list(asked.headers) == [
        ("range", "bytes=0-1"),
        ("accept", "*/*"),
        ("if-none-match", '"1"'),
        ("if-modified-since", DATE),
    ]
    assert (asked.method, asked.host, asked.path) == (client.method, client.host, client.path)


def test_without_validators_a_cache_asks_anew():
    client = ask()
    assert validation.conditional(client, "", "") is client
    assert not validation.unconditional(ask(if_none_match="*")).headers
    assert validation.validators(answer(etag='"1"')) == ('"1"', "")


@pytest.mark.parametrize(
    ("request_", "stored", "expected"),
    [
        (ask(), answer(etag='"1"'), False),
        (ask(if_none_match='"1"'), answer(etag='"1"'), True),
        (ask(if_none_match='"2"'), answer(etag='"1"'), False),
        (ask(if_none_match='"2", W/"1"'), answer(etag='"1"'), True),
        (ask(if_none_match='"a,b"'), answer(etag='W/"a,b"'), True),
        (ask(if_none_match='"1"'), answer(), False),
        (ask(if_none_match="*"), answer(), True),
        (ask(if_none_match='"1"'), answer(404, etag='"1"'), False),
        (ask(if_modified_since=DATE), answer(last_modified=DATE), True),
        (ask(if_modified_since=at(-1)), answer(last_modified=DATE), False),
        (ask(if_modified_since=DATE), answer(date=at(-60)), True),
        (ask(if_modified_since="x"), answer(last_modified=DATE), False),
        (ask(if_modified_since=DATE), answer(), False),
        # If-None-Match alone decides where both are given.
        (
            ask(if_none_match='"2"', if_modified_since=DATE),
            answer(etag='"1"', last_modified=DATE),
            False,
        ),
    ],
)
def test_not_modified(request_, stored, expected):
    assert validation.not_modified(request_, stored) is expected


def test_the_304_carries_what_a_cache_needs_and_no_content():
    stored = answer(etag='"1"', cache_control="max-age=1", content_length="9", x_thing="y")
    response = validation.not_modified_response(stored)
    assert response.status == 304
    assert list(response.headers) == [("etag", '"1"'), ("cache-control", "max-age=1")]


def test_a_304_brings_stored_fields_up_to_date():
    stored = head({"etag": '"1"', "cache_control": "max-age=1", "content_length": "9", "age": "5"})
    new = head({"cache_control": "max-age=60", "content_length": "0", "connection": "close"})
    updated = validation.updated(stored, new)
    assert updated == head({"etag": '"1"', "content_length": "9", "cache_control": "max-age=60"})


# Section 4.1: selection.


@pytest.mark.parametrize(
    ("name", "one", "other", "same"),
    [
        ("foo", "1,2", " 1 ,  2 ", True),
        ("foo", "1, 2", "2, 1", False),
        ("foo", "A", "a", False),
        ("foo", '"a,b"', '"a, b"', False),
        ("foo", "", None, False),
        ("accept-language", "en, de", "DE,en", True),
        ("accept-language", "en, de;q=0.5", "en;q=0.5, de", False),
        ("accept-encoding", "gzip;q=1.0, br", "br, GZIP", True),
    ],
)
def test_texts_of_one_meaning_are_one(name, one, other, same):
    assert (selection.normal(name, one) == selection.normal(name, other)) is same


def test_an_answer_without_vary_is_for_all():
    assert selection.selection(ask(), answer()) is None
    assert selection.selection(ask(), answer(vary=" , ")) is None


# Sections 5.2.2.4 and 5.2.2.7: fields by name.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("max-age=1", None),
        ("private", ()),
        ("private=", ()),
        ('private=""', ()),
        ('private="A, b"', ("a", "b")),
        ("private=a", ("a",)),
        ('private="a", private="b"', ("a", "b")),
        ('private="a", private', ()),
        ('private, private="a"', ()),
    ],
)
def test_fields_that_are_named(text, expected):
    assert named(parse_cache_control(text), "private") == expected


# Section 4.4: what a change makes obsolete.


def test_a_reference_is_resolved_as_a_browser_would():
    request = Request("PUT", "http", "a.example", 8080, "/dir/page?x=1", head({}))
    created = answer(201, location="../new?y=2", content_location="?z=3")
    assert invalidation.obsolete(request, created) == (
        ("http", "a.example", 8080, "/dir/page?x=1"),
        ("http", "a.example", 8080, "/new?y=2"),
        ("http", "a.example", 8080, "/dir/page?z=3"),
    )


@given(st.text())
def test_no_reference_is_too_odd(text):
    found = invalidation.obsolete(ask("POST"), answer(201, location=text))
    assert found[0] == ("http", "a.example", 80, "/")
