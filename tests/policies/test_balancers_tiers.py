"""Laws of the balancers that fill up, fail over, and bind clients."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given

from proxysim.errors import ScenarioError
from proxysim.messages import Headers, Request, Response
from proxysim.policies.backend import Backend
from proxysim.policies.balancers import BALANCERS, build_balancer
from tests.policies.pool import Traffic, ask, make_pool, pools


def chosen(balancer, pool, times=12, request=None):
    return [balancer.choose(request or ask(), pool).name for _ in range(times)]


# First available.


def test_one_is_filled_then_the_next():
    pool = make_pool(3)
    balancer = build_balancer({"first_available": {"limit": 2}}, Random(1))
    order = []
    for _ in range(8):
        order.append(balancer.choose(ask(), pool).__enter__().name)
    assert order == ["s0", "s0", "s1", "s1", "s2", "s2", "s0", "s1"]  # all full: the least filled
    pool[0].in_flight = 1
    assert balancer.choose(ask(), pool) is pool[0]


@given(pool=pools)
def test_nobody_is_asked_while_one_before_has_room(pool):
    backend = build_balancer({"first_available": {"limit": 20}}, Random(1)).choose(ask(), pool)
    room = [other for other in pool if other.in_flight < 20 * other.weight]
    if room:
        assert backend is room[0]
    else:
        assert backend.in_flight / backend.weight == min(b.in_flight / b.weight for b in pool)


# Priority.


def two_groups():
    return [*make_pool(2, group="main-"), *make_pool(2, group="spare-")]


def test_groups_are_tiers_in_the_order_of_the_scenario():
    pool = two_groups()
    balancer = build_balancer("priority", Random(1))
    assert chosen(balancer, pool, 4) == ["main-0", "main-1", "main-0", "main-1"]
    assert set(chosen(balancer, pool[1:])) == {"main-1"}
    assert set(chosen(balancer, pool[2:])) == {"spare-0", "spare-1"}
    assert set(chosen(balancer, pool)) == {"main-0", "main-1"}


def test_tiers_name_backends_or_groups():
    pool = two_groups()
    spec = {"priority": {"tiers": [["spare-1"], ["main"], ["spare-0"]], "within": "random"}}
    balancer = build_balancer(spec, Random(1))
    assert set(chosen(balancer, pool)) == {"spare-1"}
    assert set(chosen(balancer, pool[:3])) == {"main-0", "main-1"}
    assert set(chosen(balancer, [pool[2]])) == {"spare-0"}
    assert balancer.explain(ask(), pool[:3])["tier"] == 1
    assert balancer.explain(ask(), pool[:3])["members"] == ["main-0", "main-1"]


def test_each_tier_goes_on_where_it_was():
    pool = two_groups()
    balancer = build_balancer("priority", Random(1))
    assert chosen(balancer, pool, 1) == ["main-0"]
    assert chosen(balancer, pool[2:], 1) == ["spare-0"]
    assert chosen(balancer, pool, 1) == ["main-1"]
    assert chosen(balancer, pool[2:], 1) == ["spare-1"]


def test_who_is_in_no_tier_comes_last():
    pool = two_groups()
    balancer = build_balancer({"priority": {"tiers": [["main"]]}}, Random(1))
    assert set(chosen(balancer, pool)) == {"main-0", "main-1"}
    assert set(chosen(balancer, pool[2:])) == {"spare-0", "spare-1"}


@pytest.mark.parametrize(
    ("tiers", "says"),
    [
        ([["main"], ["spear"]], "no backend or group is called 'spear'. Did you mean 'spare'?"),
        ([["main"], ["spare-0"]], "'spare-1' is in none of them"),
    ],
)
def test_tiers_are_held_against_the_backends_there_are(tiers, says):
    with pytest.raises(ScenarioError) as caught:
        build_balancer({"priority": {"tiers": tiers}}, Random(1)).check(two_groups())
    assert says in str(caught.value)
    for well in ([["main"], ["spare"]], [["main-0", "main-1", "spare"]]):
        build_balancer({"priority": {"tiers": well}}, Random(1)).check(two_groups())
    build_balancer("priority", Random(1)).check(two_groups())
    around = build_balancer({"sticky": {"within": {"priority": {"tiers": tiers}}}}, Random(1))
    with pytest.raises(ScenarioError):
        around.check(two_groups())


def test_what_a_tier_learns_stays_in_it():
    pool = two_groups()
    balancer = build_balancer({"priority": {"within": "least_response_time"}}, Random(1))
    for backend, seconds in zip(pool, (0.3, 0.1, 0.1, 0.3), strict=True):
        balancer.observe(backend, seconds, True, 0.0)
    assert set(chosen(balancer, pool)) == {"main-1"}
    assert set(chosen(balancer, pool[2:])) == {"spare-0"}


# Sticky sessions.


def returned(response, *fields):
    """The next request of a client that keeps the cookies it was given."""
    given = [line.partition(";")[0] for line in response.headers.all("set-cookie")]
    return ask(cookie="; ".join([*fields, *given]))


@pytest.mark.parametrize("within", BALANCERS)
def test_a_client_that_keeps_its_cookie_returns_to_its_backend(within):
    pool = make_pool(5)
    balancer = build_balancer({"sticky": {"within": within}}, Random(1))
    for i in range(20):
        first = balancer.choose(ask(f"10.0.0.{i}"), pool)
        request = returned(balancer.mark(ask(), Response(200), first), "other=1")
        assert set(chosen(balancer, pool, request=request)) == {first.name}
        assert set(chosen(balancer, pool[::-1], request=request)) == {first.name}


def test_without_the_cookie_the_balancer_within_decides():
    pool = make_pool(3)
    balancer = build_balancer("sticky", Random(1))
    assert chosen(balancer, pool, 6) == ["s0", "s1", "s2", "s0", "s1", "s2"]
    forged = ask(cookie="backend=s1; backend=x")
    assert chosen(balancer, pool, 3, forged) == ["s0", "s1", "s2"]


def test_only_an_answer_that_brings_news_is_marked():
    pool = make_pool(2)
    balancer = build_balancer({"sticky": {"cookie": "srv"}}, Random(1))
    plain = Response(200, Headers([("cache-control", "max-age=60"), ("set-cookie", "a=b")]))
    marked = balancer.mark(ask(), plain, pool[0])
    assert marked.headers.get("cache-control") == "max-age=60, private"
    before, ours = marked.headers.all("set-cookie")
    assert before == "a=b"
    assert ours.startswith("srv=")
    assert ours.endswith("; Path=/; HttpOnly; SameSite=Lax")
    assert "s0" not in ours
    again = returned(marked)
    assert balancer.mark(again, plain, pool[0]) is plain
    assert balancer.mark(again, plain, pool[1]) != plain
    over_tls = Request("GET", "https", "shop.example", 443, "/")
    assert balancer.mark(over_tls, plain, pool[0]).headers.all("set-cookie")[1].endswith("; Secure")


def test_a_client_whose_backend_is_gone_is_placed_anew_and_stays():
    pool = make_pool(3)
    balancer = build_balancer("sticky", Random(1))
    request = returned(balancer.mark(ask(), Response(200), pool[0]))
    assert balancer.explain(request, pool)["bound"]
    assert not balancer.explain(request, pool[1:])["bound"]
    other = balancer.choose(request, pool[1:])
    assert other is not pool[0]
    moved = returned(balancer.mark(request, Response(200), other))
    assert set(chosen(balancer, pool, request=moved)) == {other.name}


def test_only_who_holds_a_learner_learns_and_who_holds_a_marker_marks():
    def can(spec):
        balancer = build_balancer(spec, Random(1))
        return {name for name in ("observe", "mark", "check") if hasattr(balancer, name)}

    assert can("sticky") == {"mark"}
    assert can("priority") == {"check"}
    assert can({"sticky": {"within": "peak_ewma"}}) == {"mark", "observe"}
    assert can({"priority": {"within": "peak_ewma"}}) == {"check", "observe"}
    assert can({"sticky": {"within": "priority"}}) == {"check", "mark"}
    assert can({"priority": {"within": {"sticky": {"within": "least_response_time"}}}}) == (
        {"check", "mark", "observe"}
    )


def test_sticky_within_tiers_moves_with_the_tier():
    pool = two_groups()
    balancer = build_balancer({"priority": {"within": "sticky"}}, Random(1))
    first = balancer.choose(ask(), pool)
    request = returned(balancer.mark(ask(), Response(200), first))
    assert set(chosen(balancer, pool, request=request)) == {first.name}
    spare = balancer.choose(request, pool[2:])
    assert spare.name.startswith("spare-")
    assert returned(balancer.mark(request, Response(200), spare)) != request


def test_traffic_reaches_what_is_held_within():
    pool = [Backend("main-1"), Backend("main-2")]
    traffic = Traffic({"sticky": {"within": "least_response_time"}}, most=0)
    assert {traffic.send(pool).name for _ in range(50)} == {"main-1", "main-2"}
