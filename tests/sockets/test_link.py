"""A connection to a backend, by hand: what one answer leaves unread is no matter of the next."""

from __future__ import annotations

import pytest

from proxysim.messages import Failure, Request
from proxysim.proxies.effects import Head
from proxysim.sockets.bodies import Stream, read_body
from proxysim.sockets.link import Link
from proxysim.sockets.wire import WINDOW

LONG = WINDOW + 1000
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Wire:
    """Keeps what is written, and who holds it."""

    peer = "127.0.0.1"
    at_end = gone = False
    unsent = 0

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.holds: set[str] = set()

    def write(self, data):
        self.written.append(data)

    def hold(self, reason):
        self.holds.add(reason)

    def flow(self, reason):
        self.holds.discard(reason)

    def abort(self):
        self.gone = True


freed: list[Link] = []


@pytest.fixture
def link():
    return Link(Wire(), freed.append)


def asked(link):
    told: list = []
    link.ask(Request("GET", "http", "shop.example", 80, "/page"), None, told.append)
    return told


def unread(link):
    """A long answer, all of which has come and nobody has read; its body."""
    freed.clear()
    told = asked(link)
    link.received(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LONG)
    body = told[0].body
    assert isinstance(body, Stream)
    assert not freed
    link.received(b"x" * LONG)
    assert freed == [link]
    return body


def test_who_leaves_with_its_last_bytes_unread_breaks_off_nobody_else(link):
    body = unread(link)
    told = asked(link)
    body.abort()
    assert not link.wire.gone
    link.received(OK)
    assert [head.response.status for head in told] == [200]


async def test_who_is_slow_to_read_the_last_bytes_holds_up_nobody_else(link):
    body = unread(link)
    assert not link.wire.holds
    asked(link)
    link.received(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (2 * LONG))
    link.received(b"y" * LONG)
    assert link.wire.holds == {"body"}
    assert await read_body(body).read() == b"x" * LONG
    assert link.wire.holds == {"body"}, "what is held is another body"


def test_who_leaves_before_the_end_breaks_its_connection_off(link):
    told = asked(link)
    link.received(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nhalf" % LONG)
    told[0].body.abort()
    assert link.wire.gone


def test_an_answer_that_nobody_has_asked_for_ends_the_connection(link):
    told = asked(link)
    link.received(OK)
    assert (len(told), freed[-1], link.wire.gone) == (1, link, False)
    link.received(OK)
    assert link.wire.gone


@pytest.mark.parametrize(
    ("answer", "granted"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", False),
    ],
)
def test_a_tunnel_has_no_length(link, answer, granted):
    told: list = []
    link.ask(Request("CONNECT", "http", "bank.example", 443, ""), None, told.append)
    link.received(answer)
    assert isinstance(told[0], Head if granted else Failure)
    assert link.wire.gone is not granted
