"""Every balancer over a fleet whose members come, go, fail, drain and start slowly."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxysim.messages import Failure, Response
from proxysim.policies.balancers import BALANCERS, build_balancer
from proxysim.policies.health import HealthChecks, OutlierEjection, PassiveHealth, SlowStart
from proxysim.policies.identity import ReverseIdentity
from proxysim.proxies.effects import Fetch, Head, Send, Sent
from proxysim.proxies.fleet import Fleet
from proxysim.proxies.reverse import ReverseProxy
from tests.policies.pool import make_pool, someone

every = pytest.mark.parametrize("name", sorted(BALANCERS))

#: With tables that are quickly built.
SMALL = {
    "maglev": {"maglev": {"size": 1009}},
    "ring": {"ring": {"points": 20}},
    "bounded_load": {"bounded_load": {"points": 20}},
}
#: Those whose choice is a function of request, pool, weights and loads alone.
FORGETFUL = ["source_hash", "uri_hash", "ring", "bounded_load", "rendezvous", "maglev"]


class Site:
    """A reverse proxy before a fleet with everything that can befall one."""

    def __init__(self, name, weights=(1.0, 2.0, 0.5, 1.0, 0.0)):
        self.now = 0.0
        self.members = make_pool(len(weights), weights)
        self.fleet = Fleet(
            self.members,
            ejectors=[PassiveHealth(2, 3.0), OutlierEjection(size=4, failures=3, seconds=3.0)],
            checks=HealthChecks(rise=1, fall=1),
            slow_start=SlowStart(5.0),
        )
        self.balancer = build_balancer(SMALL.get(name, name), Random(1), lambda: self.now)
        self.proxy = ReverseProxy(
            "edge", lambda: self.now, ReverseIdentity(), self.balancer, self.fleet
        )
        self.count = 0

    def ask(self):
        """One request, up to what the proxy asks first."""
        self.count += 1
        handling = self.proxy.handle(someone(self.count))
        return handling, next(handling)

    def answer(self, ok):
        """One request to its end; the backend that was asked, or None."""
        handling, effect = self.ask()
        if isinstance(effect, Send):
            assert effect.response.status == 503
            handling.close()
            return None
        assert isinstance(effect, Fetch)
        sent = handling.send(Head(Response(200)) if ok else Failure("refused"))
        assert isinstance(sent, Send)
        with pytest.raises(StopIteration):
            handling.send(Sent(0))
        return effect.backend


happenings = st.lists(
    st.tuples(
        st.sampled_from(["ok", "ok", "fails", "up", "down", "drain", "undrain"]),
        st.integers(0, 4),
        st.floats(0, 2),
    ),
    max_size=60,
)


@every
@settings(max_examples=25)
@given(happens=happenings)
def test_only_those_who_may_be_asked_are(name, happens):
    site = Site(name)
    drained = []
    for what, which, later in happens:
        site.now += later
        backend = site.members[which]
        if what in ("ok", "fails"):
            pool = list(site.fleet.at(site.now))
            asked = site.answer(what == "ok")
            assert asked in pool if pool else asked is None
        elif what in ("up", "down"):
            site.fleet.probed(backend, what == "up", site.now)
        elif what == "drain":
            drained.append(backend)
            site.fleet.drain(backend.name, site.now)
        elif backend in drained:
            drained.remove(backend)
            site.fleet.undrain(backend.name, site.now)
    assert site.fleet.in_flight() == 0


@every
def test_when_all_are_ejected_all_are_asked(name):
    site = Site(name)
    for _ in range(2):
        for backend in site.members:
            site.fleet.observe(backend, False, 0.0)
    assert site.fleet.pool == site.members[:4]
    assert site.answer(True) in site.members[:4]


@every
def test_when_all_are_down_drained_or_of_weight_zero_nobody_is(name):
    site = Site(name)
    site.fleet.probed(site.members[0], False, 0.0)
    for backend in site.members[1:]:
        site.fleet.drain(backend.name, 0.0)
    assert site.answer(True) is None


@every
def test_one_that_is_drained_keeps_what_it_has(name):
    site = Site(name)
    handling, effect = site.ask()
    site.fleet.drain(effect.backend.name, 0.0)
    for _ in range(30):
        assert site.answer(True) is not effect.backend
    assert effect.backend.in_flight == 1
    assert isinstance(handling.send(Head(Response(200))), Send)
    with pytest.raises(StopIteration):
        handling.send(Sent(0))
    assert effect.backend.in_flight == 0


@pytest.mark.parametrize("name", FORGETFUL)
@settings(max_examples=25)
@given(happens=happenings)
def test_tables_are_those_of_the_weights_there_are(name, happens):
    """What a balancer has kept from before never shows: a new one would choose the same."""
    site = Site(name)
    for what, which, later in happens:
        site.now += later
        if what in ("up", "down"):
            site.fleet.probed(site.members[which], what == "up", site.now)
        pool = site.fleet.at(site.now)
        if not pool:
            continue
        fresh = build_balancer(SMALL.get(name, name), Random(1))
        for number in range(5):
            request = someone(which + 7 * number)
            assert site.balancer.choose(request, pool) is fresh.choose(request, pool)


@pytest.mark.parametrize("name", ["weighted_round_robin", "weighted_random", "ring", "maglev"])
def test_shares_follow_the_weights_of_a_slow_start(name):
    """Half-way up, one of four has half of what each of the others has."""
    site = Site(name, weights=(1.0,) * 4)
    site.fleet.probed(site.members[0], False, 0.0)
    site.fleet.probed(site.members[0], True, 0.0)
    site.now = 2.1
    asked = [site.answer(True) for _ in range(3000)]
    share = asked.count(site.members[0]) / len(asked)
    assert site.members[0].weight == pytest.approx(0.5)
    assert 0.25 * 0.4 < share < 0.25 * 0.8
