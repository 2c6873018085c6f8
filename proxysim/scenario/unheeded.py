"""What a scenario says and a run of it will not heed: nothing is wrong, but perhaps forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from proxysim.policies.balancers import build_balancer
from proxysim.policies.parameters import Spec
from proxysim.scenario.build_topology import conversations
from proxysim.scenario.nodes import Clients, ForwardProxy, ReverseProxy, Server
from proxysim.scenario.scenario import Scenario
from proxysim.scenario.serving import group_of

__all__ = ["unheeded"]

#: What a proxy does with requests, and cannot do with connections that it only relays.
_OF_REQUESTS = (
    "cache",
    "compression",
    "retry",
    "hedge",
    "breaker",
    "limits",
    "rate_limit",
    "shedding",
    "trusted",
    "forwarded",
    "hide",
)


def unheeded(scenario: Scenario) -> Iterator[str]:
    """Notes on what in *scenario* has no effect: late events, nodes that nobody asks, and so on."""
    talks = set(conversations(scenario))
    yield from _unasked(scenario, {asked for _, asked in talks})
    yield from _relayed(scenario)
    yield from _unencrypted(scenario)
    yield from _unweighed(scenario)
    yield from _unheard(scenario)
    yield from _events(scenario, talks)


def _unasked(scenario: Scenario, asked: set[str]) -> Iterator[str]:
    for name, node in scenario.document.nodes.items():
        if name in asked:
            continue
        if isinstance(node, ForwardProxy):
            yield f"{name}: nobody asks through it; clients say so with through: {name}"
        elif isinstance(node, Server | ReverseProxy):
            yield f"{name}: nobody asks for anything that it serves"


def _relayed(scenario: Scenario) -> Iterator[str]:
    for name, node in scenario.document.nodes.items():
        if not isinstance(node, ReverseProxy) or node.mode.reads:
            continue
        encrypted = [site for site in node.sites if scenario.document.sites[site].tls]
        given = [
            setting
            for setting in _OF_REQUESTS
            if setting in node.model_fields_set and getattr(node, setting) is not None
        ]
        if _by_request(node.balancer):
            given.append("balancer")
        if encrypted and given:
            yield (
                f"{name}: tls: passthrough keeps the requests for {', '.join(encrypted)} from its"
                f" {', '.join(given)}"
            )


def _by_request(balancer: Spec) -> bool:
    """Whether *balancer* looks at what a connection that is only relayed does not show."""
    if isinstance(balancer, str):
        return balancer in ("sticky", "uri_hash")
    ((name, values),) = balancer.items()
    values = values or {}
    seen = values.get("key", "client") in ("client", "host")
    return not seen or _by_request(name) or _by_request(values.get("within", ""))


def _unencrypted(scenario: Scenario) -> Iterator[str]:
    for name, node in scenario.document.nodes.items():
        if not isinstance(node, ReverseProxy) or node.tls == "none":
            continue
        said = [key for key in ("tls", "tls_version", "early_data") if key in node.model_fields_set]
        if said and not any(scenario.document.sites[site].tls for site in node.sites):
            yield (
                f"{name}: has {' and '.join(said)}, and none of its sites is encrypted; sites say"
                " so with tls: true"
            )


def _unweighed(scenario: Scenario) -> Iterator[str]:
    nodes = scenario.document.nodes
    for name, node in nodes.items():
        if not isinstance(node, ReverseProxy):
            continue
        weights: set[float] = set()
        for backend in node.backend_names:
            weight = getattr(nodes.get(backend), "weight", 1.0)
            weights.update(weight if isinstance(weight, list) else [weight])
        blind = not getattr(build_balancer(node.balancer, Random(0)), "weighted", True)
        if blind and len(weights - {0.0}) > 1:
            yield f"{name}: its balancer does not look at the weights that its backends have"


def _unheard(scenario: Scenario) -> Iterator[str]:
    for name, node in scenario.document.nodes.items():
        if not isinstance(node, Clients) or node.credentials is None or scenario.removed:
            continue
        proxy = scenario.document.nodes.get(node.through or "")
        if not isinstance(proxy, ForwardProxy):
            yield f"{name}: go through no proxy that could hear of their credentials"
        elif proxy.authentication is None:
            yield f"{name}: have credentials, but {node.through} wants nobody to log in"
        elif node.credentials.user not in proxy.authentication.users:
            yield f"{name}: log in as {node.credentials.user!r}, whom {node.through} does not know"


def _events(scenario: Scenario, talks: set[tuple[str, str]]) -> Iterator[str]:
    document = scenario.document
    for number, event in enumerate(document.events):
        if event.at >= document.run.duration:
            yield (
                f"events.{number} comes at {event.at:g} s, when no more requests are sent:"
                f" run.duration is {document.run.duration:g} s"
            )
        if event.link is not None and document.links is None:
            one, other = (group_of(end, document) or end for end in event.link)
            if not {(one, other), (other, one)} & talks:
                yield f"events.{number}: {one} and {other} do not talk to each other"
