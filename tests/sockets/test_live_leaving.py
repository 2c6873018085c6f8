"""Clients that leave and servers that stop: nothing is left of either."""

from __future__ import annotations

import asyncio
import socket

import pytest

from proxysim.messages import Headers
from proxysim.sockets.limits import Limits
from proxysim.sockets.origin import Page
from proxysim.sockets.tls import Certificates
from tests.sockets.malformed import get, post

pytestmark = pytest.mark.live

KEPT = Headers([("cache-control", "max-age=60"), ("content-type", "text/plain")])


async def test_a_client_that_leaves_while_it_waits_frees_the_backend(stage):
    _, slow = await stage.origin(page=Page(b"late", delay=60.0))
    edge = await stage.reverse(slow)
    _, writer = await stage.get(edge)
    await stage.until(lambda: slow.in_flight == 1)
    stage.reset(writer)
    await stage.until(lambda: slow.in_flight == 0)


async def test_a_client_that_leaves_in_the_middle_of_a_body_frees_the_backend(stage):
    """It does not read, so back-pressure holds the server up; then it goes, and both know."""
    broken_off = asyncio.Event()

    async def pour(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\n\r\n")
        try:
            while True:
                writer.write(bytes(100_000))
                await writer.drain()
        except ConnectionError:
            broken_off.set()

    raw = await stage.raw(pour)
    at, cache = raw, stage.cache()
    edge = await stage.reverse(at, cache=cache)
    reader, writer = await stage.get(edge)
    await reader.readexactly(1000)
    assert at.in_flight == 1
    writer.transport.abort()
    await broken_off.wait()
    assert at.in_flight == 0
    assert len(cache) == 0


async def test_the_last_of_those_who_share_a_fetch_ends_it(stage):
    origin, slow = await stage.origin(page=Page(b"late", KEPT, delay=60.0))
    edge = await stage.reverse(slow, cache=stage.cache(collapse=True))
    writers = [(await stage.get(edge))[1] for _ in range(3)]
    await stage.until(lambda: sum(not client.idle for client in edge.clients.values()) == 3)
    await stage.until(lambda: slow.in_flight == 1)
    for writer in writers[:2]:
        stage.reset(writer)
    await asyncio.sleep(0.05)
    assert slow.in_flight == 1
    stage.reset(writers[2])
    await stage.until(lambda: slow.in_flight == 0)
    assert len(origin.requests) == 1
    await stage.until(lambda: not edge.driver.beside)


@pytest.mark.parametrize("pause", [0, 1, 2, 3, 5, 8])
async def test_a_client_that_leaves_as_its_tunnel_begins_leaves_nothing(stage, pause):
    ended = asyncio.Event()

    async def listen(reader, writer):
        try:
            await reader.read()
        finally:
            ended.set()
            writer.close()

    gateway = await stage.forward({"bank.example": await stage.raw(listen)})
    _, writer = await stage.connect(
        gateway, b"CONNECT bank.example:443 HTTP/1.1\r\nHost: bank.example:443\r\n\r\n"
    )
    for _ in range(pause):
        await asyncio.sleep(0)
    stage.reset(writer)
    await stage.until(lambda: not gateway.clients and not gateway.proxy.in_flight())
    assert gateway.tunnels == 0
    if gateway.driver.upstreams.opened:
        await ended.wait()


async def test_a_client_that_takes_nothing_is_broken_off(stage):
    _, at = await stage.origin(large=Page(bytes(30_000_000)))
    edge = await stage.reverse(at)
    reader, writer = await stage.get(edge, "/large")
    await reader.readexactly(1000)
    writer.transport.pause_reading()
    edge.bound(Limits(stall=0.1))
    await stage.until(lambda: not edge.clients and at.in_flight == 0)
    writer.close()


async def test_a_backend_that_stands_still_is_broken_off(stage):
    """In the middle of its answer, or of the request."""

    async def half(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        await reader.read()
        writer.close()

    edge = await stage.reverse(await stage.raw(half))
    reader, writer = await stage.get(edge)
    assert (await reader.readuntil(b"half")).startswith(b"HTTP/1.1 200")
    edge.bound(Limits(stall=0.1))
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await reader.readexactly(5)
    writer.close()
    await stage.until(lambda: edge.proxy.in_flight() == 0)

    stuck = asyncio.Event()

    async def deaf(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()
        await stuck.wait()
        writer.close()

    edge = await stage.reverse(await stage.raw(deaf))
    reader, writer = await stage.connect(
        edge, b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 90000000\r\n\r\n"
    )
    pouring = asyncio.create_task(_pour(writer))
    # What cannot be sent on waits here: the client is not slow, its backend is.
    await stage.until(lambda: any(client.wire.held for client in edge.clients.values()))
    edge.bound(Limits(stall=0.1))
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 504")
    stuck.set()
    pouring.cancel()
    await asyncio.gather(pouring, return_exceptions=True)
    writer.transport.abort()
    await stage.until(lambda: edge.proxy.in_flight() == 0)


async def _pour(writer):
    while True:
        writer.write(bytes(100_000))
        await writer.drain()


def sent_whole(server, data, context=None):
    """All that a client reads that sends everything first, however early it is answered."""
    answer = b""
    with socket.create_connection((server.host, server.port)) as connection:
        if context is not None:
            connection = context.wrap_socket(connection, server_hostname="shop.example")
        with connection:
            connection.sendall(data)
            while b"\n\r" not in answer and (piece := connection.recv(1000)):
                answer += piece
    return answer


@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize(
    ("data", "status"),
    [
        (post(b"Content-Length: 30000000", body=bytes(30_000_000)), b"413"),
        (get(b"X: y" * 10_000) + bytes(10_000_000), b"431"),
        (b"rubbish\r\n\r\n" + bytes(10_000_000), b"400"),
    ],
    ids=["body", "fields", "rubbish"],
)
async def test_who_goes_on_sending_can_still_read_its_refusal(stage, encrypted, data, status):
    """Were the connection closed at once, the reset for what is not read would overtake it."""
    made = Certificates(["shop.example"]) if encrypted else None
    edge = await stage.reverse(
        await stage.nobody(),
        limits=Limits(body=1_000_000),
        tls=None if made is None else made.server_context(),
    )
    context = None if made is None else made.client_context()
    answer = await asyncio.to_thread(sent_whole, edge, data, context)
    assert answer.split()[1] == status
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("patience", ["linger", "silence"])
async def test_who_was_refused_may_not_stay_for_ever(stage, patience):
    edge = await stage.reverse(await stage.nobody())
    reader, writer = await stage.connect(edge, b"rubbish\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 400")
    edge.bound(Limits(**{patience: 0.1}, idle=0.1))  # which has it look oftener
    pouring = asyncio.create_task(_pour(writer)) if patience == "linger" else None
    await stage.until(lambda: not edge.clients)
    if pouring is not None:
        pouring.cancel()
        await asyncio.gather(pouring, return_exceptions=True)
    writer.transport.abort()


async def test_a_server_that_stops_leaves_nothing(stage):
    """Requests under way, kept connections, spawned fetches: all gone when close returns."""
    _, slow = await stage.origin(
        late=Page(b"late", KEPT, delay=60.0), page=Page(b"page"), large=Page(bytes(50_000_000))
    )
    before = stage.sockets()
    edge = await stage.reverse(slow, cache=stage.cache(collapse=True))
    idle = await stage.get(edge, "/page")
    await idle[0].readuntil(b"page")
    waiting = await stage.get(edge, "/late")
    stalled = await stage.get(edge, "/large")
    await stalled[0].readexactly(1000)
    await stage.until(lambda: slow.in_flight == 2)
    await asyncio.sleep(0.3)  # all buffers on the way to the stalled client are full by then
    await edge.close()
    assert slow.in_flight == 0
    await stage.until(lambda: stage.sockets() <= before + 3)  # the clients' own
    stalled[1].close()
    for reader, writer in (idle, waiting):
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await reader.readexactly(1)
        writer.close()
    with pytest.raises(ConnectionRefusedError):
        await stage.connect(edge)
