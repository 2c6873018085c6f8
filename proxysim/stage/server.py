"""The page of ``proxysim play``: its server, which serves this machine and nobody else.

A page of another site that is open in the same browser could try to use it, also under a name of
its own that it lets lead here (DNS rebinding). So the Host must be this machine by name or address,
what comes from another origin, by a browser's Origin or Sec-Fetch-Site, is refused; and nothing
here changes anything.

Source: RFC 9110, section 7.2; RFC 6454, section 7; https://www.w3.org/TR/fetch-metadata/
"""

from __future__ import annotations

import asyncio
import math
import os
import socket
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from proxysim.errors import ProxysimError, ResultError, ScenarioError
from proxysim.stage.page import script, style
from proxysim.stage.rehearsal import Asked
from proxysim.stage.scenes import scenes_of
from proxysim.stage.worker import Worker

__all__ = ["application", "listening", "serve"]

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:"
    " blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
_PAGE = (
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    '<title>proxysim</title>\n<link rel="icon" href="data:,">\n'
    '<link rel="stylesheet" href="player.css">\n</head>\n<body>\n<div id="proxysim"></div>\n'
    '<script type="module" src="player.js"></script>\n</body>\n</html>\n'
)
_HERE = ("localhost", "127.0.0.1", "[::1]")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def application(
    library: Mapping[str, str | os.PathLike[str]],
    worker: Worker,
    first: str = "",
    command: str = "proxysim play",
) -> App:
    """The ASGI application: a page, its script and style, and runs of the *library*'s scenarios.

    *first* is the scenario that the page opens with, *command* what starts it all again.
    """

    def page(_: Request) -> Response:
        return Response(_PAGE, media_type="text/html")

    def player(_: Request) -> Response:
        return Response(script("live"), media_type="text/javascript")

    def sheet(_: Request) -> Response:
        return Response(style(), media_type="text/css")

    def scenarios(_: Request) -> Response:
        return JSONResponse(
            {
                "first": first,
                "command": command,
                "names": list(library),
                "scenes": {n: scenes_of(n) for n in library},
            }
        )

    async def run(request: Request) -> Response:
        try:
            asked = _asked(request)
            found = await asyncio.to_thread(worker.perform, asked)
        except ProxysimError as error:
            return JSONResponse({"problem": str(error)}, status_code=400)
        return Response(found, media_type="application/json")

    async def film(request: Request) -> Response:
        try:
            asked = _asked(request, also=("from", "to", "seconds"))
            span = (_number(request, name) for name in ("from", "to", "seconds"))
            found = await asyncio.to_thread(worker.film, asked, *span)
        except ProxysimError as error:
            return JSONResponse({"problem": str(error)}, status_code=400)
        return Response(found, media_type="image/gif")

    routes = [
        Route("/", page), Route("/player.js", player), Route("/player.css", sheet),
        Route("/scenarios", scenarios), Route("/run", run),
        Route("/film", film),
    ]  # fmt: skip
    return _guarded(Starlette(routes=routes))


def listening(port: int) -> socket.socket:
    """A socket on the loopback; *port* 0 takes any that is free. ResultError where it is taken."""
    here = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    here.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        here.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        here.close()
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ResultError(
            f"port {port} cannot be had: {reason}", place="--port", mend="Give another, or none."
        ) from None
    return here


def serve(
    library: Mapping[str, str | os.PathLike[str]], first: str, here: socket.socket,
    ready: Callable[[str], None],
    command: str = "proxysim play",
) -> None:  # fmt: skip
    """Serve until interrupted; *ready* is called with the page's address once it can be asked."""
    import uvicorn

    worker = Worker(library)
    config = uvicorn.Config(
        application(library, worker, first, command), log_level="warning", access_log=False,
        timeout_graceful_shutdown=1, server_header=False,
    )  # fmt: skip

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready(f"http://127.0.0.1:{here.getsockname()[1]}/")

    try:
        with suppress(KeyboardInterrupt):  # which is how it ends, after it has shut down
            Server(config).run(sockets=[here])
    finally:
        worker.close()
        here.close()


def _number(request: Request, name: str) -> float:
    text = request.query_params.get(name, "")
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise ScenarioError(f"found {text[:40]!r} as {name}", mend="Give seconds.")
    return found


def _asked(request: Request, also: tuple[str, ...] = ()) -> Asked:
    told = request.query_params
    unknown = set(told) - {"scenario", "set", "vs", "seed", *also}
    if unknown:
        raise ScenarioError(
            f"the address has settings that nobody knows: {', '.join(sorted(unknown))[:200]}",
            mend="It may have scenario, set, vs and seed.",
        )
    seed = told.get("seed")
    if seed is not None and not (seed.isascii() and seed.isdecimal() and len(seed) < 19):
        raise ScenarioError(f"found the seed {seed[:40]!r}", mend="Give a whole number.")
    return Asked(
        name=told.get("scenario", ""),
        settings=tuple(told.getlist("set")),
        versus=tuple(told.getlist("vs")),
        seed=None if seed is None else int(seed),
    )


def _guarded(inner: App) -> App:
    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await inner(scope, receive, send)
            return
        fields = dict(scope["headers"])
        port = scope["server"][1]
        host = fields.get(b"host", b"").decode("latin-1").lower()
        own = f"http://{host}".encode("latin-1")
        whence = fields.get(b"sec-fetch-site", b"none")
        origin = fields.get(b"origin")
        answer: App = inner
        if host not in {f"{name}:{port}" for name in _HERE}:
            answer = PlainTextResponse(
                f"This page is at http://127.0.0.1:{port}/ and nowhere else.\n", status_code=421
            )
        elif whence not in (b"none", b"same-origin") or origin not in (None, own):
            answer = PlainTextResponse("Not for pages of other sites.\n", status_code=403)
        elif scope["method"] not in ("GET", "HEAD"):
            answer = PlainTextResponse("Only GET.\n", status_code=405, headers={"allow": "GET"})

        async def headed(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        await answer(scope, receive, headed)

    return guarded
