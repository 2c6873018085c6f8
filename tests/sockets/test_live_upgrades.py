"""Upgrades: relayed where that is the rule, else answered as if nobody had asked."""

from __future__ import annotations

import asyncio

import pytest

from proxysim.sockets.origin import Page
from tests.sockets.malformed import get

pytestmark = pytest.mark.live

ASKED = get(b"Connection: keep-alive, Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: x")


async def agree(reader, writer):
    """A backend that speaks to who asks as it should: back what was said, in capitals."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    assert b"\r\nconnection: upgrade\r\n" in head
    assert b"\r\nupgrade: websocket\r\n" in head
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Accept: y\r\n\r\nHELLO "
    )
    while data := await reader.read(100):
        writer.write(data.upper())
    writer.close()


@pytest.mark.parametrize("kind", ["reverse", "forward"])
async def test_an_upgrade_is_relayed_where_that_is_the_rule(stage, kind):
    raw = await stage.raw(agree)
    if kind == "reverse":
        edge = await stage.reverse(raw)
        asked = ASKED
    else:
        edge = await stage.forward({"shop.example": raw})
        asked = ASKED.replace(b"GET /", b"GET http://shop.example/")
    edge.proxy.upgrades = {"websocket"}
    reader, writer = await stage.connect(edge, asked + b"early ")
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101")
    assert b"\r\nsec-websocket-accept: y\r\n" in head
    writer.write(b"and late")
    assert await reader.readexactly(20) == b"HELLO EARLY AND LATE"
    assert edge.proxy.in_flight() == 1
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()
    await stage.until(lambda: edge.proxy.in_flight() == 0)


async def test_an_upgrade_is_not_asked_for_where_that_is_not_the_rule(stage):
    """h2c, for one, would let requests past the proxy's eyes."""
    origin, at = await stage.origin(page=Page(b"page"))
    edge = await stage.reverse(at)
    edge.proxy.upgrades = {"websocket"}
    h2c = get(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAA")
    reader, writer = await stage.connect(edge, h2c + get(b"Connection: close"))
    assert (await reader.read()).count(b"\r\n\r\npage") == 2
    writer.close()
    assert "upgrade" not in origin.requests[0].headers
    assert "http2-settings" not in origin.requests[0].headers


async def test_a_backend_may_decline(stage):
    origin, at = await stage.origin(page=Page(b"page"))
    edge = await stage.reverse(at)
    edge.proxy.upgrades = {"websocket"}
    reader, writer = await stage.connect(edge, ASKED + get(b"Connection: close"))
    assert (await reader.read()).count(b"\r\n\r\npage") == 2
    writer.close()
    assert origin.requests[0].headers.get("upgrade") == "websocket"


async def test_a_client_that_leaves_before_it_is_granted_leaves_nothing(stage):
    async def slow(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        await reader.read()
        writer.close()

    edge = await stage.reverse(await stage.raw(slow))
    edge.proxy.upgrades = {"websocket"}
    _, writer = await stage.connect(edge, ASKED)
    await stage.until(lambda: edge.proxy.in_flight() == 1)
    await asyncio.sleep(0.02)
    stage.reset(writer)
    await stage.until(lambda: edge.proxy.in_flight() == 0)
