"""Retries, hedges, limits and deadlines on sockets."""

import asyncio
from random import Random

import pytest

from proxysim.policies.backoff import Backoff
from proxysim.policies.breaker import Breakers
from proxysim.policies.deadline import FIELD
from proxysim.policies.hedging import Hedging
from proxysim.policies.rate_limit import TokenBucket
from proxysim.policies.retry import Retry
from proxysim.proxies.effects import Deadlines
from proxysim.proxies.gate import Gate
from proxysim.proxies.slots import Slots
from proxysim.sockets.origin import Page

pytestmark = pytest.mark.live


async def test_a_503_is_retried_elsewhere_and_its_connection_closed(stage):
    _, full = await stage.origin(page=Page(b"full" * 100_000, status=503))
    _, free = await stage.origin(page=Page(b"free"))
    retry = Retry(on=[503], backoff=Backoff(Random(1), base=0.01))
    edge = await stage.reverse(full, free, retry=retry)
    for _ in range(2):
        answer = await stage.ask(edge)
        assert (answer.status, answer.body) == (200, b"free")
    assert full.in_flight == free.in_flight == retry.under_way == 0


async def test_the_quicker_of_two_wins_and_the_slower_is_left(stage):
    _, slow = await stage.origin(page=Page(b"slow", delay=60.0))
    _, quick = await stage.origin(page=Page(b"quick" * 10_000))
    edge = await stage.reverse(slow, quick, hedging=Hedging(after=0.02))
    answer = await stage.ask(edge)
    assert answer.body == b"quick" * 10_000
    await stage.until(lambda: slow.in_flight == quick.in_flight == 0)


async def test_a_client_that_leaves_a_race_leaves_nothing_behind(stage):
    servers = [(await stage.origin(page=Page(b"slow", delay=60.0)))[1] for _ in range(2)]
    edge = await stage.reverse(*servers, hedging=Hedging(after=0.02))
    _, writer = await stage.get(edge)
    await stage.until(lambda: all(server.in_flight for server in servers))
    stage.reset(writer)
    await stage.until(lambda: not any(server.in_flight for server in servers))


async def test_the_time_for_all_tries_ends_the_last(stage):
    servers = [(await stage.origin(page=Page(b"slow", delay=60.0)))[1] for _ in range(2)]
    edge = await stage.reverse(
        *servers, retry=Retry(attempts=9), deadlines=Deadlines(first_byte=0.03, total=0.05)
    )
    assert (await stage.ask(edge)).status == 504
    assert [server.in_flight for server in servers] == [0, 0]


async def test_a_proxy_beyond_is_told_how_long_is_waited(stage):
    origin, at = await stage.origin(page=Page(b"page"))
    edge = await stage.reverse(at, deadlines=Deadlines(total=50.0))
    await stage.ask(edge)
    assert 0 < int(origin.requests[0].headers.get(FIELD)) <= 50_000
    inner = await stage.reverse(at, deadlines=Deadlines(total=50.0))
    assert (await stage.ask(inner, headers={FIELD: "0"})).status == 504
    assert len(origin.requests) == 1


async def test_requests_wait_for_a_slot_and_those_who_leave_hand_it_on(stage):
    _, at = await stage.origin(page=Page(b"page", delay=0.02), long=Page(delay=60.0))
    slots = Slots(1, asyncio.get_running_loop().time, queue=3)
    edge = await stage.reverse(at, slots=slots)
    _, first = await stage.get(edge, "/long")
    await stage.until(lambda: at.in_flight == 1)
    asking = [asyncio.create_task(stage.ask(edge)) for _ in range(3)]
    await stage.until(lambda: slots.waiting == 3)
    assert (await stage.ask(edge)).status == 503
    stage.reset(first)
    assert [(await answer).status for answer in asking] == [200] * 3
    assert slots.waiting == at.in_flight == 0
    assert not +slots.used


async def test_who_asks_too_often_is_answered_429(stage):
    clock = asyncio.get_running_loop().time
    _, at = await stage.origin(page=Page(b"page"))
    gate = Gate(clock, rate_limit=TokenBucket(rate=0.01, burst=2))
    edge = await stage.reverse(at, gate=gate)
    answers = [await stage.ask(edge) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[2].headers["retry-after"]) <= 100
    assert gate.inside == 0


async def test_a_breaker_opens_and_says_until_when(stage):
    dead = await stage.nobody()
    edge = await stage.reverse(dead, breakers=Breakers(failures=2, open_for=300.0))
    answers = [await stage.ask(edge) for _ in range(3)]
    assert [answer.status for answer in answers] == [502, 502, 503]
    assert 200 < int(answers[2].headers["retry-after"]) <= 300
