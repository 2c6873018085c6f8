"""A small origin server, for a proxy to stand in front of."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

from proxysim.messages import NO_HEADERS, Connection, Content, Headers, Request, Response
from proxysim.proxies.effects import Effect, Handling, Opening, Send, Sleep

__all__ = ["Origin", "Page"]


@dataclass(frozen=True, slots=True)
class Page:
    """What an origin answers for a path, after *delay* seconds."""

    body: bytes = b""
    headers: Headers = NO_HEADERS
    status: int = 200
    delay: float = 0.0


class Origin:
    """Answers each path with its page, others with 404; keeps the requests it was sent.

    It asks its world as a proxy does, so the same driver serves it.
    """

    def __init__(self, pages: Mapping[str, Page]) -> None:
        self.pages = dict(pages)
        self.requests: list[Request] = []

    def opened(self, connection: Connection) -> Generator[Effect, Any, Opening]:
        """Accept whoever comes."""
        return Opening.ACCEPT
        yield

    def handle(self, request: Request) -> Handling:
        """Answer *request* with the page of its path."""
        self.requests.append(request)
        page = self.pages.get(request.path.partition("?")[0])
        if page is None:
            yield Send(Response(404), Content(b"404 no such page\n"))
            return
        if page.delay:
            yield Sleep(page.delay)
        yield Send(Response(page.status, page.headers), Content(page.body))

    def residents(self) -> tuple[()]:
        """Nothing runs by itself."""
        return ()
