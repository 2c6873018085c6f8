"""Cookies as clients send them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.policies.cookies import cookie
from tests.policies.pool import ask


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ("a=1", "1"),
        ("b=2; a=1", "1"),
        ("b=2;a=1;c", "1"),
        ("a=1; a=2", "1"),
        ("a=x=y", "x=y"),
        ("b=2, a=1", "1"),  # two lines, read as one
        ("a=", ""),
        ("aa=1; A=2", ""),
        ("a", ""),
    ],
)
def test_a_cookie_is_found_by_its_name(sent, found):
    assert cookie(ask(cookie=sent), "a") == found


def test_no_cookies_no_value():
    assert cookie(ask(), "a") == ""


@given(st.text())
def test_no_field_is_too_odd(sent):
    assert isinstance(cookie(ask(cookie=sent), "a"), str)
