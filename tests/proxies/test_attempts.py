"""Retries and hedges, the world played by hand: who is asked, when, and what is held meanwhile."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxysim.messages import Content, Failure, Headers, Request, Response
from proxysim.policies.backend import Backend
from proxysim.policies.backoff import Backoff
from proxysim.policies.balancers.round_robin import RoundRobin
from proxysim.policies.breaker import Breakers
from proxysim.policies.deadline import FIELD
from proxysim.policies.eviction.lru import Lru
from proxysim.policies.health import PassiveHealth
from proxysim.policies.hedging import Hedging
from proxysim.policies.retry import Retry
from proxysim.proxies.cache import Cache
from proxysim.proxies.effects import Deadlines, Discard, Fetch, Head, Race, Send, Sent, Sleep, Wait
from proxysim.proxies.fleet import Fleet
from proxysim.proxies.reverse import ReverseProxy
from proxysim.proxies.slots import Slots
from tests.proxies.parts import AsIs, Clock
from tests.proxies.playing import Play

PAGE = Content(b"a page")
OK = Head(Response(200), PAGE)
BUSY = Head(Response(503, Headers([("retry-after", "1")])), Content(b"busy"))
LOST = Failure("reset", sent=True, retry_safe=False)


def get(method="GET", body=None):
    return Request(method, "http", "shop.example", 80, "/", Headers(), "10.0.0.7", body)


def shop(count=3):
    return [Backend(f"shop-{n}") for n in range(1, count + 1)]


def edge(servers, clock=None, **options):
    return ReverseProxy("edge", clock or Clock(), AsIs(), RoundRobin(), servers, **options)


def loads(servers):
    return [server.in_flight for server in servers]


# Retries.


def test_an_answer_that_is_retried_is_given_up_before_another_is_asked():
    one, two = servers = shop(2)
    handling = edge(servers, retry=Retry(on=[503])).handle(get())
    assert next(handling).backend is one
    assert handling.send(BUSY) == Discard(BUSY.body)
    assert loads(servers) == [0, 0], "nobody is working for us now"
    assert handling.send(None).backend is two
    assert handling.send(OK) == Send(OK.response, PAGE)
    with pytest.raises(StopIteration):
        handling.send(Sent(6))
    assert loads(servers) == [0, 0]


@pytest.mark.parametrize("more", [{}, {"breakers": Breakers()}])
def test_what_another_try_has_brought_is_kept_like_any_other_answer(more):
    cache = Cache(Lru(1000), Clock())
    handling = edge(shop(), retry=Retry(on=[503]), cache=cache, **more).handle(get())
    next(handling)
    handling.send(BUSY)
    handling.send(None)
    sent = handling.send(Head(Response(200, Headers([("cache-control", "max-age=60")])), PAGE))
    assert (sent.body, sent.cache) == (PAGE, "miss")
    assert sent.store is not None


def test_the_last_bad_answer_is_sent_as_it_is():
    handling = edge(shop(), retry=Retry(attempts=2, on=[503])).handle(get())
    next(handling)
    handling.send(BUSY)
    handling.send(None)
    assert handling.send(BUSY) == Send(BUSY.response, BUSY.body)


@pytest.mark.parametrize("more", [{}, {"breakers": Breakers()}])
@pytest.mark.parametrize(
    ("came", "failed"),
    [(499, False), (500, True), (Failure("refused"), True)],
)
def test_no_answer_and_one_of_500_and_above_are_failures(came, failed, more):
    one, two = shop(2)
    fleet = Fleet([one, two], ejectors=[PassiveHealth()])
    handling = edge(fleet, **more).handle(get())
    next(handling)
    handling.send(came if isinstance(came, Failure) else Head(Response(came), PAGE))
    assert fleet.away == ({one: "ejected"} if failed else {})


@pytest.mark.parametrize(
    ("on", "came", "again"),
    [
        (["connect"], Failure("refused"), True),
        (["connect"], Failure("timeout"), True),  # in connecting
        (["connect"], Failure("unresolved"), True),
        (["connect"], LOST, False),
        (["reset"], LOST, True),
        (["reset"], Failure("refused"), False),
        (["timeout"], Failure("timeout", sent=True, retry_safe=False), True),
        (["timeout"], Failure("timeout"), False),
        (["connect", "reset", "timeout"], BUSY, False),
        ([503], BUSY, True),
        ([502], BUSY, False),
        (["connect", "reset", "timeout"], Failure("denied", sent=True), False),
    ],
)
def test_what_is_retried_is_what_was_asked_for(on, came, again):
    handling = edge(shop(), retry=Retry(on=on)).handle(get())
    next(handling)
    assert isinstance(handling.send(came), Fetch | Discard) is again


def test_an_answer_is_asked_for_again_by_idempotent_methods_alone():
    for method, again in (("GET", True), ("PUT", True), ("POST", False), ("PATCH", False)):
        handling = edge(shop(), retry=Retry(on=[503])).handle(get(method, PAGE))
        next(handling)
        assert isinstance(handling.send(BUSY), Discard) is again, method


def test_no_lease_is_held_while_backing_off_and_the_place_in_the_budget_is():
    servers, retry = shop(2), Retry(backoff=Backoff(Random(1), base=0.1))
    handling = edge(servers, retry=retry).handle(get())
    next(handling)
    pause = handling.send(LOST)
    assert isinstance(pause, Sleep)
    assert 0 < pause.seconds < 0.1
    assert (loads(servers), retry.under_way) == ([0, 0], 1)
    assert isinstance(handling.send(None), Fetch)
    handling.close()
    assert (loads(servers), retry.under_way) == ([0, 0], 0)


def test_those_that_back_off_count_as_under_way_for_the_budget():
    """Else an outage, in which all back off and nobody is asked, would leave no budget."""
    servers, backoff = shop(2), Backoff(Random(1), base=0.1)
    proxy = edge(servers, retry=Retry(attempts=9, budget=0.5, backoff=backoff))
    handlings = [proxy.handle(get()) for _ in range(20)]
    for handling in handlings:
        next(handling)
    asleep = sum(isinstance(handling.send(LOST), Sleep) for handling in handlings)
    assert asleep == 10


def test_the_only_backend_is_left_alone_for_as_long_as_it_asks():
    patient = Retry(on=[503], backoff=Backoff(Random(1), base=0.5, most=2.0))
    hasty = Retry(on=[503], backoff=Backoff(Random(1), base=0.1, most=0.5))
    for retry, expected in ((patient, Sleep(1.0)), (hasty, Send(BUSY.response, BUSY.body))):
        handling = edge(shop(1), retry=retry).handle(get())
        next(handling)
        effect = handling.send(BUSY)
        if isinstance(effect, Discard):
            effect = handling.send(None)
        assert effect == expected
    # What one has asked for is no reason to wait for another.
    handling = edge(shop(2), retry=Retry(on=[503])).handle(get())
    next(handling)
    handling.send(BUSY)
    assert isinstance(handling.send(None), Fetch)


# Hedges.


def hedged(servers, **options):
    clock = Clock()
    proxy = edge(servers, clock, hedging=Hedging(after=0.05), **options)
    return clock, Play(proxy.handle(get()))


def test_a_quick_answer_needs_no_hedge():
    servers = shop()
    _, play = hedged(servers)
    assert play.root.effect.after == 0.05
    assert play.effect == Fetch(servers[0], get())
    assert play.reply(OK) == Send(OK.response, PAGE)
    assert loads(servers) == [1, 0, 0], "until all has gone"
    assert play.reply(Sent(6)) is None
    assert loads(servers) == [0, 0, 0]


@pytest.mark.parametrize("winner", [0, 1])
def test_the_first_good_answer_wins_and_the_other_is_closed(winner):
    servers = shop()
    _, play = hedged(servers)
    play.root.late()
    asked = [runner.effect.backend for runner in play.waiting()]
    assert len(set(asked)) == sum(loads(servers)) == 2
    play.waiting()[winner].go(OK)
    assert play.effect == Send(OK.response, PAGE)
    assert sum(loads(servers)) == asked[winner].in_flight == 1, "the loser's is given back at once"
    play.reply(Sent(6))
    assert loads(servers) == [0, 0, 0]


@pytest.mark.parametrize("bad", [LOST, BUSY])
@pytest.mark.parametrize("first", [0, 1])
def test_a_bad_answer_does_not_win_while_a_better_may_come(bad, first):
    servers = shop()
    _, play = hedged(servers)
    play.root.late()
    one, other = play.waiting() if first == 0 else reversed(play.waiting())
    one.go(bad)
    if bad is BUSY:
        assert one.effect == Discard(BUSY.body)
        one.go(None)
    assert isinstance(one.effect, Wait)
    assert sum(loads(servers)) == 1
    other.go(OK)
    assert play.effect == Send(OK.response, PAGE)
    play.reply(Sent(6))
    assert loads(servers) == [0, 0, 0]


def test_when_both_fail_the_retry_asks_a_third():
    servers = shop()
    _, play = hedged(servers, retry=Retry())
    play.root.late()
    asked = [runner.effect.backend for runner in play.waiting()]
    for runner in play.waiting():
        runner.go(LOST)
    assert play.effect.backend not in asked
    assert sum(loads(servers)) == play.effect.backend.in_flight == 1


def test_a_hedge_that_would_ask_the_same_backend_is_not_sent():
    servers = shop(1)
    _, play = hedged(servers)
    play.root.late()
    assert loads(servers) == [1]
    first, second = play.waiting()
    assert isinstance(second.effect, Wait)
    first.go(LOST)
    assert play.effect.response.status == 502


@pytest.mark.parametrize("request_", [get("POST", PAGE), get("PUT", PAGE), get("DELETE")])
def test_only_what_reads_is_hedged(request_):
    proxy = edge(shop(), hedging=Hedging(after=0.05))
    assert isinstance(next(proxy.handle(request_)), Fetch)


def test_hedges_keep_to_their_share_of_requests():
    proxy = edge(shop(), hedging=Hedging(after=0.05, budget=0.1))
    sent = 0
    for _ in range(200):
        play = Play(proxy.handle(get()))
        play.root.late()
        sent += all(isinstance(runner.effect, Fetch) for runner in play.waiting())
        play.close()
    assert sent == 10 + 20 - 1, "10 are saved at first; the first request finds the purse full"


def test_the_delay_follows_the_times_that_answers_take():
    clock = Clock()
    hedging = Hedging(quantile=0.9)
    proxy = edge(shop(), clock, hedging=hedging)
    for n in range(1, 101):
        handling = proxy.handle(get())
        effect = next(handling)
        if isinstance(effect, Race):
            play = Play(proxy.handle(get()))
            clock.now += n / 1000
            play.waiting()[0].go(OK)
            play.close()
        else:
            clock.now += n / 1000
            handling.send(OK)
        handling.close()
    assert hedging.delay() == pytest.approx(0.090)


def test_one_that_lost_against_its_hedge_counts_as_slow():
    """Else quick hedges would make the quantile, and so the next hedges, quicker and quicker."""
    clock, hedging = Clock(), Hedging(quantile=0.5)
    for _ in range(Hedging.ENOUGH):
        hedging.observe(1.0)
    before = len(hedging._recent)
    play = Play(edge(shop(), clock, hedging=hedging).handle(get()))
    clock.now = 1.0
    play.root.late()
    clock.now = 1.1
    play.waiting()[1].go(OK)
    assert len(hedging._recent) == before + 1
    assert hedging._recent.quantile(1.0) == pytest.approx(1.1)


# Breakers.


def test_a_backend_that_keeps_failing_is_not_asked_and_then_tried():
    one, two = servers = shop(2)
    clock = Clock()
    proxy = edge(servers, clock, breakers=Breakers(failures=1, open_for=5.0))
    handling = proxy.handle(get())
    assert next(handling).backend is one
    handling.send(LOST)
    assert {next(proxy.handle(get())).backend for _ in range(4)} == {two}
    clock.now = 5.0
    trial = proxy.handle(get())
    others = [proxy.handle(get()) for _ in range(3)]
    asked = [next(handling).backend for handling in (trial, *others)]
    assert asked.count(one) == 1, "one trial at a time"


def test_a_trial_whose_client_leaves_makes_room_for_another():
    (one,) = servers = shop(1)
    clock = Clock()
    breakers = Breakers(failures=1, open_for=5.0)
    proxy = edge(servers, clock, breakers=breakers)
    breakers.observe(one, None, False, clock.now)
    clock.now = 5.0
    trial = proxy.handle(get())
    assert isinstance(next(trial), Fetch)
    assert next(proxy.handle(get())).response.status == 503
    trial.close()
    assert isinstance(next(proxy.handle(get())), Fetch)


def test_an_answer_is_not_given_up_where_nobody_is_left_to_ask():
    """The breaker that this very failure opens leaves no one for the retry."""
    breakers = Breakers(failures=1)
    handling = edge(shop(1), retry=Retry(on=[503]), breakers=breakers).handle(get())
    next(handling)
    assert handling.send(BUSY) == Send(BUSY.response, BUSY.body)


def test_who_has_answered_badly_is_asked_again_where_breakers_leave_no_other():
    one, two = servers = shop(2)
    breakers = Breakers(failures=2)
    for _ in range(2):
        breakers.observe(two, None, False, 0.0)
    handling = edge(servers, retry=Retry(), breakers=breakers).handle(get())
    assert next(handling).backend is one
    assert handling.send(LOST).backend is one


def test_where_all_breakers_are_open_the_answer_says_until_when():
    (one,) = servers = shop(1)
    clock = Clock()
    proxy = edge(servers, clock, breakers=Breakers(failures=1, open_for=5.0))
    handling = proxy.handle(get())
    next(handling)
    handling.send(BUSY)
    clock.now = 1.5
    refused = next(proxy.handle(get()))
    assert refused.response.status == 503
    assert refused.response.headers.get("retry-after") == "4"
    handling.close()
    assert one.in_flight == 0


# Slots.


def test_the_line_is_for_whoever_comes_free_and_is_still_well():
    """Who waits is not sent to a backend that has failed meanwhile."""
    _, two = servers = shop(2)
    clock = Clock()
    slots = Slots(1, clock)
    proxy = edge(servers, clock, slots=slots, breakers=Breakers(failures=1))
    first, second, third = (Play(proxy.handle(get())) for _ in range(3))
    assert [first.effect.backend, second.effect.backend] == servers
    assert isinstance(third.effect, Wait)
    assert loads(servers) == [1, 1], "who waits has not been sent"
    assert isinstance(first.reply(LOST), Send)  # the 502
    first.reply(Sent(6))
    (woken,) = third.waiting()
    woken.go(woken.effect.signal.value)
    assert isinstance(third.effect, Wait), "not there: its breaker has opened"
    second.reply(OK)
    second.reply(Sent(6))
    (woken,) = third.waiting()
    woken.go(woken.effect.signal.value)
    assert third.effect.backend is two


def test_a_hedge_is_not_sent_for_one_that_is_still_in_line():
    clock, servers = Clock(), shop(2)
    slots = Slots(1, clock)
    proxy = edge(servers, clock, slots=slots, hedging=Hedging(after=0.05))
    *_, play = plays = [Play(proxy.handle(get())) for _ in range(3)]
    play.root.late()
    assert [type(runner.effect) for runner in play.waiting()] == [Wait, Wait]
    assert slots.waiting == 1
    for play in plays:
        play.close()


# Time.


def test_all_tries_together_have_the_time_that_is_given():
    clock, servers = Clock(), shop()
    proxy = edge(servers, clock, retry=Retry(), deadlines=Deadlines(total=2.0))
    play = Play(proxy.handle(get()))
    assert play.root.effect.after == 2.0
    assert play.effect.request.headers.get(FIELD) == "2000"
    clock.now = 1.25
    assert play.reply(LOST).request.headers.get(FIELD) == "750"
    clock.now = 2.0
    play.root.late()
    assert play.effect.response.status == 504
    assert loads(servers) == [0, 0, 0]


def test_who_asked_may_have_given_less_time_but_not_more():
    proxy = edge(shop(), deadlines=Deadlines(total=2.0))
    for said, after in (("500", 0.5), ("9000", 2.0), ("soon", 2.0), ("-1", 2.0)):
        request = replace(get(), headers=Headers([(FIELD, said)]))
        assert next(proxy.handle(request)).after == after


def test_what_nobody_waits_for_is_not_begun():
    servers = shop()
    request = replace(get(), headers=Headers([(FIELD, "0")]))
    proxy = edge(servers, deadlines=Deadlines(total=2.0))
    assert next(proxy.handle(request)).response.status == 504
    assert loads(servers) == [0, 0, 0]


def test_a_backend_too_slow_for_the_whole_has_failed_and_one_whose_client_left_has_not():
    for late, well in ((2.0, False), (1.0, True)):
        clock, servers = Clock(), shop(1)
        breakers = Breakers(failures=1)
        proxy = edge(servers, clock, breakers=breakers, deadlines=Deadlines(total=2.0))
        play = Play(proxy.handle(get()))
        clock.now = late
        if well:
            play.close()
        else:
            play.root.late()
        assert breakers.admits(servers[0], clock.now) is well


# Whatever happens, in whatever order.


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_nothing_is_held_when_all_is_over(data):
    """Requests with every option on, answered, failed, late, or given up at any moment."""
    clock, servers = Clock(), shop(data.draw(st.integers(1, 3)))
    retry = Retry(
        attempts=3, budget=0.5, on=["connect", "reset", 503], backoff=Backoff(Random(1), 0.1)
    )
    breakers = Breakers(failures=2, open_for=0.05)
    slots = Slots(2, clock, queue=2, timeout=1.0)
    proxy = edge(
        servers,
        clock,
        retry=retry,
        hedging=Hedging(after=0.05, budget=0.5),
        breakers=breakers,
        slots=slots,
        deadlines=Deadlines(total=1.0),
    )
    plays = [Play(proxy.handle(get())) for _ in range(data.draw(st.integers(1, 5)))]
    for _ in range(data.draw(st.integers(0, 40))):
        under_way = [play for play in plays if not play.over]
        if not under_way:
            break
        play = data.draw(st.sampled_from(under_way))
        clock.now += 0.01
        what = data.draw(st.sampled_from(["reply", "reply", "reply", "late", "close"]))
        if what == "close":
            play.close()
        elif what == "late":
            for race in play.races():
                if not race.over:
                    race.late()
        else:
            runner = data.draw(st.sampled_from(play.waiting()))
            if isinstance(runner.effect, Fetch):
                runner.go(data.draw(st.sampled_from([OK, BUSY, LOST, Failure("refused")])))
            elif isinstance(runner.effect, Wait):
                for reply in runner.wakes():
                    runner.go(reply)
            else:
                runner.go(Sent(6) if isinstance(runner.effect, Send) else None)
        asking = [
            runner.effect.backend
            for play in plays
            for runner in play.waiting()
            if isinstance(runner.effect, Fetch)
        ]
        for server in servers:
            assert asking.count(server) <= server.in_flight <= 2
        assert retry.under_way <= max(Retry.LEAST, 0.5 * len(plays))
    for play in plays:
        play.close()
    assert loads(servers) == [0] * len(servers)
    assert retry.under_way == 0
    assert slots.waiting == 0
    assert not +slots.used
    assert not any(trip.trying for trip in breakers._trips.values())
