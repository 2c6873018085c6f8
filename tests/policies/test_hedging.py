"""Laws of back-off and of hedging's delay."""

from __future__ import annotations

from math import ceil
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.policies.backoff import Backoff
from proxysim.policies.hedging import Hedging, Recent
from proxysim.policies.retry import retry_after


def test_backoff_is_uniform_up_to_an_end_that_doubles_and_stays():
    """Envoy's example: with a base of 25 ms up to 25, 75, 175, then 250 ms."""
    backoff = Backoff(Random(7))
    for retry, end in ((1, 0.025), (2, 0.075), (3, 0.175), (4, 0.25), (9, 0.25)):
        waits = [backoff.before(retry) for _ in range(4000)]
        assert 0 <= min(waits) < max(waits) <= end
        # The mean of 4000 uniform numbers is within 4 standard errors of its half.
        assert sum(waits) / len(waits) == pytest.approx(end / 2, abs=4 * end / (12 * 4000) ** 0.5)


def test_backoff_draws_from_its_stream_alone():
    assert [Backoff(Random(3)).before(n) for n in (1, 2)] == [
        Backoff(Random(3)).before(n) for n in (1, 2)
    ]


@pytest.mark.parametrize(
    ("text", "seconds"), [("", 0), ("120", 120), ("Fri, 31 Dec 1999 23:59:59 GMT", 0), ("-1", 0)]
)
def test_retry_after_is_heeded_in_seconds(text, seconds):
    assert retry_after(text) == seconds


@given(
    numbers=st.lists(st.floats(0, 100), min_size=1, max_size=60),
    window=st.integers(1, 20),
    q=st.floats(0.01, 1.0),
)
def test_quantiles_are_those_of_the_last_numbers(numbers, window, q):
    recent = Recent(window)
    for number in numbers:
        recent.add(number)
    last = sorted(numbers[-window:])
    assert len(recent) == len(last)
    assert recent.quantile(q) == last[max(0, ceil(q * len(last)) - 1)]


@given(budget=st.floats(0.01, 1.0), wishes=st.lists(st.booleans(), max_size=300))
def test_hedges_never_exceed_what_was_earned(budget, wishes):
    hedging = Hedging(after=0.1, budget=budget)
    hedges = 0
    for requests, wish in enumerate(wishes, start=1):
        hedging.earn()
        hedges += wish and hedging.spend()
        assert hedges <= Hedging.MOST_SAVED + budget * requests + 1e-6


def test_nothing_is_hedged_before_enough_is_known():
    hedging = Hedging()
    for _ in range(Hedging.ENOUGH):
        assert hedging.delay() is None
        hedging.observe(0.01)
    assert hedging.delay() == 0.01


def test_answers_that_take_no_time_are_not_asked_for_twice():
    hedging = Hedging()
    for _ in range(2 * Hedging.ENOUGH):
        hedging.observe(0.0)
    assert hedging.delay() is None
