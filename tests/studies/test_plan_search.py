"""Bisection finds the edge between what meets and what misses, wherever it is."""

import math

from hypothesis import given
from hypothesis import strategies as st

from proxysim.studies.search import Verdict, search

VALUES = st.lists(st.integers(0, 10_000), min_size=1, max_size=200, unique=True).map(sorted)


def judge_from(edge, *, upwards, asked=None):
    def judge(value):
        if asked is not None:
            asked.append(value)
        return Verdict.MEETS if (value >= edge) == upwards else Verdict.MISSES

    return judge


@given(VALUES, st.integers(0, 10_001), st.booleans(), st.sampled_from(["low", "high"]))
def test_the_answer_is_that_of_exhaustive_search(values, edge, upwards, first):
    found = search(values, judge_from(edge, upwards=upwards), first=first)
    meeting = [value for value in values if (value >= edge) == upwards]
    if not meeting:
        assert found.answer is None
        return
    if len(meeting) < len(values):
        assert found.sense == ("least" if upwards else "most")
        assert found.next not in meeting
        assert found.verdicts[found.next] is Verdict.MISSES
    else:
        assert found.next is None
    assert found.answer == (min if found.sense == "least" else max)(meeting)
    assert found.strays == ()


@given(st.integers(1, 4096), st.integers(1, 4096))
def test_it_takes_few_verdicts_each_once(size, edge):
    asked = []
    search(range(1, size + 1), judge_from(edge, upwards=True, asked=asked))
    assert len(asked) == len(set(asked)) <= 2 * math.log2(size) + 5


def test_halves_by_ratio():
    asked = []
    search(range(1, 65), judge_from(6, upwards=True, asked=asked), check=False)
    assert asked[:3] == [64, 8, 3]


def test_what_cannot_be_told_is_not_the_answer():
    verdicts = {4: Verdict.MISSES, 5: Verdict.UNSURE}
    found = search(
        range(1, 9),
        lambda value: verdicts.get(value, Verdict.MEETS if value > 5 else Verdict.MISSES),
    )
    assert (found.answer, found.next) == (6, 5)
    assert found.verdicts[5] is Verdict.UNSURE
    assert found.strays == ()


def test_an_end_that_cannot_be_told_gives_no_answer():
    found = search([1, 2], lambda value: Verdict.UNSURE)
    assert found.answer is None
    assert found.best == 2
    assert search([1, 2], lambda value: Verdict.UNSURE, first="low").best == 1


def test_one_end_is_enough_where_the_way_is_known():
    asked = []
    search([1, 2, 3], judge_from(3, upwards=True, asked=asked), first="low", either=False)
    assert asked == [1]


def test_a_neighbour_that_contradicts_is_told():
    def judge(value):
        return Verdict.MEETS if (value >= 5) != (value == 6) else Verdict.MISSES

    assert search(range(1, 9), judge).strays == (6,)
    assert search(range(1, 9), judge, check=False).strays == ()


def test_long_ranges_are_no_trouble():
    assert search(range(1, 1_000_001), judge_from(777_777, upwards=True)).answer == 777_777
