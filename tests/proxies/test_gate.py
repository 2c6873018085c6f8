"""The gate, the world played by hand: who is let in, and what the others are told."""

from __future__ import annotations

import pytest

from proxysim.messages import Headers, Request, Response
from proxysim.policies.backend import Backend
from proxysim.policies.balancers.round_robin import RoundRobin
from proxysim.policies.rate_limit import TokenBucket
from proxysim.policies.shedding import Shedding
from proxysim.proxies.effects import TIMED_OUT, Fetch, Head, Send, Sent, Wait
from proxysim.proxies.gate import Gate
from proxysim.proxies.reverse import ReverseProxy
from proxysim.proxies.slots import Slots
from tests.proxies.parts import AsIs, Clock

OK = Head(Response(200))


def get(peer="10.0.0.7", host="shop.example"):
    return Request("GET", "http", host, 80, "/", Headers(), peer)


def edge(clock, **options):
    gate = Gate(clock, **options)
    server = Backend("shop-1")
    return gate, ReverseProxy("edge", clock, AsIs(), RoundRobin(), [server], gate=gate)


def told(effect):
    assert isinstance(effect, Send)
    return effect.response.status, effect.response.headers.get("retry-after")


def test_who_asks_too_often_is_told_when_to_come_again():
    clock = Clock()
    _, proxy = edge(clock, rate_limit=TokenBucket(rate=0.5, burst=2))
    assert [type(next(proxy.handle(get()))) for _ in range(2)] == [Fetch, Fetch]
    assert told(next(proxy.handle(get()))) == (429, "2")
    assert isinstance(next(proxy.handle(get("10.0.0.8"))), Fetch), "others have their own"
    clock.now = 2.0
    assert isinstance(next(proxy.handle(get())), Fetch)


def test_all_together_share_one_bucket_where_that_is_asked_for():
    _, proxy = edge(Clock(), rate_limit=TokenBucket(rate=0.5), whole=True)
    assert isinstance(next(proxy.handle(get())), Fetch)
    assert told(next(proxy.handle(get("10.0.0.8")))) == (429, "2")


def test_where_too_many_are_inside_others_are_turned_away_at_once():
    gate, proxy = edge(Clock(), shedding=Shedding(1))
    inside = proxy.handle(get())
    next(inside)
    assert told(next(proxy.handle(get()))) == (503, "1")
    inside.send(OK)
    assert gate.inside == 1, "until its answer has gone"
    with pytest.raises(StopIteration):
        inside.send(Sent(0))
    assert gate.inside == 0


def test_requests_wait_for_a_place_in_turn():
    clock = Clock()
    gate, proxy = edge(clock, slots=Slots(1, clock, queue=1, timeout=2.0))
    one, two, three = (proxy.handle(get()) for _ in range(3))
    assert isinstance(next(one), Fetch)
    waiting = next(two)
    assert isinstance(waiting, Wait)
    assert waiting.deadline == 2.0
    assert told(next(three)) == (503, "1")
    one.close()
    assert waiting.signal.is_set
    assert isinstance(two.send(waiting.signal.value), Fetch)
    two.close()
    three.close()
    assert (gate.inside, gate.slots.waiting, +gate.slots.used) == (0, 0, {})


def test_who_waits_too_long_is_told_so():
    clock = Clock()
    _, proxy = edge(clock, slots=Slots(1, clock, timeout=2.0))
    one, two = proxy.handle(get()), proxy.handle(get())
    next(one)
    next(two)
    assert told(two.send(TIMED_OUT)) == (503, "1")
