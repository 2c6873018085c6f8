"""``plan`` gives the answers that theory computes by trying every value: the least c of an M/M/c.

Each bound lies at the geometric middle between what the answer and its neighbour come to, so that
neither is within noise of it.
"""

import math

import pytest

import proxysim as ps
from proxysim.studies.plan import plan
from proxysim.theory import sojourns

SERVICE = 0.02  # s


def queue(rate, seconds):
    """One queue before *c* workers, and nothing else that takes time."""
    run = {"duration": f"{seconds + 10}s", "warmup": "10s", "seed": 7}
    return ps.load("one-server").set(
        {
            "run": run,
            "nodes.users.arrivals": {"poisson": rate},
            "nodes.server.service": {"exponential": SERVICE},
        }
    )


def exact(rate, c, metric):
    if rate * SERVICE >= c:
        return math.inf
    found = sojourns.mmc(rate, SERVICE, c)
    return found.mean if metric == "mean" else found.quantile(float(metric[1:]) / 100)


def planted(rate, c, metric):
    """The bound that c workers meet and c - 1 miss, and the answer by trying them all."""
    few, enough = exact(rate, c - 1, metric), exact(rate, c, metric)
    bound = 1.5 * enough if few == math.inf else math.sqrt(few * enough)
    assert next(n for n in range(1, 65) if exact(rate, n, metric) < bound) == c
    return bound


PROBLEMS = [
    (40, 1, "mean"),
    (80, 2, "p95"),
    (80, 3, "mean"),
    (100, 3, "p99"),
    (150, 4, "mean"),
    (150, 4, "p95"),
    (220, 5, "p95"),
    (220, 6, "p99"),
    (340, 7, "mean"),
    (340, 8, "p99"),
]
QUICK = {(80, 2, "p95"), (80, 3, "mean")}


@pytest.mark.parametrize(
    ("rate", "c", "metric"),
    [pytest.param(*one, marks=[] if one in QUICK else pytest.mark.slow) for one in PROBLEMS],
)
def test_the_least_number_of_workers(rate, c, metric):
    bound = planted(rate, c, metric) if c > 1 else 1.5 * exact(rate, c, metric)
    quick = (rate, c, metric) in QUICK
    found = plan(
        queue(rate, 20 if quick else 60),
        f"{metric} < {1000 * bound}ms",
        vary="nodes.server.workers",
        between=(1, 12),
        check=not quick,
        workers=1,
    )
    assert found.answer == c, str(found)
    assert found.sense == "least"
    assert found.found.strays == ()
    for trial in found.trials:
        if (told := exact(rate, trial.value, metric)) < math.inf:
            assert trial.verdict.value == ("meets" if told < bound else "misses")


@pytest.mark.slow
@pytest.mark.parametrize(("c", "metric"), [(1, "mean"), (4, "p95")])
def test_the_most_load(c, metric):
    bound = 3 * exact(1, c, metric)
    rungs = [rate for rate in range(10, 50 * c) if exact(rate, c, metric) < bound]
    found = plan(
        queue(40, 100).set("nodes.server.workers", c),
        f"{metric} < {1000 * bound}ms",
        vary="nodes.users.arrivals.poisson",
        between="10/s..1000/s",
        workers=1,
    )
    assert found.sense == "most"
    assert found.answer <= rungs[-1]
    assert found.answer == pytest.approx(rungs[-1], rel=0.1)


def test_what_is_at_the_bound_cannot_be_told():
    """Two workers come to the bound exactly: what is sure is that three will do."""
    found = plan(
        queue(60, 20),
        f"mean < {1000 * exact(60, 2, 'mean')}ms",
        vary="nodes.server.workers",
        between=(1, 4),
        replications=12,
        check=False,
        workers=1,
    )
    assert (found.answer, found.found.next) == (3, 2)
    near = found.trial(2)
    assert near.verdict.value == "unsure"
    assert near.replications == 8 > found.trial(3).replications
    assert "too near to tell" in str(found)
