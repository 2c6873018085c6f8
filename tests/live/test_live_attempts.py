"""Retries and hedges on sockets."""

from random import Random

import pytest

from proxysim.live.origin import Page
from proxysim.policies.backoff import Backoff
from proxysim.policies.hedging import Hedging
from proxysim.policies.retry import Retry

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
