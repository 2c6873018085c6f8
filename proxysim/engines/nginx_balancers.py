"""Balancers as nginx has them, or what stands in their place.

Source: nginx.org, ngx_http_upstream_module and ngx_stream_upstream_module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from proxysim.engines.choice import Choice, choice_of, tiers
from proxysim.engines.configuration import Draft
from proxysim.engines.subject import Member

__all__ = ["BALANCERS", "Method", "method_of"]

HASH = "nginx hashes by CRC32, so clients and pages meet other servers than here; shares are alike."
POINTS = 160


@dataclass(frozen=True, slots=True)
class Method:
    """How an upstream block chooses.

    ``directives`` go into the block, ``maps`` before it; ``weighted``: servers have their weights;
    ``backup``: those that are asked when all others are away.
    """

    directives: Sequence[str] = ()
    maps: Sequence[str] = ()
    weighted: bool = True
    backup: frozenset[str] = frozenset()


def method_of(spec: Any, members: Sequence[Member], draft: Draft, *, stream: bool) -> Method:
    """How nginx chooses among *members* as the balancer *spec*, or as nearly as it can."""
    choice = choice_of(spec, members, draft, stream=stream)
    return BALANCERS[choice.name](choice)


def _round_robin(choice: Choice) -> Method:
    return Method(weighted=False)


def _weighted_round_robin(choice: Choice) -> Method:
    return Method()


def _random(choice: Choice) -> Method:
    return Method(["random;"], weighted=False)


def _weighted_random(choice: Choice) -> Method:
    return Method(["random;"])


def _least_connections(choice: Choice) -> Method:
    choice.draft.differs(
        "least_conn compares connections by weight without the one that is being placed, and"
        " settles ties by weighted round robin, not at random. Each worker process counts its own,"
        " but for the zone in which all of them count together."
    )
    return Method(["least_conn;"])


def _power_of_two(choice: Choice) -> Method:
    if choice.policy.choices != 2:
        choice.draft.lacks(f"nginx draws two servers, not {choice.policy.choices}.")
    if choice.unequal:
        choice.draft.differs("random two draws servers by their weights, not evenly.")
    return Method(["random two least_conn;"])


def _source_hash(choice: Choice) -> Method:
    _no_hops(choice)
    choice.draft.differs(HASH)
    return Method(["hash $remote_addr;"])


def _uri_hash(choice: Choice) -> Method:
    choice.draft.differs(HASH)
    return Method(["hash $remote_addr;" if choice.stream else "hash $request_uri;"])


def _ring(choice: Choice) -> Method:
    if choice.policy.points != POINTS:
        choice.draft.lacks(
            f"nginx has {POINTS} points a unit of weight, not {choice.policy.points}."
        )
    return _ketama(choice)


def _ketama(choice: Choice) -> Method:
    _no_hops(choice)
    choice.draft.differs(
        "nginx lays the points of a ring by CRC32 of servers' addresses, not by MD5 of their names,"
        " so keys meet other servers than here; shares are alike."
    )
    key, maps = _key(choice)
    return Method([f"hash {key} consistent;"], maps)


def _hashed_otherwise(choice: Choice) -> Method:
    choice.draft.lacks(f"nginx has no {choice.name}: its ketama ring stands in.")
    return _ketama(choice)


def _bounded_load(choice: Choice) -> Method:
    choice.draft.lacks(
        f"nginx bounds no server's load (bounded_load, factor {choice.policy.factor:g}): its ketama"
        " ring without bounds stands in."
    )
    return _ketama(choice)


def _by_connections(choice: Choice) -> Method:
    choice.draft.lacks(f"nginx has no {choice.name}: least_conn stands in.")
    return _least_connections(choice)


def _peak_ewma(choice: Choice) -> Method:
    choice.draft.lacks("nginx has no peak_ewma: random two least_conn stands in.")
    return Method(["random two least_conn;"])


def _priority(choice: Choice) -> Method:
    """The first tier, and all others as backup: nginx knows two tiers."""
    first, *others = tiers(choice.members, choice.parameters.get("tiers", ()))
    within = method_of(choice.within, first, choice.draft, stream=choice.stream)
    if not others:
        return within
    if len(others) > 1:
        choice.draft.lacks("nginx knows two tiers: all behind the first are its backup together.")
    if any(directive.startswith(("hash", "random")) for directive in within.directives):
        choice.draft.lacks(
            "nginx has no backup servers beside hash and random: round robin stands in."
        )
        within = Method()
    spare = frozenset(member.name for tier in others for member in tier)
    return Method(within.directives, within.maps, within.weighted, spare)


def _sticky(choice: Choice) -> Method:
    choice.draft.lacks(
        f"nginx sets no cookie ({choice.policy.cookie}) that binds a client to a server, outside"
        " its commercial version: every request is placed anew."
    )
    within = choice.within
    return method_of(within, choice.members, choice.draft, stream=choice.stream)


def _key(choice: Choice) -> tuple[str, list[str]]:
    """The variable that holds a key; one that a request may lack falls back on the client's."""
    kind, name = choice.key
    if kind == "client":
        return "$remote_addr", []
    if choice.stream:
        return ("$ssl_preread_server_name" if kind == "host" else "$remote_addr"), []
    if kind == "uri":
        return "$request_uri", []
    if kind == "host":
        return "$host", []
    if kind == "header":
        name = name.lower().replace("-", "_")
    if not re.fullmatch("[0-9A-Za-z_]+", name):
        choice.draft.lacks(f"nginx cannot name the {kind} {name}: the client's address is hashed.")
        return "$remote_addr", []
    source = f"${'http' if kind == 'header' else 'cookie'}_{name}"
    return "$balancing_key", [
        f'map {source} $balancing_key {{ default {source}; "" $remote_addr; }}'
    ]


def _no_hops(choice: Choice) -> None:
    if hops := choice.parameters.get("trusted_hops", 0):
        choice.draft.lacks(
            f"nginx does not count proxies in X-Forwarded-For (trusted_hops: {hops}): the peer's"
            " address is hashed, or what set_real_ip_from makes of it."
        )


#: Scenario name -> how nginx does it.
BALANCERS: dict[str, Callable[[Choice], Method]] = {
    "round_robin": _round_robin,
    "weighted_round_robin": _weighted_round_robin,
    "random": _random,
    "weighted_random": _weighted_random,
    "least_connections": _least_connections,
    "power_of_two": _power_of_two,
    "least_response_time": _by_connections,
    "peak_ewma": _peak_ewma,
    "source_hash": _source_hash,
    "uri_hash": _uri_hash,
    "ring": _ring,
    "bounded_load": _bounded_load,
    "rendezvous": _hashed_otherwise,
    "maglev": _hashed_otherwise,
    "first_available": _by_connections,
    "priority": _priority,
    "sticky": _sticky,
}
