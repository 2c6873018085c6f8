"""A wire that is shared: egalitarian processor sharing, held against a fluid model and its laws."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.sim.clock import Clock
from proxysim.topology.lanes import Lane

BANDWIDTH = 1000.0
SIZES = st.integers(1, 10**6)
JOINS = st.lists(st.tuples(st.floats(0, 1000), SIZES), min_size=1, max_size=25)

Join = tuple[float, int]


def ends(joins: Sequence[Join], changes: Sequence[tuple[float, float]] = ()) -> list[float]:
    """When each transfer ends, if they join when *joins* says; *changes* are of the bandwidth."""
    clock = Clock()
    lane = Lane(clock, BANDWIDTH)
    found = [-1.0] * len(joins)

    def join(number: int, size: int) -> None:
        lane.join(size, done, number)

    def done(number: int) -> None:
        assert found[number] < 0, "it ends once"
        found[number] = clock.now

    for number, (at, size) in enumerate(joins):
        clock.after(at, lambda _, number=number, size=size: join(number, size))
    for at, bandwidth in changes:
        clock.after(at, lambda _, bandwidth=bandwidth: lane.change(bandwidth))
    clock.turn_until(1e9)
    assert not len(lane)
    return found


def fluid(joins: Sequence[Join]) -> list[float]:
    """The same, from one event to the next: all who are there share what passes in between."""
    left = {number: float(size) for number, (_, size) in enumerate(joins)}
    found = [-1.0] * len(joins)
    now = 0.0
    while left:
        here = [number for number in left if joins[number][0] <= now]
        coming = [joins[number][0] for number in left if joins[number][0] > now]
        until = min(coming, default=float("inf"))
        if here:
            first = min(here, key=lambda number: left[number])
            until = min(until, now + left[first] * len(here) / BANDWIDTH)
            share = (until - now) * BANDWIDTH / len(here)
            for number in here:
                left[number] -= share
            if until < min(coming, default=float("inf")):
                left[first] = 0.0
        now = until
        for number in [number for number in here if left[number] <= 1e-6]:
            found[number] = now
            del left[number]
    return found


@given(JOINS)
def test_as_a_fluid_would_flow(joins: list[Join]) -> None:
    assert ends(joins) == pytest.approx(fluid(joins), rel=1e-9, abs=1e-6)


@given(JOINS)
def test_no_work_is_lost(joins: list[Join]) -> None:
    """The wire is never idle while there is something to send."""
    clear = 0.0
    for at, size in sorted(joins):
        clear = max(clear, at) + size / BANDWIDTH
    assert max(ends(joins)) == pytest.approx(clear)


@given(st.integers(1, 30), SIZES, st.floats(0, 100))
def test_equal_transfers_that_join_together_end_together(count: int, size: int, at: float) -> None:
    assert ends([(at, size)] * count) == pytest.approx([at + count * size / BANDWIDTH] * count)


@given(st.lists(SIZES, min_size=2, max_size=20))
def test_of_those_that_join_together_the_smaller_ends_first(sizes: list[int]) -> None:
    found = ends([(0.0, size) for size in sizes])
    order = sorted(range(len(sizes)), key=lambda number: sizes[number])
    assert [found[number] for number in order] == sorted(found)


@given(JOINS, st.floats(0, 1000), SIZES)
def test_one_more_never_makes_another_end_earlier(joins: list[Join], at: float, size: int) -> None:
    alone, along = ends(joins), ends([*joins, (at, size)])
    for before, after in zip(alone, along, strict=False):
        assert after >= before - 1e-6


def test_by_hand() -> None:
    """Alone for 1 s, then shared: 3000 B, of which 1000 are gone when 1000 B join."""
    assert ends([(0.0, 3000), (1.0, 1000)]) == pytest.approx([4.0, 3.0])


def test_the_bandwidth_changes_under_way() -> None:
    """2000 B: 1000 in the first second, the rest at a quarter of the speed."""
    assert ends([(0.0, 2000)], [(1.0, 250.0)]) == pytest.approx([5.0])


def test_one_that_joins_as_another_ends() -> None:
    assert ends([(0.0, 1000), (1.0, 1000)]) == pytest.approx([1.0, 2.0])


@pytest.mark.parametrize("size", [0, 500])
def test_one_that_joins_because_another_ends(size: int) -> None:
    """Of no length at all, too: it is over in the turn in which it joins."""
    clock = Clock()
    lane = Lane(clock, BANDWIDTH)
    found: list[float] = []
    lane.join(1000, lambda _: lane.join(size, lambda _: found.append(clock.now)))
    clock.turn_until(100.0)
    assert found == pytest.approx([1.0 + size / BANDWIDTH])
