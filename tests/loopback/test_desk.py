"""A server's desk keeps to absolute times, however late anybody looks."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from hypothesis import given
from hypothesis import strategies as st

from proxysim.loopback.desk import Desk, Job

TIMES = st.lists(st.floats(0.0, 2.0), min_size=1, max_size=40)


def by_recursion(workers: int, arrivals: list[float], demands: list[float]) -> list[float]:
    """When each job ends, first come, first served: Kiefer and Wolfowitz's recursion."""
    free = [0.0] * workers
    heapify(free)
    ends = []
    for at, demand in zip(arrivals, demands, strict=True):
        ends.append(max(at, heappop(free)) + demand)
        heappush(free, ends[-1])
    return ends


@given(st.integers(1, 4), TIMES, st.data())
def test_ends_are_those_of_the_queue_whenever_it_is_looked_at(workers, gaps, data):
    demands = data.draw(st.lists(st.floats(0.0, 5.0), min_size=len(gaps), max_size=len(gaps)))
    arrivals, now = [], 0.0
    for gap in gaps:
        now += gap
        arrivals.append(now)
    ended: dict[object, Job] = {}
    desk = Desk(workers, None, lambda job: ended.__setitem__(job.owner, job))
    for number, (at, demand) in enumerate(zip(arrivals, demands, strict=True)):
        if data.draw(st.booleans()):
            desk.advance(at)  # a timer that rang on its way; where none did, nothing is lost
        assert desk.arrive(Job(number, lambda demand=demand: demand), at)
    desk.advance(1e9)
    found = [ended[number].ends for number in range(len(gaps))]
    assert found == by_recursion(workers, arrivals, demands)
    assert desk.idle
    busy, queued, inside = desk.areas(1e9)
    tolerance = 1e-6 * 1e9
    assert abs(busy - sum(demands)) < tolerance
    waits = sum(job.began - job.arrived for job in ended.values())
    assert abs(queued - waits) < tolerance
    assert inside == busy + queued


def test_a_full_queue_takes_nobody_and_a_silent_desk_everybody():
    desk = Desk(1, 1, lambda job: None)
    jobs = [Job(number, lambda: 1.0) for number in range(4)]
    assert [desk.arrive(job, 0.0) for job in jobs] == [True, True, False, False]
    desk.hush(0.5)
    assert desk.arrive(Job(5, lambda: 1.0), 0.5)


def test_what_should_have_ended_in_silence_ends_when_it_speaks():
    ended: list[tuple[object, float]] = []
    desk = Desk(1, None, lambda job: ended.append((job.owner, job.ends)))
    for name in "ab":
        desk.arrive(Job(name, lambda: 1.0), 0.0)
    desk.hush(0.5)
    desk.advance(5.0)
    assert ended == []
    desk.speak(5.0)
    desk.advance(10.0)
    assert ended == [("a", 5.0), ("b", 6.0)]


def test_who_leaves_makes_room_at_once():
    ended: list[tuple[object, float]] = []
    desk = Desk(1, None, lambda job: ended.append((job.owner, job.ends)))
    jobs = {name: Job(name, lambda: 10.0) for name in "abc"}
    for job in jobs.values():
        desk.arrive(job, 0.0)
    desk.leave(jobs["b"], 1.0)  # waits
    desk.leave(jobs["a"], 2.0)  # is being served
    desk.advance(100.0)
    assert ended == [("c", 12.0)]


def test_what_is_lost_is_told_in_the_order_in_which_it_came():
    desk = Desk(2, None, lambda job: None)
    for number in range(5):
        desk.arrive(Job(number, lambda: 1.0), 0.0)
    assert [job.owner for job in desk.clear(0.5)] == [0, 1, 2, 3, 4]
    assert desk.idle
