"""Cookies as clients send and keep them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.messages import Headers, Response
from proxysim.policies.cookies import cookie, remembered
from tests.policies.pool import ask


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ("a=1", "1"),
        ("b=2; a=1", "1"),
        ("b=2;a=1;c", "1"),
        ("a; a=1", "1"),
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


def test_a_client_keeps_what_it_was_last_told():
    held = Headers([("accept", "*/*")])
    for lines in (["a=1; Path=/; HttpOnly", "b=x=y"], ["a=2"], []):
        answer = Response(200, Headers(("set-cookie", line) for line in lines))
        held = remembered(held, answer)
    assert held.get("cookie") == "a=2; b=x=y"
    assert held.get("accept") == "*/*"


@given(st.text())
def test_no_field_is_too_odd(sent):
    assert isinstance(cookie(ask(cookie=sent), "a"), str)
