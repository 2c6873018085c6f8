"""A forward proxy on real sockets: names, filters, tunnels, parents."""

from __future__ import annotations

import asyncio

import pytest

from proxysim.policies.backend import Backend
from proxysim.policies.filters import build_filters
from proxysim.sockets.origin import Page

pytestmark = pytest.mark.live


async def test_a_forward_proxy_takes_absolute_targets_and_resolves_names(stage):
    origin, at = await stage.origin(page=Page(b"news"))
    gateway = await stage.forward({"news.example": at})
    assert (await stage.ask(gateway, "http://news.example/page?today")).body == b"news"
    seen = origin.requests[0]
    assert (seen.host, seen.path) == ("news.example", "/page?today")
    assert "x-forwarded-for" not in seen.headers
    assert (await stage.ask(gateway, "http://nowhere.example/")).status == 502


async def test_a_forward_proxy_blocks_what_its_filters_deny(stage):
    rules = build_filters([{"deny": {"domain": "casino.example"}, "because": "gambling"}])
    gateway = await stage.forward(filters=rules)
    answer = await stage.ask(gateway, "http://casino.example/")
    assert answer.status == 403
    assert b"gambling" in answer.body


async def test_a_tunnel_carries_bytes_both_ways(stage):
    async def echo(reader, writer):
        while data := await reader.read(1000):
            writer.write(data)
        writer.write(b" goodbye")
        writer.close()

    bank = await stage.raw(echo)
    gateway = await stage.forward({"bank.example": bank})
    reader, writer = await stage.connect(gateway)
    writer.write(b"CONNECT bank.example:443 HTTP/1.1\r\nHost: bank.example:443\r\n\r\nearly ")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    writer.write(b"and late")
    assert await reader.readexactly(14) == b"early and late"
    writer.write_eof()  # half closed: what is still under way comes back
    assert await reader.read() == b" goodbye"
    await stage.until(lambda: gateway.proxy.in_flight() == 0)
    writer.close()


async def test_what_was_said_before_the_end_of_a_tunnel_arrives(stage):
    """Also when whoever reads it is slow, and the other side has long ended."""
    said, heard = bytes(range(256)) * 60_000, asyncio.get_running_loop().create_future()

    async def listen(reader, writer):
        writer.write_eof()
        data = b""
        while piece := await reader.read(200_000):
            data += piece
            await asyncio.sleep(0.001)
        heard.set_result(data)
        writer.close()

    gateway = await stage.forward({"bank.example": await stage.raw(listen)})
    reader, writer = await stage.connect(
        gateway, b"CONNECT bank.example:443 HTTP/1.1\r\nHost: bank.example:443\r\n\r\n"
    )
    writer.write(said)
    writer.write_eof()
    assert (await reader.read()).startswith(b"HTTP/1.1 200")
    assert await heard == said
    writer.close()


async def test_a_tunnel_through_a_parent(stage):
    async def greet(reader, writer):
        writer.write(b"welcome")
        writer.close()

    bank = await stage.raw(greet)
    parent = await stage.forward({"bank.example": bank})
    child = await stage.forward(parent=Backend("parent", parent.host, parent.port))
    reader, writer = await stage.connect(child)
    writer.write(b"CONNECT bank.example:443 HTTP/1.1\r\nHost: bank.example:443\r\n\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    assert await reader.read() == b"welcome"
    writer.close()


async def test_a_parent_is_told_the_whole_target_and_may_speak_at_once(stage):
    told = []

    async def play_parent(reader, writer):
        told.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nat once")
        writer.close()

    raw = await stage.raw(play_parent)
    child = await stage.forward(proxies=["raw"], parent=raw)
    assert (await stage.ask(child, "http://news.example/page")).body == b"at once"
    reader, writer = await stage.connect(child)
    writer.write(b"CONNECT bank.example:443 HTTP/1.1\r\nHost: bank.example:443\r\n\r\n")
    assert (await reader.read()).endswith(b"\r\n\r\nat once")
    writer.close()
    assert told == [
        b"GET http://news.example/page HTTP/1.1",
        b"CONNECT bank.example:443 HTTP/1.1",
    ]


async def test_a_tunnel_to_nobody_is_502(stage):
    dead = await stage.nobody()
    gateway = await stage.forward({"bank.example": dead})
    reader, writer = await stage.connect(gateway)
    writer.write(b"CONNECT bank.example:443 HTTP/1.1\r\nHost: bank.example:443\r\n\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 502")
    writer.close()
