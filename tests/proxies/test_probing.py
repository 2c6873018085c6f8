"""The prober with no world at all: the test plays clock and network."""

from __future__ import annotations

from random import Random

from proxysim.messages import Content, Failure, Request, Response
from proxysim.policies.backend import Backend
from proxysim.policies.balancers.round_robin import RoundRobin
from proxysim.policies.health import HealthChecks
from proxysim.policies.identity import ReverseIdentity
from proxysim.proxies.effects import Deadlines, Drain, Fetch, Head, Sent, Sleep
from proxysim.proxies.fleet import Fleet
from proxysim.proxies.probing import Prober
from proxysim.proxies.reverse import ReverseProxy
from tests.proxies.parts import Clock


def scene(count=1, **rules):
    backends = [Backend(f"s{number}") for number in range(count)]
    checks = HealthChecks(interval=2.0, timeout=0.5, path="/up", fall=2, **rules)
    fleet, clock = Fleet(backends, checks=checks), Clock()
    prober = Prober(fleet, checks, clock, Random, host="shop.example")
    return fleet, clock, prober


def woken(resident, sleep, clock):
    """What *resident* asks for when its *sleep* is over."""
    assert isinstance(sleep, Sleep)
    clock.now += sleep.seconds
    return resident.send(None)


def test_a_probe_asks_drains_what_comes_and_sleeps():
    fleet, clock, prober = scene()
    (resident,) = prober.residents()
    (backend,) = fleet.backends
    probe = woken(resident, next(resident), clock)
    assert clock.now < 2.0
    request = Request("GET", "http", "shop.example", 80, "/up")
    assert probe == Fetch(backend, request, Deadlines(0.5, 0.5))
    assert backend.in_flight == 0
    began, body = clock.now, Content(b"well")
    clock.now += 0.3
    assert resident.send(Head(Response(204), body)) == Drain(body)
    sleep = resident.send(Sent(4))
    assert abs(clock.now + sleep.seconds - began - 2.0) <= 0.1
    assert woken(resident, sleep, clock) == probe


def test_a_probe_that_takes_long_is_followed_at_once():
    _, clock, prober = scene()
    (resident,) = prober.residents()
    woken(resident, next(resident), clock)
    clock.now += 7.0
    assert resident.send(Failure("timeout")) == Sleep(0.0)


def test_failures_and_bad_statuses_take_it_down_and_answers_bring_it_up():
    fleet, clock, prober = scene(first="fully_up")
    (resident,) = prober.residents()
    up = []
    effect = woken(resident, next(resident), clock)
    for reply in (
        Failure("refused"),
        Head(Response(503)),
        Head(Response(200)),
        Head(Response(302)),
    ):
        assert isinstance(effect, Fetch)
        effect = resident.send(reply)
        if isinstance(effect, Drain):
            effect = resident.send(Sent(0))
        up.append(bool(fleet.at(clock.now)))
        effect = woken(resident, effect, clock)
    assert up == [True, False, False, True]


def test_backends_are_probed_each_in_its_own_time():
    _, clock, prober = scene(count=20)
    begins = [next(resident).seconds for resident in prober.residents()]
    assert len(set(begins)) == 20
    again = [next(resident).seconds for resident in scene(count=20)[2].residents()]
    assert begins == again
    assert clock.now == 0.0


def test_the_prober_is_what_resides_in_its_proxy():
    fleet, clock, prober = scene(count=3)
    proxy = ReverseProxy("edge", clock, ReverseIdentity(), RoundRobin(), fleet, prober=prober)
    assert len(proxy.residents()) == 3
    assert ReverseProxy("edge", clock, ReverseIdentity(), RoundRobin(), fleet).residents() == ()
