"""Laws of the fleet: who may be asked, with what weight, and that nothing changes for nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.policies.backend import Backend
from proxysim.policies.health import HealthChecks, OutlierEjection, PassiveHealth, SlowStart
from proxysim.proxies.fleet import Fleet


def backends(*weights):
    return [Backend(f"s{i}", weight=weight) for i, weight in enumerate(weights or (1.0,) * 4)]


def failing(*which, members, fleet, now):
    for index in which:
        fleet.observe(members[index], False, now)


def passive(members, seconds=10.0, **more):
    return Fleet(members, ejectors=[PassiveHealth(1, seconds)], **more)


def names(fleet, now):
    return [backend.name for backend in fleet.at(now)]


# Who.


def test_while_all_is_well_the_pool_is_one_object():
    members = backends(1.0, 0.0, 2.0)
    fleet = passive(members, checks=HealthChecks(), slow_start=SlowStart(10.0))
    pool = fleet.pool
    assert pool == [members[0], members[2]]
    for now in range(100):
        fleet.observe(members[0], True, now)
        fleet.probed(members[2], True, now)
        assert fleet.at(now) is pool
        assert fleet.until is None


def test_weight_zero_is_never_asked_whatever_befalls_it():
    members = backends(0.0, 1.0)
    fleet = passive(members, panic=1.0)
    for _ in range(3):
        failing(0, 1, members=members, fleet=fleet, now=1.0)
        fleet.drain("s0", 1.0)
        fleet.undrain("s0", 1.0)
        assert names(fleet, 1.0) == ["s1"]


def test_who_is_ejected_returns_when_its_time_is_up():
    members = backends()
    fleet = passive(members)
    before = fleet.pool
    failing(1, members=members, fleet=fleet, now=5.0)
    left = fleet.at(5.0)
    assert left == [members[0], members[2], members[3]]
    assert fleet.until == 15.0
    assert fleet.at(14.9) is left
    assert fleet.at(15.0) == before
    assert fleet.until is None


def test_when_nobody_is_left_all_are_taken_back():
    members = backends()
    fleet = passive(members, slow_start=SlowStart(10.0))
    failing(0, 1, 2, 3, members=members, fleet=fleet, now=0.0)
    assert fleet.pool == members
    assert not fleet.away
    assert {backend.weight for backend in members} == {1.0}
    failing(0, members=members, fleet=fleet, now=2.0)
    assert fleet.at(2.0) == members[1:]


def test_those_taken_back_are_those_who_are_up():
    members = backends()
    fleet = passive(members, checks=HealthChecks(fall=1))
    fleet.probed(members[0], False, 0.0)
    failing(1, 2, 3, members=members, fleet=fleet, now=0.0)
    assert fleet.pool == members[1:]
    assert fleet.away == {members[0]: "down"}


def test_when_all_are_down_nobody_is_asked():
    members = backends()
    fleet = Fleet(members, checks=HealthChecks(fall=1))
    for backend in members:
        fleet.probed(backend, False, 1.0)
    assert fleet.pool == []
    fleet.probed(members[2], True, 2.0)
    assert fleet.pool == []
    fleet.probed(members[2], True, 3.0)
    assert fleet.pool == [members[2]]


def test_below_the_panic_threshold_all_are_asked():
    members = backends()
    fleet = Fleet(members, checks=HealthChecks(fall=1), panic=0.5)
    for index, left in enumerate([members[1:], members[2:], members, members]):
        fleet.probed(members[index], False, 1.0)
        assert fleet.pool == left


def test_who_does_not_begin_up_waits_for_its_first_probe():
    members = backends()
    fleet = Fleet(members, checks=HealthChecks(first="down"))
    assert fleet.pool == []
    fleet.probed(members[3], True, 1.0)
    assert fleet.pool == [members[3]]


def test_drains_add_up():
    members = backends(1.0, 1.0)
    fleet = Fleet(members)
    fleet.drain("s0", 1.0)
    fleet.drain("s0", 2.0)
    assert fleet.pool == [members[1]]
    assert fleet.away == {members[0]: "drained"}
    fleet.undrain("s0", 3.0)
    assert fleet.pool == [members[1]]
    fleet.undrain("s0", 4.0)
    assert fleet.pool == members


def test_when_all_are_drained_nobody_is_asked():
    members = backends()
    fleet = passive(members, panic=1.0)
    for backend in members:
        fleet.drain(backend.name, 1.0)
    assert fleet.pool == []


def test_a_stranger_is_nobodys_business():
    fleet = Fleet(backends())
    pool = fleet.pool
    fleet.drain("other", 1.0)
    fleet.undrain("other", 1.0)
    assert fleet.pool is pool


def test_two_ejectors_speak_for_themselves():
    members = backends()
    long = OutlierEjection(size=4, failures=1, seconds=30.0)
    fleet = Fleet(members, ejectors=[PassiveHealth(1, 10.0), long])
    failing(0, members=members, fleet=fleet, now=0.0)
    assert fleet.at(10.0) == members[1:]
    assert fleet.at(30.0) == members


# Slow start.


def test_weight_grows_in_ten_steps_and_each_is_a_new_pool():
    members = backends(1.0, 5.0)
    fleet = passive(members, slow_start=SlowStart(100.0))
    failing(1, members=members, fleet=fleet, now=0.0)
    fleet.at(10.0)
    seen = []
    for step in range(1, 11):
        now = 10.0 + 10.0 * (step - 1)
        pool = fleet.at(now)
        assert fleet.at(now + 9.9) is pool
        assert pool == members
        assert members[1].weight == pytest.approx(5.0 * step / 10)
        seen.append(pool)
    assert len({id(pool) for pool in seen}) == 10
    assert members[1].weight == 5.0
    assert fleet.until is None


def test_nobody_starts_slowly_at_first():
    members = backends()
    fleet = Fleet(members, checks=HealthChecks(), slow_start=SlowStart(10.0))
    assert fleet.at(0.0) == members
    assert {backend.weight for backend in members} == {1.0}


def test_one_that_falls_on_its_way_up_starts_anew():
    members = backends(1.0, 1.0)
    fleet = passive(members, slow_start=SlowStart(100.0))
    failing(1, members=members, fleet=fleet, now=0.0)
    fleet.at(55.0)
    assert members[1].weight == pytest.approx(0.5)
    failing(1, members=members, fleet=fleet, now=55.0)
    assert members[1].weight == 1.0
    fleet.at(65.0)
    assert members[1].weight == pytest.approx(0.1)


def test_steps_are_counted_from_the_return_however_late_one_asks():
    members = backends(1.0, 1.0)
    fleet = passive(members, slow_start=SlowStart(100.0))
    failing(1, members=members, fleet=fleet, now=0.0)
    fleet.at(62.0)
    assert members[1].weight == pytest.approx(0.6)


def test_steps_are_counted_from_the_return_even_if_something_else_happens_first():
    members = backends(1.0, 1.0, 1.0)
    fleet = passive(members, slow_start=SlowStart(100.0))
    failing(1, members=members, fleet=fleet, now=0.0)
    fleet.drain("s2", 62.0)
    assert members[1].weight == pytest.approx(0.6)


@pytest.mark.parametrize("how", ["drained", "down"])
def test_it_applies_whatever_the_reason_for_being_away(how):
    members = backends(1.0, 1.0)
    fleet = Fleet(members, checks=HealthChecks(rise=1, fall=1), slow_start=SlowStart(10.0))
    if how == "drained":
        fleet.drain("s1", 1.0)
        fleet.undrain("s1", 2.0)
    else:
        fleet.probed(members[1], False, 1.0)
        fleet.probed(members[1], True, 2.0)
    assert members[1].weight == pytest.approx(0.1)
    assert fleet.at(12.0) == members
    assert members[1].weight == 1.0


# All of it together.

events = st.lists(
    st.tuples(
        st.sampled_from(["answer", "failure", "pass", "fail", "drain", "undrain", "ask"]),
        st.integers(0, 4),
        st.floats(0, 7),
    ),
    max_size=80,
)


@given(happens=events, panic=st.sampled_from([0.0, 0.5, 1.0]), slow=st.booleans())
def test_whatever_happens(happens, panic, slow):
    """The pool is who is not away, or a stated exception; weights are in bounds; time is kept."""
    weights = [1.0, 2.0, 0.5, 1.0, 0.0]
    members = backends(*weights)
    configured = dict(zip(members, weights, strict=True))
    fleet = Fleet(
        members,
        ejectors=[
            PassiveHealth(2, 5.0),
            OutlierEjection(size=4, failures=3, seconds=3.0, at_most=0.5),
        ],
        checks=HealthChecks(rise=1, fall=2),
        slow_start=SlowStart(8.0) if slow else None,
        panic=panic,
    )
    drains = dict.fromkeys(members, 0)
    now, known, told = 0.0, fleet.pool, [backend.weight for backend in fleet.pool]
    for what, which, later in happens:
        now += later
        backend = members[which]
        if what in ("answer", "failure"):
            fleet.observe(backend, what == "answer", now)
        elif what in ("pass", "fail"):
            fleet.probed(backend, what == "pass", now)
        elif what == "drain":
            drains[backend] += 1
            fleet.drain(backend.name, now)
        elif what == "undrain" and drains[backend]:
            drains[backend] -= 1
            fleet.undrain(backend.name, now)
        pool = fleet.at(now)
        assert fleet.at(now) is pool
        assert fleet.until is None or fleet.until > now
        candidates = [b for b in members if configured[b] and not drains[b]]
        well = [b for b in candidates if b not in fleet.away]
        panics = len(well) < panic * len(candidates)
        assert pool == (candidates if panics else well)
        if not pool:
            assert all(fleet.away[b] == "down" for b in candidates)
        for b in pool:
            assert 0.1 * configured[b] - 1e-12 <= b.weight <= configured[b]
            if not slow:
                assert b.weight == configured[b]
        # The same list means the same weights: balancers keep tables by it.
        if pool is known:
            assert [b.weight for b in pool] == told
        known, told = pool, [b.weight for b in pool]
    for backend in members:
        for _ in range(drains[backend]):
            fleet.undrain(backend.name, now)
        fleet.probed(backend, True, now)
    assert fleet.at(now + 1000.0) == members[:4]
    assert [backend.weight for backend in fleet.at(now + 1000.0)] == weights[:4]
