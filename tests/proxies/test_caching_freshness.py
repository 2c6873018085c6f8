"""For how long a cache answers from what it keeps, as a client and an origin see it."""

from __future__ import annotations

import pytest

from proxysim.messages import Failure
from proxysim.policies.caching.freshness import Heuristic
from tests.proxies.origin import HOUR, Site, date, get, reused, said

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


def test_an_answer_without_a_date_is_given_one_where_there_is_a_calendar():
    site = Site(said(**HOUR))
    site.after(5).ask()
    assert site.after(60).ask()["date"] == date(5)
    site = Site(said(**HOUR), epoch=None)
    site.ask()
    assert "date" not in site.ask().headers


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


@pytest.mark.parametrize("collapse", [False, True])
@pytest.mark.parametrize(
    ("error", "given_up"),
    [(Failure("refused"), 0), (said(500, b""), 1), (said(503, b""), 1), (said(502, None), 0)],
)
def test_stale_if_error(error, given_up, collapse):
    site = Site(said(cache_control="max-age=2, stale-if-error=60"), collapse=collapse)
    site.ask()
    got = site.after(3).says(error).ask()
    assert (got.status, got.cache, got.body) == (200, "stale", b"0123456789")
    assert len(site.discarded) == given_up
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


def test_but_for_no_longer_than_an_origin_says_that_forbids_stale_answers():
    site = Site(said(cache_control="s-maxage=2, stale-if-error=5"))
    site.ask()
    assert site.after(6).ask(cache_control="stale-if-error=60").status == 200
    assert site.after(2).ask(cache_control="stale-if-error=60").status == 504


def test_stale_while_revalidate_and_its_window():
    swr = said(cache_control="max-age=1, stale-while-revalidate=4", etag='"abc"')
    site = Site(swr)
    site.ask()
    got = site.after(3).says(Failure("refused")).ask()
    assert (got.status, got.cache) == (200, "stale")
    got = site.after(3).says(said(body=b"newer")).ask()
    assert (got.body, got.cache) == (b"newer", "miss")


@pytest.mark.parametrize("control", ["max-age=60", "min-fresh=1", "max-stale=1"])
def test_who_wants_nothing_stale_waits_for_the_newer_one(control):
    site = Site(said(cache_control="max-age=1, stale-while-revalidate=9"))
    site.ask()
    got = site.after(3).says(said(body=b"newer")).ask(cache_control=control)
    assert (got.body, got.cache) == (b"newer", "miss")


def test_the_refresh_brings_the_newer_one():
    site = Site(said(cache_control="max-age=1, stale-while-revalidate=4"))
    site.ask()
    site.after(3).says(said(body=b"newer", **HOUR))
    assert site.ask().body == b"0123456789"
    assert site.ask().body == b"newer"


@pytest.mark.parametrize(
    ("answer", "forgotten"),
    [
        (said(304, None, etag='"1"', **HOUR), False),
        (said(304, None, etag='"2"'), True),
        (said(404, cache_control="no-store"), True),
        (said(503), False),
        (Failure("refused"), False),
    ],
)
def test_what_the_refresh_finds_obsolete_is_forgotten(answer, forgotten):
    site = Site(said(cache_control="max-age=1, stale-while-revalidate=9", etag='"1"'))
    site.ask()
    assert site.after(3).says(answer).ask().cache == "stale"
    assert (len(site.cache) == 0) is forgotten
    fresh = not isinstance(answer, Failure) and answer.response.headers.get("etag") == '"1"'
    if not forgotten:
        assert site.ask().cache == ("hit" if fresh else "stale")
