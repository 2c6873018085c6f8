"""A shared cache at work, rule by rule, as a client and an origin see it: RFC 9111 and its kin.

What the public suite of http-tests/cache-tests asks of a cache is here in our words, each rule
played by hand through a whole reverse proxy.
"""

from __future__ import annotations

from contextlib import suppress

import pytest

from proxysim.messages import Failure
from proxysim.policies.admission import SecondHit
from proxysim.policies.caching.freshness import Heuristic
from proxysim.policies.compression import Compression
from proxysim.policies.identity import ReverseIdentity
from tests.proxies.origin import Site, date, get, said

HOUR = {"cache_control": "max-age=3600"}
DATED = {"date": date(), "last_modified": date(-3600)}


def reused(*script, between=3.0, first=None, second=None, **options) -> bool:
    """Whether the second request is answered from what the first has brought."""
    site = Site(*script, **options)
    site.ask(first or get())
    site.says(said(body=b"newer"))
    return site.after(between).ask(second or get()).from_cache


# Freshness, section 4.2.


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, False),
        ({"cache_control": "max-age=3600"}, True),
        ({"cache_control": "max-age=0"}, False),
        ({"cache_control": "max-age=1"}, False),
        ({"cache_control": "max-age=2147483648"}, True),
        ({"cache_control": "max-age=99999999999"}, True),
        ({"cache_control": "max-age=003600"}, True),
        ({"cache_control": 'max-age="3600"'}, True),
        ({"cache_control": "max-age='3600'"}, False),
        ({"cache_control": "max-age=-3600"}, False),
        ({"cache_control": "max-age=3600a"}, False),
        ({"cache_control": "max-age =3600"}, False),
        ({"cache_control": 'extension="max-age=3600", max-age=1'}, False),
        ({"cache_control": 'max-age=1, extension="max-age=3600"'}, False),
        ({"cache_control": "MaX-aGe=3600"}, True),
        ({"cache_control": "foobar, max-age=3600"}, True),
        ({"cache_control": ["max-age=3600", "foobar"]}, True),
        ({"cache_control": "s-maxage=3600"}, True),
        ({"cache_control": "max-age=3600, s-maxage=1"}, False),
        ({"cache_control": ["s-maxage=1", "max-age=3600"]}, False),
        ({"cache_control": "max-age=1, s-maxage=3600"}, True),
        ({"cache_control": "max-age=3600", "expires": date(-10000), "date": date()}, True),
        ({"cache_control": "max-age=3600", "expires": "0", "date": date()}, True),
        ({"cache_control": "max-age=0", "expires": date(10000), "date": date()}, False),
        ({"cache_control": "max-age=10", "age": "15", "date": date()}, False),
        ({"expires": date(10000), "date": date()}, True),
        ({"expires": date(-10000), "date": date()}, False),
        ({"expires": date(), "date": date()}, False),
        ({"expires": date(300), "date": date(400)}, False),
        ({"expires": "0", "date": date()}, False),
        ({"expires": date(10), "date": "foo"}, True),
        ({"expires": date(10)}, True),
        ({"expires": [date(10), date(20)], "date": date()}, False),
        ({"expires": date(10), "date": date(-10), "age": "25"}, False),
        ({"expires": date(20), "date": date(10), "age": "15"}, False),
        ({"expires": "Thu, 18 Aug 2050 02:01:18 GMT", "date": date()}, True),
        ({"expires": "THU, 18 AUG 2050 02:01:18 gMT", "date": date()}, True),
        ({"expires": "Thursday, 18-Aug-50 02:01:18 GMT", "date": date()}, True),
        ({"expires": "Thu Aug  8 02:01:18 2050", "date": date()}, True),
        ({"expires": "Sun, 21 Nov 2286 04:46:39 GMT", "date": date()}, True),
        ({"expires": "Thu, 18 Aug 2050 02:01:18 UTC", "date": date()}, False),
        ({"expires": "Thu, 18 Aug 50 02:01:18 GMT", "date": date()}, False),
        ({"expires": "Thu 18 Aug 2050 02:01:18 GMT", "date": date()}, False),
        ({"expires": "Thu, 18  Aug  2050 02:01:18 GMT", "date": date()}, False),
        ({"expires": "Thu, 18-Aug-2050 02:01:18 GMT", "date": date()}, False),
        ({"expires": "Thu, 18 Aug 2050 02.01.18 GMT", "date": date()}, False),
        ({"expires": "Thu, 18 Aug 2050 2:01:18 GMT", "date": date()}, False),
    ],
)
def test_fresh_for_as_long_as_it_says(fields, expected):
    assert reused(said(**fields)) is expected


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        ("abc", True),
        ("-7200", True),
        ("7200.0", True),
        ("2147483647", False),
        ("2147483648", False),
        ("99999999999999999999", False),
        ("7200, 0", False),
        ("0, 7200", True),
        (["7200", "0"], False),
        (["0", "7200"], True),
        ("0, 0", True),
    ],
)
def test_the_first_age_counts_and_none_that_is_no_number(age, expected):
    assert reused(said(**HOUR, date=date(), age=age)) is expected


