"""Laws of resolved names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxysim.policies.names import Names


def test_who_needs_a_name_that_is_being_looked_up_waits_for_the_same_answer():
    names = Names(lookup=2.0, ttl=10.0)
    assert names.wait("a", 5.0) == (2.0, True)
    assert names.wait("a", 6.5) == (0.5, False)
    assert names.wait("b", 6.5) == (2.0, True)
    assert names.wait("a", 7.0) == (0.0, False)
    assert names.wait("a", 16.9) == (0.0, False)
    assert names.wait("a", 17.0) == (2.0, True)


@given(
    gaps=st.lists(st.floats(0, 5), max_size=40),
    lookup=st.floats(0, 3),
    ttl=st.floats(0, 8),
)
def test_it_is_asked_for_once_in_as_long_as_an_answer_holds(gaps, lookup, ttl):
    names, now, asked_at = Names(lookup, ttl), 0.0, None
    for gap in gaps:
        now += gap
        wait, asked = names.wait("a", now)
        assert asked is (asked_at is None or now >= asked_at + lookup + ttl)
        if asked:
            asked_at = now
        assert wait == max(0.0, asked_at + lookup - now)
