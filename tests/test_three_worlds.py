"""One request, one proxy, three worlds: by hand, in simulated time, and on sockets.

The same class decides in all three; what it asks of its world, and what comes of it, is the same.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from proxysim.messages import Headers, Request, Response
from proxysim.policies.backend import Backend
from proxysim.policies.balancers import build_balancer
from proxysim.policies.identity import ReverseIdentity
from proxysim.proxies.effects import Fetch, Head, Send, Sent
from proxysim.proxies.reverse import ReverseProxy
from proxysim.scenario import from_dict
from proxysim.sim.world import World

SITE = "shop.example"
BODY = b"x" * 1000


def proxy_over(backends: list[Backend], clock: Any = lambda: 0.0) -> ReverseProxy:
    balancer = build_balancer("least_connections", Random(7))
    return ReverseProxy("edge", clock, ReverseIdentity("edge"), balancer, backends)


def test_by_hand() -> None:
    """The world is played here: what is asked, line by line, and the lease meanwhile."""
    backend = Backend("shop")
    proxy = proxy_over([backend])
    handling = proxy.handle(Request("GET", "http", SITE, 80, "/1", peer="127.0.0.9"))
    asked = next(handling)
    assert isinstance(asked, Fetch)
    assert asked.backend is backend
    assert asked.request.headers.get("x-forwarded-for") == "127.0.0.9"
    assert backend.in_flight == 1
    head = Head(Response(200, Headers((("server", "origin"), ("etag", '"1"')))))
    answered = handling.send(head)
    assert answered == Send(Response(200, Headers((("etag", '"1"'),))))
    with pytest.raises(StopIteration):
        handling.send(Sent(0))
    assert backend.in_flight == 0


def test_in_simulated_time() -> None:
    """SimPy's clock drives the very same class; its decisions are in the row and in the hops."""
    scenario = from_dict(
        {
            "proxysim": 1,
            "title": "one request",
            "run": {"duration": 10.0, "seed": 3},
            "sites": {SITE: {"objects": 1, "size": len(BODY)}},
            "nodes": {
                "users": {"kind": "clients", "arrivals": {"even": 0.1}},
                "edge": {
                    "kind": "reverse_proxy",
                    "sites": [SITE],
                    "backends": "shop",
                    "balancer": "least_connections",
                },
                "shop": {"kind": "server"},
            },
        }
    )
    world = World(scenario, 3, hops="all")
    edge = world.nodes["edge"]
    assert type(edge.proxy) is ReverseProxy  # type: ignore[union-attr]
    run = world.run()
    row = run.requests.iloc[0]
    assert (row["status"], row["bytes_down"], row["backend"]) == (200, len(BODY), "shop")
    seen = run.views[run.views["observer"] == "shop"].iloc[0]
    assert (seen["peer"], seen["forwarded_for"]) == ("edge", "users-1")
    assert all(backend.in_flight == 0 for backend in edge.proxy.fleet.backends)  # type: ignore[union-attr]


@pytest.mark.live
def test_on_a_socket() -> None:
    """asyncio drives it too: real bytes, and the origin sees the proxy as its peer."""
    pytest.importorskip("httptools")
    from proxysim.sockets.origin import Origin, Page
    from proxysim.sockets.serve import serve

    origin = Origin({"/1": Page(BODY, Headers((("server", "origin"), ("etag", '"1"'))))})

    async def go() -> tuple[bytes, Backend]:
        async with await serve(origin) as shop:
            backend = Backend("shop", shop.host, shop.port)
            proxy = proxy_over([backend], asyncio.get_running_loop().time)
            async with await serve(proxy) as edge:
                reader, writer = await asyncio.open_connection(edge.host, edge.port)
                lines = f"GET /1 HTTP/1.1\r\nHost: {SITE}\r\nConnection: close\r\n\r\n"
                writer.write(lines.encode())
                answer = await asyncio.wait_for(reader.read(), 60)
                writer.close()
        return answer, backend

    answer, backend = asyncio.run(go())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert b"origin" not in head.lower()
    assert body == BODY
    assert origin.requests[0].headers.get("x-forwarded-for") == "127.0.0.1"
    assert backend.in_flight == 0