def test_dates_are_compared_with_the_clock_where_there_is_a_calendar():
    old = said(cache_control="max-age=60", date=date(-100))
    assert not reused(old, between=0)
    assert reused(old, between=0, epoch=None)
    undated = said(expires=date(10))
    assert not reused(undated, between=0, epoch=None)


def test_the_time_that_the_answer_took_counts():
    assert reused(said(cache_control="max-age=10"), delay=4.0, between=5.0)
    assert not reused(said(cache_control="max-age=10"), delay=6.0, between=5.0)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((status, True) for status in (200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501)),
        *((status, False) for status in (201, 202, 302, 303, 307, 403, 500, 502, 503, 504, 599)),
    ],
)
def test_what_does_not_say_is_fresh_by_its_age_where_its_status_allows(status, expected):
    day = {"last_modified": date(-86400), "date": date()}
    assert reused(said(status, **day)) is expected
    assert reused(said(status, **day, cache_control="public"))
    assert not reused(said(status, **day), between=8641)


def test_heuristics_are_the_cache_s_own():
    day = said(last_modified=date(-86400), date=date())
    assert reused(day, between=3000, heuristic=Heuristic(share=0.1, limit=3600))
    assert not reused(day, between=4000, heuristic=Heuristic(share=0.1, limit=3600))
    assert not reused(day, heuristic=Heuristic(share=0.0))


def test_errors_are_kept_as_long_as_the_cache_likes_where_they_do_not_say():
    patient = Heuristic(errors=10.0)
    assert reused(said(404), between=9, heuristic=patient)
    assert not reused(said(404), between=10, heuristic=patient)
    assert not reused(said(404, cache_control="max-age=1"), heuristic=patient)
    assert not reused(said(500), heuristic=patient)
    assert not reused(said(200), heuristic=patient)


@pytest.mark.parametrize(
    "status",
    [200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 502, 503, 504, 599],
)
def test_any_final_answer_that_says_how_long_is_kept_so_long(status):
    assert reused(said(status, **HOUR))
    assert not reused(said(status, expires=date(-5000), date=date()))


# Storing, section 3 and 5.2.2.


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"cache_control": "no-store"}, False),
        ({"cache_control": "No-StOrE, max-age=3600"}, False),
        ({"cache_control": "private, max-age=3600"}, False),
        ({"cache_control": "private=, max-age=3600"}, False),
        ({"cache_control": 'private="set-cookie", max-age=3600'}, True),
        ({"cache_control": "no-cache, max-age=3600"}, False),
        ({"cache_control": 'no-cache="set-cookie", max-age=3600'}, True),
        ({"cache_control": 'no-cache="a", no-cache, max-age=3600'}, False),
        ({"cache_control": "must-revalidate, max-age=3600"}, True),
        ({"cache_control": "max-age=3600, no-store, must-understand"}, True),
        ({**HOUR, "set_cookie": "a=b"}, True),
        ({**HOUR, "pragma": "no-cache"}, True),
        ({**HOUR, "content_encoding": "unheard-of"}, True),
    ],
)
def test_stored_unless_it_says_otherwise(fields, expected):
    assert reused(said(**fields)) is expected


