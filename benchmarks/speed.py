"""Requests per second of processor time."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial
from statistics import median
from time import process_time
from typing import Any

import proxysim
from benchmarks.baseline import least_connections
from proxysim.scenario import Scenario

__all__ = ["queue_speed", "website_speed"]


def queues(requests: int, *, servers: int = 4, rho: float = 0.8) -> Scenario:
    """Four FIFO servers behind a reverse proxy that counts connections; nothing else costs time."""
    return Scenario.checked(
        {
            "proxysim": 1,
            "title": "Least connections over four queues",
            "run": {"duration": requests / (rho * servers), "drain": 1e6},
            "sites": {"app.example": {"objects": 1, "size": 1}},
            "nodes": {
                "users": {"kind": "clients", "arrivals": rho * servers},
                "edge": {
                    "kind": "reverse_proxy",
                    "sites": ["app.example"],
                    "backends": "server",
                    "balancer": "least_connections",
                },
                "server": {"kind": "server", "count": servers, "service": {"exponential": 1.0}},
            },
        },
        name="least-connections",
    )


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of processor time, and what came of it."""
    gc.collect()
    began = process_time()
    found = work()
    return process_time() - began, found


def queue_speed(rounds: int, requests: int) -> dict[str, Any]:
    """The simulated world beside the hand-written model, in turns; the requests table is kept."""
    scenario = queues(requests)
    proxysim.simulate(queues(1000))  # everything is imported before the clock runs
    ours, theirs, ratios = [], [], []
    mean = 0.0
    for number in range(rounds):
        seconds, _ = timed(partial(least_connections, requests, seed=number))
        theirs.append(requests / seconds)
        seconds, run = timed(partial(proxysim.simulate, scenario, seed=number))
        ours.append(len(run.column("at")) / seconds)
        mean = float(run.column("latency").mean())
        ratios.append(ours[-1] / theirs[-1])
    return {
        "job": f"least connections over 4 queues, {requests:,} requests",
        "per_second": median(ours),
        "simpy_per_second": median(theirs),
        "ratio": median(ratios),
        "ratios": ratios,
        "mean_response": mean,
        "target": {"ratio": 0.4},
    }


def website_speed(rounds: int) -> dict[str, Any]:
    """The shipped reverse-proxy scenario, whole."""
    scenario = proxysim.load("website-reverse-proxy")
    proxysim.simulate(scenario, seed=rounds)  # everything is imported before the clock runs
    speeds, summary, encrypted = [], None, 0.0
    for number in range(rounds):
        seconds, run = timed(partial(proxysim.simulate, scenario, seed=number))
        speeds.append(len(run.column("at")) / seconds)
        summary = run.summary()
        encrypted = float(run.column("encrypted").mean())
    assert summary is not None
    return {
        "job": "website-reverse-proxy: TLS, cache, compression, links, faults",
        "per_second": median(speeds),
        "rounds": speeds,
        "hit_ratio": summary.hit_ratio["edge"],
        "tls_share": encrypted,
        "target": {"per_second": 15_000},
    }
