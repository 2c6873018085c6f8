"""Distributions kept small: what is left of a sample, and of a formula."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.statistics.spread import POINTS, formula, spread

SAMPLE = np.random.default_rng(1).exponential(0.02, 50_000)


@given(st.lists(st.floats(0.001, 10.0), min_size=1, max_size=50))
def test_every_share_is_that_of_the_sample(values):
    found = spread("a", [values])
    assert found.count == len(values)
    assert list(found.times) == sorted(set(values))
    for time, above in zip(found.times, found.above, strict=True):
        assert above == pytest.approx(np.mean(np.array(values) > time))


def test_of_a_large_sample_few_are_kept_and_the_rarest_all():
    found = spread("a", [SAMPLE])
    assert len(found.times) <= 2 * POINTS
    assert found.times[-1] == SAMPLE.max()
    assert found.above[-2] == pytest.approx(1 / len(SAMPLE))
    for share in (0.1, 0.5, 0.95, 0.99, 0.999):
        assert found.quantile(share) == pytest.approx(np.quantile(SAMPLE, share), rel=0.01)


def test_a_band_reaches_from_the_lowest_to_the_highest_sample():
    halves = [SAMPLE[:200], SAMPLE[200:600]]
    found = spread("a", halves, band=True)
    shares = np.array([[np.mean(half > time) for time in found.times] for half in halves])
    assert np.allclose(found.low, shares.min(axis=0))
    assert np.allclose(found.high, shares.max(axis=0))
    assert not spread("a", [SAMPLE], band=True).low


def test_a_formula_has_its_own_quantiles():
    found = formula("theory", lambda time: math.exp(-time / 0.02), 0.02)
    assert found.count == 0
    for share in (0.5, 0.95, 0.99):
        assert found.quantile(share) == pytest.approx(-0.02 * math.log(1 - share), rel=0.005)


def test_nothing_is_no_spread():
    assert spread("a", [[], []]) is None