def test_must_understand_is_about_the_status():
    understood = "max-age=3600, no-store, must-understand"
    assert not reused(said(599, cache_control=understood))
    assert not reused(said(599, cache_control="max-age=3600, must-understand"))
    assert reused(said(404, cache_control=understood))


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        ("max-age=3600", False),
        ("max-age=3600, public", True),
        ("max-age=3600, must-revalidate", True),
        ("s-maxage=3600", True),
        ("max-age=3600, private", False),
    ],
)
def test_an_answer_to_who_has_proved_who_he_is(control, expected):
    mine = get(authorization="Basic bWU6eA==")
    assert reused(said(cache_control=control), first=mine) is expected
    if "private" not in control:
        assert reused(said(cache_control=control), second=mine)


def test_fields_that_are_for_one_client_only_are_not_kept():
    site = Site(
        said(
            cache_control='max-age=60, private="set-cookie, x-user", no-cache="x-nonce"',
            set_cookie="me=1",
            x_user="ann",
            x_nonce="7",
            x_page="3",
            connection="x-hop",
            x_hop="1",
            proxy_authentication_info="x",
        )
    )
    first, second = site.ask(), site.ask()
    assert (first["set-cookie"], first["x-user"], first["x-page"]) == ("me=1", "ann", "3")
    assert second.from_cache
    assert second["x-page"] == "3"
    for name in (
        "set-cookie",
        "x-user",
        "x-nonce",
        "connection",
        "x-hop",
        "proxy-authentication-info",
    ):
        assert name not in second.headers


def test_what_tells_of_the_servers_does_not_come_back_with_a_confirmation():
    site = Site(
        said(cache_control="max-age=1", etag='"1"', server="nginx/1.27"),
        said(304, None, cache_control="max-age=9", etag='"1"', server="nginx/1.27"),
        identity=ReverseIdentity("edge"),
    )
    site.ask()
    for got in (site.after(2).ask(), site.ask()):
        assert got.status == 200
        assert "server" not in got.headers
        assert got["cache-control"] == "max-age=9"


def test_parts_from_the_origin_are_passed_on_and_not_kept():
    part = said(206, b"01", **HOUR, content_range="bytes 0-1/10")
    site = Site(part, part)
    for _ in range(2):
        got = site.ask(range="bytes=0-1")
        assert (got.status, got.body, got.cache) == (206, b"01", "miss")
        assert got.asked[0].headers.get("range") == "bytes=0-1"
    assert not len(site.cache)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_who_says_no_store_is_not_answered_from_the_store(method):
    private = get(method=method, cache_control="no-store")
    assert not reused(said(**HOUR), second=private)
    assert not reused(said(**HOUR), first=private)


# Age and Date, sections 4 and 5.1.


@pytest.mark.parametrize("fields", [HOUR, {"expires": date(3600), "date": date()}])
def test_what_comes_from_the_store_says_how_old_it_is(fields):
    site = Site(said(**fields, age="30"))
    site.ask()
    assert site.after(3.9).ask()["age"] == "33"


def test_the_date_of_what_is_stored_stays():
    site = Site(said(**HOUR, date=date(), expires=date(9000)))
    site.ask()
    got = site.after(60).ask()
    assert (got["date"], got["expires"]) == (date(), date(9000))


# What the client says, section 5.2.1.


@pytest.mark.parametrize(
    ("control", "stored", "between", "expected"),
    [
        ("max-age=0", "max-age=3600", 3, False),
        ("max-age=5", "max-age=3600", 3, True),
        ("max-age=1", "max-age=3600", 3, False),
        ("min-fresh=2000", "max-age=1500", 0, False),
        ("min-fresh=1000", "max-age=1500", 400, True),
        ("min-fresh=1000", "max-age=1500", 600, False),
        ("no-cache", "max-age=3600", 0, False),
        ("max-stale=1000", "max-age=1", 3, True),
        ("max-stale=1", "max-age=1", 3, False),
        ("max-stale", "max-age=1", 10**6, True),
        ("max-stale, max-age=2", "max-age=1", 3, False),
        ("max-stale", "max-age=1, must-revalidate", 3, False),
        ("max-stale", "max-age=1, proxy-revalidate", 3, False),
        ("max-stale", "s-maxage=1", 3, False),
        ("max-stale", "no-cache", 3, False),
        ("unknown", "max-age=3600", 3, True),
    ],
)
def test_the_client_may_be_stricter_or_more_patient(control, stored, between, expected):
    wants = get(cache_control=control)
    assert reused(said(cache_control=stored), between=between, second=wants) is expected


