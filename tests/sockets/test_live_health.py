"""Health checks and drains on real sockets: the very prober and fleet of the simulation."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from proxysim.policies.balancers.round_robin import RoundRobin
from proxysim.policies.health import HealthChecks
from proxysim.policies.identity import ReverseIdentity
from proxysim.proxies.fleet import Fleet
from proxysim.proxies.probing import Prober
from proxysim.proxies.reverse import ReverseProxy
from proxysim.sockets.origin import Page

pytestmark = pytest.mark.live


async def checked(stage, *servers):
    """A reverse proxy that probes /up every 20 ms, and its fleet."""
    clock = asyncio.get_running_loop().time
    checks = HealthChecks(interval=0.02, timeout=60.0, path="/up", rise=1, fall=1, first="fully_up")
    fleet = Fleet(servers, checks=checks)
    prober = Prober(fleet, checks, clock, Random, host="shop.example")
    proxy = ReverseProxy("edge", clock, ReverseIdentity(), RoundRobin(), fleet, prober=prober)
    return await stage.serve(proxy), fleet


async def test_who_fails_its_probes_is_asked_no_more_until_it_is_well(stage):
    one, at_one = await stage.origin(page=Page(b"one"), up=Page(b"well" * 5000))
    _, at_two = await stage.origin(page=Page(b"two"), up=Page())
    edge, fleet = await checked(stage, at_one, at_two)
    await stage.until(lambda: len(one.requests) > 3)
    assert fleet.pool == [at_one, at_two]
    one.pages["/up"] = Page(status=500)
    await stage.until(lambda: fleet.pool == [at_two])
    assert [(await stage.ask(edge)).body for _ in range(3)] == [b"two"] * 3
    one.pages["/up"] = Page()
    await stage.until(lambda: len(fleet.pool) == 2)
    assert {(await stage.ask(edge)).body for _ in range(2)} == {b"one", b"two"}
    assert at_one.in_flight == at_two.in_flight == 0


async def test_where_nobody_listens_nobody_is_up(stage):
    edge, fleet = await checked(stage, await stage.nobody())
    await stage.until(lambda: not fleet.pool)
    assert (await stage.ask(edge)).status == 503


async def test_one_that_is_drained_answers_what_it_has(stage):
    _, at_one = await stage.origin(page=Page(b"one", delay=0.2), up=Page())
    _, at_two = await stage.origin(page=Page(b"two"), up=Page())
    edge, fleet = await checked(stage, at_one, at_two)
    slow = asyncio.create_task(stage.ask(edge))
    await stage.until(lambda: at_one.in_flight)
    fleet.drain(at_one.name, asyncio.get_running_loop().time())
    assert [(await stage.ask(edge)).body for _ in range(3)] == [b"two"] * 3
    assert (await slow).body == b"one"
    assert at_one.in_flight == 0
