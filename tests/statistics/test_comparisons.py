"""Differences: common draws make them sure; many at once are not taken for more than they are."""

import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from proxysim.errors import ResultError
from proxysim.statistics.comparisons import enough, holm, paired_difference, step_down
from proxysim.statistics.intervals import mean_interval

CHANCES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_a_paired_difference_is_students():
    rng = np.random.default_rng(1)
    one = rng.gamma(4, 1.0, 20)
    other = one + rng.normal(0.3, 0.4, 20)
    found = paired_difference(one, other)
    known = stats.ttest_rel(other, one)
    assert found.p == pytest.approx(known.pvalue)
    interval = known.confidence_interval(0.95)
    assert (found.interval.low, found.interval.high) == pytest.approx(tuple(interval))
    assert found.gained > 3


def test_the_other_way_round_is_the_negative():
    one, other = np.random.default_rng(1).random((2, 9))
    there, back = paired_difference(one, other), paired_difference(other, one)
    assert back.interval.mean == pytest.approx(-there.interval.mean)
    assert back.p == pytest.approx(there.p)


def test_differences_that_do_not_vary():
    assert paired_difference([1, 2, 3], [1, 2, 3]).p == 1
    always = paired_difference([1, 2, 3], [2, 3, 4])
    assert (always.p, always.gained, always.interval.half_width) == (0, math.inf, 0)


def test_holm_by_hand():
    """From the smallest: 4 x 0.005, 3 x 0.01, 2 x 0.03, and 0.04 no less than that."""
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]).tolist() == []


@given(CHANCES)
def test_holm_lies_between_nothing_and_bonferroni(chances):
    adjusted = holm(chances)
    assert (adjusted >= np.array(chances) - 1e-12).all()
    assert (adjusted <= np.minimum(len(chances) * np.array(chances), 1) + 1e-12).all()
    order = np.argsort(chances, kind="stable")
    assert (np.diff(adjusted[order]) >= 0).all()


@given(
    st.lists(
        st.lists(st.floats(-9, 9).map(lambda value: round(value, 3)), min_size=4, max_size=4),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from([0.8, 0.9, 0.95, 0.99]),
)
def test_an_interval_leaves_out_zero_exactly_where_holm_finds_a_difference(families, confidence):
    """And it is no wider than Bonferroni's, no narrower than alone."""
    p = [paired_difference(np.zeros(4), values).p for values in families]
    found = step_down([partial(mean_interval, values) for values in families], confidence)
    for values, after, interval in zip(families, holm(p), found, strict=True):
        if not math.isclose(after, 1 - confidence, rel_tol=1e-9):
            assert (0.0 not in interval) == (after <= 1 - confidence)
        widest = mean_interval(values, 1 - (1 - confidence) / len(families))
        alone = mean_interval(values, confidence)
        assert alone.half_width <= interval.half_width <= widest.half_width


def test_of_many_that_are_the_same_hardly_any_seems_real():
    """Ten alternatives like the first, 300 times: uncorrected, 40 % of families would err."""
    rng = np.random.default_rng(3)
    alone = wrong = 0
    for _ in range(300):
        first, *others = rng.normal(0, 1, (11, 12))
        apart = [other - first for other in others]
        wrong += any(
            0.0 not in one for one in step_down([partial(mean_interval, d) for d in apart])
        )
        alone += any(0.0 not in mean_interval(each) for each in apart)
    assert wrong <= 300 * 0.05 + 3.5 * math.sqrt(300 * 0.05 * 0.95)
    assert alone > 300 * 0.2


def test_one_beside_real_ones_is_looked_at_as_one():
    """What is settled leaves its share of error to the rest."""
    rng = np.random.default_rng(3)
    apart = [rng.normal(5, 1, 20), rng.normal(5, 1, 20), rng.normal(0, 1, 20)]
    found = step_down([partial(mean_interval, each) for each in apart])
    assert [one.confidence for one in found] == pytest.approx([1 - 0.05 / 3] * 2 + [0.95])
    assert [0.0 in one for one in found] == [False, False, True]
    assert step_down([]) == []


@pytest.mark.parametrize("bad", [[-0.1], [1.1], [math.nan]])
def test_chances_are_shares(bad):
    with pytest.raises(ResultError):
        holm(bad)


def test_what_is_not_paired_is_refused():
    with pytest.raises(ResultError):
        paired_difference([1, 2], [1, 2, 3])


def test_enough_pairs_by_hand():
    """(1.96 + 0.84)^2 (s / d)^2 + 1.96^2 / 2, for a spread of twice the difference."""
    values = np.array([1 - np.sqrt(2), 1 + np.sqrt(2)]) * 0.5  # mean 0.5, deviation 1
    assert enough(values) == math.ceil((1.959964 + 0.841621) ** 2 * 4 + 1.959964**2 / 2)
    assert enough(values, 0.99) > enough(values)
    assert enough(10 * values) == enough(values)
    assert enough([2.0, 2.0]) == 2
