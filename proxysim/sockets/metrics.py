"""What a stand-alone proxy tells of itself: counters for Prometheus, and whether it is well."""

from __future__ import annotations

import resource
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

from proxysim.messages import Connection, Content, Headers, Request, Response
from proxysim.proxies.effects import Effect, Handling, Opening, Send
from proxysim.proxies.reverse import ReverseProxy

if TYPE_CHECKING:
    from proxysim.sockets.client import Client
    from proxysim.sockets.serve import Server

__all__ = ["Admin", "Metrics"]

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
PLAIN = Headers([("content-type", "text/plain; charset=utf-8"), ("cache-control", "no-store")])
EXPOSITION = PLAIN.set("content-type", "text/plain; version=0.0.4; charset=utf-8")


class Metrics:
    """Counts answers; call it with each client once answered. O(1) an answer."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._answers: Counter[tuple[int, str]] = Counter()
        self._blocked = 0
        self._bytes = 0
        self._seconds = 0.0
        self._buckets = [0] * (len(BUCKETS) + 1)

    def __call__(self, client: Client) -> None:
        self._answers[client.status, client.cache or "none"] += 1
        self._blocked += client.blocked
        self._bytes += client.sent
        seconds = self._clock() - client.began
        self._seconds += seconds
        self._buckets[bisect_left(BUCKETS, seconds)] += 1

    def text(self, server: Server) -> str:
        """Everything, in Prometheus' text format (version 0.0.4)."""
        return "".join(f"{line}\n" for line in self._lines(server))

    def _lines(self, server: Server) -> Iterator[str]:
        yield "# HELP proxysim_answers_total Answers sent to clients."
        yield "# TYPE proxysim_answers_total counter"
        for (status, cache), count in sorted(self._answers.items()):
            yield f'proxysim_answers_total{{status="{status}",cache="{cache}"}} {count}'
        yield "# HELP proxysim_blocked_total Requests that a filter or the log-in turned away."
        yield "# TYPE proxysim_blocked_total counter"
        yield f"proxysim_blocked_total {self._blocked}"
        yield "# HELP proxysim_sent_bytes_total Bytes of bodies sent to clients."
        yield "# TYPE proxysim_sent_bytes_total counter"
        yield f"proxysim_sent_bytes_total {self._bytes}"
        yield "# HELP proxysim_answer_seconds From a request's head to the end of its answer."
        yield "# TYPE proxysim_answer_seconds histogram"
        count = 0
        for edge, found in zip((*BUCKETS, "+Inf"), self._buckets, strict=True):
            count += found
            yield f'proxysim_answer_seconds_bucket{{le="{edge}"}} {count}'
        yield f"proxysim_answer_seconds_sum {self._seconds:.6f}"
        yield f"proxysim_answer_seconds_count {count}"
        yield "# HELP proxysim_connections Connections of clients that are open."
        yield "# TYPE proxysim_connections gauge"
        yield f"proxysim_connections {len(server.clients)}"
        yield "# HELP proxysim_upstream_connections_total Connections opened to backends."
        yield "# TYPE proxysim_upstream_connections_total counter"
        yield f"proxysim_upstream_connections_total {server.driver.upstreams.opened}"
        if isinstance(server.proxy, ReverseProxy):
            yield from _backends(server.proxy)
        usage = resource.getrusage(resource.RUSAGE_SELF)
        yield "# HELP process_cpu_seconds_total Processor time spent."
        yield "# TYPE process_cpu_seconds_total counter"
        yield f"process_cpu_seconds_total {usage.ru_utime + usage.ru_stime:.2f}"


def _backends(proxy: ReverseProxy) -> Iterator[str]:
    fleet = proxy.fleet
    yield "# HELP proxysim_backend_in_flight Requests that a backend has not yet answered."
    yield "# TYPE proxysim_backend_in_flight gauge"
    for backend in fleet.backends:
        yield f'proxysim_backend_in_flight{{backend="{backend.name}"}} {backend.in_flight}'
    yield "# HELP proxysim_backend_up Whether a backend is asked."
    yield "# TYPE proxysim_backend_up gauge"
    for backend in fleet.backends:
        yield f'proxysim_backend_up{{backend="{backend.name}"}} {int(backend not in fleet.away)}'


class Admin:
    """Answers ``/metrics`` and ``/healthz`` for *server*; served as a proxy is, on a port apart."""

    def __init__(self, server: Server, metrics: Metrics) -> None:
        self._server = server
        self._metrics = metrics

    def opened(self, connection: Connection) -> Generator[Effect, Any, Opening]:
        """Accept whoever comes."""
        return Opening.ACCEPT
        yield

    def handle(self, request: Request) -> Handling:
        """Answer *request*."""
        path = request.path.partition("?")[0]
        if request.method not in ("GET", "HEAD"):
            yield Send(Response(405, PLAIN.set("allow", "GET, HEAD")), Content(b"405\n"))
        elif path == "/metrics":
            text = self._metrics.text(self._server)
            yield Send(Response(200, EXPOSITION), Content(text.encode()))
        elif path == "/healthz":
            if self._server.draining:
                yield Send(Response(503, PLAIN), Content(b"draining\n"))
            else:
                yield Send(Response(200, PLAIN), Content(b"ok\n"))
        else:
            yield Send(Response(404, PLAIN), Content(b"404 There are /metrics and /healthz.\n"))

    def residents(self) -> tuple[()]:
        """Nothing runs by itself."""
        return ()
