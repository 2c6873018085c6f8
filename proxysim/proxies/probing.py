"""Probes: what asks each backend now and again whether it is well."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from random import Random
from typing import Any

from proxysim.messages import Failure, Request
from proxysim.policies.backend import Backend
from proxysim.policies.health import HealthChecks
from proxysim.proxies.effects import Deadlines, Drain, Effect, Fetch, Sleep
from proxysim.proxies.fleet import Fleet

__all__ = ["Prober"]


class Prober:
    """Runs the *checks* of a *fleet*, and tells it what came of them.

    Probes ask for *host* by *scheme*; *clock* gives the world's seconds, *streams* a stream of
    random numbers for each backend's name. A probe is fetched like a request, but takes no
    lease: it is not in the load that balancers read.
    """

    def __init__(
        self,
        fleet: Fleet,
        checks: HealthChecks,
        clock: Callable[[], float],
        streams: Callable[[str], Random],
        *,
        host: str,
        scheme: str = "http",
    ) -> None:
        self.fleet = fleet
        self.checks = checks
        self.clock = clock
        self.request = Request("GET", scheme, host, 443 if scheme == "https" else 80, checks.path)
        self.deadlines = Deadlines(checks.timeout, checks.timeout)
        self._streams = {backend: streams(backend.name) for backend in fleet.backends}

    def residents(self) -> Sequence[Generator[Effect, Any, None]]:
        """One generator a backend, which never ends."""
        return [self._watch(backend, rng) for backend, rng in self._streams.items()]

    def _watch(self, backend: Backend, rng: Random) -> Generator[Effect, Any, None]:
        yield Sleep(self.checks.begin(rng))
        while True:
            due = self.clock() + self.checks.next(rng)
            reply = yield Fetch(backend, self.request, self.deadlines)
            if isinstance(reply, Failure):
                ok = False
            else:
                ok = reply.response.status in self.checks.expected
                yield Drain(reply.body)
            self.fleet.probed(backend, ok, self.clock())
            yield Sleep(max(0.0, due - self.clock()))
