"""Weights, rates and tiers as configurations can say them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.engines.choice import tiers
from proxysim.engines.places import Place
from proxysim.engines.subject import Member, per_minute, whole_weights

WEIGHTS = st.lists(st.one_of(st.just(0.0), st.floats(1e-3, 1e3)), min_size=1, max_size=8)


@given(WEIGHTS, st.sampled_from([100, 256, 1000]))
def test_weights_become_whole_and_keep_their_proportions(weights, most):
    found, exact = whole_weights(weights, most)
    assert all((each == 0) == (weight == 0) for each, weight in zip(found, weights, strict=True))
    assert max(found) <= most
    if exact and any(weights):
        for each, weight in zip(found, weights, strict=True):
            assert each / sum(found) == pytest.approx(weight / sum(weights), abs=1e-6)


@given(st.lists(st.integers(1, 100), min_size=1, max_size=8), st.integers(1, 8))
def test_weights_that_have_a_proportion_in_small_numbers_get_it(numbers, part):
    found, exact = whole_weights([number / part for number in numbers], 100)
    assert exact
    assert [each * numbers[0] for each in found] == [number * found[0] for number in numbers]


@pytest.mark.parametrize(
    ("rate", "written"),
    [(7.0, ("7r/s", True)), (2.5, ("150r/m", True)), (1 / 60, ("1r/m", True)),
     (0.001, ("1r/m", False)), (1 / 7, ("9r/m", False))],
)  # fmt: skip
def test_rates_are_told_by_the_second_or_by_the_minute(rate, written):
    assert per_minute(rate) == written


def test_tiers_are_those_named_or_the_groups():
    place = Place("127.0.0.1", 1, 2)
    members = [Member(name, name[0], place, 1.0) for name in ("a-1", "a-2", "b-1", "c-1")]

    def names(named):
        return [[member.name for member in tier] for tier in tiers(members, named)]

    assert names([]) == [["a-1", "a-2"], ["b-1"], ["c-1"]]
    assert names([["c"], ["a-2", "b"]]) == [["c-1"], ["a-2", "b-1"], ["a-1"]]


def test_an_address_is_written_with_its_port():
    assert Place("10.0.0.7", 80, 443).at() == "10.0.0.7:80"
    assert Place("::1", 80, 443).at(tls=True) == "[::1]:443"
    assert Place("127.0.0.1", 1, 2).own == Place("10.0.0.7", 1, 2).own == ""
    assert Place("127.3.0.1", 1, 2).own == "127.3.0.1"