def test_stale_by_the_client_s_leave_is_called_stale():
    site = Site(said(cache_control="max-age=1"))
    site.ask()
    assert site.after(3).ask(cache_control="max-stale").cache == "stale"


def test_pragma_counts_where_there_is_no_cache_control():
    assert not reused(said(**HOUR), second=get(pragma="no-cache"))
    assert reused(said(**HOUR), second=get(pragma="no-cache", cache_control="max-age=60"))
    assert reused(said(**HOUR), second=get(pragma="unheard-of"))


@pytest.mark.parametrize("stored", [None, "max-age=1"])
def test_only_if_cached_never_asks_the_origin(stored):
    site = Site()
    if stored:
        site.says(said(cache_control=stored)).ask()
    got = site.after(3).ask(cache_control="only-if-cached")
    assert (got.status, got.asked) == (504, [])
    assert site.says(said(**HOUR)).ask().status == 200
    assert site.ask(cache_control="only-if-cached").status == 200


# Stale answers, section 4.2.4 and RFC 5861.


@pytest.mark.parametrize("error", [Failure("refused"), *(said(s, b"") for s in (500, 503))])
def test_stale_if_error(error):
    stored = said(cache_control="max-age=2, stale-if-error=60")
    site = Site(stored)
    site.ask()
    got = site.after(3).says(error).ask()
    assert (got.status, got.cache, got.body) == (200, "stale", b"0123456789")
    got = site.after(60).says(error).ask()
    assert got.status >= 500


def test_stale_if_error_is_not_for_answers_that_are_no_errors_of_the_server():
    site = Site(said(cache_control="max-age=2, stale-if-error=60"), said(404))
    site.ask()
    assert site.after(3).ask().status == 404


@pytest.mark.parametrize(
    ("control", "status"),
    [
        ("max-age=2", 200),
        ("max-age=2, stale-if-error=0", 502),
        ("max-age=2, must-revalidate", 504),
        ("max-age=2, proxy-revalidate", 504),
        ("max-age=2, s-maxage=2", 504),
        ("max-age=2, no-cache", 504),
        ("max-age=2, s-maxage=2, stale-if-error=60", 200),
        ("max-age=2, must-revalidate, stale-if-error=60", 504),
    ],
)
def test_the_cache_s_own_stale_if_error_yields_to_what_the_origin_forbids(control, status):
    site = Site(said(cache_control=control), stale_if_error=3600)
    site.ask()
    assert site.after(3).ask().status == status


def test_the_client_may_take_a_stale_answer_for_an_error():
    site = Site(said(cache_control="max-age=2"))
    site.ask()
    assert site.after(3).ask().status == 502
    assert site.ask(cache_control="stale-if-error=60").status == 200
    assert site.ask(cache_control="stale-if-error=60, no-cache").status == 502


def test_stale_while_revalidate_and_its_window():
    swr = said(cache_control="max-age=1, stale-while-revalidate=4", etag='"abc"')
    site = Site(swr)
    site.ask()
    got = site.after(3).says(Failure("refused")).ask()
    assert (got.status, got.cache) == (200, "stale")
    got = site.after(3).says(said(body=b"newer")).ask()
    assert (got.body, got.cache) == (b"newer", "miss")


def test_the_refresh_brings_the_newer_one():
    site = Site(said(cache_control="max-age=1, stale-while-revalidate=4"))
    site.ask()
    site.after(3).says(said(body=b"newer", **HOUR))
    assert site.ask().body == b"0123456789"
    assert site.ask().body == b"newer"


# Vary, section 4.1.


