"""The proxies with no world at all: the test itself plays clock, network and clients.

A proxy is a generator. It says what it wants; we say what came of it::

    handling = proxy.handle(request)
    assert next(handling) == Fetch(...)  # it wants an answer from a backend
    assert handling.send(Head(...)) == Send(...)  # it has one, and wants it sent
    assert over(handling, Sent(5))  # it is done

No socket, no thread, no sleep: whatever order of events we can think of, we can play.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxysim.messages import Connection, Content, Failure, Headers, Request, Response
from proxysim.policies.authentication import Authentication, User, credentials
from proxysim.policies.backend import Backend
from proxysim.policies.balancers.round_robin import RoundRobin
from proxysim.policies.compression import Compression
from proxysim.policies.eviction.lru import Lru
from proxysim.policies.filters import build_filters
from proxysim.policies.health import PassiveHealth
from proxysim.policies.identity import Elite, ReverseIdentity, Transparent
from proxysim.policies.retry import Retry
from proxysim.proxies.cache import Cache
from proxysim.proxies.effects import (
    Closed,
    Connect,
    Deadlines,
    Discard,
    Drain,
    Encode,
    Fetch,
    Head,
    Opening,
    Relay,
    Send,
    Sent,
    Spawn,
    Wait,
)
from proxysim.proxies.fleet import Fleet
from proxysim.proxies.forward import ForwardProxy
from proxysim.proxies.reverse import ReverseProxy
from tests.proxies.parts import AsIs, Clock

PAGE = Content(b"a page")
OK = Response(200, Headers([("content-type", "text/plain")]))
FRESH_FOR_A_MINUTE = Response(200, Headers([("cache-control", "max-age=60")]))
PRIVATE = Response(200, Headers([("cache-control", "private")]))


class Running:
    """What a world replies to Spawn: a generator under way, which can be ended."""

    def __init__(self, generator) -> None:
        self.generator = generator

    def close(self) -> None:
        self.generator.close()


def get(path="/", host="shop.example", method="GET", port=80, **fields):
    named = Headers((name.replace("_", "-"), text) for name, text in fields.items())
    scheme = "https" if port == 443 else "http"
    return Request(method, scheme, host, port, path, named, peer="10.0.0.7")


def backends(count=2):
    return [Backend(f"shop-{n}", f"10.1.0.{n}") for n in range(1, count + 1)]


def reverse(servers, clock=None, identity=None, **options):
    clock, identity = clock or Clock(), identity or AsIs()
    return ReverseProxy("edge", clock, identity, RoundRobin(), servers, **options)


def forward(identity=None, **options):
    return ForwardProxy("gateway", Clock(), identity or AsIs(), **options)


def cache(clock, **options):
    return Cache(Lru(1000), clock, **options)


def over(handling, reply):
    """Whether *reply* was the last that *handling* wanted to hear."""
    with pytest.raises(StopIteration):
        handling.send(reply)
    return True


# One request.


def test_one_request():
    """It asks a backend, sends what came, and is done."""
    server, request = Backend("shop-1"), get("/")
    proxy = reverse([server])

    handling = proxy.handle(request)
    assert next(handling) == Fetch(server, request)
    assert handling.send(Head(OK, PAGE)) == Send(OK, PAGE)
    assert over(handling, Sent(len(PAGE.data)))


def test_each_request_goes_to_the_backend_whose_turn_it_is():
    one, two = backends()
    proxy = reverse([one, two])
    asked = [next(proxy.handle(get(f"/{n}"))).backend for n in range(4)]
    assert asked == [one, two, one, two]


def test_the_lease_lasts_from_the_choice_until_the_answer_has_gone():
    server = Backend("shop-1")
    handling = reverse([server]).handle(get())

    next(handling)
    assert server.in_flight == 1  # asked
    handling.send(Head(OK, PAGE))
    assert server.in_flight == 1  # being sent
    over(handling, Sent(6))
    assert server.in_flight == 0


def test_a_client_that_leaves_is_a_generator_that_is_closed():
    server = Backend("shop-1")
    proxy = reverse([server])
    for replies in ([], [Head(OK, PAGE)]):
        handling = proxy.handle(get())
        next(handling)
        for reply in replies:
            handling.send(reply)
        assert server.in_flight == 1
        handling.close()
        assert server.in_flight == 0


def test_a_host_that_is_not_served_is_told_so_without_asking_anyone():
    proxy = reverse(backends(), sites=["shop.example"])
    answer = next(proxy.handle(get(host="other.example")))
    assert answer.response.status == 421
    assert all(server.in_flight == 0 for server in proxy.fleet.backends)


def test_the_server_learns_who_asks_and_the_client_not_who_answers():
    proxy = reverse([Backend("shop-1")], identity=ReverseIdentity())
    handling = proxy.handle(get())
    fetch = next(handling)
    assert fetch.request.headers.get("x-forwarded-for") == "10.0.0.7"
    told = Response(200, Headers([("server", "nginx/1.27"), ("etag", '"a"')]))
    sent = handling.send(Head(told, PAGE))
    assert "server" not in sent.response.headers
    assert sent.response.headers.get("etag") == '"a"'


# When no answer comes.


@pytest.mark.parametrize(
    ("kind", "status"),
    [("refused", 502), ("reset", 502), ("unresolved", 502), ("timeout", 504), ("overload", 503)],
)
def test_a_failure_becomes_the_status_that_says_which(kind, status):
    handling = reverse([Backend("shop-1")]).handle(get())
    next(handling)
    assert handling.send(Failure(kind)).response.status == status


def test_deadlines_go_with_the_fetch():
    patience = Deadlines(connect=1.0, first_byte=5.0)
    proxy = reverse([Backend("shop-1")], deadlines=patience)
    assert next(proxy.handle(get())).deadlines == patience


def test_a_failed_fetch_is_retried_elsewhere():
    """The first lease ends before the second begins: nobody is counted twice."""
    one, two = backends()
    request = get()
    handling = reverse([one, two], retry=Retry(attempts=2)).handle(request)

    assert next(handling) == Fetch(one, request)
    assert handling.send(Failure("refused")) == Fetch(two, request)
    assert (one.in_flight, two.in_flight) == (0, 1)
    assert handling.send(Head(OK, PAGE)) == Send(OK, PAGE)
    assert over(handling, Sent(6))
    assert two.in_flight == 0


def test_attempts_come_to_an_end():
    handling = reverse(backends(3), retry=Retry(attempts=2)).handle(get())
    next(handling)
    assert isinstance(handling.send(Failure("refused")), Fetch)
    assert handling.send(Failure("refused")).response.status == 502


def test_what_may_have_been_done_is_not_done_again():
    """A POST that was sent before the connection broke may have been acted on."""
    lost = Failure("reset", sent=True, retry_safe=False)
    for method, again in (("GET", Fetch), ("POST", Send)):
        handling = reverse(backends(), retry=Retry()).handle(get(method=method))
        next(handling)
        assert isinstance(handling.send(lost), again)


def test_closing_between_two_attempts_gives_everything_back():
    one, two = backends()
    retry = Retry()
    handling = reverse([one, two], retry=retry).handle(get())
    next(handling)
    handling.send(Failure("refused"))
    assert retry.under_way == 1
    handling.close()
    assert (one.in_flight, two.in_flight, retry.under_way) == (0, 0, 0)


def test_a_backend_that_failed_is_left_alone_for_a_while():
    clock = Clock()
    one, two = backends()
    proxy = reverse(Fleet([one, two], ejectors=[PassiveHealth(failures=1, seconds=10)]), clock)
    handling = proxy.handle(get())
    assert next(handling).backend is one
    handling.send(Failure("refused"))

    def asked():
        return {next(proxy.handle(get())).backend for _ in range(4)}

    assert asked() == {two}
    clock.now = 10
    assert asked() == {one, two}


# The cache.


def stored(proxy, request, response=FRESH_FOR_A_MINUTE, body=PAGE):
    """Play a miss to its end, so that the cache of *proxy* has the answer."""
    handling = proxy.handle(request)
    next(handling)
    sent = handling.send(Head(response, body))
    sent.store.commit(body)
    over(handling, Sent(body.length))


def test_a_hit_is_sent_without_a_fetch():
    clock = Clock()
    proxy = reverse(backends(), clock, cache=cache(clock))
    stored(proxy, get("/logo"))

    clock.now = 12.5
    hit = proxy.handle(get("/logo"))
    aged = Response(200, FRESH_FOR_A_MINUTE.headers.set("age", "12"))
    assert next(hit) == Send(aged, PAGE, cache="hit")
    assert over(hit, Sent(6))


def test_only_a_body_that_came_whole_is_stored():
    clock = Clock()
    proxy = reverse(backends(), clock, cache=cache(clock))
    handling = proxy.handle(get("/logo"))
    next(handling)
    handling.send(Head(FRESH_FOR_A_MINUTE, PAGE)).store.abandon()
    over(handling, Sent(3, source_complete=False, client_gone=True))
    assert isinstance(next(proxy.handle(get("/logo"))), Fetch)


def test_what_is_stale_is_asked_about_and_a_304_makes_it_fresh():
    clock = Clock()
    proxy = reverse(backends(), clock, cache=cache(clock))
    tagged = Response(200, FRESH_FOR_A_MINUTE.headers.add("etag", '"v1"'))
    stored(proxy, get("/logo"), tagged)

    clock.now = 61
    handling = proxy.handle(get("/logo"))
    assert next(handling).request.headers.get("if-none-match") == '"v1"'
    answer = handling.send(Head(Response(304)))
    assert (answer.response.status, answer.body, answer.cache) == (200, PAGE, "revalidated")
    assert next(proxy.handle(get("/logo"))).cache == "hit"


def test_stale_while_revalidate_answers_now_and_refreshes_beside():
    """One refresh, however many ask meanwhile; it is nobody's request."""
    clock = Clock()
    server = Backend("shop-1")
    proxy = reverse([server], clock, cache=cache(clock, stale_while_revalidate=30))
    stored(proxy, get("/logo"))

    clock.now = 70
    first, second = proxy.handle(get("/logo")), proxy.handle(get("/logo"))
    refresh = next(first).generator
    next(refresh)
    assert server.in_flight == 1
    assert first.send(Running(refresh)).cache == "stale"
    assert next(second).cache == "stale"

    newer = Content(b"a newer page")
    drain = refresh.send(Head(FRESH_FOR_A_MINUTE, newer))
    assert isinstance(drain, Drain)
    drain.store.commit(newer)
    assert over(refresh, Sent(12))
    assert server.in_flight == 0
    hit = next(proxy.handle(get("/logo")))
    assert (hit.body, hit.cache) == (newer, "hit")


