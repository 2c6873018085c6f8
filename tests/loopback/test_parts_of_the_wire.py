"""The small parts of a live run: tags, bodies, exact timers, links that hold up what crosses."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.loopback.alarm import Alarm
from proxysim.loopback.bodies import content
from proxysim.loopback.crossing import END, Course
from proxysim.loopback.slow_start import SEGMENT, Window
from proxysim.loopback.tags import Tag, tag_of, tagged
from proxysim.messages import NO_HEADERS, Headers
from proxysim.topology import Network, Place, Wire
from proxysim.topology.directions import Directions
from proxysim.workload.draws import Recorded
from proxysim.workload.streams import Chance

#: A timer may be late on a busy machine, by far; never early.
EARLY = 1e-4


@given(
    st.integers(-(2**50), 2**50),
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 900),
    st.one_of(st.none(), st.builds(Recorded, st.integers(100, 599), st.integers(0, 10**9))),
)
def test_a_tag_is_read_back_as_it_was_written(number, u, attempt, recorded):
    tag = Tag(number, u, attempt, recorded)
    assert tag_of(tagged(NO_HEADERS, tag)) == tag


@pytest.mark.parametrize("text", ["", "x", "1", "1 2", "1 x 1", "1 0.5 x", "1 0.5 1 a b"])
def test_what_is_no_tag_is_none(text):
    assert tag_of(Headers((("proxysim-request", text),))) is None


@pytest.mark.parametrize("size", [0, 1, 1000, 3_000_000])
def test_a_body_is_as_long_as_said_and_always_the_same(size):
    for text in (True, False):
        body = content("/7", size, text=text)
        assert len(body) == size
        assert body == content("/7", size, text=text)


def test_text_codes_as_text_does_and_noise_does_not():
    zstandard = pytest.importorskip("zstandard")
    for text, least, most in ((True, 4.0, 5.5), (False, 0.9, 1.1)):
        body = content("/1", 65536, text=text)
        assert least < len(body) / len(zstandard.compress(body, 3)) < most


def test_an_alarm_calls_in_order_never_early_and_not_what_was_cancelled():
    called = []

    async def go():
        alarm = Alarm(time.monotonic())
        done = asyncio.get_running_loop().create_future()
        for name, delay in (("c", 0.03), ("a", 0.01), ("x", 0.015), ("b", 0.02)):
            entry = alarm.after(delay, lambda what: called.append((what, alarm.time)), name)
            if name == "x":
                alarm.cancel(entry)
        alarm.after(0.05, done.set_result)
        await done
        alarm.close()

    asyncio.run(go())
    assert [name for name, _ in called] == ["a", "b", "c"]
    for (_, at), due in zip(called, (0.01, 0.02, 0.03), strict=True):
        assert at >= due - EARLY


def test_without_the_kernels_timer_the_loops_own_is_used(monkeypatch):
    monkeypatch.setattr("proxysim.loopback.alarm._timer", lambda: None)
    test_an_alarm_calls_in_order_never_early_and_not_what_was_cancelled()


def crossing(wires, sizes, *, slow_start=None):
    """When pieces of *sizes*, sent at once over *wires*, and the end behind them, have arrived."""
    network = Network(
        [Place("a", "server"), Place("r", "router"), Place("b", "server")],
        wires,
        [("a", "b")],
    )
    came = []

    async def go():
        alarm = Alarm(time.monotonic())
        done = asyncio.get_running_loop().create_future()

        def deliver(piece):
            came.append((piece, alarm.time))
            if piece == END:
                done.set_result(None)

        carried = Counter()
        directions = Directions(alarm, network, lambda name: Chance(1, name))
        legs = [(directions[hop], 0) for hop in network.route("a", "b")]
        course = Course(alarm, legs, carried, deliver)
        if slow_start is not None:
            course.slow_start(lambda: slow_start)
        began = alarm.time
        for number, size in enumerate(sizes):
            course.send(bytes([number]) * size)
        course.send(END)
        await done
        alarm.close()
        assert course.under_way == 0
        assert set(carried.values()) == {sum(sizes)}
        return began

    began = asyncio.run(go())
    return [(piece, at - began) for piece, at in came]


def test_what_crosses_links_stays_in_order_and_is_late_by_their_latencies():
    wires = [Wire(("a", "r"), latency=0.02), Wire(("r", "b"), latency=0.03)]
    came = crossing(wires, [10, 20, 30])
    assert b"".join(piece for piece, _ in came) == b"\0" * 10 + b"\1" * 20 + b"\2" * 30
    assert min(at for _, at in came) >= 0.05 - EARLY
    assert came[-1][0] == END


def test_bandwidth_holds_the_last_byte_back_and_the_first_less():
    wires = [Wire(("a", "r"), bandwidth=1e6), Wire(("r", "b"), latency=0.01)]
    came = crossing(wires, [50_000, 50_000])
    assert sum(len(piece) for piece, _ in came) == 100_000
    assert came[-1][1] >= 0.1 + 0.01 - EARLY
    assert came[0][1] < came[-2][1]


@pytest.mark.parametrize(("size", "rounds"), [(14_000, 0), (15_000, 1), (43_000, 1), (44_000, 2)])
def test_slow_start_takes_a_round_trip_for_each_doubling_of_the_window(size, rounds):
    """Ten segments, then twenty, then forty, as the simulator counts them."""
    came = crossing([Wire(("a", "b"), latency=0.03)], [size], slow_start=0.05)
    assert b"".join(piece for piece, _ in came) == bytes(size)
    assert came[-1][0] == END
    assert came[0][1] >= 0.03 - EARLY
    assert came[-1][1] >= 0.03 + rounds * 0.08 - EARLY
    # Each flight comes at its own time: pieces that come together belong to one.
    flights = Counter(int((at - 0.03 + EARLY) / 0.08) for piece, at in came if piece)
    assert len(flights) >= rounds + 1
    assert sum(flights.values()) == -(-size // 1460)


def test_a_window_keeps_its_size_and_its_order():
    """Worked out by hand: acknowledgements come when they are called."""
    acknowledged, entered = [], []

    class ByHand:
        def after(self, seconds, call, given):
            acknowledged.append((seconds, lambda: call(given)))

    window = Window(ByHand(), lambda: 0.5, entered.append)
    for number in range(40):
        window.send(bytes([number]) * SEGMENT)
    window.send(END)
    assert [piece[0] for piece in entered] == list(range(10))
    for _ in range(10):
        window.delivered(SEGMENT)
    assert len(entered) == 10
    while acknowledged:
        seconds, call = acknowledged.pop(0)
        assert seconds == 0.5
        call()
    assert [piece[0] for piece in entered] == list(range(30))
    assert window.size == 20 * SEGMENT
