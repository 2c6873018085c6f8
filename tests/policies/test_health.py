"""Laws of what finds out who is well: passive health, outliers, checks, slow start."""

from __future__ import annotations

from math import sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.policies.backend import Backend
from proxysim.policies.health import (
    FIRST_STATES,
    HealthChecks,
    OutlierEjection,
    PassiveHealth,
    SlowStart,
    SuccessRate,
)

POOL = [Backend(f"s{i}") for i in range(10)]
ONE = POOL[0]


def out(ejector, now):
    return {backend for backend, until in ejector.out.items() if now < until}


def fail(ejector, backend, times, now):
    """Whether the last of *times* failures changes who is out."""
    return [ejector.observe(backend, False, now) for _ in range(times)][-1]


# Passive health.


def test_an_answer_in_between_starts_the_count_again():
    health = PassiveHealth(failures=3, seconds=10.0)
    for ok in (False, False, True, False, False):
        assert not health.observe(ONE, ok, 1.0)
    assert health.observe(ONE, False, 2.0)
    assert health.out == {ONE: 12.0}


def test_one_that_comes_back_is_on_trial():
    health = PassiveHealth(failures=3, seconds=10.0)
    fail(health, ONE, 3, 0.0)
    assert health.observe(ONE, False, 10.0)
    assert out(health, 19.9) == {ONE}
    assert not health.observe(ONE, True, 20.0)
    assert not health.observe(ONE, False, 21.0)


def test_late_failures_do_not_lengthen_the_absence():
    health = PassiveHealth(failures=1, seconds=10.0)
    assert health.observe(ONE, False, 0.0)
    assert not health.observe(ONE, False, 9.0)
    assert health.out == {ONE: 10.0}


def test_a_pardon_wipes_the_slate():
    health = PassiveHealth(failures=2, seconds=10.0)
    fail(health, ONE, 2, 0.0)
    health.pardon([ONE])
    assert not health.out
    assert not health.observe(ONE, False, 1.0)


# Outliers.


def test_five_failures_in_a_row_eject():
    ejection = OutlierEjection(size=10)
    assert not fail(ejection, ONE, 4, 0.0)
    ejection.observe(ONE, True, 0.0)
    assert not fail(ejection, ONE, 4, 0.0)
    assert ejection.observe(ONE, False, 1.0)
    assert ejection.out == {ONE: 31.0}


def test_each_ejection_is_longer_than_the_one_before():
    ejection = OutlierEjection(size=10)
    now = 0.0
    for times in (1, 2, 3):
        fail(ejection, ONE, 5, now)
        assert ejection.out[ONE] - now == 30.0 * times
        now = ejection.out[ONE]


def test_one_that_comes_back_starts_with_a_clean_slate():
    ejection = OutlierEjection(size=10)
    fail(ejection, ONE, 5, 0.0)
    assert not fail(ejection, ONE, 4, 30.0)
    assert ejection.observe(ONE, False, 30.0)


def test_an_ejection_ends_after_five_minutes_however_many_there_were():
    ejection = OutlierEjection(size=10)
    now = 0.0
    for _ in range(12):
        fail(ejection, ONE, 5, now)
        lasted, now = ejection.out[ONE] - now, ejection.out[ONE]
    assert lasted == OutlierEjection.LONGEST


def test_good_behaviour_is_rewarded():
    """Ten seconds in the pool take one ejection off the record."""
    ejection = OutlierEjection(size=10)
    fail(ejection, ONE, 5, 0.0)
    fail(ejection, ONE, 5, 30.0)  # the second: until 90
    fail(ejection, ONE, 5, 101.0)
    assert ejection.out[ONE] - 101.0 == 60.0


@given(
    events=st.lists(
        st.tuples(st.integers(0, 9), st.booleans(), st.floats(0, 5)), min_size=1, max_size=200
    ),
    at_most=st.floats(0, 1),
)
def test_never_more_out_than_the_cap_but_one(events, at_most):
    ejection = OutlierEjection(size=10, failures=1, seconds=10.0, at_most=at_most)
    now = 0.0
    for which, ok, later in events:
        now += later
        before = out(ejection, now)
        changed = ejection.observe(POOL[which], ok, now)
        after = out(ejection, now)
        assert len(after) <= max(1, int(10 * at_most + 1e-9))
        assert changed == (before != after)
        if not ok and POOL[which] not in after:
            assert len(after) == max(1, int(10 * at_most + 1e-9))


@pytest.mark.parametrize("percent", range(1, 101))
def test_a_cap_in_whole_percent_is_that_many_of_a_hundred(percent):
    ejection = OutlierEjection(size=100, failures=1, at_most=percent / 100)
    ejected = [ejection.observe(Backend(f"{n}"), ok=False, now=0.0) for n in range(100)]
    assert sum(ejected) == percent


