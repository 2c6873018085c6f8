"""Proxies of others, written in Python, that the wire is measured beside: the extra ``bench``.

``python -m benchmarks.peers ORIGIN PORT`` serves a reverse proxy of aiohttp, which does the least
that one must: it tells the server who asked, keeps fields of one hop to itself, and streams bodies.
proxy.py is measured as a forward proxy, its chief trade: as a reverse proxy, version 2.4.10 loses
the second request of a kept connection.
"""

from __future__ import annotations

import asyncio
import sys
from importlib.util import find_spec
from typing import Any

__all__ = ["PEERS", "command"]

#: Each peer, by its kind, and its module.
PEERS = {"aiohttp proxy": "aiohttp", "proxy.py forward": "proxy"}
OF_ONE_HOP = ("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "host")


def command(name: str, origin: int, port: int) -> list[str] | None:
    """How the peer called *name* is started on *port*; None where it is not installed."""
    if find_spec(PEERS[name]) is None:
        return None
    if name == "aiohttp proxy":
        return [sys.executable, "-m", "benchmarks.peers", str(origin), str(port)]
    return [
        sys.executable, "-m", "proxy", "--hostname", "127.0.0.1", "--port", str(port),
        "--num-acceptors", "1", "--num-workers", "1", "--log-level", "ERROR",
    ]  # fmt: skip


def serve(origin: int, port: int) -> None:
    """Serve the reverse proxy of aiohttp until it is ended."""
    from aiohttp import ClientSession, TCPConnector, web

    async def handle(request: web.Request) -> web.StreamResponse:
        headers = {k: v for k, v in request.headers.items() if k.lower() not in OF_ONE_HOP}
        headers["X-Forwarded-For"] = request.remote or ""
        async with session.request(
            request.method,
            f"http://127.0.0.1:{origin}{request.path_qs}",
            headers=headers,
            data=request.content if request.body_exists else None,
            allow_redirects=False,
        ) as found:
            kept = {k: v for k, v in found.headers.items() if k.lower() not in OF_ONE_HOP}
            kept.pop("Server", None)
            answer = web.StreamResponse(status=found.status, headers=kept)
            await answer.prepare(request)
            async for piece in found.content.iter_any():
                await answer.write(piece)
            await answer.write_eof()
            return answer

    async def main() -> None:
        nonlocal session
        connector = TCPConnector(limit=0)
        async with ClientSession(connector=connector, auto_decompress=False) as session:
            app = web.Application()
            app.router.add_route("*", "/{path:.*}", handle)
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", port).start()
            await asyncio.Event().wait()

    session: Any = None
    try:
        import uvloop
    except ImportError:
        asyncio.run(main())
    else:
        uvloop.run(main())


if __name__ == "__main__":
    serve(*map(int, sys.argv[1:3]))
