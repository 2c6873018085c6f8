"""What could not be kept is remembered: who asks for it waits for nobody (hit-for-miss)."""

from __future__ import annotations

import pytest

from proxysim.messages import Failure
from proxysim.proxies.effects import Fetch, Spawn
from proxysim.proxies.uncacheable import LONGEST, MOST, Uncacheable
from tests.proxies.origin import HOUR, Site, get, said

PERSONAL = said(cache_control="private")


def goes_alone(site: Site, path: str = "/") -> bool:
    """Whether a request fetches for itself, rather than for all who come."""
    effect = next(site.proxy.handle(get(path=path)))
    assert isinstance(effect, Fetch | Spawn)
    return isinstance(effect, Fetch)


@pytest.mark.parametrize("answer", [PERSONAL, said(cache_control="no-store"), said(vary="*")])
def test_what_could_not_be_kept_is_asked_for_by_each_alone(answer):
    site = Site(answer, collapse=True, hit_for_miss=60.0)
    assert not goes_alone(Site(collapse=True))
    site.ask()
    assert goes_alone(site.after(59))
    assert not goes_alone(site, "/other")
    assert not goes_alone(site.after(1.5))


def test_every_such_answer_renews_it():
    site = Site(PERSONAL, PERSONAL, collapse=True, hit_for_miss=60.0)
    site.ask()
    site.after(40).ask()
    assert goes_alone(site.after(40))


@pytest.mark.parametrize(
    ("answer", "request_"),
    [
        (said(503, cache_control="no-store"), get()),
        (Failure("refused"), get()),
        (said(206, content_range="bytes 0-0/3"), get(range="bytes=0-0")),
        (said(304, None, etag='"1"'), get(if_none_match='"1"')),
        (said(), get(authorization="Basic x")),
        (said(), get(method="HEAD")),
        (said(), get(cache_control="no-store")),
        (said(**HOUR), get()),
    ],
)
def test_what_says_nothing_of_others_is_not_remembered(answer, request_):
    site = Site(answer, collapse=True)
    site.ask(request_)
    assert not site.cache.uncacheable.knows(get(), site.now)


def test_what_is_kept_after_all_is_shared_again():
    site = Site(PERSONAL, said(cache_control="max-age=10", etag='"1"'), collapse=True)
    site.ask()
    site.ask()
    assert site.ask().from_cache
    stored = site.cache.find(get())
    site.cache.discard(stored)
    assert not goes_alone(site)


def test_a_flush_and_no_time_at_all_forget_it():
    site = Site(PERSONAL, collapse=True)
    site.ask()
    site.cache.flush()
    assert not goes_alone(site)
    site = Site(PERSONAL, collapse=True, hit_for_miss=0.0)
    site.ask()
    assert not goes_alone(site)


def test_memory_is_bounded_and_the_oldest_goes():
    memory = Uncacheable(60.0)
    for number in range(MOST + 1):
        memory.note(get(path=f"/{number}"), PERSONAL.response, float(number) * 1e-3)
    assert not memory.knows(get(path="/0"), 0.0)
    assert memory.knows(get(path="/1"), 0.0)
    memory.note(get(path="/1"), PERSONAL.response, 20.0)
    memory.note(get(path="/new"), PERSONAL.response, 20.0)
    assert memory.knows(get(path="/1"), 20.0)
    assert not memory.knows(get(path="/2"), 20.0)
    for length in (LONGEST, LONGEST + 1):
        path = "/".ljust(length, "x")
        memory.note(get(path=path), PERSONAL.response, 20.0)
        assert memory.knows(get(path=path), 20.0) == (length <= LONGEST)
