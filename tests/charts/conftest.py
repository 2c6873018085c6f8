"""Runs that no world made: plausible, of any size and shape, written through the recorder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import matplotlib
import numpy as np
import pytest

from proxysim.results.columns import CACHE_STATES, OUTCOMES
from proxysim.results.recorder import Recorder
from proxysim.results.run import Run
from proxysim.scenario.build_topology import described
from proxysim.topology import Network, Place, Wire

Fabricate = Callable[..., Run]


def fabricate(
    n: int = 20_000,
    *,
    backends: int = 4,
    duration: float = 120.0,
    warmup: float = 12.0,
    clients: int = 40,
    seed: int = 7,
    hops: int = 1000,
    proxy: bool = True,
    cache: bool = True,
    outcome: str | None = None,
    latency: float | None = None,
    prefix: str = "",
    events: bool = True,
) -> Run:
    """*n* requests of visitors through ``edge`` (or without the *proxy*) to servers of ``shop``.

    *outcome* and *latency*, where given, are those of every request. Spans are kept of every
    *hops*-th request; 0 for none.
    """
    rng = np.random.default_rng(seed)
    recorder = Recorder(duration, warmup, hops=hops or "none")
    group, edge, shop = f"{prefix}visitors", f"{prefix}edge", f"{prefix}shop"
    servers = [f"{shop}-{i + 1}" for i in range(backends)] if backends > 1 else [shop]
    party, sites, paths = (recorder.texts[name] for name in ("node", "site", "path"))
    chains, steps = recorder.texts["forwarded_for"], recorder.texts["step"]
    at = np.sort(rng.uniform(0, duration, n))
    weights = rng.uniform(0.6, 1.4, backends)
    chosen = rng.choice(backends, n, p=weights / weights.sum())
    u = rng.random((n, 3))
    service = rng.exponential(0.06, n)
    service[(at > 0.5 * duration) & (at < 0.62 * duration)] *= 3
    size = rng.lognormal(9.5, 1.2, n).astype(int)
    has_cache = proxy and cache
    for i in range(n):
        member = f"{group}-{i % clients + 1}"
        state = "none"
        if has_cache:
            state = CACHE_STATES[np.searchsorted((0.05, 0.45, 0.9, 0.92, 0.95, 1.0), u[i, 0]) + 1]
        stored = state in ("hit", "stale")
        what = outcome or OUTCOMES[np.searchsorted((0.93, 0.96, 0.97, 0.985, 0.997, 1.0), u[i, 1])]
        turned_away = what in ("blocked", "rejected")
        wire = 0.0405 if stored or not proxy else 0.042
        inside = 0.0 if stored or turned_away else float(service[i])
        cpu = 0.0004 + 0.0003 * u[i, 2]
        took = latency if latency is not None else wire + inside + cpu
        if latency is not None:
            wire, inside, cpu = 0.0, latency, 0.0
        begin = float(at[i])
        over = what == "in_flight"
        backend = "" if stored or turned_away else servers[chosen[i]]
        code = party[member]
        recorder.add(
            (
                i, code, sites["shop.example"], paths[f"/item/{i % 500}"], 0, begin,
                np.nan if over else begin + took * 0.8, np.nan if over else begin + took,
                np.nan if over else took,
                {"ok": 200, "blocked": 403, "rejected": 503, "timed_out": 504, "failed": 502}.get(
                    what, 0
                ),
                OUTCOMES.index(what), party[backend or edge], party[backend],
                CACHE_STATES.index(state), int(bool(backend)), True, 0, 0, int(size[i]), 0.0,
                inside, wire, cpu,
            )
        )  # fmt: skip
        if hops and i % hops == 0:
            front = edge if proxy else servers[chosen[i]]
            half = wire / 2
            t = begin

            def span(node: str, step: str, seconds: float, request: int = i) -> None:
                nonlocal t
                recorder.hop(request, party[node], steps[step], t, t + seconds)
                t += seconds

            span(front, "connect", 0.04)
            span(front, "tls", 0.041)
            span(f"{group}>{front}", "request", half)
            span(front, "cpu", cpu)
            if backend and proxy:
                span(f"{edge}>{backend}", "request", 0.0005)
                span(backend, "queue", inside * 0.4)
                span(backend, "service", inside * 0.6)
                span(f"{backend}>{edge}", "response", 0.0005)
            span(f"{front}>{group}", "response", half)
            span(f"{front}>{group}", "body", half / 3)
        seen = [member, ""]
        if n <= 100_000:
            if proxy:
                recorder.view(_view(party, chains, sites, edge, code, seen, True, True, True))
                recorder.view(
                    _view(party, chains, sites, f"{group}>{edge}", code, seen, True, False, False)
                )
            if backend:
                chain = member if proxy and i % 4 else ""
                peer = edge if proxy else member
                recorder.view(
                    _view(party, chains, sites, backend, code, [peer, chain], True, True, True)
                )
    _windows(recorder, at, chosen, servers, edge if proxy else "", has_cache, duration, group)
    facts: dict[str, dict[str, Any]] = {
        f"{group}-{i + 1}": {"kind": "clients", "group": group} for i in range(clients)
    }
    for i, server in enumerate(servers):
        facts[server] = {
            "kind": "server",
            "group": shop,
            "weight": 1.0,
            "speed": 0.5 if i == backends - 1 and backends > 1 else 1.0,
            "tls_cpu": 0.0 if proxy else 3.2,
        }
    if proxy:
        facts[edge] = {"kind": "reverse_proxy", "group": edge, "cache": has_cache}
    happened = [
        {"at": 0.5 * duration, "until": 0.62 * duration, "label": "slow", "node": servers[0]},
        {"at": 0.8 * duration, "until": None, "label": "cache flush", "node": edge},
    ]
    places = [
        Place(group, "clients", clients),
        *([Place(edge, "reverse_proxy")] if proxy else []),
        Place(shop, "server", backends),
    ]
    if proxy:
        wires = [
            Wire((group, edge), latency=0.02, bandwidth=12.5e6),
            Wire((edge, shop), latency=0.0005, bandwidth=125e6),
        ]
        talks = [(group, edge), (edge, shop)]
    else:
        wires, talks = [Wire((group, shop), latency=0.02, bandwidth=12.5e6)], [(group, shop)]
    return recorder.finish(
        world="sim",
        scenario=f"{prefix}website",
        scenario_hash="0" * 64,
        seed=seed,
        arrived=n,
        events=happened if events else [],
        facts=facts,
        topology=described(Network(places, wires, talks)),
    )


def _view(
    party: Any, chains: Any, sites: Any, observer: str, client: int, seen: list[str], *what: bool
) -> tuple[Any, ...]:
    peer, chain = seen
    return (party[observer], client, sites["shop.example"], party[peer], chains[chain], *what)


def _windows(
    recorder: Recorder,
    at: np.ndarray,
    chosen: np.ndarray,
    servers: list[str],
    edge: str,
    cache: bool,
    duration: float,
    group: str,
) -> None:
    if not len(at):
        return
    party = recorder.texts["node"]
    edges = np.linspace(0, duration, 61)
    for low, high in pairwise(edges):
        mine = (at >= low) & (at < high)
        count, width = int(mine.sum()), high - low
        for i, server in enumerate(servers):
            got = int((mine & (chosen == i)).sum())
            busy = min(0.97, 0.1 + got / width * 0.012)
            queue = busy**2 / (1.03 - busy)
            recorder.node_window(
                (party[server], low, high, busy, queue, queue + 2, got / width, 0, 0, 0, 0,
                 got * 20_000)
            )  # fmt: skip
            if edge:
                recorder.node_window(
                    (party[f"{server}>{edge}"], low, high, np.nan, 0.0, 0.0, got / width, 0, 0, 0,
                     0, got * 20_000)
                )  # fmt: skip
        front = edge or servers[0]
        if edge:
            hits = int(count * (1 - np.exp(-3 * high / duration)) * 0.8) if cache else 0
            misses = count - hits if cache else 0
            recorder.node_window(
                (party[edge], low, high, 0.3, 0.01, 3.0, count / width, hits, misses,
                 hits * 11_000, misses * 22_000, count * 20_000)
            )  # fmt: skip
        recorder.node_window(
            (party[f"{front}>{group}"], low, high, np.nan, 0.0, 0.0, count / width, 0, 0, 0, 0,
             count * 20_000)
        )  # fmt: skip


@pytest.fixture(scope="session", name="fabricate")
def _fabricate() -> Fabricate:
    return fabricate


@pytest.fixture(scope="session")
def website() -> Run:
    """A busy run with everything in it."""
    return fabricate()


@pytest.fixture(scope="session")
def bare() -> Run:
    """The same requests without the proxy."""
    return fabricate(proxy=False)


@pytest.fixture(scope="session")
def nothing() -> Run:
    """A run in which nobody asked for anything."""
    return fabricate(0, events=False)


@pytest.fixture(autouse=True)
def _no_trace() -> Iterator[None]:
    """No chart may leave anything behind in matplotlib's own state."""
    import matplotlib.pyplot as plt

    before, figures = dict(matplotlib.rcParams), plt.get_fignums()
    yield
    assert dict(matplotlib.rcParams) == before
    assert plt.get_fignums() == figures
