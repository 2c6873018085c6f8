"""What a proxy does to the requests that pass it, as far as theory can follow."""

from __future__ import annotations

from collections.abc import Iterator

from proxysim.scenario.nodes import ForwardProxy, ProxyBase, ReverseProxy

__all__ = ["blind", "restless"]


def blind(node: ProxyBase) -> bool:
    """Whether what comes over TLS only passes through."""
    return isinstance(node, ForwardProxy) or (
        isinstance(node, ReverseProxy) and not node.mode.reads
    )


def restless(node: ProxyBase) -> Iterator[str]:
    """What of *node* turns requests away or sends more of them than came."""
    if node.limits.proxy is not None or node.limits.backend is not None:
        yield "limits"
    for what in ("rate_limit", "shedding", "hedge", "filters", "authentication"):
        if getattr(node, what, None):
            yield what
    deadlines = node.deadlines
    if not (deadlines.connect is None and deadlines.first_byte is None and deadlines.total is None):
        yield "deadlines"
    if isinstance(node, ReverseProxy) and node.health.active is not None:
        yield "probes, which keep servers busy too"
