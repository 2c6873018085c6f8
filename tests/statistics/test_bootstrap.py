"""Bootstrap and jackknife: they cover, they repeat themselves, they agree where theory speaks."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.errors import ResultError
from proxysim.statistics.bootstrap import (
    bootstrap,
    bootstrap_mean,
    bootstrap_quantile,
    bootstrap_ratio,
)
from proxysim.statistics.intervals import mean_interval
from proxysim.statistics.ratios import ratio_interval

#: Without numbers whose squares are too small to be any.
NUMBERS = st.integers(0, 10_000).map(lambda number: number / 100)
PAIRS = st.lists(st.tuples(NUMBERS, NUMBERS.map(lambda n: 1 + n)), min_size=2, max_size=20)


def test_the_same_seed_gives_the_same_bounds():
    values = np.random.default_rng(1).lognormal(0, 1, 30)
    first = bootstrap_mean(values, seed=4)
    assert first == bootstrap_mean(values, seed=4)
    assert first != bootstrap_mean(values, seed=5)


def test_of_a_large_sample_it_is_student():
    values = np.random.default_rng(1).normal(5, 2, 1000)
    student, found = mean_interval(values), bootstrap_mean(values, seed=4)
    assert found.value == pytest.approx(student.mean)
    assert found.low == pytest.approx(student.low, abs=0.1 * student.half_width)
    assert found.high == pytest.approx(student.high, abs=0.1 * student.half_width)


def test_of_skewed_values_it_leans_their_way():
    values = np.random.default_rng(1).exponential(1.0, 25)
    found = bootstrap_mean(values, seed=4)
    assert found.high - found.value > found.value - found.low


def test_efron_law_school():
    """The correlation of 15 schools; 90 % by BCa: 0.43 to 0.92 (Efron 1987, table 2)."""
    lsat = [576, 635, 558, 578, 666, 580, 555, 661, 651, 605, 653, 575, 545, 572, 594]
    gpa = [3.39, 3.3, 2.81, 3.03, 3.44, 3.07, 3.0, 3.43, 3.36, 3.13, 3.12, 2.74, 2.76, 2.88, 2.96]
    found = bootstrap(
        np.column_stack([lsat, gpa]),
        lambda rows: float(np.corrcoef(rows.T)[0, 1]),
        seed=1,
        confidence=0.9,
    )
    assert found.value == pytest.approx(0.776, abs=5e-4)
    assert found.low == pytest.approx(0.43, abs=0.03)
    assert found.high == pytest.approx(0.92, abs=0.02)


@pytest.mark.oracle
def test_bca_covers():
    rng = np.random.default_rng(8)
    draws = rng.lognormal(0, 0.5, (400, 40))
    held = sum(math.exp(0.125) in bootstrap_mean(row, seed=1, resamples=1000) for row in draws)
    assert 0.92 <= held / 400 <= 0.98


def test_a_quantile_that_is_not_supported_is_refused():
    with pytest.raises(ResultError, match="299"):
        bootstrap_quantile(np.arange(298), 0.99, seed=1)
    found = bootstrap_quantile(np.random.default_rng(3).random(2000), 0.9, seed=1)
    assert 0.9 in found


@given(PAIRS, st.floats(0.1, 10))
def test_a_ratio_scales(pairs, factor):
    above, below = np.array(pairs).T
    found, scaled = ratio_interval(above, below), ratio_interval(factor * above, below)
    assert (found is None) == (scaled is None)
    if found is not None:
        ends = np.array([found.low, found.value, found.high])
        size = 1e-6 * (np.abs(ends).max() + 1)
        assert [scaled.low, scaled.value, scaled.high] == pytest.approx(factor * ends, abs=size)


@given(PAIRS, st.integers(-50, 50))
def test_a_ratio_holds_zero_exactly_where_what_is_above_does(pairs, shift):
    above, below = np.array(pairs).T
    found = ratio_interval(above + shift, below)
    if found is not None:
        assert (0.0 in found) == (0.0 in mean_interval(above + shift))
        assert found.low <= found.value <= found.high or found.high - found.low < 1e-6


@given(PAIRS)
def test_a_ratio_is_none_only_where_nothing_bounds_it(pairs):
    above, below = np.array(pairs).T
    assert (ratio_interval(above, below) is None) == (0.0 in mean_interval(below))


def test_a_ratio_of_the_same_is_known_exactly():
    found = ratio_interval([6, 8, 10], [3, 4, 5])
    assert (found.value, found.low, found.high) == pytest.approx((2, 2, 2), abs=1e-6)
    assert bootstrap_ratio([2, 4, 6], [1, 2, 3], seed=1).value == pytest.approx(2)


def test_a_ratio_covers_and_is_that_of_the_sums():
    """Numerator and denominator depend on each other: x = 3 y + noise."""
    rng = np.random.default_rng(6)
    below = rng.gamma(4, 1.0, (1000, 15))
    above = 3 * below + rng.normal(0, 1.0, (1000, 15))
    held = sum(3 in ratio_interval(x, y) for x, y in zip(above, below, strict=True))
    assert 0.93 <= held / 1000 <= 0.97
    one = bootstrap_ratio(above[0], below[0], seed=1)
    assert one.value == pytest.approx(above[0].sum() / below[0].sum())


@pytest.mark.parametrize(
    "ask",
    [
        lambda: bootstrap_mean([1.0], seed=1),
        lambda: bootstrap_mean([1.0, math.nan], seed=1),
        lambda: bootstrap_mean([1.0, 2.0], seed=1, resamples=5),
        lambda: bootstrap_mean([1.0, 2.0], seed=1, confidence=95),
        lambda: ratio_interval([1], [1]),
        lambda: ratio_interval([1, 2], [1]),
        lambda: ratio_interval([1, 2], [1, 0]),
        lambda: bootstrap_ratio([1, 2], [1, -1], seed=1),
    ],
)
def test_nonsense_is_refused(ask):
    with pytest.raises(ResultError):
        ask()


def test_values_that_are_all_the_same():
    found = bootstrap_mean([3.0, 3.0, 3.0], seed=1)
    assert (found.low, found.value, found.high) == (3, 3, 3)
