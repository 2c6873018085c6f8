"""What a client can have held or done for it comes to an end, whatever it sends."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from proxysim.sockets.bodies import WINDOW
from proxysim.sockets.driver import Driver
from proxysim.sockets.limits import Limits
from proxysim.sockets.origin import Page
from proxysim.sockets.reading import SKIPPED
from proxysim.sockets.serve import Server
from proxysim.sockets.upstream import Upstreams
from tests.sockets.malformed import chunked, get

pytestmark = pytest.mark.live

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def patient(go):
    """A backend that answers each request once *go* is set, or leaves when it is left."""

    async def answer(reader, writer):
        while True:
            try:
                await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                writer.close()
                return
            while not (go.is_set() or reader.at_eof() or reader.exception()):  # noqa: ASYNC110
                await asyncio.sleep(0.002)
            writer.write(OK)

    return answer


async def poured(writer, piece, client):
    """Send *piece* again and again until the proxy takes no more; how often that was."""
    for count in range(1, 1000):
        writer.write(piece)
        await asyncio.sleep(0)
        if client.wire.held:
            return count
    raise AssertionError("it takes whatever comes")


async def met(stage, edge, condition):
    """The one client of *edge*, of which *condition* holds by now."""
    await stage.until(lambda: any(condition(client) for client in edge.clients.values()))
    return next(iter(edge.clients.values()))


async def test_a_field_that_never_ends_is_refused(stage):
    edge = await stage.reverse(await stage.nobody(), limits=Limits(1000, 1000))
    reader, writer = await stage.connect(edge, b"GET / HTTP/1.1\r\nHost: a.example\r\nX: ")
    answer = asyncio.ensure_future(reader.read())
    for _ in range(1000):
        writer.write(b"a" * 100)
        await asyncio.sleep(0.001)
        if answer.done() or reader.at_eof():
            break
    writer.close()
    assert (await answer).startswith(b"HTTP/1.1 431 ")


async def test_who_asks_on_and_on_without_reading_is_held(stage):
    go = asyncio.Event()
    edge = await stage.reverse(await stage.raw(patient(go)))
    reader, writer = await stage.connect(edge, get() * 3)
    client = await met(stage, edge, lambda client: client.wire.held)
    assert not client.gone
    go.set()
    writer.write(get(b"Connection: close"))
    assert (await reader.read()).count(b"\r\n\r\nok") == 4
    writer.close()


async def test_what_comes_before_an_upgrade_is_granted_is_held(stage):
    go = asyncio.Event()
    edge = await stage.reverse(await stage.raw(patient(go)))
    edge.proxy.upgrades = {"websocket"}
    asked = get(b"Connection: Upgrade", b"Upgrade: websocket")
    _, writer = await stage.connect(edge, asked)
    client = await met(stage, edge, lambda client: not client.idle)
    assert await poured(writer, b"x" * 64 * 1024, client) * 64 * 1024 > WINDOW
    assert client.held == 0
    assert len(client.wire.early) < 4 * WINDOW
    go.set()
    stage.reset(writer)
    await stage.until(lambda: not edge.clients)


@pytest.mark.parametrize(("more", "answers"), [(0, 2), (WINDOW, 1)])
async def test_a_body_that_nobody_wants_is_read_within_reason(stage, more, answers):
    edge = await stage.reverse(await stage.nobody(), sites=["shop.example"])
    size = SKIPPED - WINDOW // 2 + more
    head = b"POST /page HTTP/1.1\r\nHost: other.example\r\nContent-Length: %d\r\n\r\n" % size
    reader, writer = await stage.connect(edge, head)
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"x" * size)
    writer.write(b"GET /page HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n")
    rest = await reader.read()
    writer.close()
    assert rest.count(b"HTTP/1.1 421 ") == answers - 1


async def test_a_client_of_1_0_is_not_told_to_go_on(stage):
    go = asyncio.Event()
    go.set()
    edge = await stage.reverse(await stage.raw(patient(go)))
    head = (
        b"POST /page HTTP/1.0\r\nHost: a.example\r\nExpect: 100-continue\r\nContent-Length: 4\r\n"
    )
    reader, writer = await stage.connect(edge, head + b"\r\n")
    await asyncio.sleep(0.02)
    writer.write(b"body")
    assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
    writer.close()


async def test_a_tunnel_with_a_length_is_refused(stage):
    edge = await stage.forward()
    asked = b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\nContent-Length: 0\r\n\r\n"
    reader, writer = await stage.connect(edge, asked)
    assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
    writer.close()


async def test_a_refusal_is_never_written_into_an_answer(stage):
    """The body of a request proves broken when its answer has begun."""

    async def begin(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegun")
        await reader.read()
        writer.close()

    edge = await stage.reverse(await stage.raw(begin))
    reader, writer = await stage.connect(edge, chunked(b"5\r\nhello\r\n"))
    assert (await reader.readuntil(b"begun")).startswith(b"HTTP/1.1 200 ")
    writer.write(b"nonsense\r\n")
    with pytest.raises(ConnectionResetError):
        assert await reader.read() == b""
    writer.close()


async def test_who_leaves_before_the_answer_is_told_of_as_499(stage):
    told, go = [], asyncio.Event()
    edge = await stage.reverse(await stage.raw(patient(go)))
    edge.answered = lambda client: told.append(client.status)
    _, writer = await stage.connect(edge, get())
    await met(stage, edge, lambda client: not client.idle)
    stage.reset(writer)
    await stage.until(lambda: told)
    go.set()
    assert told == [499]


async def test_who_is_answered_while_it_drains_is_told_that_it_is_the_last(stage):
    go = asyncio.Event()
    edge = await stage.reverse(await stage.raw(patient(go)))
    reader, writer = await stage.connect(edge, get() * 3)
    await met(stage, edge, lambda client: client.wire.held)
    draining = asyncio.ensure_future(edge.drain())
    await stage.until(lambda: edge.draining)
    go.set()
    first, second, none = (await reader.read()).split(b"\r\n\r\nok")
    writer.close()
    await draining
    assert b"\r\nconnection: close" not in first
    assert b"\r\nconnection: close" in second
    assert none == b"", "what comes behind it is not answered"


async def test_who_is_idle_is_closed_when_it_drains(stage):
    _, at = await stage.origin(page=Page(b"page"))
    edge = await stage.reverse(at)
    reader, writer = await stage.connect(edge, get())
    await reader.readuntil(b"\r\n\r\npage")
    await edge.drain(None)
    assert await reader.read() == b""
    writer.close()


async def test_nothing_is_known_of_those_who_have_left(stage):
    edge = await stage.reverse(await stage.nobody())
    writers = [(await stage.connect(edge))[1] for _ in range(3)]
    await stage.until(lambda: sum(edge._by_peer.values()) == 3)
    for writer in writers:
        writer.close()
    await stage.until(lambda: not edge.clients)
    assert not edge._by_peer


async def test_who_does_not_read_from_a_tunnel_holds_its_server_up(stage):
    poured = [0]

    async def pour(reader, writer):
        with suppress(ConnectionError):
            while True:
                writer.write(bytes(WINDOW))
                await writer.drain()
                poured[0] += WINDOW

    bank = await stage.raw(pour)
    gateway = await stage.forward({"bank.example": bank})
    reader, writer = await stage.connect(gateway, b"CONNECT bank.example:443 HTTP/1.1\r\n")
    writer.write(b"Host: bank.example:443\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    client = await met(stage, gateway, lambda client: client.wire.unsent > WINDOW)
    before = -1
    while poured[0] != before:
        before = poured[0]
        await asyncio.sleep(0.1)
    assert client.wire.unsent < 4 * WINDOW
    stage.reset(writer)
    await stage.until(lambda: not gateway.clients)


async def test_who_does_not_say_for_whom_it_speaks_is_closed(stage):
    proxy = (await stage.reverse(await stage.nobody())).proxy
    edge = Server(proxy, Driver(Upstreams()), Limits(header_time=0.05))
    await stage.stack.enter_async_context(edge)
    await edge.start("127.0.0.1", 0, proxy_protocol=True)
    reader, writer = await stage.connect(edge, b"PROXY TCP4 ")
    with suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()
