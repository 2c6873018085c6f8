"""The shipped scenarios keep the laws of the world."""

import numpy as np
import pytest

import proxysim
from proxysim.results.columns import Outcome

SHIPPED = ["office-forward-proxy", "website-reverse-proxy", "both-ends", "replay-access-log"]


@pytest.mark.parametrize("name", [*SHIPPED, "one-server"])
def test_a_shipped_run_adds_up(name: str) -> None:
    run = proxysim.simulate(name)
    run.check()
    assert run.unexplained() < 1e-6
    here, there = run.littles_law()
    assert here == pytest.approx(there, rel=0.02)
    ok = run.column("outcome") == Outcome.OK
    assert np.isfinite(run.column("latency")[ok]).all()
    assert run.summary().requests["in_flight"] == 0


def test_one_server_waits_as_the_formula_says() -> None:
    """50 ms at rho 0.8; one run of 280 s is only good for a rough look."""
    means = [
        proxysim.simulate("one-server", seed=seed).summary().latency["mean"] for seed in range(8)
    ]
    assert np.mean([mean for mean in means if mean is not None]) == pytest.approx(0.050, rel=0.1)
