"""The simulated clock: SimPy's order, in a queue of its own."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from simpy import Environment

from proxysim.sim.clock import Clock

Turn = Callable[[Clock, list[tuple[float, int]]], None]
#: What a call does when its time has come: calls after so many tenths of a second.
PLANS = st.lists(st.lists(st.integers(0, 3), max_size=3), min_size=1, max_size=12)


def order_under_simpy(plans: list[list[int]]) -> list[tuple[float, int]]:
    """When each call comes, by SimPy's own queue."""
    env, seen = Environment(), []

    def call(number: int) -> None:
        seen.append((env.now, number))
        for step in plans[number]:
            if len(seen) + step < 60:
                after(step * 0.5, (number + step + 1) % len(plans))

    def after(delay: float, number: int) -> None:
        env.timeout(delay).callbacks.append(lambda _: call(number))

    after(0.0, 0)
    env.run(until=5.25)
    return seen


def order_by_turns(plans: list[list[int]], turn: Turn) -> list[tuple[float, int]]:
    """When each call comes, by the clock that *turn* turns until nothing is left."""
    env, seen = Clock(), []

    def call(number: int) -> None:
        seen.append((env.time, number))
        for step in plans[number]:
            if len(seen) + step < 60:
                env.after(step * 0.5, call, (number + step + 1) % len(plans))

    env.after(0.0, call, 0)
    turn(env, seen)
    return seen


@given(PLANS)
def test_the_order_is_that_of_simpy(plans):
    def turn(env: Clock, _: list[tuple[float, int]]) -> None:
        env.turn_until(5.25)
        assert env.time == 5.25

    assert order_by_turns(plans, turn) == order_under_simpy(plans)


@given(PLANS, st.integers(1, 20))
def test_turning_while_busy_stops_between_two_calls_and_loses_none(plans, most):
    def turn(env: Clock, seen: list[tuple[float, int]]) -> None:
        before = -1
        while len(seen) > before:
            before = len(seen)
            env.turn_while(lambda most=before + most: len(seen) < most, 5.25)
            assert len(seen) <= before + most

    assert order_by_turns(plans, turn) == order_under_simpy(plans)


def test_what_is_soon_comes_before_what_is_due_at_the_same_time():
    env, seen = Clock(), []

    def first(_: None) -> None:
        seen.append("first")
        env.after(0.0, lambda _: seen.append("last"))
        env.soon(lambda _: seen.append("soon"))

    env.after(1.0, first)
    env.after(1.0, lambda _: seen.append("second"))
    env.turn_until(2.0)
    assert seen == ["first", "soon", "second", "last"]


def test_nothing_comes_after_a_stop():
    env, seen = Clock(), []

    def stop(_: None) -> None:
        env.stop()
        env.after(0.0, lambda _: seen.append("late"))

    env.after(1.0, stop)
    env.after(1.0, lambda _: seen.append("beside"))
    env.after(1.5, lambda _: seen.append("after"))
    env.turn_until(2.0)
    env.turn_until(3.0)
    assert not seen
    assert env.time == 1.0
