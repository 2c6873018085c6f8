"""Connections to backends: where they lead, which are kept, and when a request goes twice."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from proxysim.messages import Request
from proxysim.policies.backend import Backend
from proxysim.sockets.dialling import Dialler
from proxysim.sockets.origin import Page
from proxysim.sockets.upstream import Upstreams


def test_a_name_with_its_port_comes_first():
    dialler = Dialler({"a.example": ("10.0.0.1", 1), "a.example:8080": ("10.0.0.2", 2)})
    assert dialler.found("a.example", 8080) == ("10.0.0.2", 2)
    assert dialler.found("a.example", 80) == ("10.0.0.1", 1)
    assert dialler.found("b.example", 80) == ("b.example", 80)


def test_tls_is_for_the_host_itself_and_not_for_a_proxy_before_it():
    context = ssl.create_default_context()
    upstreams = Upstreams(proxies=["parent"], tls=context, by_scheme=True)
    secret = Request("GET", "https", "bank.example", 443, "/")
    plain = Request("GET", "http", "bank.example", 80, "/")
    origin, parent = Backend("bank.example", "bank.example", 443), Backend("parent", "10.0.0.1", 8)
    assert upstreams.key(origin, secret) == ("bank.example", 443, "bank.example")
    assert upstreams.key(origin, plain)[2] == ""
    assert upstreams.key(parent, secret)[2] == ""


@pytest.mark.live
async def test_so_many_free_connections_are_kept_and_no_more(stage):
    _, slow = await stage.origin(page=Page(b"page", delay=0.05))
    edge = await stage.reverse(slow)
    edge.driver.renew(upstreams := Upstreams(most=2))
    await asyncio.gather(*(stage.ask(edge) for _ in range(5)))
    await stage.until(lambda: slow.in_flight == 0)
    await stage.until(lambda: len(upstreams.dialler.wires) == 2)
    assert upstreams.opened > 2


@pytest.mark.live
@pytest.mark.parametrize(("said", "status"), [(b"", 200), (b"HTTP/1.1 2", 502)])
async def test_what_a_backend_has_begun_to_answer_is_not_asked_again(stage, said, status):
    """By a kept connection: where not a byte has come, it may have been closed before."""
    conversations = []

    async def once(reader, writer):
        conversations.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        if len(conversations) == 1:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(said)
        writer.close()

    edge = await stage.reverse(await stage.raw(once))
    assert (await stage.ask(edge)).status == 200
    assert (await stage.ask(edge)).status == status
    assert len(conversations) == (2 if status == 200 else 1)
