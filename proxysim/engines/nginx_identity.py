"""Who is believed about clients, and what is told of them and of servers, in nginx.

Source: nginx.org, ngx_http_realip_module, ngx_http_proxy_module.
"""

from __future__ import annotations

from collections.abc import Iterator

from proxysim.engines.configuration import Draft
from proxysim.engines.subject import Subject, hidden_fields, servers_in_locations
from proxysim.scenario.nodes import ReverseProxy

__all__ = ["forwarding_maps", "identity", "trusted"]

_NOTHING = '""'


def trusted(subject: Subject[ReverseProxy], draft: Draft) -> Iterator[str]:
    """Whom to believe, in http."""
    believed = subject.node.trusted
    if believed is None:
        return
    if believed.field == "forwarded":
        draft.lacks("nginx does not read Forwarded: nobody is believed about clients.")
        return
    if believed.addresses is not None:
        for written in believed.addresses:
            for network in subject.networks(written):
                yield f"set_real_ip_from {network};"
        yield "real_ip_recursive on;"
        if believed.hops is not None:
            draft.lacks(f"nginx does not count trusted proxies (hops: {believed.hops}).")
    elif believed.hops == 1:
        yield "set_real_ip_from 0.0.0.0/0;"
        yield "set_real_ip_from ::/0;"
    else:
        draft.lacks(
            f"nginx does not count trusted proxies (hops: {believed.hops}): nobody is believed."
        )
        return
    yield "real_ip_header X-Forwarded-For;"


def forwarding_maps(subject: Subject[ReverseProxy]) -> Iterator[str]:
    """The variables, in http, of which :func:`identity` makes fields."""
    via = f"1.1 {subject.name}"
    yield f'map $http_via $via {{ default "$http_via, {via}"; "" "{via}"; }}'
    fields = subject.node.forwarded or "x-forwarded-for"
    if fields in ("x-forwarded-for", "both"):
        yield (
            'map $http_x_forwarded_for $told_for { default "$http_x_forwarded_for,'
            ' $realip_remote_addr"; "" $realip_remote_addr; }'
        )
    if fields in ("forwarded", "both"):
        yield (
            "map $realip_remote_addr $node { default unknown;"
            ' ~^[0-9.]+$ $realip_remote_addr; ~:  "\\"[$realip_remote_addr]\\""; }'
        )
        yield (
            'map $http_forwarded $told { default "$http_forwarded, for=$node;host=$host;'
            'proto=$scheme"; "" "for=$node;host=$host;proto=$scheme"; }'
        )


def identity(subject: Subject[ReverseProxy], draft: Draft) -> Iterator[str]:
    """What servers are told of clients, and clients of servers, in a location."""
    node = subject.node
    fields = node.forwarded or "x-forwarded-for"
    many, one = fields in ("x-forwarded-for", "both"), fields in ("forwarded", "both")
    yield f"proxy_set_header X-Forwarded-For {'$told_for' if many else _NOTHING};"
    yield f"proxy_set_header X-Forwarded-Proto {'$scheme' if many else _NOTHING};"
    yield f"proxy_set_header X-Forwarded-Host {'$host' if many else _NOTHING};"
    yield f"proxy_set_header X-Forwarded-Port {_NOTHING};"
    yield f"proxy_set_header Forwarded {'$told' if one else _NOTHING};"
    yield "proxy_set_header Via $via;"
    if node.hide is False:
        yield "proxy_pass_header Server;"
        yield "proxy_redirect off;"
        return
    hidden = hidden_fields(subject, draft)
    yield from (f"proxy_hide_header {name};" for name in hidden)
    yield f"proxy_redirect ~{servers_in_locations(subject)} /$1;"
    draft.differs("Answers say Server: nginx; cookies for a domain of the servers' keep it.")
