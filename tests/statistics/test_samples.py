"""Intervals cover, fairness is fair, quantiles are numpy's."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.errors import ResultError
from proxysim.statistics.fairness import jain_index, max_over_mean
from proxysim.statistics.intervals import mean_interval
from proxysim.statistics.quantiles import quantiles, windowed_quantiles

SHARES = st.lists(st.floats(0, 1e200), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("confidence", "quantile"), [(0.90, 2.132), (0.95, 2.776), (0.99, 4.604)]
)  # Student's table, 4 degrees of freedom
def test_an_interval_by_the_table(confidence, quantile):
    found = mean_interval([1, 2, 3, 4, 5], confidence)
    error = math.sqrt(2.5 / 5)
    assert found.mean == 3
    assert found.half_width == pytest.approx(quantile * error, rel=2e-4)
    assert found.standard_error == pytest.approx(error)
    assert found.relative == pytest.approx(found.half_width / 3)
    assert 3 in found
    assert found.high + 0.01 not in found


@pytest.mark.parametrize("n", [2, 5, 20])
def test_an_interval_covers_as_often_as_it_says(n):
    draws = np.random.default_rng(11).normal(7.0, 2.0, (2000, n))
    covered = sum(7.0 in mean_interval(row, 0.9) for row in draws)
    assert abs(covered - 1800) < 3.5 * math.sqrt(2000 * 0.9 * 0.1)


@pytest.mark.parametrize("bad", [[], [1.0], [1.0, math.nan], [1.0, math.inf]])
def test_an_interval_needs_two_finite_values(bad):
    with pytest.raises(ResultError):
        mean_interval(bad)


@pytest.mark.parametrize("bad", [0, 1, 95])
def test_confidence_is_a_share(bad):
    with pytest.raises(ResultError):
        mean_interval([1, 2], bad)


@given(SHARES)
def test_fairness_lies_between_one_for_all_and_one_of_n(shares):
    n = len(shares)
    assert 1 / n * (1 - 1e-9) <= jain_index(shares) <= 1 + 1e-9
    assert 1 - 1e-9 <= max_over_mean(shares) <= n * (1 + 1e-9)


@given(SHARES, st.floats(1e-3, 1e3))
def test_fairness_has_no_unit(shares, factor):
    scaled = [share * factor for share in shares]
    if min((share for share in shares if share), default=1) > 1e-200:
        assert jain_index(scaled) == pytest.approx(jain_index(shares))
        assert max_over_mean(scaled) == pytest.approx(max_over_mean(shares))


def test_fairness_by_hand():
    assert jain_index([3, 3, 3]) == pytest.approx(1)
    assert jain_index([1, 0, 0, 0]) == 0.25
    assert jain_index([1, 2, 3]) == pytest.approx(36 / 42)
    assert max_over_mean([1, 2, 3]) == 1.5
    assert (jain_index([0, 0]), max_over_mean([0, 0])) == (1, 1)


@pytest.mark.parametrize("bad", [[], [-1.0], [math.nan]])
def test_fairness_of_what_is_no_share_is_refused(bad):
    with pytest.raises(ResultError):
        jain_index(bad)
    with pytest.raises(ResultError):
        max_over_mean(bad)


def test_quantiles_are_linear_between_order_statistics():
    assert quantiles([1, 2, 3, 4], [0, 0.5, 0.9, 1]).tolist() == pytest.approx([1, 2.5, 3.7, 4])
    assert np.isnan(quantiles([], [0.5, 0.9])).all()
    with pytest.raises(ResultError):
        quantiles([1], 1.1)


@given(st.lists(st.tuples(st.floats(-1, 11), st.floats(0, 5)), max_size=60))
def test_windows_hold_what_falls_into_them(pairs):
    edges = [0.0, 2.5, 5.0, 10.0]
    times, values = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    found = windowed_quantiles(times, values, edges, [0.5, 0.99])
    assert found.shape == (3, 2)
    for line, (low, high) in zip(found, [(0, 2.5), (2.5, 5), (5, 10)], strict=True):
        inside = [value for when, value in pairs if low <= when < high]
        if inside:
            assert line == pytest.approx(np.quantile(inside, [0.5, 0.99]))
        else:
            assert np.isnan(line).all()


@pytest.mark.parametrize("edges", [[], [1.0], [1.0, 1.0], [2.0, 1.0]])
def test_windows_ascend(edges):
    with pytest.raises(ResultError):
        windowed_quantiles([1.0], [1.0], edges, [0.5])
