"""What a cache takes in, and what it passes on only, as a client and an origin see it."""

from __future__ import annotations

import pytest

from proxysim.messages import Failure
from proxysim.policies.admission import SecondHit
from proxysim.policies.caching.storing import head_size
from proxysim.policies.identity import ReverseIdentity
from tests.proxies.origin import HOUR, Site, get, reused, said

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


def test_no_answer_is_told_and_not_kept():
    site = Site(Failure("refused"), Failure("timeout"))
    assert [(got.status, got.cache) for got in (site.ask(), site.ask())] == [
        (502, "miss"),
        (504, "miss"),
    ]
    assert len(site.cache) == 0


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


def test_an_answer_may_take_all_the_room_there_is():
    answer = said(**HOUR)
    whole = head_size(answer.response.headers) + 10
    for capacity, kept in ((whole, 1), (whole - 1, 0)):
        site = Site(answer, capacity=capacity, epoch=None)
        site.ask()
        assert len(site.cache) == kept
    for largest, kept in ((10, 1), (9, 0)):
        site = Site(answer, max_object=largest)
        site.ask()
        assert len(site.cache) == kept


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
