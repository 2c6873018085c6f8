"""Caches as the engines have them; replacement and admission policies that they have not."""

from __future__ import annotations

from collections.abc import Iterator

from proxysim.engines.configuration import Draft
from proxysim.engines.subject import Subject, spec_of
from proxysim.policies.admission import ADMISSIONS, SizeLimit, build_admission
from proxysim.policies.eviction import EVICTIONS
from proxysim.scenario.caching import Cache, Objects
from proxysim.scenario.nodes import ReverseProxy

__all__ = [
    "EVICTION",
    "capacity",
    "eviction",
    "haproxy_cache",
    "haproxy_keeps",
    "largest_of",
    "nginx_cache",
]

#: What an answer is taken to hold where a cache counts answers, in bytes.
USUAL = 16_384
MEGABYTE = 1 << 20
LARGEST_CACHE = 4095  # of HAProxy, in these
#: Engine -> replacement policies that it has, with its name for them.
EVICTION: dict[str, dict[str, str]] = {
    "nginx": {"lru": "lru"},
    "HAProxy": {"lru": "lru"},
    "Squid": {"lru": "lru", "lfuda": "heap LFUDA", "gdsf": "heap GDSF"},
}


def eviction(cache: Cache, engine: str, draft: Draft) -> str:
    """The engine's name for the replacement policy; for one that it has not, LRU's."""
    name, _ = spec_of(cache.eviction)
    assert name in EVICTIONS
    known = EVICTION[engine]
    if name not in known:
        draft.lacks(f"{engine} replaces by {' or '.join(known)}, not by {name}: lru stands in.")
    return known.get(name, "lru")


def capacity(cache: Cache, engine: str, draft: Draft) -> int:
    """The capacity in bytes; of one that counts answers, a guess."""
    found = cache.capacity
    if isinstance(found, Objects):
        draft.lacks(
            f"{engine} bounds bytes, not answers: {found.objects:,} answers are taken as"
            f" {USUAL} bytes each."
        )
        return found.objects * USUAL
    return found


def largest_of(cache: Cache, engine: str, draft: Draft) -> int | None:
    """The length of the longest answer that may enter, by ``max_object`` and ``admission``."""
    if cache.admission is None:
        return cache.max_object
    name, _ = spec_of(cache.admission)
    policy = build_admission(cache.admission)
    if not isinstance(policy, SizeLimit):
        draft.lacks(f"{engine} has no admission by {name}: everything may enter.")
        return cache.max_object
    return policy.limit if cache.max_object is None else min(policy.limit, cache.max_object)


def nginx_cache(subject: Subject[ReverseProxy], draft: Draft) -> tuple[list[str], list[str]]:
    """What stands in http, and what in a location."""
    cache = subject.node.cache
    if cache is None or (room := capacity(cache, "nginx", draft)) == 0:
        return [], []
    eviction(cache, "nginx", draft)
    draft.differs(
        "nginx keeps answers in files, and makes room after they have come, not before: for a"
        " moment the cache may hold more."
    )
    zone = (
        f"proxy_cache_path cache levels=1:2 keys_zone=kept:10m max_size={room} inactive=365d"
        " use_temp_path=off;"
    )
    lines = [
        "proxy_cache kept;",
        "proxy_cache_key $scheme$host$request_uri;",
        "proxy_cache_revalidate on;",
        *_lock(cache, draft),
        *_stale(cache, draft),
        *_admission(cache, draft),
    ]
    if cache.negative_ttl:
        lines.append(f"proxy_cache_valid 404 410 {max(1, round(cache.negative_ttl))}s;")
    if cache.max_object is not None:
        draft.lacks("nginx keeps answers of any length (cache.max_object).")
    if "heuristic" in cache.model_fields_set:
        draft.lacks("nginx keeps no answer that does not say how long it is fresh (heuristic).")
    if cache.status:
        lines.append("add_header Cache-Status $upstream_cache_status always;")
        draft.differs("Cache-Status holds nginx's own words: HIT, MISS, EXPIRED.")
    return [zone], lines


def _lock(cache: Cache, draft: Draft) -> list[str]:
    if not cache.collapse:
        return []
    draft.differs(
        "nginx lets concurrent requests for what it cannot keep through one by one, half a second"
        " apart (proxy_cache_lock)."
    )
    if cache.hit_for_miss:
        draft.lacks("nginx does not remember what it could not keep (cache.hit_for_miss).")
    return ["proxy_cache_lock on;", "proxy_cache_lock_timeout 1h;", "proxy_cache_lock_age 1h;"]


def _stale(cache: Cache, draft: Draft) -> list[str]:
    cases, lines = [], []
    if cache.stale_while_revalidate:
        cases.append("updating")
        lines.append("proxy_cache_background_update on;")
    if cache.stale_if_error:
        cases += ["error", "timeout", "http_500", "http_502", "http_503", "http_504"]
    if not cases:
        return []
    draft.differs(
        "nginx gives out stale answers for as long as it has them, not for"
        f" {max(cache.stale_while_revalidate, cache.stale_if_error):g} s."
    )
    return [f"proxy_cache_use_stale {' '.join(cases)};", *lines]


def _admission(cache: Cache, draft: Draft) -> list[str]:
    if cache.admission is None:
        return []
    name, _ = spec_of(cache.admission)
    assert name in ADMISSIONS
    if name == "second_hit":
        return ["proxy_cache_min_uses 2;"]
    draft.lacks(f"nginx has no admission by {name}: everything may enter.")
    return []


def haproxy_keeps(subject: Subject[ReverseProxy]) -> bool:
    """Whether there is a cache that may hold anything."""
    cache = subject.node.cache
    return cache is not None and cache.capacity != 0


def haproxy_cache(subject: Subject[ReverseProxy], draft: Draft) -> Iterator[str]:
    """What stands in the section of the cache."""
    cache = subject.node.cache
    assert cache is not None
    eviction(cache, "HAProxy", draft)
    room = capacity(cache, "HAProxy", draft)
    megabytes = min(LARGEST_CACHE, max(1, room // MEGABYTE))
    if megabytes * MEGABYTE != room:
        draft.differs(f"The cache holds whole megabytes: {megabytes} of them.")
    most, wanted = megabytes * MEGABYTE // 2, largest_of(cache, "HAProxy", draft)
    largest = most if wanted is None else max(1, min(most, wanted))
    if largest != wanted:
        draft.differs("No answer may take more than half of HAProxy's cache.")
    draft.differs(
        "HAProxy keeps answers in memory, of GET alone, and asks for nothing to be confirmed: what"
        " is out of date is fetched anew."
    )
    for given, what in (
        (cache.collapse, "fetches every miss by itself (cache.collapse)"),
        (cache.stale_while_revalidate, "gives out nothing stale (cache.stale_while_revalidate)"),
        (cache.stale_if_error, "gives out nothing stale (cache.stale_if_error)"),
        (cache.negative_ttl, "keeps no errors (cache.negative_ttl)"),
        (cache.status, "does not say what its cache made of a request (cache.status)"),
        ("heuristic" in cache.model_fields_set, "keeps nothing that does not say how long"),
    ):
        if given:
            draft.lacks(f"HAProxy {what}.")
    yield f"total-max-size {megabytes}"
    yield f"max-object-size {largest}"
    yield "max-age 31536000"
    yield "process-vary on"
