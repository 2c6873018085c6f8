"""HTTP/1.1 and TLS as they come: bodies, kept connections, leave to send, rubbish."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from proxysim.errors import ScenarioError
from proxysim.messages import Headers
from proxysim.policies.backend import Backend
from proxysim.policies.filters import build_filters
from proxysim.sockets.origin import Origin, Page
from proxysim.sockets.serve import serve

pytestmark = pytest.mark.live

KEPT = Headers([("cache-control", "max-age=60"), ("content-type", "text/plain")])
WORDS = b"What a proxy does, it does for somebody. " * 2000


async def test_a_request_body_reaches_the_backend(stage):
    """With a length and in chunks; the answer echoes it."""

    async def echo(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if b"transfer-encoding: chunked" in head:
            body = b""
            while size := int(await reader.readline(), 16):
                body += await reader.readexactly(size)
                await reader.readline()
        else:
            size = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
            body = await reader.readexactly(size)
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + body)
        writer.close()

    raw = await stage.raw(echo)
    at = raw
    edge = await stage.reverse(at)
    sent = await stage.ask(edge, method="POST", body=WORDS)
    assert sent.body == WORDS
    chunks = [WORDS[:1000], WORDS[1000:5000]]
    chunked = await stage.ask(
        edge,
        method="POST",
        body=iter(chunks),
        encode_chunked=True,
        headers={"Transfer-Encoding": "chunked"},
    )
    assert chunked.body == WORDS[:5000]
    assert at.in_flight == 0


async def test_a_request_body_that_nobody_read_does_not_end_the_connection(stage):
    """A client that asked leave to send it, and was not given it, starts afresh."""
    gateway = await stage.forward(filters=build_filters([{"deny": {"method": "POST"}}]))
    reader, writer = await stage.connect(gateway)
    head = b"POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nContent-Length: 9\r\n"
    for _ in range(2):
        writer.write(head + b"\r\nunwelcome")
        answer = await reader.readuntil(b"</html>\n")
        assert answer.startswith(b"HTTP/1.1 403")
    writer.write(head + b"Expect: 100-continue\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 403")
    writer.close()


async def test_a_client_that_asks_leave_to_send_is_given_it(stage):
    _, at = await stage.origin(page=Page(b"thanks"))
    edge = await stage.reverse(at)
    reader, writer = await stage.connect(edge)
    writer.write(
        b"POST /page HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 7\r\n"
        b"Expect: 100-continue\r\n\r\n"
    )
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
    writer.write(b"welcome")
    assert (await reader.readuntil(b"thanks")).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_a_kept_connection_that_proves_closed_is_no_failure(stage):
    """For what may be sent twice: it goes by a new one. What may not is answered 502."""

    async def once(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    edge = await stage.reverse(await stage.raw(once))
    for method, status in (("GET", 200), ("GET", 200), ("POST", 502), ("POST", 200)):
        assert (await stage.ask(edge, method=method)).status == status
    assert edge.driver.upstreams.opened == 3


async def test_head_and_304_carry_no_body(stage):
    tagged = KEPT.add("etag", '"v1"')
    origin, at = await stage.origin(page=Page(WORDS, tagged))
    edge = await stage.reverse(at, cache=stage.cache())
    await stage.ask(edge)
    head = await stage.ask(edge, method="HEAD")
    assert (head.status, head.body) == (200, b"")
    unchanged = await stage.ask(edge, headers={"If-None-Match": '"v1"'})
    assert (unchanged.status, unchanged.body) == (304, b"")
    assert len(origin.requests) == 1


async def test_connections_are_kept_and_used_again(stage):
    _, at = await stage.origin(page=Page(b"page"))
    edge = await stage.reverse(at)

    assert (await stage.ask(edge, count=10)).body == b"page"
    assert edge.driver.upstreams.opened == 1


async def test_a_backend_that_closes_a_kept_connection_is_connected_to_again(stage):
    async def once(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        await writer.drain()
        writer.close()

    raw = await stage.raw(once)
    edge = await stage.reverse(raw)
    for _ in range(3):
        assert (await stage.ask(edge)).status == 200
        await asyncio.sleep(0.01)
    assert edge.driver.upstreams.opened == 3


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\x00\x01\x02 nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",  # no Host
        b"GET ftp://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        b"CONNECT a.example HTTP/1.1\r\nHost: a.example\r\n\r\n",  # no port
        b"GET http://a.example:99999/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
    ],
)
async def test_what_is_no_http_is_refused(stage, rubbish):
    gateway = await stage.forward()
    reader, writer = await stage.connect(gateway)
    writer.write(rubbish)
    assert (await reader.read()).startswith(b"HTTP/1.1 400")
    writer.close()


async def test_passthrough_sends_tls_on_unopened_by_its_server_name(stage):
    heard = asyncio.get_running_loop().create_future()

    async def listen(reader, writer):
        heard.set_result(await reader.readexactly(len(CLIENT_HELLO)))
        writer.write(b"sealed")
        writer.close()

    raw = await stage.raw(listen)
    at = raw
    edge = await stage.reverse(at, sites=["shop.example"], passthrough=True)
    reader, writer = await stage.connect(edge)
    writer.write(CLIENT_HELLO[:40])
    await writer.drain()
    writer.write(CLIENT_HELLO[40:])
    assert await heard == CLIENT_HELLO
    assert await reader.read() == b"sealed"
    writer.close()
    other = await stage.reverse(at, sites=["other.example"], passthrough=True)
    reader, writer = await stage.connect(other)
    writer.write(CLIENT_HELLO)
    assert await reader.read() == b""
    writer.close()


def _client_hello():
    """What the standard library says first to shop.example."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="shop.example")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


CLIENT_HELLO = _client_hello()


async def test_only_the_loopback_is_served_and_asked(stage):
    with pytest.raises(ScenarioError, match="loopback"):
        await serve(Origin({}), "0.0.0.0")
    edge = await stage.reverse(Backend("far", "192.0.2.1", 80))
    assert (await stage.ask(edge)).status == 403
