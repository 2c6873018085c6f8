"""Quantiles: what a sample can support, and what its order statistics say."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from proxysim.errors import ResultError
from proxysim.statistics.support import needed, quantile_interval, replicated_quantile

SHARES = st.floats(0.01, 0.999)
CONFIDENCES = st.sampled_from([0.8, 0.9, 0.95, 0.99])


@pytest.mark.parametrize(("share", "n"), [(0.5, 6), (0.9, 29), (0.95, 59), (0.99, 299)])
def test_what_a_quantile_needs_by_the_table(share, n):
    assert needed(share) == n
    assert needed(1 - share) == n


@given(SHARES, CONFIDENCES)
def test_one_fewer_is_too_few(share, confidence):
    n = needed(share, confidence)
    chances = [1 - share**k - (1 - share) ** k for k in (n - 1, n)]
    assert chances[0] < confidence <= chances[1]
    quantile_interval(np.arange(n), share, confidence)
    with pytest.raises(ResultError, match=f"{n:,}"):
        quantile_interval(np.arange(n - 1), share, confidence)


@given(st.integers(0, 400), SHARES, CONFIDENCES)
def test_the_order_statistics_cover_as_often_as_they_say(more, share, confidence):
    """Of the numbers 1 to n as ranks, exactly: by the binomial distribution."""
    n = needed(share, confidence) + more
    found = quantile_interval(np.arange(1, n + 1), share, confidence)
    below = stats.binom(n, share)
    assert below.cdf(found.high - 1) - below.cdf(found.low - 1) >= confidence - 1e-12
    assert found.low <= found.value <= found.high


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_an_interval_is_no_wider_than_it_must_be(share):
    n = 1000
    found = quantile_interval(np.arange(1, n + 1), share)
    half = 1.96 * math.sqrt(n * share * (1 - share))
    assert found.high - found.low == pytest.approx(2 * half, abs=4)


def test_a_quantile_of_replications():
    draws = np.random.default_rng(2).exponential(1.0, (40, 2000))
    found = replicated_quantile(draws, 0.95)
    assert math.log(20) in found
    assert found.n == 40
    assert found.mean == pytest.approx(np.quantile(draws, 0.95, axis=1).mean())


def test_each_replication_must_support_the_quantile():
    with pytest.raises(ResultError, match=r"p99 of 298 requests.*299"):
        replicated_quantile([np.arange(5000), np.arange(298)], 0.99)


@pytest.mark.parametrize("share", [0, 1, -1, 95, math.nan])
def test_shares_of_nothing_are_refused(share):
    with pytest.raises(ResultError):
        needed(share)


def test_what_is_not_finite_is_refused():
    with pytest.raises(ResultError):
        quantile_interval([*range(100), math.inf], 0.5)
