"""Upgrades, the world played by hand: what is asked of a backend, and what the client is told."""

from __future__ import annotations

import pytest

from proxysim.messages import Connection, Content, Failure, Headers, Request, Response
from proxysim.policies.backend import Backend
from proxysim.policies.balancers.round_robin import RoundRobin
from proxysim.policies.identity import ReverseIdentity
from proxysim.policies.retry import Retry
from proxysim.proxies.effects import Discard, Fetch, Head, Relay, Send, Switched
from proxysim.proxies.reverse import ReverseProxy
from proxysim.proxies.upgrading import wanted
from tests.proxies.parts import Clock

ASKS = {"connection": "keep-alive, Upgrade", "upgrade": "h2c, WebSocket"}
LINE = Connection("10.0.0.9")
AGREED = Head(Response(101, Headers([("upgrade", "websocket"), ("server", "x")])), Switched(LINE))


def ask(fields=ASKS, body=None):
    return Request("GET", "http", "a.example", 80, "/chat", Headers(fields.items()), "c", body)


def edge(*servers, **options):
    proxy = ReverseProxy("edge", Clock(), ReverseIdentity(), RoundRobin(), servers, **options)
    proxy.upgrades = ("websocket",)
    return proxy


@pytest.mark.parametrize(
    ("request_", "protocol"),
    [
        (ask(), "WebSocket"),
        (ask({"upgrade": "websocket"}), ""),  # not said of this connection
        (ask({"connection": "upgrade"}), ""),
        (ask(ASKS | {"upgrade": "h2c"}), ""),
        (ask(body=Content(b"x")), ""),
        (ask({}), ""),
    ],
)
def test_only_what_may_be_relayed_is_wanted(request_, protocol):
    assert wanted(request_, ("websocket",)) == protocol


def test_a_backend_that_agrees_is_relayed_and_held_until_the_end():
    server = Backend("s")
    handling = edge(server).handle(ask())
    fetch = next(handling)
    asked = fetch.request.headers
    assert (asked.get("connection"), asked.get("upgrade")) == ("upgrade", "WebSocket")
    relay = handling.send(AGREED)
    assert isinstance(relay, Relay)
    assert relay.connection is LINE
    told = relay.response.headers
    assert (relay.response.status, told.get("upgrade")) == (101, "WebSocket")
    assert told.get("connection") == "upgrade"
    assert server.in_flight == 1
    with pytest.raises(StopIteration):
        handling.send(None)
    assert server.in_flight == 0


def test_one_that_does_not_agree_is_passed_on_like_any_other():
    handling = edge(Backend("s")).handle(ask())
    next(handling)
    page = Content(b"no")
    sent = handling.send(Head(Response(200), page))
    assert isinstance(sent, Send)
    assert (sent.response.status, sent.body) == (200, page)
    handling = edge(Backend("s")).handle(ask())
    next(handling)
    assert handling.send(Failure("refused")).response.status == 502


def test_a_second_backend_is_asked_the_same():
    handling = edge(Backend("s1"), Backend("s2"), retry=Retry(on=["connect", 503])).handle(ask())
    next(handling)
    again = handling.send(Failure("refused"))
    assert isinstance(again, Fetch)
    assert again.request.headers.get("upgrade") == "WebSocket"
    handling = edge(Backend("s1"), Backend("s2"), retry=Retry(on=[503])).handle(ask())
    next(handling)
    assert isinstance(handling.send(Head(Response(503), Content(b"busy"))), Discard)


def test_who_is_not_told_to_relay_does_not_ask():
    proxy = edge(Backend("s"))
    proxy.upgrades = ()
    asked = next(proxy.handle(ask())).request.headers
    assert "upgrade" not in asked
    assert "connection" not in asked


def test_a_client_that_leaves_gives_the_backend_back():
    server = Backend("s")
    handling = edge(server).handle(ask())
    next(handling)
    handling.close()
    assert server.in_flight == 0
