"""What a proxy does to the requests that pass it, as far as theory can follow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from proxysim.messages import Request
from proxysim.policies.filters import Filters, build_filters
from proxysim.scenario.build_workload import site_of
from proxysim.scenario.document import Document
from proxysim.scenario.filtering import Rule
from proxysim.scenario.nodes import ForwardProxy, ProxyBase, ReverseProxy
from proxysim.theory.streams import Declination, Stream
from proxysim.workload.catalogue import Catalogue

__all__ = ["blind", "let_through", "restless"]

#: Conditions that go by what is asked for, and not by whom, when, or what is answered.
_ASKED_FOR = frozenset({"domain", "url", "method", "port"})


def blind(node: ProxyBase) -> bool:
    """Whether what comes over TLS only passes through."""
    return isinstance(node, ForwardProxy) or (
        isinstance(node, ReverseProxy) and not node.mode.reads
    )


def restless(node: ProxyBase) -> Iterator[str]:
    """What of *node* turns requests away or sends more of them than came."""
    if node.limits.proxy is not None or node.limits.backend is not None:
        yield "limits"
    for what in ("rate_limit", "shedding", "hedge", "authentication"):
        if getattr(node, what, None):
            yield what
    deadlines = node.deadlines
    if not (deadlines.connect is None and deadlines.first_byte is None and deadlines.total is None):
        yield "deadlines"
    if isinstance(node, ReverseProxy) and node.health.active is not None:
        yield "probes, which keep servers busy too"


def let_through(document: Document, node: ForwardProxy, stream: Stream) -> Stream:
    """What of *stream* passes the filters of *node*; Declination where that cannot be told.

    It can where they go by what is asked for, and let each site's requests of one method pass, all
    of them or none.
    """
    if not node.filters:
        return stream
    looked_at = {name for rule in node.filters for name in _conditions(rule)}
    if unknown := sorted(looked_at - _ASKED_FOR):
        raise Declination(f"filters by {' and '.join(unknown)}: no formula")
    filters = build_filters([rule.model_dump(exclude_none=True) for rule in node.filters])
    rates, methods = {}, dict(stream.methods)
    for host, rate in stream.rates.items():
        site = document.sites[host]
        if site.tls:
            asked = Request("CONNECT", "https", host, 443, "")
            passes = not filters.judge(asked, 0.0).denied
            rates[host] = rate if passes else 0.0
            continue
        catalogue = Catalogue(site_of(host, site, document.run.seed), document.run.seed)
        paths = map(catalogue.path, range(site.objects if "url" in looked_at else 1))
        left = _left(filters, host, methods.get(host) or site.methods, [*paths])
        before = sum(site.methods[method] for method in methods.get(host) or site.methods)
        rates[host] = rate * sum(site.methods[method] for method in left) / before
        if len(left) < len(site.methods):
            methods[host] = left
    kept = {host: rate for host, rate in rates.items() if rate > 0}
    if kept == dict(stream.rates):
        return stream
    between = 1.0 if stream.poisson else None
    return replace(stream, rates=kept, between=between, leaves=(), methods=methods)


def _left(filters: Filters, host: str, methods: Iterable[str], paths: list[str]) -> frozenset[str]:
    """The *methods* that may pass; Declination where that depends on the path."""
    left = set()
    for method in methods:
        denied = {
            filters.judge(Request(method, "http", host, 80, path), 0.0).denied for path in paths
        }
        if len(denied) > 1:
            raise Declination(f"filters let only some of {host} pass: no formula")
        if denied == {False}:
            left.add(method)
    return frozenset(left)


def _conditions(rule: Rule) -> Iterator[str]:
    for found in (rule.deny, rule.redirect, rule.allow, rule.log):
        if found is not None:
            yield from found.model_fields_set
