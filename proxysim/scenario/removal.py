"""The same scenario without one of its proxies: who goes where then."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from proxysim.errors import ScenarioError, did_you_mean
from proxysim.scenario.document import Document
from proxysim.scenario.nodes import ForwardProxy, ReverseProxy
from proxysim.scenario.serving import fronts, group_of

__all__ = ["removed"]


def removed(tree: Mapping[str, Any], document: Document, name: str) -> dict[str, Any]:
    """*tree* with the proxy *name* made a router: its wires stay, its functions go.

    What went through a forward proxy takes that proxy's own way on, and resolves names itself. A
    reverse proxy's backends answer for its sites themselves, to the public or to the proxy before
    it, and end TLS where it did. What would have happened to the proxy no longer does; a drain that
    no other proxy hears of is none. Raises ScenarioError unless *name* is a proxy.
    """
    proxies = {
        node: found
        for node, found in document.nodes.items()
        if isinstance(found, ForwardProxy | ReverseProxy)
    }
    if name not in proxies:
        what = f"{name} is no proxy" if name in document.nodes else f"there is no node {name!r}"
        raise ScenarioError(f"{what}, so it cannot be left out", mend=did_you_mean(name, proxies))
    left = copy.deepcopy(dict(tree))
    nodes = left["nodes"]
    proxy = proxies[name]
    if isinstance(proxy, ForwardProxy):
        _go_on(nodes, name, proxy)
    else:
        _step_forward(nodes, name, proxy, document)
    nodes[name] = {"kind": "router"} | ({"zone": proxy.zone} if proxy.zone is not None else {})
    if left.get("events"):
        told = {backend for node in nodes.values() for backend in _listed(node.get("backends", []))}
        events = [event for event in left["events"] if event.get("node") != name]
        left["events"] = [
            found
            for event in events
            if (found := _told(event, group_of(event.get("node", ""), document) in told))
        ]
    return left


def _listed(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else names


def _told(event: dict[str, Any], is_told: bool) -> dict[str, Any] | None:
    """*event* as it comes where no proxy *is_told*: nobody drains, and to restart is to be down."""
    if is_told or not {"drain_for", "restart_for"} & event.keys():
        return event
    if "drain_for" in event:
        return None
    return {"down_for" if key == "restart_for" else key: found for key, found in event.items()}


def _go_on(nodes: dict[str, Any], name: str, proxy: ForwardProxy) -> None:
    for node in nodes.values():
        if node.get("through") == name:
            del node["through"]
            if proxy.through is not None:
                node["through"] = proxy.through
            elif proxy.dns is not None:
                node.setdefault("dns", proxy.dns.model_dump())


def _step_forward(
    nodes: dict[str, Any], name: str, proxy: ReverseProxy, document: Document
) -> None:
    own = proxy.backend_names
    for other, before in document.nodes.items():
        if isinstance(before, ReverseProxy) and name in before.backend_names:
            at = before.backend_names.index(name)
            kept = [backend for backend in before.backend_names if backend != name]
            kept[at:at] = [backend for backend in own if backend not in kept]
            nodes[other]["backends"] = kept
    public = [site for site in proxy.sites if name in fronts(document, site)]
    for backend in own:
        listed = nodes[backend].get("sites") or []
        if new := [site for site in public if site not in listed]:
            nodes[backend]["sites"] = [*listed, *new]
