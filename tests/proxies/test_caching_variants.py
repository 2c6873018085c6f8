"""For whom a stored answer is: variants, codings, and fetches that many wait for."""

from __future__ import annotations

import pytest

from proxysim.messages import Failure
from proxysim.policies.compression import Compression
from proxysim.proxies.effects import Spawn, Wait
from tests.proxies.origin import DATED, HOUR, Site, get, play_two, reused, said

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
    other = said(**HOUR, vary="Foo", content_language="de")
    assert not reused(other, first=get(foo="en"), second=get(foo="de"))


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


def test_what_was_confirmed_last_is_the_newest():
    minute = {"cache_control": "max-age=60", "etag": '"1"', "vary": "Foo"}
    site = Site(said(body=b"first", **minute), said(body=b"second", **HOUR, vary="Bar"))
    site.ask(foo="1")
    site.ask(foo="2", bar="1")
    assert site.ask(foo="1", bar="1").body == b"second"
    site.after(70).says(said(304, None, **minute | HOUR)).ask(foo="1")
    assert site.ask(foo="1", bar="1").body == b"first"


@pytest.mark.parametrize("vary", ["Foo", "Foo, Accept-Encoding"])
def test_an_origin_may_change_its_mind_about_codings(vary):
    other = {"Foo", "Foo, Accept-Encoding"} - {vary}
    site = Site(said(cache_control="max-age=1", vary=vary), said(**HOUR, vary=other.pop()))
    site.ask(foo="1", accept_encoding="gzip")
    site.after(2).ask(foo="1", accept_encoding="gzip")
    assert len(site.cache) == 1
    assert site.ask(foo="1", accept_encoding="gzip").from_cache
    assert site.ask(foo="1").from_cache is (vary != "Foo")


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


@pytest.mark.parametrize(("wants", "coded"), [({"accept_encoding": "gzip"}, True), ({}, False)])
def test_a_confirmation_leaves_what_this_proxy_says_of_codings(wants, coded):
    site = Site(
        said(body=b"words " * 300, cache_control="max-age=10", **TEXT),
        proxy={"compression": Compression(("br", "gzip"))},
    )
    site.ask(**wants)
    new = said(304, None, cache_control="max-age=60", vary="Accept", content_md5="x")
    got = site.after(11).says(new).ask(**wants)
    assert (got.cache, got["vary"]) == ("revalidated", "Accept, Accept-Encoding")
    assert ("content-md5" in got.headers) is not coded
    assert got["content-encoding"] == ("gzip" if coded else "")


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


def test_who_wants_it_as_it_is_gets_it_so_from_the_store_as_well():
    words = b"words " * 300
    site = Site(
        *2 * [said(body=words, **HOUR, **TEXT)], proxy={"compression": Compression(("br", "gzip"))}
    )
    as_it_is = {"accept_encoding": "gzip", "cache_control": "no-transform"}
    assert site.ask(accept_encoding="gzip").body == b"<gzip>" + words
    for asked in (1, 0):
        got = site.ask(**as_it_is)
        assert (got.body, got["content-encoding"], len(got.asked)) == (words, "", asked)
    assert site.ask(accept_encoding="gzip").body == b"<gzip>" + words


def test_a_confirmation_adds_nothing_to_what_is_not_coded_here():
    picture = said(cache_control="max-age=10", etag='"1"', content_type="image/png")
    site = Site(picture, proxy={"compression": Compression(("gzip",))})
    site.ask(accept_encoding="gzip")
    site.after(11).says(said(304, None, etag='"1"'))
    got = site.ask(accept_encoding="gzip")
    assert (got.cache, got["etag"], got["vary"]) == ("revalidated", '"1"', "")


def test_where_there_is_nothing_to_code_nothing_is_coded():
    site = Site(said(301, None, **HOUR, **TEXT), proxy={"compression": Compression(("gzip",))})
    for asked in (1, 0):
        got = site.ask(accept_encoding="gzip")
        assert (got.status, got["content-encoding"], len(got.asked)) == (301, "", asked)


def test_what_the_origin_has_coded_is_as_it_is():
    site = Site(
        said(content_encoding="gzip", **HOUR), proxy={"compression": Compression(("br", "gzip"))}
    )
    site.ask(accept_encoding="gzip")
    assert site.ask(accept_encoding="gzip", cache_control="no-transform").from_cache


# Collapsed fetches, section 4.


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


def test_a_confirmation_of_something_else_leaves_each_to_ask_alone():
    site = Site(said(cache_control="max-age=10", etag='"1"'), collapse=True)
    site.ask()
    site.after(11)
    both = play_two(site, get(), get(), said(304, None, etag='"2"'))
    assert [effect.request.headers.get("if-none-match") for effect in both] == ['"1"', '"1"']


def test_an_error_in_place_of_a_confirmation_is_stood_in_for_once_for_all():
    site = Site(said(cache_control="max-age=10, stale-if-error=60"), collapse=True)
    site.ask()
    site.after(11)
    first, second = play_two(site, get(), get(), Failure("refused"))
    assert (first.response.status, first.cache) == (200, "stale")
    assert (second.response.status, second.cache) == (200, "coalesced")


def test_what_stands_in_for_an_error_is_shared_only_by_those_whom_it_is_for():
    site = Site(said(cache_control="max-age=10, stale-if-error=60", vary="Foo"), collapse=True)
    site.ask(foo="1")
    site.after(11)
    refused = Failure("refused")
    for other in (get(foo="2"), get(foo="1", cache_control="no-cache")):
        first, second = play_two(site, get(foo="1"), other, refused)
        assert (first.response.status, first.cache) == (200, "stale")
        assert second.request.headers.get("foo") == other.headers.get("foo")  # a fetch of its own


def test_who_comes_when_the_copy_has_been_given_up_does_not_join():
    site = Site(collapse=True)
    first = site.proxy.handle(get())
    fetch = next(first).generator
    next(fetch)
    first.send(None)
    drain = fetch.send(said(**HOUR))
    assert isinstance(next(site.proxy.handle(get())), Wait)
    drain.store.abandon()
    assert isinstance(next(site.proxy.handle(get())), Spawn)


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
