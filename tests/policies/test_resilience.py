"""Laws of passive health and of retries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.messages import Content, Failure, Request
from proxysim.policies.backend import Backend
from proxysim.policies.health import PassiveHealth
from proxysim.policies.retry import Retry

POOL = [Backend(f"s{i}") for i in range(4)]


# Health.


def test_nothing_changes_while_all_is_well():
    health = PassiveHealth()
    for now in range(100):
        health.observe(POOL[now % 4], True, float(now))
        assert health.healthy(POOL, float(now)) is POOL


def test_failures_in_a_row_leave_a_backend_out_for_a_while():
    health = PassiveHealth(failures=3, seconds=10.0)
    for ok in (False, False, True, False, False):
        health.observe(POOL[1], ok, 1.0)
        assert health.healthy(POOL, 1.0) is POOL
    health.observe(POOL[1], False, 2.0)
    assert not health.available(POOL[1], 2.0)
    left = health.healthy(POOL, 2.0)
    assert left == [POOL[0], POOL[2], POOL[3]]
    assert health.healthy(POOL, 11.9) is left
    assert health.available(POOL[1], 12.0)
    assert health.healthy(POOL, 12.0) is POOL


def test_one_that_comes_back_is_on_trial():
    health = PassiveHealth(failures=3, seconds=10.0)
    for _ in range(3):
        health.observe(POOL[0], False, 0.0)
    health.observe(POOL[0], False, 10.0)
    assert not health.available(POOL[0], 19.9)
    health.observe(POOL[0], True, 20.0)
    health.observe(POOL[0], False, 21.0)
    assert health.available(POOL[0], 21.0)


def test_late_failures_do_not_lengthen_the_absence():
    health = PassiveHealth(failures=1, seconds=10.0)
    health.observe(POOL[0], False, 0.0)
    health.observe(POOL[0], False, 9.0)
    assert health.available(POOL[0], 10.0)


def test_when_nobody_is_left_all_are_taken_back():
    health = PassiveHealth(failures=1, seconds=10.0)
    for backend in POOL:
        health.observe(backend, False, 0.0)
    assert health.healthy(POOL, 1.0) is POOL
    assert all(health.available(backend, 1.0) for backend in POOL)
    health.observe(POOL[0], False, 2.0)
    assert health.healthy(POOL, 2.0) == POOL[1:]


@given(
    events=st.lists(
        st.tuples(st.integers(0, 3), st.booleans(), st.floats(0, 4)), min_size=1, max_size=60
    ),
    failures=st.integers(1, 3),
)
def test_healthy_is_who_is_available_and_never_nobody(events, failures):
    health = PassiveHealth(failures, seconds=5.0)
    now = 0.0
    before = None
    for which, ok, later in events:
        now += later
        health.observe(POOL[which], ok, now)
        available = [backend for backend in POOL if health.available(backend, now)]
        left = health.healthy(POOL, now)
        assert list(left) == (available or POOL)
        assert health.healthy(POOL, now) is left
        if before is not None and list(before) == list(left) and ok:
            assert before is left or left is POOL or len(left) < len(POOL)
        before = left


def test_two_pools_may_share_their_health():
    health = PassiveHealth(failures=1, seconds=10.0)
    health.observe(POOL[0], False, 0.0)
    one, two = POOL[:2], POOL[2:]
    for _ in range(3):
        assert health.healthy(one, 1.0) == [POOL[1]]
        assert health.healthy(two, 1.0) is two


# Retries.

LOST = Failure("reset", sent=True, retry_safe=False)
REFUSED = Failure("refused", sent=False, retry_safe=True)


class Stream:
    length = None
    replayable = False


def ask(method="GET", body=None):
    return Request(method, "http", "a.example", 80, "/", body=body)


@pytest.mark.parametrize(
    ("request_", "failure", "expected"),
    [
        (ask("GET"), LOST, True),
        (ask("PUT", Content(b"x")), LOST, True),
        (ask("DELETE"), LOST, True),
        (ask("POST", Content(b"x")), LOST, False),
        (ask("POST", Content(b"x")), REFUSED, True),
        (ask("POST", Content(b"x")), Failure("overload", sent=True, retry_safe=True), True),
        (ask("PATCH"), LOST, False),
        (ask("PUT", Stream()), LOST, False),
        (ask("POST", Stream()), REFUSED, False),
    ],
)
def test_only_what_is_safe_to_send_again(request_, failure, expected):
    assert Retry().may_retry(request_, failure, 1, 100) is expected


def test_attempts_count_the_first():
    retry = Retry(attempts=3)
    assert [retry.may_retry(ask(), REFUSED, attempt, 100) for attempt in (1, 2, 3)] == [
        True,
        True,
        False,
    ]
    assert not Retry(attempts=1).may_retry(ask(), REFUSED, 1, 100)


@pytest.mark.parametrize(("in_flight", "most"), [(0, 3), (10, 3), (15, 3), (20, 4), (100, 20)])
def test_the_budget_bounds_retries_under_way(in_flight, most):
    retry = Retry(attempts=2, budget=0.2)
    started = 0
    while retry.may_retry(ask(), REFUSED, 1, in_flight):
        retry.__enter__()
        started += 1
    assert started == most
    retry.__exit__(None, None, None)
    assert retry.may_retry(ask(), REFUSED, 1, in_flight)


def test_a_retry_that_breaks_off_is_no_longer_under_way():
    retry = Retry()
    with pytest.raises(ZeroDivisionError):
        with retry:
            raise ZeroDivisionError
    assert retry.under_way == 0
