"""Laws of load shedding."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxysim.messages import Request
from proxysim.policies.shedding import ControlledDelay, Shedding


def get(host="shop.example"):
    return Request("GET", "http", host, 80, "/")


def test_whoever_finds_room_comes_in():
    shedding = Shedding(in_flight=3)
    assert [shedding.admits(get(), inside) for inside in range(5)] == [True] * 3 + [False] * 2


@given(in_flight=st.integers(1, 200), reserve=st.floats(0, 1), inside=st.integers(0, 300))
def test_the_first_are_turned_away_last(in_flight, reserve, inside):
    shedding = Shedding(in_flight, reserve, ["paid.example"])
    others, first = shedding.admits(get(), inside), shedding.admits(get("paid.example"), inside)
    assert first == (inside < in_flight)
    assert first or not others


def test_of_a_hundred_places_twenty_are_kept():
    shedding = Shedding(100, 0.2, ["paid.example"])
    assert shedding.admits(get(), 79)
    assert not shedding.admits(get(), 80)
    assert shedding.admits(get("paid.example"), 99)


def test_a_burst_may_wait_and_a_standing_queue_may_not():
    delay = ControlledDelay(target=0.005, interval=0.1)
    assert delay.patience(0, 10.0) == 0.1  # it finds the queue empty
    assert delay.patience(1, 10.05) == 0.1
    assert delay.patience(7, 10.2) == 0.005  # not empty for longer than the interval
    assert delay.patience(0, 11.0) == 0.1
    assert delay.patience(3, 11.1) == 0.1