@pytest.mark.parametrize(
    ("vary", "first", "second", "expected"),
    [
        ("Foo", {"foo": "1"}, {"foo": "1"}, True),
        ("Foo", {"foo": "1"}, {"foo": "2"}, False),
        ("Foo", {"foo": "1"}, {}, False),
        ("Foo", {}, {"foo": "1"}, False),
        ("Foo", {"other": "2"}, {"other": "3"}, True),
        ("Foo, Bar", {"foo": "1", "bar": "a"}, {"bar": "a", "foo": "1"}, True),
        ("Foo, Bar", {"foo": "1", "bar": "a"}, {"foo": "1", "bar": "b"}, False),
        ("Foo, Bar, Baz", {"foo": "1", "baz": "3"}, {"foo": "1", "baz": "3"}, True),
        (["Foo", "Bar"], {"foo": "1", "bar": "a"}, {"foo": "1"}, False),
        ("*", {}, {}, False),
        ("*, *", {}, {}, False),
        (", *", {}, {}, False),
        (["", "*"], {}, {}, False),
        ("*, Foo", {"foo": "1"}, {"foo": "1"}, False),
        ("Foo, *", {"foo": "1"}, {"foo": "1"}, False),
        ("Foo", {"foo": "1, 2"}, {"foo": ["1", "2"]}, True),
        ("Foo", {"foo": "1,2"}, {"foo": " 1, 2 "}, True),
        ("Accept-Language", {"accept_language": "en, de"}, {"accept_language": "de, en"}, True),
        ("Accept-Language", {"accept_language": "en, de"}, {"accept_language": "eN, De"}, True),
        ("Accept-Language", {"accept_language": "en,de"}, {"accept_language": " en ,  de"}, True),
        ("Accept-Language", {"accept_language": "en"}, {"accept_language": "en;q=0.5"}, False),
        ("Accept-Encoding", {"accept_encoding": "gzip, br"}, {"accept_encoding": "br,gzip"}, True),
        ("Accept-Encoding", {"accept_encoding": "gzip"}, {}, False),
        ("Accept-Encoding", {}, {"accept_encoding": "gzip"}, False),
    ],
)
def test_only_who_asks_alike_is_answered_alike(vary, first, second, expected):
    answer = said(**HOUR, **DATED, vary=vary)
    assert reused(answer, first=get(**first), second=get(**second)) is expected


def test_a_language_that_the_client_wants_most_will_do():
    german = said(**HOUR, vary="Accept-Language", content_language="de")
    first = get(accept_language="en, de")
    for wants, expected in (
        ("fr;q=0.5, de;q=1.0", True),
        ("fr, de;q=0.9", False),
        ("de, fr", False),
    ):
        assert reused(german, first=first, second=get(accept_language=wants)) is expected


def test_variants_stand_side_by_side():
    one, two = said(body=b"1", **HOUR, vary="Foo"), said(body=b"2", **HOUR, vary="Foo")
    site = Site(one, two)
    assert not site.ask(foo="1").from_cache
    assert not site.ask(foo="2").from_cache
    assert [site.ask(foo=n).body for n in "1212"] == [b"1", b"2", b"1", b"2"]
    assert len(site.cache) == 2


def test_a_body_is_kept_once_in_each_coding_whoever_it_was_fetched_for():
    coded = said(body=b"coded", **HOUR, vary="Accept-Encoding", content_encoding="gzip")
    plain = said(**HOUR, vary="Accept-Encoding")
    site = Site(coded, plain, plain)
    site.ask(accept_encoding="gzip")
    site.ask()
    site.ask(accept_encoding="br")
    assert len(site.cache) == 2
    for wants in ({}, {"accept_encoding": "br"}):
        assert site.ask(**wants).body == plain.body.data
    for wants in ("gzip", "gzip, br;q=0.5"):
        assert site.ask(accept_encoding=wants).body == b"coded"


def test_of_several_that_fit_the_newest_is_sent():
    site = Site(said(body=b"old", **HOUR, vary="Foo"), said(body=b"new", **HOUR, vary="Bar"))
    site.ask(foo="1")
    site.ask(foo="2", bar="1")
    assert site.ask(foo="1", bar="1").body == b"new"


