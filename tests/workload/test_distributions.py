"""Distributions: their moments, their laws, and one number at a time as in blocks."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special, stats

from proxysim.workload.distributions import (
    Exponential,
    Fixed,
    Hyperexponential,
    Lognormal,
    Pareto,
    PerByte,
)
from proxysim.workload.normal import normal_quantile, normal_quantiles
from proxysim.workload.streams import generator

ALL = [
    Fixed(0.01),
    Exponential(0.012),
    Lognormal(40_000, 1.4),
    Lognormal(1.0, 0.0),
    Pareto(2.0, 1.5),
    Pareto(2.0, 3.5),
    Hyperexponential(0.01, 0.2, 0.1),
    Hyperexponential(1.0, 3.0, 0.0),
    Hyperexponential(1.0, 3.0, 1.0),
    PerByte(1e6, Exponential(0.01)),
    Exponential(0.0),
    Lognormal(0.0, 2.0),
    Pareto(0.0, 1.5),
]
UNIT = st.floats(0, 1, exclude_max=True)


@given(st.sampled_from(ALL), st.lists(UNIT, min_size=1, max_size=20), st.integers(0, 10**9))
def test_one_by_one_equals_in_blocks(distribution, us, size):
    block = distribution.of_many(np.array(us), np.full(len(us), size))
    alone = [distribution.of(u, size) for u in us]
    np.testing.assert_allclose(block, alone, rtol=1e-12, atol=1e-300)
    assert all(value >= 0 and math.isfinite(value) for value in alone)


@pytest.mark.parametrize("u", [0.0, 2.0**-53, 1 - 2.0**-53])
@pytest.mark.parametrize("distribution", ALL, ids=repr)
def test_the_ends_of_the_unit_interval_are_finite(distribution, u):
    assert math.isfinite(distribution.of(u))
    assert math.isfinite(distribution.of_many(np.array([u]))[0])


@pytest.mark.parametrize("distribution", ALL[:9], ids=repr)
def test_moments_are_the_integrals_of_the_quantiles(distribution):
    # With u = 1 - exp(-x) the tail of the quantiles is integrated as far as it goes.
    def moment(power):
        def inner(x):
            return distribution.of(-math.expm1(-x)) ** power * math.exp(-x)

        border = getattr(distribution, "slow_share", 0)
        points = [-math.log(border)] if 0 < border < 1 else [1.0]
        return integrate.quad(inner, 0, 36, points=points, limit=2000, epsabs=0, epsrel=1e-5)[0]

    # The heaviest tail has its mean to a thousandth only within the doubles below 1.
    assert moment(1) == pytest.approx(
        distribution.mean, rel=2e-5 if distribution != ALL[4] else 1e-3
    )
    if math.isfinite(distribution.second_moment):
        assert moment(2) == pytest.approx(distribution.second_moment, rel=2e-3)
        scv = distribution.second_moment / distribution.mean**2 - 1
        assert distribution.scv == pytest.approx(scv, abs=1e-12)


def test_scv_by_formula():
    assert Fixed(3).scv == 0
    assert Exponential(3).scv == 1
    assert Lognormal(3, 1).scv == pytest.approx(math.e - 1)
    assert Pareto(3, 3).scv == pytest.approx(1 / 3)
    assert Pareto(3, 2).scv == Pareto(3, 1.5).second_moment == math.inf
    assert Hyperexponential(1, 1, 0.5).scv == pytest.approx(1)


@pytest.mark.parametrize(
    ("distribution", "law"),
    [
        (Exponential(2.0), stats.expon(scale=2)),
        (Lognormal(3.0, 1.2), stats.lognorm(1.2, scale=3 * math.exp(-0.72))),
        (Pareto(3.0, 1.5), stats.pareto(1.5, scale=1.0)),
    ],
)
def test_draws_follow_the_law_named(distribution, law):
    us = generator(1, "distributions").random(20_000)
    assert stats.kstest(distribution.of_many(us), law.cdf).pvalue > 1e-3
    np.testing.assert_allclose(distribution.of_many(us), law.ppf(us), rtol=1e-9)


def test_hyperexponential_is_the_mixture_of_two():
    drawn = Hyperexponential(1.0, 20.0, 0.1).of_many(generator(1, "hyper").random(50_000))

    def cdf(x):
        return 1 - 0.9 * np.exp(-x) - 0.1 * np.exp(-x / 20)

    assert stats.kstest(drawn, cdf).pvalue > 1e-3


def test_per_byte_adds_the_time_that_the_bytes_take():
    demand = PerByte(1000.0, Exponential(0.5))
    assert demand.of(0.3, 2500) == pytest.approx(2.5 + Exponential(0.5).of(0.3))
    assert math.isnan(demand.mean)
    # Independent sum: means add, variances add.
    mean, second = demand.moments(2000, 2 * 2000**2)
    assert mean == 2.5
    assert second - mean**2 == pytest.approx(2.0**2 + 0.5**2)


@given(st.lists(UNIT, min_size=1, max_size=50))
def test_normal_quantiles(us):
    found = normal_quantiles(np.array(us))
    np.testing.assert_allclose(found, [normal_quantile(u) for u in us], rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(
        found, special.ndtri(np.where(np.array(us) > 0, us, 2.0**-54)), rtol=1e-11, atol=1e-14
    )