def test_beyond_the_cap_failing_backends_stay():
    ejection = OutlierEjection(size=10, at_most=0.2)
    ejected = [fail(ejection, backend, 5, 0.0) for backend in POOL]
    assert ejected == [True, True] + [False] * 8


# Success rates.


def answers(rate, shares, now=0.0, each=100):
    """*each* answers of every backend, of which its share are good; then whom *rate* finds."""
    for backend, share in zip(POOL, shares, strict=False):
        for number in range(each):
            assert not rate.outliers(backend, number < share * each, now, {})
    return rate.outliers(POOL[0], True, now + rate.interval, {})


def test_who_fails_more_often_than_the_others_is_found():
    assert answers(SuccessRate(), [1.0, 1.0, 1.0, 0.7, 1.0]) == [POOL[3]]


def test_nobody_stands_out_where_all_fail_alike():
    assert answers(SuccessRate(), [0.5] * 10) == []


def test_too_few_answers_or_backends_say_nothing():
    assert answers(SuccessRate(), [1.0, 1.0, 1.0, 0.1, 1.0], each=99) == []
    assert answers(SuccessRate(), [1.0, 1.0, 1.0, 0.1]) == []


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6, 10])
def test_one_bad_backend_of_n_is_at_most_the_root_of_n_less_1_away(count):
    shares = [0.0] + [1.0] * (count - 1)
    factor = sqrt(count - 1)
    assert answers(SuccessRate(factor * 0.999, backends=2), shares) == [POOL[0]]
    assert answers(SuccessRate(factor * 1.001, backends=2), shares) == []


def test_every_interval_is_counted_anew():
    rate = SuccessRate()
    assert answers(rate, [1.0, 1.0, 1.0, 0.7, 1.0]) == [POOL[3]]
    assert answers(rate, [1.0] * 5, now=10.0) == []


def test_outliers_by_rate_are_ejected_too():
    ejection = OutlierEjection(size=5, success_rate=SuccessRate())
    for number in range(100):
        for backend in POOL[:5]:
            good = backend is not ONE or number % 3 != 0
            assert not ejection.observe(backend, good, 1.0)
    assert ejection.observe(POOL[1], True, 11.0)
    assert ejection.out == {ONE: 41.0}


def test_one_that_is_back_may_be_found_again():
    ejection = OutlierEjection(size=5, failures=1000, success_rate=SuccessRate())
    for begins in (0.0, 40.0):
        for number in range(100):
            for backend in POOL[:5]:
                ejection.observe(backend, backend is not ONE or number % 3 != 0, begins)
        assert ejection.observe(POOL[1], True, begins + 10.0)
        assert out(ejection, begins + 10.0) == {ONE}


# Checks.


@pytest.mark.parametrize(
    ("first", "good", "bad"),
    [("fully_up", 0, 3), ("up", 0, 1), ("down", 1, 0), ("fully_down", 2, 0)],
)
def test_the_first_state_is_so_many_probes_away_from_the_other(first, good, bad):
    def flips(ok):
        checks = HealthChecks(rise=2, fall=3, first=first)
        was = checks.up(ONE)
        for count in range(1, 10):
            flipped = checks.observe(ONE, ok)
            assert flipped == (checks.up(ONE) is not was)
            if flipped:
                return count
        return 0

    assert (flips(True), flips(False)) == (good, bad)


@given(
    probes=st.lists(st.booleans(), max_size=60),
    rise=st.integers(1, 4),
    fall=st.integers(1, 4),
    first=st.sampled_from(FIRST_STATES),
)
def test_only_a_whole_row_changes_the_state(probes, rise, fall, first):
    """Against the rule as it is said: so many in a row, but for the very first."""
    checks = HealthChecks(rise=rise, fall=fall, first=first)
    up = first in ("up", "fully_up")
    row, trusted = 0, first in ("fully_up", "fully_down")
    for ok in probes:
        row = row + 1 if ok is not up else 0
        if ok is up:
            trusted = True
        if ok is not up and row >= ((fall if up else rise) if trusted else 1):
            up, row, trusted = ok, 0, True
        checks.observe(ONE, ok)
        assert checks.up(ONE) is up


def test_probes_are_spread():
    checks = HealthChecks(interval=2.0)
    rng = Random(1)
    begins = [checks.begin(rng) for _ in range(1000)]
    gaps = [checks.next(rng) for _ in range(1000)]
    assert min(begins) < 0.1 < 1.9 < max(begins) < 2.0
    assert 1.9 <= min(gaps) < 1.92 < 2.08 < max(gaps) <= 2.1


# Slow start.


def test_ten_equal_steps():
    start = SlowStart(30.0)
    assert [start.share(step) for step in range(1, 11)] == [k / 10 for k in range(1, 11)]
    assert [start.ends(step) for step in (1, 9)] == [3.0, 27.0]