def test_an_unsafe_request_that_succeeds_clears_what_was_stored():
    clock = Clock()
    proxy = reverse(backends(), clock, cache=cache(clock))
    stored(proxy, get("/basket"))
    post = proxy.handle(get("/basket", method="POST"))
    next(post)
    assert post.send(Head(OK, PAGE)).cache == "bypass"
    assert isinstance(next(proxy.handle(get("/basket"))), Fetch)


# Collapsing: many who ask for the same, one who fetches.


class Collapsing:
    """A proxy with a collapsing cache, two requests for one page, and the fill they share."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.server = Backend("shop-1")
        self.proxy = reverse([self.server], self.clock, cache=cache(self.clock, collapse=True))
        self.first, self.second = self.proxy.handle(get("/logo")), self.proxy.handle(get("/logo"))
        spawn = next(self.first)
        assert isinstance(spawn, Spawn)
        self.fill = spawn.generator
        self.fetch = next(self.fill)
        self.wait = self.first.send(Running(self.fill))


def test_two_who_ask_for_the_same_share_one_fetch():
    play = Collapsing()
    assert isinstance(play.fetch, Fetch)
    waits = [play.wait, next(play.second)]
    assert waits[0] == waits[1]  # the same signal: no second Spawn, no second Fetch
    assert isinstance(play.wait, Wait)

    drain = play.fill.send(Head(FRESH_FOR_A_MINUTE, PAGE))
    head = play.wait.signal.value
    assert drain == Drain(PAGE, drain.store)
    assert play.first.send(head) == Send(FRESH_FOR_A_MINUTE, PAGE, cache="miss")
    assert play.second.send(head) == Send(FRESH_FOR_A_MINUTE, PAGE, cache="coalesced")

    drain.store.commit(PAGE)
    assert over(play.fill, Sent(6))
    assert over(play.first, Sent(6))
    assert over(play.second, Sent(6))
    assert next(play.proxy.handle(get("/logo"))).cache == "hit"


def test_a_failure_is_shared_too():
    play = Collapsing()
    next(play.second)
    assert over(play.fill, Failure("timeout"))
    failure = play.wait.signal.value
    assert play.first.send(failure).response.status == 504
    assert play.second.send(failure).response.status == 504


def test_an_answer_that_may_not_be_shared_frees_the_others_at_once():
    """The first takes it; the second asks for itself, at once, not when the first is done."""
    play = Collapsing()
    next(play.second)
    held = play.fill.send(Head(PRIVATE, PAGE))
    assert isinstance(held, Wait)  # the fill holds its lease while the first is sent the answer
    assert play.wait.signal.is_set

    assert play.second.send(None) == Fetch(play.server, get("/logo"))
    assert play.first.send(None) == Send(PRIVATE, PAGE, cache="miss")
    assert play.server.in_flight == 2
    assert over(play.first, Sent(6))
    assert play.server.in_flight == 1
    assert play.second.send(Head(PRIVATE, PAGE)).response == PRIVATE
    assert over(play.second, Sent(6))
    assert play.server.in_flight == 0


def test_the_fetch_outlives_the_one_who_began_it():
    play = Collapsing()
    next(play.second)
    play.first.close()
    assert play.server.in_flight == 1
    play.fill.send(Head(FRESH_FOR_A_MINUTE, PAGE))
    assert play.second.send(play.wait.signal.value).body == PAGE


def test_the_last_to_leave_ends_the_fetch():
    play = Collapsing()
    next(play.second)
    play.first.close()
    play.second.close()
    assert play.server.in_flight == 0
    assert not play.proxy.cache.fills
    assert isinstance(next(play.proxy.handle(get("/logo"))), Spawn)


# Compression.


def test_text_is_coded_for_a_client_that_takes_it():
    plain = Content(b"words, " * 500)
    coded = Content(b"fewer")
    proxy = reverse([Backend("shop-1")], compression=Compression(("br", "gzip")))
    handling = proxy.handle(get(accept_encoding="gzip"))
    next(handling)
    assert handling.send(Head(OK, plain)) == Encode(plain, "gzip")
    sent = handling.send(coded)
    assert sent.body == coded
    assert sent.response.headers.get("content-encoding") == "gzip"
    assert "content-length" not in sent.response.headers


# The forward proxy: filters, tunnels, identities.


def test_a_filter_denies_with_a_page_that_says_why():
    rules = build_filters([{"deny": {"domain": "casino.example"}, "because": "gambling"}])
    proxy = forward(filters=rules)
    handling = proxy.handle(get(host="casino.example"))
    page = next(handling)
    assert page.blocked
    assert page.response.status == 403
    assert b"gambling" in page.body.data
    assert over(handling, Sent(page.body.length))
    assert isinstance(next(proxy.handle(get(host="news.example"))), Fetch)


def screened(**options):
    rules = [{"deny": {"content_type": ["video/*", "text/*"]}, "because": "no films"}]
    return forward(filters=build_filters(rules), **options)


FILM = Response(200, Headers([("content-type", "video/mp4"), ("cache-control", "max-age=60")]))


def test_an_answer_that_a_rule_denies_is_given_up_and_never_stored():
    cache = Cache(Lru(1000), lambda: 0.0)
    proxy = screened(cache=cache)
    handling = proxy.handle(get(host="tube.example"))
    assert isinstance(next(handling), Fetch)
    film = Content(b"x" * 100)
    assert handling.send(Head(FILM, film)) == Discard(film)
    page = handling.send(None)
    assert (page.blocked, page.response.status, page.cache) == (True, 403, "miss")
    assert b"no films" in page.body.data
    assert page.store is None
    assert proxy.in_flight() == 1
    assert over(handling, Sent(page.body.length))
    assert proxy.in_flight() == 0
    assert len(cache) == 0


def test_a_page_of_the_proxys_own_is_not_judged():
    handling = screened().handle(get(host="tube.example"))
    next(handling)
    page = handling.send(Failure("refused"))
    assert (page.response.status, page.blocked) == (502, False)


def test_a_client_that_leaves_while_its_answer_is_awaited_leaves_nothing_behind():
    proxy = screened()
    handling = proxy.handle(get(host="tube.example"))
    next(handling)
    assert proxy.in_flight() == 1
    handling.close()
    assert proxy.in_flight() == 0


def test_who_does_not_log_in_gets_no_further_and_no_tunnel():
    proxy = forward(authentication=Authentication({"ann": User("secret")}))
    right = credentials("ann", "secret")
    for request in (get(host="news.example"), get("", "bank.example", "CONNECT", 443)):
        page = next(proxy.handle(request))
        assert (page.response.status, page.blocked) == (407, True)
        known = replace(request, headers=request.headers.set("proxy-authorization", right))
        assert isinstance(next(proxy.handle(known)), Fetch | Connect)


def test_connect_opens_a_tunnel_and_looks_no_further():
    proxy = forward(deadlines=Deadlines(connect=3.0))
    handling = proxy.handle(get("", "bank.example", "CONNECT", 443))
    ask = next(handling)
    assert isinstance(ask, Connect)
    assert (ask.backend.host, ask.backend.port, ask.deadline) == ("bank.example", 443, 3.0)

    bank = Connection("198.51.100.4")
    assert handling.send(bank) == Relay(bank, Response(200))
    assert proxy.in_flight() == 1
    assert over(handling, Closed(up=517, down=4096, by="client"))
    assert proxy.in_flight() == 0


def test_connect_is_filtered_by_host():
    rules = build_filters([{"deny": {"domain": "casino.example"}}])
    page = next(forward(filters=rules).handle(get("", "casino.example", "CONNECT", 443)))
    assert page.blocked
    assert page.response.status == 403


def test_connect_reaches_only_the_ports_that_are_served():
    page = next(forward().handle(get("", "mail.example", "CONNECT", 25)))
    assert page.blocked
    assert page.response.status == 403


def test_connect_to_a_host_that_does_not_answer():
    handling = forward().handle(get("", "bank.example", "CONNECT", 443))
    next(handling)
    assert handling.send(Failure("timeout")).response.status == 504


def test_through_a_parent_everything_goes():
    parent = Backend("headquarters", "10.9.0.1", 3128)
    proxy = forward(parent=parent)
    assert next(proxy.handle(get(host="news.example"))).backend is parent
    tunnel = next(proxy.handle(get("", "bank.example", "CONNECT", 443)))
    assert tunnel.backend is parent
    assert (tunnel.ask.method, tunnel.ask.host) == ("CONNECT", "bank.example")


def test_a_transparent_proxy_names_its_client_and_an_elite_one_nobody():
    told = next(forward(Transparent("gw")).handle(get())).request.headers
    assert told.get("x-forwarded-for") == "10.0.0.7"
    assert told.get("via") == "1.1 gw"
    hidden = next(forward(Elite("gw")).handle(get(x_forwarded_for="10.0.0.7"))).request.headers
    assert "x-forwarded-for" not in hidden
    assert "via" not in hidden


# Connections.


def opening(generator, *replies):
    """Play an ``opened`` to its end: the effects it asked for, and its verdict."""
    effects, reply = [], None
    for reply in (None, *replies):
        try:
            effects.append(generator.send(reply))
        except StopIteration as end:
            return effects, end.value
    raise AssertionError(f"it wants more: {effects[-1]}")


def test_passthrough_relays_the_bytes_to_a_backend_chosen_by_name():
    server = Backend("shop-1")
    proxy = reverse([server], sites=["shop.example"], passthrough=True)
    client, upstream = Connection("10.0.0.7", sni="shop.example"), Connection("10.1.0.1")
    effects, verdict = opening(proxy.opened(client), upstream, Closed(300, 9000, "server"))
    assert effects == [Connect(server, None), Relay(upstream)]
    assert verdict is Opening.RELAYED
    assert server.in_flight == 0


def test_passthrough_refuses_names_it_does_not_serve_and_servers_that_do_not_answer():
    proxy = reverse([Backend("shop-1")], sites=["shop.example"], passthrough=True)
    stranger = Connection("10.0.0.7", sni="other.example")
    assert opening(proxy.opened(stranger)) == ([], Opening.REFUSE)
    known = Connection("10.0.0.7", sni="shop.example")
    empty = reverse([], sites=["shop.example"], passthrough=True)
    assert opening(empty.opened(known)) == ([], Opening.REFUSE)
    _, verdict = opening(proxy.opened(known), Failure("refused"))
    assert verdict is Opening.REFUSE
    assert proxy.in_flight() == 0


def test_other_connections_are_accepted():
    client = Connection("10.0.0.7")
    assert opening(reverse(backends()).opened(client)) == ([], Opening.ACCEPT)
    assert opening(forward().opened(client)) == ([], Opening.ACCEPT)


def test_a_forward_proxy_remembers_who_is_asked_and_so_many_others(monkeypatch):
    monkeypatch.setattr("proxysim.proxies.forward.MOST_ORIGINS", 3)
    proxy = forward()

    def asking(name):
        handling = proxy.handle(Request("GET", "http", name, 80, "/"))
        return handling, next(handling).backend

    held, origin = asking("held.example")
    for n in range(20):
        handling, _ = asking(f"{n}.example")
        handling.close()
        assert len(proxy._origins) <= 3
    _, again = asking("held.example")
    assert again is origin
    assert proxy.in_flight() == origin.in_flight == 2
    held.close()
    assert proxy.in_flight() == 1
