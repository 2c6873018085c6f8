"""Warm-up, batches, replications: what one run or many of them tell of a mean."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.errors import ResultError
from proxysim.statistics.batches import batch_means, batch_quantile
from proxysim.statistics.intervals import mean_interval
from proxysim.statistics.replications import replicate, replicate_until
from proxysim.statistics.warmup import mser, settled
from tests.statistics.lindley import MEAN, P95, responses


def steps(seed: int, low: int, high: int, of: float = 5.0) -> np.ndarray:
    """*low* values near 0, then *high* near *of*."""
    level = np.repeat([0.0, of], [low, high])
    return level + np.random.default_rng(seed).normal(0, 1, low + high)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("low", [0, 100, 300])
def test_a_step_is_found(seed, low):
    found = mser(steps(seed, low, 1500))
    assert found.found
    assert found.count % 5 == 0
    # Chance may cost some more values, but none from before the step is kept.
    assert low <= found.count <= low + 350


def test_mser_is_what_it_says():
    values = steps(3, 40, 200)
    means = values.reshape(-1, 5).mean(axis=1)
    errors = [np.var(means[d:]) / (len(means) - d) for d in range(len(means) - 4)]
    assert mser(values).count == 5 * int(np.argmin(errors))


def test_what_never_settles_is_said():
    ramp = np.arange(1000) ** 2.0
    assert not mser(ramp).found
    with pytest.raises(ResultError, match="still change"):
        settled(ramp)


def test_a_warmup_is_found_or_given():
    values = steps(1, 100, 900)
    assert settled(values).tolist() == values[mser(values).count :].tolist()
    assert settled(values, 7).tolist() == values[7:].tolist()
    for count in (-1, 1000):
        with pytest.raises(ResultError):
            settled(values, count)
    with pytest.raises(ResultError, match="50"):
        mser(values[:49])
    with pytest.raises(ResultError):
        mser(values, 0)


@given(st.integers(2, 40), st.integers(1, 9), st.integers(0, 30))
def test_batches_are_of_equal_size_and_lose_only_the_beginning(batches, size, more):
    values = np.arange(batches * size + more % batches, dtype=float)
    found = batch_means(values, batches)
    assert found.size == size
    cut = values[-batches * size :]
    assert found.interval.mean == pytest.approx(cut.mean())
    assert found.interval == mean_interval(cut.reshape(batches, size).mean(axis=1))


def test_batches_of_one_long_run():
    run = responses(1, 1, 60_000)[0]
    for found, exact in ((batch_means(run), MEAN), (batch_quantile(run, 0.95), P95)):
        assert exact in found.interval
        assert found.independent
        assert found.interval.n == 30
    assert batch_quantile(run, 0.95).interval.mean == pytest.approx(np.quantile(run, 0.95))


def test_batches_that_remember_are_told():
    assert not batch_means(responses(1, 1, 60_000)[0], 20_000).independent


def test_a_batch_must_support_the_quantile():
    with pytest.raises(ResultError, match="299"):
        batch_quantile(np.arange(5000.0), 0.99, 30)


@pytest.mark.parametrize("batches", [0, 1, 11])
def test_batches_of_nothing_are_refused(batches):
    with pytest.raises(ResultError):
        batch_means(np.arange(10.0), batches)


def test_replications_are_numbered():
    found = replicate(lambda number: 2.0 * number, 5)
    assert found.values == (0, 2, 4, 6, 8)
    assert found.interval == mean_interval(found.values)


@pytest.mark.parametrize(("relative", "precision"), [(True, 0.02), (False, 0.3)])
def test_it_stops_as_soon_as_it_is_precise_and_not_before(relative, precision):
    draws = np.random.default_rng(4).normal(10, 2, 2000)
    found = replicate_until(lambda number: draws[number], precision, relative=relative)

    def width(n):
        interval = mean_interval(draws[:n])
        return interval.relative * (1 + precision) if relative else interval.half_width

    n = len(found.values)
    assert found.precise
    assert n > 10
    assert width(n) <= precision
    assert all(width(fewer) > precision for fewer in range(10, n))


def test_it_gives_up_and_says_so():
    draws = np.random.default_rng(4).normal(10, 5, 40)
    found = replicate_until(lambda number: draws[number], 1e-4, most=40)
    assert not found.precise
    assert len(found.values) == 40


def test_what_does_not_vary_needs_the_floor_only():
    assert len(replicate_until(lambda _: 3.0, 0.01, floor=4).values) == 4


@pytest.mark.parametrize("wrong", [{"precision": 0}, {"floor": 1}, {"most": 5}, {"confidence": 2}])
def test_impossible_rules_are_refused(wrong):
    with pytest.raises(ResultError):
        replicate_until(lambda _: 1.0, **{"precision": 0.1, **wrong})