def test_variants_are_not_kept_without_end():
    site = Site()
    for number in range(100):
        site.says(said(**HOUR, vary="Foo")).ask(foo=str(number))
    assert len(site.cache) == 64
    assert site.ask(foo="99").from_cache
    assert site.says(said(**HOUR, vary="Foo")).ask(foo="1").asked


@pytest.mark.parametrize("other", [get("/?b"), get(host="b.example"), get("/x")])
def test_another_url_is_another_answer(other):
    assert not reused(said(**HOUR), second=other)


def test_a_port_is_part_of_the_url():
    site = Site(said(**HOUR), said(body=b"other"))
    site.ask()
    request = get()
    other = type(request)("GET", "http", request.host, 8080, "/", request.headers, request.peer)
    assert site.ask(other).body == b"other"


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


def test_what_was_evicted_while_it_was_asked_about_is_still_confirmed():
    site = Site(said(cache_control="max-age=1", etag='"1"'))
    site.ask()
    handling = site.proxy.handle(get())
    site.after(3)
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


def test_what_is_found_obsolete_is_forgotten():
    site = Site(said(cache_control="max-age=1"), said(404, cache_control="no-store"))
    site.ask()
    site.after(2).ask()
    assert len(site.cache) == 0


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


# Invalidation, section 4.4.


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "M-SEARCH"])
def test_a_change_that_worked_makes_the_stored_answer_obsolete(method):
    for status, obsolete in ((200, True), (204, True), (302, True), (404, False), (500, False)):
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
        ({**fresh, "content_location": "/other"}, False),
        (fresh, False),
        ({"content_location": "/"}, False),
    ):
        site = Site(said(**fields), said(body=b"newer"))
        site.ask(method="POST")
        assert site.after(3).ask().from_cache is expected


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


def test_a_date_is_too_weak_where_the_answer_was_made_in_the_same_second():
    site = Site(said(**HOUR, last_modified=date(), date=date()))
    site.ask()
    assert site.ask(range="bytes=0-1", if_range=date()).status == 200


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
    assert site.ask()["cache-status"] == "edge; fwd=miss; fwd-status=200; stored"
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


def test_it_is_silent_unless_told_to_speak():
    site = Site(said(**HOUR))
    assert "cache-status" not in site.ask().headers
    assert "cache-status" not in site.ask().headers


# Coded here: one body in each coding, each with a tag of its own.


TEXT = {"content_type": "text/plain", "etag": '"1"'}


def test_what_is_coded_here_is_kept_coded_and_asked_about_by_the_origin_s_tag():
    words = b"words " * 300
    site = Site(
        said(body=words, cache_control="max-age=10", **TEXT),
        proxy={"compression": Compression(("br", "gzip"))},
    )
    first = site.ask(accept_encoding="gzip")
    assert first.body == b"<gzip>" + words
    tag = first["etag"]
    assert tag != '"1"'
    assert site.ask(accept_encoding="gzip").from_cache
    site.after(11).says(said(304, None, cache_control="max-age=20", etag='"1"'))
    got = site.ask(accept_encoding="gzip")
    assert got.asked[0].headers.get("if-none-match") == '"1"'
    assert (got.cache, got.body, got["etag"]) == ("revalidated", b"<gzip>" + words, tag)
    assert got["content-encoding"] == "gzip"
    assert "accept-encoding" in got["vary"].lower()
    assert site.ask(accept_encoding="gzip", if_none_match=tag).status == 304


def test_a_stored_plain_answer_is_coded_once_and_no_younger_for_it():
    words = b"words " * 300
    site = Site(
        said(body=words, cache_control="max-age=10", **TEXT),
        proxy={"compression": Compression(("br", "gzip"))},
    )
    site.ask()
    got = site.after(8).ask(accept_encoding="br")
    assert (got.from_cache, got.body, got["age"]) == (True, b"<br>" + words, "8")
    assert len(site.cache) == 2
    assert site.ask(accept_encoding="br")["age"] == "8"
    assert site.says(said()).after(3).ask(accept_encoding="br").asked


# Collapsed fetches, section 4.


