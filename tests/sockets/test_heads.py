"""Heads, judged one by one: hosts and targets, and what may stand behind a body."""

from __future__ import annotations

import pytest

from proxysim.messages import Headers
from proxysim.sockets.heads import Refused, authority, read_target, read_trailers


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("shop.example", ("shop.example", 0)),
        ("Shop.Example.:8080", ("shop.example", 8080)),
        ("[::1]:65535", ("::1", 65535)),
        ("127.0.0.1:1", ("127.0.0.1", 1)),
    ],
)
def test_spellings_of_one_host_are_one(text, found):
    assert authority(text) == found


@pytest.mark.parametrize(
    ("method", "target", "hosts"),
    [
        ("CONNECT", "shop.example", ()),
        ("CONNECT", "shop.example:0", ()),
        ("CONNECT", "shop.example:443", ("a b",)),
        ("CONNECT", "shop.example:443", ("a.example", "b.example")),
        ("CONNECT", "/", ("shop.example",)),
        ("GET", "http://shop.example/", ("a b",)),
        ("GET", "http://user@shop.example/", ("shop.example",)),
        ("GET", "*", ("shop.example",)),
        ("GET", "page", ("shop.example",)),
        ("GET", "/a#b", ("shop.example",)),
    ],
)
def test_a_target_in_doubt_is_refused(method, target, hosts):
    with pytest.raises(Refused) as refused:
        read_target(method, target, hosts, "http")
    assert refused.value.status == 400


@pytest.mark.parametrize(
    "name",
    [
        *("Content-Length", "Transfer-Encoding", "Host", "Cookie", "Trailer", "TE", "Connection"),
        *("X-Forwarded-For", "Forwarded", "Via", "Server", "X_Forwarded_For", "Proxy", "X-Named"),
    ],
)
def test_what_frames_or_tells_who_asks_is_no_trailer(name):
    before = Headers([("connection", "close, x-named")])
    raw = ((name.encode(), b"1"), (b"X-Sum", b"2"))
    assert read_trailers(raw, before) == (("x-sum", "2"),)
