"""Balancers as HAProxy has them, or what stands in their place.

Source: HAProxy 2.6 configuration manual, section 4.2, ``balance``, ``hash-type`` and ``cookie``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from proxysim.engines.choice import Choice, choice_of, tiers
from proxysim.engines.configuration import Draft
from proxysim.engines.subject import Member, plain
from proxysim.policies.hashing import digest

__all__ = ["BALANCERS", "Method", "method_of"]

HASH = (
    "HAProxy hashes by SDBM, so clients and pages meet other servers than here; shares are alike."
)


@dataclass(frozen=True, slots=True)
class Method:
    """How a backend chooses.

    ``lines`` go into the backend, ``servers`` to the server of each name; ``weighted``: servers
    have their weights.
    """

    lines: Sequence[str]
    weighted: bool = True
    servers: Mapping[str, str] = field(default_factory=dict)


def method_of(spec: Any, members: Sequence[Member], draft: Draft, *, stream: bool) -> Method:
    """How HAProxy chooses among *members* as the balancer *spec*, or as nearly as it can."""
    choice = choice_of(spec, members, draft, stream=stream)
    return BALANCERS[choice.name](choice)


def _round_robin(choice: Choice) -> Method:
    return Method(["balance roundrobin"], weighted=False)


def _weighted_round_robin(choice: Choice) -> Method:
    choice.draft.differs(
        "HAProxy's roundrobin spreads weighted turns in an order of its own; counts are the same."
    )
    return Method(["balance roundrobin"])


def _random(choice: Choice) -> Method:
    choice.draft.differs("HAProxy draws a point on a hash ring: chances are only nearly even.")
    return Method(["balance random(1)"], weighted=False)


def _weighted_random(choice: Choice) -> Method:
    choice.draft.differs("HAProxy draws a point on a hash ring: chances are only nearly by weight.")
    return Method(["balance random(1)"])


def _least_connections(choice: Choice) -> Method:
    choice.draft.differs(
        "leastconn counts connections that are queued too, and settles ties by round robin, not at"
        " random; with several threads each decides on figures that others are changing."
    )
    return Method(["balance leastconn"])


def _power_of_two(choice: Choice) -> Method:
    return _drawn(choice, choice.policy.choices)


def _drawn(choice: Choice, draws: int) -> Method:
    choice.draft.differs(
        f"random({draws}) draws points on a hash ring, by weight, and may draw a server twice."
    )
    return Method([f"balance random({draws})"])


def _source_hash(choice: Choice) -> Method:
    _no_hops(choice)
    choice.draft.differs(HASH)
    return Method(["balance source", "hash-type map-based"])


def _uri_hash(choice: Choice) -> Method:
    choice.draft.differs(HASH)
    return Method(
        ["balance source" if choice.stream else "balance uri whole", "hash-type map-based"]
    )


def _ring(choice: Choice) -> Method:
    if choice.parameters.get("points") is not None:
        choice.draft.lacks("HAProxy lays as many points as it likes for a server (points).")
    return _consistent(choice)


def _consistent(choice: Choice, *more: str) -> Method:
    _no_hops(choice)
    choice.draft.differs(
        "HAProxy's ring lays points by servers' numbers and hashes by SDBM, so keys meet other"
        " servers than here; shares are alike. Requests without the key go round robin."
    )
    return Method([_key(choice), "hash-type consistent", *more])


def _hashed_otherwise(choice: Choice) -> Method:
    choice.draft.lacks(f"HAProxy has no {choice.name}: its consistent ring stands in.")
    return _consistent(choice)


def _bounded_load(choice: Choice) -> Method:
    factor = max(101, round(100 * choice.policy.factor))
    if factor != 100 * choice.policy.factor:
        choice.draft.differs(f"The bound of loads is {factor} % of the mean.")
    if choice.parameters.get("points") is not None:
        choice.draft.lacks("HAProxy lays as many points as it likes for a server (points).")
    return _consistent(choice, f"hash-balance-factor {factor}")


def _least_response_time(choice: Choice) -> Method:
    choice.draft.lacks("HAProxy does not balance by response times: leastconn stands in.")
    return _least_connections(choice)


def _peak_ewma(choice: Choice) -> Method:
    choice.draft.lacks(
        f"HAProxy does not balance by response times: random({choice.policy.choices}) stands in."
    )
    return _drawn(choice, choice.policy.choices)


def _first_available(choice: Choice) -> Method:
    choice.draft.differs("Where all servers are full, HAProxy queues; here the emptiest is asked.")
    room = {
        member.name: f"maxconn {max(1, round(choice.policy.limit * member.weight))}"
        for member in choice.members
    }
    return Method(["balance first"], weighted=False, servers=room)


def _priority(choice: Choice) -> Method:
    """The first tier, and all others as backup: HAProxy knows two tiers."""
    first, *others = tiers(choice.members, choice.parameters.get("tiers", ()))
    within = method_of(choice.within, first, choice.draft, stream=choice.stream)
    if not others:
        return within
    if len(others) > 1:
        choice.draft.lacks("HAProxy knows two tiers: all behind the first are its backup together.")
    spare = {
        member.name: f"{within.servers.get(member.name, '')} backup".strip()
        for tier in others
        for member in tier
    }
    lines = [*within.lines, "option allbackups"]
    return Method(lines, within.weighted, {**within.servers, **spare})


def _sticky(choice: Choice) -> Method:
    within = method_of(
        choice.within,
        choice.members,
        choice.draft,
        stream=choice.stream,
    )
    if choice.stream:
        choice.draft.lacks("Nobody sets a cookie on what is passed through (sticky).")
        return within
    if not plain(choice.policy.cookie):
        choice.draft.lacks(f"HAProxy cannot name the cookie {choice.policy.cookie}: none is set.")
        return within
    marks = {
        member.name: f"{within.servers.get(member.name, '')} cookie {mark(member.name)}".strip()
        for member in choice.members
    }
    lines = [*within.lines, f"cookie {choice.policy.cookie} insert nocache httponly"]
    return Method(lines, within.weighted, marks)


def mark(name: str) -> str:
    """The value of a cookie that stands for the server *name*, without giving it away."""
    return f"{digest(name, b'cookie'):016x}"


def _key(choice: Choice) -> str:
    kind, name = choice.key
    if choice.stream:
        return "balance source"
    if not plain(name or kind):
        choice.draft.lacks(
            f"HAProxy cannot name the {kind} {name}: the client's address is hashed."
        )
        return "balance source"
    return {
        "client": "balance source",
        "uri": "balance uri whole",
        "host": "balance hdr(host)",
        "header": f"balance hdr({name})",
        "cookie": f"balance hash req.cook({name})",
    }[kind]


def _no_hops(choice: Choice) -> None:
    if hops := choice.parameters.get("trusted_hops", 0):
        choice.draft.lacks(
            f"The peer's address is hashed, whatever X-Forwarded-For says (trusted_hops: {hops})."
        )


#: Scenario name -> how HAProxy does it.
BALANCERS: dict[str, Callable[[Choice], Method]] = {
    "round_robin": _round_robin,
    "weighted_round_robin": _weighted_round_robin,
    "random": _random,
    "weighted_random": _weighted_random,
    "least_connections": _least_connections,
    "power_of_two": _power_of_two,
    "least_response_time": _least_response_time,
    "peak_ewma": _peak_ewma,
    "source_hash": _source_hash,
    "uri_hash": _uri_hash,
    "ring": _ring,
    "bounded_load": _bounded_load,
    "rendezvous": _hashed_otherwise,
    "maglev": _hashed_otherwise,
    "first_available": _first_available,
    "priority": _priority,
    "sticky": _sticky,
}
