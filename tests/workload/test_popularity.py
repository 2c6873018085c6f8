"""Popularity: requests fall on objects as the probabilities say."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from proxysim.errors import ScenarioError
from proxysim.workload.popularity import Drifting, Uniform, Zipf
from proxysim.workload.streams import generator

ALL = [Zipf(0.9, 500), Zipf(0.0, 10), Zipf(2.0, 1), Uniform(77), Drifting(1.0, 300, 10.0, 0.2, 5)]


@pytest.mark.parametrize("popularity", ALL, ids=repr)
@pytest.mark.parametrize("at", [0.0, 35.0])
def test_draws_follow_the_probabilities(popularity, at):
    n = 100_000
    drawn = popularity.objects(generator(1, "objects").random(n), np.full(n, at))
    expected = popularity.probabilities(at) * n
    assert expected.sum() == pytest.approx(n)
    if popularity.n > 1:
        counts = np.bincount(drawn, minlength=popularity.n)
        assert stats.chisquare(counts, expected).pvalue > 1e-3


@pytest.mark.parametrize("popularity", ALL, ids=repr)
def test_the_ends_of_the_unit_interval_are_objects(popularity):
    us = np.array([0.0, 1 - 2.0**-53])
    drawn = popularity.objects(us, np.zeros(2))
    assert drawn.tolist() == [0, popularity.n - 1]


def test_zipf_is_a_power_of_the_rank():
    shares = Zipf(0.7, 1000).probabilities()
    np.testing.assert_allclose(shares[0] / shares, np.arange(1, 1001) ** 0.7)
    np.testing.assert_allclose(np.diff(Zipf(0.7, 1000).cumulative), shares[1:], rtol=1e-9)


def test_ten_million_objects_take_one_array():
    tracemalloc.start()
    popularity = Zipf(0.8, 10_000_000)
    drawn = popularity.objects(generator(1, "objects").random(4096), np.zeros(4096))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert drawn.max() > 1_000_000
    assert peak < 90e6


@given(st.integers(2, 60), st.floats(0, 1), st.lists(st.integers(0, 40), min_size=1, max_size=8))
def test_a_drifting_ranking_is_the_same_in_whatever_order_it_is_asked(n, share, turns):
    one, other = (Drifting(1.0, n, 5.0, share, seed=9) for _ in range(2))
    straight = {turn: other.ranking(turn).tolist() for turn in range(41)}
    for turn in turns:
        assert one.ranking(turn).tolist() == straight[turn]
        assert sorted(straight[turn]) == list(range(n))


def test_rankings_that_are_forgotten_come_back_the_same(monkeypatch):
    straight = Drifting(1.0, 50, 1.0, 0.3, seed=2)
    expected = [straight.ranking(turn).copy() for turn in range(60)]
    monkeypatch.setattr("proxysim.workload.popularity._KEPT", 200)
    short = Drifting(1.0, 50, 1.0, 0.3, seed=2)
    for turn in [*range(60), *reversed(range(60))]:
        assert (short.ranking(turn) == expected[turn]).all()
        assert len(short._state) <= 6


def test_a_share_of_the_ranks_changes_hands_at_each_turn():
    popularity = Drifting(1.0, 1000, 5.0, 0.1, seed=1)
    for turn in range(1, 6):
        assert (popularity.ranking(turn) != popularity.ranking(turn - 1)).sum() == 100
    still = Drifting(1.0, 1000, 5.0, 0.0, seed=1)
    assert (still.ranking(7) == np.arange(1000)).all()


def test_a_drift_without_a_pace_is_refused():
    with pytest.raises(ScenarioError, match="every"):
        Drifting(1.0, 10, 0.0, 0.1, 1)
