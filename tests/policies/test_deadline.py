"""Deadlines as they are passed on."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.policies.deadline import FIELD, time_left, with_time
from tests.policies.pool import ask


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1500", 1.5),
        ("0", 0.0),
        ("9" * 15, 999_999_999_999.999),
        ("9" * 16, inf),
        ("1.5", inf),
        ("-1", inf),
        ("٣", inf),
        ("1, 2", inf),
        ("", inf),
    ],
)
def test_what_is_no_number_of_milliseconds_is_no_deadline(text, seconds):
    assert time_left(ask().with_headers(ask().headers.set(FIELD, text))) == seconds
    assert time_left(ask()) == inf


@given(st.floats(-5, 1e6))
def test_nobody_further_on_is_told_more_than_there_is(seconds):
    told = time_left(with_time(ask(), seconds))
    assert told <= max(seconds, 0.0) + 1e-9
    assert told > seconds - 0.0011


def test_what_was_told_before_is_replaced():
    assert time_left(with_time(with_time(ask(), 9.0), 2.0)) == 2.0
