"""A sketch is never further from a true quantile than it promises."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.errors import ResultError
from proxysim.statistics.sketch import QuantileSketch

VALUES = st.lists(st.one_of(st.just(0.0), st.floats(1e-12, 1e12)), min_size=1, max_size=200)
SHARE = st.floats(0, 1)


def sketch(*batches, accuracy=0.005):
    made = QuantileSketch(accuracy)
    for batch in batches:
        made.add(batch)
    return made


@given(VALUES, SHARE, st.sampled_from([0.001, 0.005, 0.05]))
def test_the_error_is_within_the_promise(values, share, accuracy):
    true = sorted(values)[math.floor(share * (len(values) - 1))]
    found = sketch(values, accuracy=accuracy).quantile(share)
    assert abs(found - true) <= accuracy * true * (1 + 1e-9)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99, 0.999])
def test_of_many_values(share):
    values = np.random.default_rng(5).lognormal(-3, 2, 100_000)
    true = np.quantile(values, share, method="lower")
    assert sketch(values).quantile(share) == pytest.approx(true, rel=0.005)


@given(VALUES, VALUES)
def test_merging_is_adding_both(one, two):
    merged = sketch(one)
    merged.merge(sketch(two))
    both = sketch(one + two)
    assert merged == both
    assert (merged.count, merged.min, merged.max) == (both.count, both.min, both.max)
    assert merged.mean == pytest.approx(both.mean)


@given(VALUES)
def test_ends_and_mean_are_exact(values):
    made = sketch(values[:3], values[3:])
    assert (made.min, made.max, len(made)) == (min(values), max(values), len(values))
    assert made.mean == pytest.approx(np.mean(values))
    assert made.quantile(1) == max(values)


def test_memory_follows_the_range_not_the_number():
    values = np.random.default_rng(5).exponential(1.0, 200_000).clip(1e-3, 10)
    assert len(sketch(values)._buckets) <= 4 * 231 + 1


def test_nothing_gives_nan():
    assert math.isnan(sketch().quantile(0.5))
    assert math.isnan(sketch().mean)


@pytest.mark.parametrize("bad", [[-1.0], [math.nan], [math.inf], [1.0, -0.5]])
def test_only_finite_numbers_from_zero_are_counted(bad):
    made = sketch([1.0])
    with pytest.raises(ResultError):
        made.add(bad)
    assert made.count == 1


def test_bad_questions_are_refused():
    with pytest.raises(ResultError):
        sketch([1.0]).quantile(1.5)
    with pytest.raises(ResultError):
        QuantileSketch(0)
    with pytest.raises(ResultError):
        sketch([1.0]).merge(QuantileSketch(0.01))
