"""A 95 % interval covers what it says: 1,000 repetitions of a queue whose answers are known."""

import numpy as np
import pytest

from proxysim.statistics.batches import batch_means, batch_quantile
from proxysim.statistics.intervals import mean_interval
from proxysim.statistics.replications import replicate_until
from proxysim.statistics.support import replicated_quantile
from tests.statistics.lindley import MEAN, P95, responses

REPETITIONS = 1000


def covered(intervals, value: float) -> float:
    return sum(value in interval for interval in intervals) / REPETITIONS


@pytest.mark.oracle
def test_intervals_from_replications_cover() -> None:
    """Ten runs of 2,000 requests each."""
    means, quantiles = [], []
    for seed in range(REPETITIONS):
        runs = responses(seed, 10, 2000)
        means.append(mean_interval(runs.mean(axis=1)))
        quantiles.append(replicated_quantile(runs, 0.95))
    assert 0.93 <= covered(means, MEAN) <= 0.97
    assert 0.93 <= covered(quantiles, P95) <= 0.97


@pytest.mark.oracle
def test_intervals_from_one_long_run_cover() -> None:
    """Twenty batches of 2,000 requests."""
    runs = [responses(seed, 1, 40_000)[0] for seed in range(REPETITIONS)]
    means = [batch_means(run, 20) for run in runs]
    quantiles = [batch_quantile(run, 0.95, 20) for run in runs]
    assert 0.93 <= covered((found.interval for found in means), MEAN) <= 0.97
    assert 0.93 <= covered((found.interval for found in quantiles), P95) <= 0.97
    # The test of independence errs in one of twenty.
    assert np.mean([found.independent for found in means]) > 0.9


@pytest.mark.oracle
def test_stopping_when_it_is_precise_covers_nearly() -> None:
    """To 5 % of the mean: looking at each step costs a few points, no more (Law, 9.4.1)."""
    found = []
    for seed in range(REPETITIONS):
        values = iter(responses(10**6 + seed, 200, 500).mean(axis=1))
        found.append(replicate_until(lambda _, values=values: next(values), 0.05, most=200))
    assert all(one.precise for one in found)
    assert all(one.interval.relative <= 0.05 for one in found)
    assert 0.91 <= covered((one.interval for one in found), MEAN) <= 0.97
