"""Laws of the token bucket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.policies.rate_limit import TokenBucket

GAPS = st.lists(
    st.one_of(st.just(0.0), st.floats(0, 0.01), st.floats(0, 3)), min_size=1, max_size=120
)


@given(gaps=GAPS, rate=st.floats(0.1, 100), burst=st.integers(1, 10))
def test_in_no_span_more_than_burst_and_rate_times_its_length_pass(gaps, rate, burst):
    bucket, now, passed = TokenBucket(rate, burst), 0.0, []
    for gap in gaps:
        now += gap
        if not bucket.take("a", now):
            passed.append(now)
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            span = passed[last] - passed[first]
            assert last - first + 1 <= burst + rate * span + 1e-5


@given(gaps=GAPS, rate=st.floats(0.1, 100), burst=st.integers(1, 10))
def test_it_is_the_bucket_of_the_textbook(gaps, rate, burst):
    """Tokens counted one by one; who comes within a rounding error of a token is not judged."""
    bucket, now, tokens, before = TokenBucket(rate, burst), 0.0, float(burst), 0.0
    for gap in gaps:
        now += gap
        tokens = min(burst, tokens + rate * (now - before))
        before = now
        late = bucket.take("a", now)
        if abs(tokens - 1) > 1e-4:
            assert (late == 0) == (tokens > 1)
        if late == 0:
            tokens -= 1
        elif abs(tokens - 1) > 1e-4:
            assert late == pytest.approx((1 - tokens) / rate, abs=1e-4 / rate)


def test_who_comes_when_it_is_told_to_is_let_in():
    bucket = TokenBucket(rate=3.0, burst=2)
    assert [bucket.take("a", 0.0) > 0 for _ in range(3)] == [False, False, True]
    assert bucket.take("a", bucket.take("a", 0.0)) == 0


def test_exactly_at_the_rate_everyone_passes():
    bucket = TokenBucket(rate=3.0)
    assert not any(bucket.take("a", n / 3.0) for n in range(10_000))


def test_each_key_has_a_bucket_of_its_own():
    bucket = TokenBucket(rate=1.0, burst=1)
    assert bucket.take("a", 0.0) == 0
    assert bucket.take("b", 0.0) == 0
    assert bucket.take("a", 0.0) > 0


def test_full_buckets_are_forgotten():
    bucket = TokenBucket(rate=10.0, burst=5)
    for n in range(10_000):
        bucket.take(f"client {n}", n / 100)
    # Who asked once is full again after 0.1 s, in which ten more came.
    assert len(bucket) <= 12


def test_memory_is_bounded_whoever_comes():
    bucket = TokenBucket(rate=0.001, burst=1, most=100)
    for n in range(1000):
        assert bucket.take(f"client {n}", 0.0) == 0
        assert len(bucket) <= 100
    assert bucket.take("client 999", 0.0) > 0


def test_who_asked_longest_ago_is_forgotten_first():
    bucket = TokenBucket(rate=0.001, burst=2, most=2)
    for key in ("a", "b", "a", "c"):
        assert bucket.take(key, 0.0) == 0
    assert bucket.take("a", 0.0) > 0, "its two tokens are gone, and that is remembered"
