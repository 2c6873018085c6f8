"""What became of each request, put together from what every process tells of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from proxysim.loopback.records import Handled, Served

__all__ = ["Stories", "Story"]

FROM_STORE = frozenset({"hit", "stale", "revalidated"})
#: Proxies pass a request on at most this often: more are a circle.
DEEPEST = 32


class Story(NamedTuple):
    """Who did what on the way that won, and where the time went, in seconds."""

    served_by: str = ""
    backend: str = ""
    cache: str = "none"
    attempts: int = 0
    blocked: bool = False
    wait: float = 0.0
    service: float = 0.0
    cpu: float = 0.0


class Stories:
    """The logs of all *proxies* and *servers*, by request.

    A proxy's requests for tunnels stand apart from what it handled itself. Of *strangers*, proxies
    that tell nothing, it is known whether a server was asked behind them, and which was the last.
    """

    def __init__(
        self,
        proxies: Mapping[str, list[Handled]],
        servers: Mapping[str, list[Served]],
        strangers: Collection[str] = (),
    ) -> None:
        self._strangers = frozenset(strangers)
        self.received: dict[int, list[tuple[str, Handled | Served]]] = {}
        self.tunnels: dict[tuple[str, int], Handled] = {}
        self._handled: dict[tuple[str, int, int], Handled] = {}
        self._served: dict[tuple[str, int, int], Served] = {}
        self._servers = frozenset(servers)
        logs: list[tuple[str, list[Any]]] = [*proxies.items(), *servers.items()]
        for name, log in logs:
            for told in log:
                key = (name, told.id, told.attempt)
                if isinstance(told, Served):
                    self._served[key] = told
                elif told.method == "CONNECT":
                    self.tunnels[name, told.id] = told
                    continue
                else:
                    self._handled[key] = told
                self.received.setdefault(told.id, []).append((name, told))

    def told(self, node: str, request: int, attempt: int) -> Handled | Served | None:
        """What *node* tells of an attempt of *request*."""
        key = (node, request, attempt)
        return self._served.get(key) or self._handled.get(key)

    def of(self, node: str, request: int, attempt: int = 1, depth: int = 0) -> Story:
        """What became of *request* from *node* on."""
        key = (node, request, attempt)
        if node in self._servers:
            served = self._served.get(key)
            if served is None:
                return Story(backend=node)
            wait, service = served.began - served.arrived, served.ended - served.began
            return Story(node, node, wait=wait, service=service)
        if node in self._strangers:
            return self._behind(node, request)
        handled = self._handled.get(key)
        if handled is None or depth > DEEPEST:
            return Story()
        return self._by_proxy(node, handled, depth)

    def _behind(self, stranger: str, request: int) -> Story:
        """What became of *request* behind a proxy that tells nothing."""
        log = self.received.get(request, ())
        found = [(name, told) for name, told in log if isinstance(told, Served)]
        if not found:
            return Story(stranger)
        name, told = max(found, key=lambda row: row[1].ended)
        wait, service = told.began - told.arrived, told.ended - told.began
        return Story(name, name, attempts=len(found), wait=wait, service=service)

    def _by_proxy(self, node: str, handled: Handled, depth: int) -> Story:
        inner = Story()
        if handled.child:
            inner = self.of(handled.child, handled.id, handled.child_attempt, depth + 1)
        state, served_by, backend, cache = (
            handled.cache,
            inner.served_by,
            inner.backend,
            inner.cache,
        )
        attempts = handled.attempts
        wait, service, cpu = handled.wait, 0.0, handled.cpu
        if handled.heard:
            attempts += max(0, inner.attempts - 1)
            wait, service, cpu = wait + inner.wait, inner.service, cpu + inner.cpu
        else:
            served_by, cache = "", "none"
        if state in FROM_STORE:
            served_by, backend = node, ""
        elif state == "coalesced":
            served_by, backend = self.of(*handled.shared, depth + 1).served_by, ""
        elif not served_by:
            served_by = node
        if state in FROM_STORE or state == "coalesced" or (state != "none" and cache == "none"):
            cache = state
        blocked = handled.blocked or (handled.heard and inner.blocked)
        return Story(served_by, backend, cache, attempts, blocked, wait, service, cpu)
