"""Who answers for whom: the members of groups, what stands behind a proxy, the fronts of sites."""

from __future__ import annotations

import re

from proxysim.scenario.document import Document
from proxysim.scenario.nodes import Clients, Node, ReverseProxy, Server

__all__ = ["behind", "fronts", "group_of", "member_of", "members"]


def members(name: str, node: Node) -> list[str]:
    """shop-1 to shop-4; what there is one of keeps its name, but for clients."""
    if isinstance(node, Clients) or (isinstance(node, Server) and node.count > 1):
        return [f"{name}-{number}" for number in range(1, node.count + 1)]
    return [name]


def member_of(name: str, document: Document) -> str | None:
    """The group that *name* is a numbered member of; None where there is no such."""
    group, _, number = name.rpartition("-")
    node = document.nodes.get(group)
    if isinstance(node, Clients | Server) and re.fullmatch("[1-9][0-9]{0,6}", number):
        numbered = isinstance(node, Clients) or node.count > 1
        return group if numbered and int(number) <= node.count else None
    return None


def group_of(name: str, document: Document) -> str | None:
    """The node that *name* is, or is a member of; None where there is no such."""
    return name if name in document.nodes else member_of(name, document)


def behind(document: Document) -> set[str]:
    """All that is a backend of some reverse proxy."""
    return {
        backend
        for node in document.nodes.values()
        if isinstance(node, ReverseProxy)
        for backend in node.backend_names
    }


def fronts(document: Document, site: str) -> list[str]:
    """The nodes that *site*'s name leads to.

    The reverse proxies that claim it and stand behind no other; where there are none, the server
    groups that list it, whose members share it as by DNS.
    """
    hidden = behind(document)
    proxies = [
        name
        for name, node in document.nodes.items()
        if isinstance(node, ReverseProxy) and site in node.sites and name not in hidden
    ]
    return proxies or [
        name
        for name, node in document.nodes.items()
        if isinstance(node, Server) and site in node.sites
    ]
