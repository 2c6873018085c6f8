"""Which engine can be which proxy, and how it becomes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proxysim.engines import haproxy, nginx, squid, squid_reverse
from proxysim.engines.configuration import Configuration, Draft
from proxysim.engines.places import Places, places_of
from proxysim.engines.subject import Subject
from proxysim.errors import ScenarioError, did_you_mean
from proxysim.scenario import Scenario
from proxysim.scenario.nodes import ForwardProxy, ProxyBase, ReverseProxy

__all__ = ["ENGINES", "export", "proxies"]

Exporter = Callable[[Subject[Any]], Configuration]

#: Engine -> kind of proxy -> what writes its configuration; where there is none, why.
ENGINES: dict[str, dict[str, Exporter | str]] = {
    "nginx": {
        "reverse_proxy": nginx.export,
        "forward_proxy": "nginx is no forward proxy: it serves no CONNECT.",
    },
    "haproxy": {
        "reverse_proxy": haproxy.export,
        "forward_proxy": "HAProxy is no forward proxy: it asks the servers that it is given.",
    },
    "squid": {"forward_proxy": squid.export, "reverse_proxy": squid_reverse.export},
}


def proxies(scenario: Scenario) -> list[str]:
    """The proxies of *scenario*."""
    nodes = scenario.document.nodes
    return [name for name, node in nodes.items() if isinstance(node, ProxyBase)]


def export(
    engine: str, scenario: Scenario, node: str, places: Places | None = None
) -> Configuration:
    """The proxy *node* of *scenario* as a configuration of *engine*.

    Where the engine can be nothing of the kind, the configuration has no text and says why. Raises
    ScenarioError for an engine or a proxy that there is not.
    """
    if engine not in ENGINES:
        raise ScenarioError(f"no engine is called {engine!r}", mend=did_you_mean(engine, ENGINES))
    found = scenario.document.nodes.get(node)
    if not isinstance(found, ForwardProxy | ReverseProxy):
        raise ScenarioError(
            f"no proxy is called {node!r}",
            place=scenario.name,
            mend=did_you_mean(node, proxies(scenario)),
        )
    exporter = ENGINES[engine][found.kind]
    if isinstance(exporter, str):
        draft = Draft()
        draft.lacks(exporter)
        return draft.declined(engine, node)
    return exporter(Subject(scenario, node, found, places or places_of(scenario)))
