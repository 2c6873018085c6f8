"""Percentiles of the time in system, as theory tells a scenario's, beside the simulator's."""

from typing import Any

import numpy as np
import pytest

from proxysim.results.run import Run
from proxysim.theory import of
from tests.oracles.oracle import SITE, assert_exact, luck, replicate, scenario

EXPONENTIAL = {"exponential": 1.0}
RHO = 0.6
REQUESTS = 20_000


def quantile(share: float) -> Any:
    def measure(run: Run) -> float:
        return float(np.quantile(run.column("latency")[run.counted], share))

    return measure


def balanced(balancer: str) -> dict[str, Any]:
    return {
        "users": {"kind": "clients", "arrivals": 4 * RHO},
        "edge": {
            "kind": "reverse_proxy",
            "sites": [SITE],
            "backends": "server",
            "balancer": balancer,
        },
        "server": {"kind": "server", "count": 4, "service": EXPONENTIAL},
    }


def one(rate: float, **server: Any) -> dict[str, Any]:
    return {
        "users": {"kind": "clients", "arrivals": rate},
        "server": {"kind": "server", "sites": [SITE], "service": EXPONENTIAL, **server},
    }


@pytest.mark.oracle
@pytest.mark.parametrize(
    "nodes",
    [
        one(4 * RHO, workers=4),
        one(RHO, service={"fixed": 1.0}),
        one(RHO, service={"hyperexponential": {"fast": 0.5, "slow": 2.0, "slow_share": 1 / 3}}),
        balanced("random"),
        balanced("round_robin"),
        balanced("least_connections"),
    ],
    ids=["M/M/4", "M/D/1", "M/G/1", "random", "round robin", "least connections"],
)
def test_percentiles(nodes: dict[str, Any]) -> None:
    """p95 within 4 %, p99 within 6 %."""
    rate = nodes["users"]["arrivals"]
    queue = scenario(nodes, duration=400 + REQUESTS / rate, warmup=400)
    (exact,) = of(queue).of("server")
    found = replicate(
        queue,
        quantile(0.95),
        quantile(0.99),
        controls=luck(rate, lambda run: run.column("service")),
    )
    assert exact.grade == "exact"
    assert_exact(found[0], exact.values["p95"], 0.04)
    assert_exact(found[1], exact.values["p99"], 0.06)