def play_two(site, first, second, answer):
    """Two at a time: what the first is sent, and what the second asks or is sent."""
    one, two = site.proxy.handle(first), site.proxy.handle(second)
    fill = next(one).generator
    next(fill)
    wait = one.send(None)
    next(two)
    with suppress(StopIteration):
        fill.send(answer)
    return one.send(wait.signal.value), two.send(wait.signal.value)


@pytest.mark.parametrize(
    ("answer", "second", "shared"),
    [
        (said(**HOUR), get(), True),
        (said(**HOUR, vary="Foo"), get(foo="1"), True),
        (said(**HOUR, vary="Foo"), get(foo="2"), False),
        (said(cache_control="no-cache", etag='"1"'), get(foo="1"), False),
        (said(cache_control="max-age=0"), get(foo="1"), False),
        (said(**HOUR), get(cache_control="no-cache"), False),
        (said(**HOUR), get(authorization="Basic x"), True),
    ],
)
def test_a_fetch_is_shared_by_those_whom_its_answer_is_for(answer, second, shared):
    site = Site(collapse=True)
    first, other = play_two(site, get(foo="1"), second, answer)
    assert first.response == answer.response
    if shared:
        assert (other.cache, other.body) == ("coalesced", answer.body)
    else:
        assert other.request.path == "/"


def test_what_is_for_the_first_alone_is_not_shared_with_the_second():
    answer = said(cache_control='max-age=60, private="set-cookie"', set_cookie="me=1", a="1")
    first, second = play_two(Site(collapse=True), get(), get(), answer)
    assert "set-cookie" in first.response.headers
    assert "set-cookie" not in second.response.headers
    assert second.response.headers.get("a") == "1"


def test_what_has_gone_stale_is_asked_about_once_for_all():
    site = Site(said(cache_control="max-age=10", etag='"1"'), collapse=True)
    site.ask()
    site.after(11)
    confirmed = said(304, None, cache_control="max-age=10")
    first, second = play_two(site, get(), get(if_none_match='"1"'), confirmed)
    assert (first.response.status, first.cache) == (200, "revalidated")
    assert (second.response.status, second.cache) == (304, "coalesced")
    assert site.ask().from_cache


def test_an_error_in_place_of_a_confirmation_is_stood_in_for_once_for_all():
    site = Site(said(cache_control="max-age=10, stale-if-error=60"), collapse=True)
    site.ask()
    site.after(11)
    first, second = play_two(site, get(), get(), Failure("refused"))
    assert (first.response.status, first.cache) == (200, "stale")
    assert (second.response.status, second.cache) == (200, "coalesced")


def test_who_asks_after_a_change_does_not_join_a_fetch_from_before_it():
    site = Site(collapse=True)
    first = site.proxy.handle(get())
    fetch = next(first).generator
    next(fetch)
    first.send(None)
    change = site.proxy.handle(get(method="DELETE"))
    next(change)
    change.send(said(204, None))
    spawn = next(site.proxy.handle(get()))
    assert spawn.generator is not fetch


# What the cache holds.


def test_heads_count_so_that_empty_answers_cannot_fill_it_without_end():
    site = Site(capacity=10_000)
    for number in range(1000):
        site.says(said(204, None, **HOUR, x="y" * 80)).ask(get(f"/{number}"))
    assert 50 < len(site.cache) < 10_000 / 100


def test_a_capacity_may_count_answers():
    site = Site(capacity=3, by_object=True)
    for number in range(5):
        site.says(said(body=b"x" * 10**6, **HOUR)).ask(get(f"/{number}"))
    assert len(site.cache) == 3


def test_a_newer_answer_that_is_too_large_leaves_nothing_old_behind():
    site = Site(said(cache_control="max-age=1"), said(body=b"x" * 2000, **HOUR), max_object=1000)
    site.ask()
    site.after(2).ask()
    assert len(site.cache) == 0


def test_admission_is_asked_before_anything_enters():
    site = Site(admission=SecondHit())
    for enters in (False, True):
        site.says(said(**HOUR)).ask()
        assert bool(len(site.cache)) is enters
    assert site.ask().from_cache
