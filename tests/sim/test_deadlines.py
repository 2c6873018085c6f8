"""Deadlines: due in order, once each, and nothing is kept for lengths that never come again."""

from __future__ import annotations

from functools import partial

from proxysim.sim.clock import Clock
from proxysim.sim.deadlines import Deadlines


def test_each_is_due_once_and_in_order_unless_it_is_met() -> None:
    clock, due = Clock(), []
    deadlines = Deadlines(clock)
    for name, seconds in (("a", 2.0), ("b", 1.0), ("c", 2.0), ("d", 1.0)):
        deadline = deadlines.set(seconds, partial(due.append, name))
        if name == "d":
            deadline.meet()
    clock.turn_until(10.0)
    assert due == ["b", "a", "c"]


def test_one_that_sets_the_next_of_its_length_goes_on() -> None:
    clock, due = Clock(), []
    deadlines = Deadlines(clock)

    def again() -> None:
        due.append(clock.time)
        if len(due) < 4:
            deadlines.set(0.5, again)

    deadlines.set(0.5, again)
    clock.turn_until(10.0)
    assert due == [0.5, 1.0, 1.5, 2.0]


def test_lengths_that_are_over_are_forgotten() -> None:
    """Delays that are worked out, as a quantile or what is left of a time, are all different."""
    clock = Clock()
    deadlines = Deadlines(clock)
    for n in range(1000):
        deadlines.set(1.0 + n / 1000, lambda: None)
    clock.turn_until(10.0)
    assert not deadlines._queues
