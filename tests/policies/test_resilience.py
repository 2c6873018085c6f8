"""Laws of retries."""

from __future__ import annotations

import pytest

from proxysim.messages import Content, Failure, Request
from proxysim.policies.retry import Retry

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


def test_a_budget_of_all_is_no_bound():
    retry = Retry(budget=1.0)
    for _ in range(100):
        assert retry.may_retry(ask(), REFUSED, 1, 0)
        retry.__enter__()
